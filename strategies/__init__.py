"""Strategies: the Top-k/Drop-n of the house and what it is compared with."""
