"""How the vendors spell a symbol."""

from __future__ import annotations

import re

#: ``sh600519``, as Tencent and Sina write it
_PREFIXED = re.compile(r"(sh|sz|bj)([0-9]{6})", re.ASCII)


def prefixed(symbol: str) -> str:
    """``sh600519`` of ``600519.SH``."""
    code, _, exchange = symbol.partition(".")
    return exchange.lower() + code


def from_prefixed(text: str) -> str | None:
    """``600519.SH`` of ``sh600519``; None for anything else."""
    match = _PREFIXED.fullmatch(text)
    return f"{match[2]}.{match[1].upper()}" if match else None


def eastmoney_id(symbol: str) -> str:
    """``1.600519`` of ``600519.SH``; Shenzhen and Beijing share market 0."""
    code, _, exchange = symbol.partition(".")
    return f"{1 if exchange == 'SH' else 0}.{code}"
