"""Symbols and the boards they trade on."""

from __future__ import annotations

import re
from enum import StrEnum

from engine.errors import DataError


class Board(StrEnum):
    """Board of the mainland exchanges; it decides price limits, lots and order caps."""

    MAIN = "main"
    CHINEXT = "chinext"
    STAR = "star"
    BSE = "bse"
    UNKNOWN = "unknown"


_SUFFIX = {
    "SH": "SH", "SS": "SH", "XSHG": "SH", "SSE": "SH",
    "SZ": "SZ", "XSHE": "SZ", "SZSE": "SZ",
    "BJ": "BJ", "BSE": "BJ", "XBSE": "BJ",
}  # fmt: skip

_SPELLINGS = (
    re.compile(r"^(?P<code>\d{6})\.(?P<exchange>[A-Z]{2,4})$"),
    re.compile(r"^(?P<exchange>SH|SZ|BJ)[._]?(?P<code>\d{6})$"),
    re.compile(r"^(?P<code>\d{6})$"),
)


def parse_symbol(text: str) -> str:
    """Return the house spelling (``600519.SH``) of a stock code in any common spelling.

    Understands ``600519.SH``, ``SH600519``, ``sh.600519``, ``600519.XSHG``, ``600519.SS`` and a bare
    ``600519``, whose exchange follows from the code.

    Raises
    ------
    DataError
        If the text is no six-digit stock code.
    """
    raw = str(text).strip().upper()
    for pattern in _SPELLINGS:
        match = pattern.match(raw)
        if match is None:
            continue
        code = match["code"]
        exchange = match.groupdict().get("exchange")
        suffix = _SUFFIX.get(exchange) if exchange else exchange_of(code)
        if suffix is not None:
            return f"{code}.{suffix}"
    raise DataError(f"{text!r} is no A-share symbol; write it like 600519.SH, SH600519 or 600519")


def exchange_of(code: str) -> str:
    """Return ``SH``, ``SZ`` or ``BJ`` for a bare six-digit stock code."""
    if code.startswith("920") or code[0] in "48":
        return "BJ"
    return "SH" if code[0] in "569" else "SZ"


def board_of(symbol: str) -> Board:
    """Return the board of a symbol in the house spelling, from its code alone."""
    code, _, exchange = symbol.partition(".")
    if exchange == "BJ":
        return Board.BSE if code.startswith(("43", "83", "87", "920")) else Board.UNKNOWN
    if exchange == "SH":
        if code.startswith(("688", "689")):
            return Board.STAR
        return Board.MAIN if code.startswith("60") else Board.UNKNOWN
    if exchange == "SZ":
        if code.startswith(("300", "301", "302")):
            return Board.CHINEXT
        return Board.MAIN if code.startswith(("000", "001", "002", "003")) else Board.UNKNOWN
    return Board.UNKNOWN
