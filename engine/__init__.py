"""The back-test engine: market data, rules, broker, runner, results and reports.

Nothing in here knows what an alpha is. Signals, strategies and providers are handed in.
"""
