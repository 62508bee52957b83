"""Aliases of stocks and indices, numbered in an order that only the salt knows."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable


def numbered(letter: str, symbols: Iterable[str], salt: str, digits: int) -> dict[str, str]:
    """Return an alias for each symbol, such as ``S001``; the same in any order they are given.

    Parameters
    ----------
    letter : str
    symbols : iterable of str
    salt : str
    digits : int
        At least so many.
    """
    drawn = sorted(set(symbols), key=lambda symbol: (_keyed(salt, symbol), symbol))
    width = max(digits, len(str(len(drawn))))
    return {symbol: f"{letter}{n:0{width}d}" for n, symbol in enumerate(drawn, start=1)}


def unlisted(symbol: str, salt: str) -> str:
    """Return an alias for a code that is not among the stocks of the run, such as ``UQ4T7AB``."""
    return "U" + base64.b32encode(_keyed(salt, symbol)).decode()[:6]


def _keyed(salt: str, symbol: str) -> bytes:
    return hmac.new(salt.encode(), symbol.encode(), hashlib.sha256).digest()
