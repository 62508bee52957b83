"""What the measures of a report mean, in a sentence each."""

DEFINITIONS = {
    "Total return": "Equity at the last close over the starting cash, minus one; after all costs.",
    "Excess return": "Total return minus the benchmark's total return.",
    "Annual return": "Geometric, at 252 sessions a year.",
    "Volatility": "Standard deviation of daily returns (ddof 1) × √252.",
    "Sharpe": "Mean over standard deviation of daily returns × √252; risk-free rate 0.",
    "Sortino": "As Sharpe, over the root mean square of the negative daily returns.",
    "Calmar": "Annual return over the depth of the deepest drawdown.",
    "Max drawdown": "Deepest fall of equity below its highest close so far.",
    "Information ratio": "Mean over standard deviation of daily differences to the benchmark × √252.",
    "Beta": "Covariance of daily returns with the benchmark's over its variance.",
    "Win rate": "Closed round trips with a profit after costs, taxes and with dividends.",
    "Turnover": "(Buys + sells) ÷ 2 ÷ equity of the session before; a year: mean × 252.",
    "Rank IC": (
        "Spearman correlation, per session, of the scores used at close t with the return from open t+1 to "
        "open t+2; members of the universe only."
    ),
    "ICIR": "Mean over standard deviation of the rank IC; not annualised.",
    "Costs": (
        "Commission, stamp duty and transfer fee. Slippage lies in the fill prices and is shown beside them."
    ),
}
