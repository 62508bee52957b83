"""Matching and accounting: the account as a value, pure steps, and the backtrader broker around them."""
