"""Positions at a close, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import mul
from typing import Any, NamedTuple

from engine.broker.account import Lots


class Marks(NamedTuple):
    """The positions at one close; the lists run in parallel."""

    symbols: list[str]
    shares: list[int]
    sellable: list[int]
    closes_fen: Sequence[float]
    values_fen: list[int]


def mark(lots: Mapping[str, Lots], closes_fen: Sequence[float], day: int, whole: bool = True) -> Marks:
    """Value lots at the closes of `day` (fen, in the order of `lots`), in whole fen unless told otherwise."""
    each = lots.values()
    shares = [own[0].shares if len(own) == 1 else sum([lot.shares for lot in own]) for own in each]
    sellable = shares.copy()
    for i, own in enumerate(each):
        if own[-1].day >= day:
            sellable[i] = sum([lot.shares for lot in own if lot.day < day])
    return Marks(list(lots), shares, sellable, closes_fen, values_of(closes_fen, shares, whole))


def values_of(closes_fen: Sequence[float], shares: Sequence[int], whole: bool) -> list[Any]:
    """What positions are worth, in `whole` fen or exactly."""
    values: list[Any] = list(map(mul, closes_fen, shares))
    if whole and float in set(map(type, closes_fen)):
        return [value if isinstance(value, int) else int(value + 0.5) for value in values]
    return values
