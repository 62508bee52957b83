"""Answers of a line for each symbol, ``LABEL_sh600519="field,...";``, as Tencent and Sina write them."""

from __future__ import annotations

import re
from collections.abc import Callable

from live.feeds.feed import Quotes
from live.feeds.quote import LiveQuote, NotAQuote, Unreadable
from live.feeds.symbols import from_prefixed

_LINE = r'\b{label}_([a-z]{{2}}[0-9]{{6}})="([^"\n]*)(";)?'


def read_labelled(
    text: str,
    label: str,
    separator: str,
    source: str,
    quote: Callable[[list[str], str], LiveQuote],
    *,
    empty_is_unknown: bool = False,
) -> Quotes:
    """Read the lines of an answer.

    Parameters
    ----------
    text : str
    label, separator : str
        What a line begins with, and what stands between its fields.
    source : str
    quote : callable
        Reads the fields of a symbol, or raises `NotAQuote`.
    empty_is_unknown : bool
        A whole line without fields says that the vendor does not know the symbol, which is then left out.
    """
    out: dict[str, LiveQuote | Unreadable] = {}
    for match in re.finditer(_LINE.format(label=label), text, re.ASCII):
        symbol, whole = from_prefixed(match[1]), match[3] is not None
        if symbol is None or (empty_is_unknown and whole and not match[2]):
            continue
        found: LiveQuote | Unreadable
        try:
            if not whole:
                raise NotAQuote("the line is cut off")
            found = quote(match[2].split(separator), symbol)
        except NotAQuote as problem:
            found = Unreadable(symbol, str(problem), source)
        if out.setdefault(symbol, found) != found:  # nobody can tell which of them is meant
            out[symbol] = Unreadable(symbol, "two lines of it say different things", source)
    return out
