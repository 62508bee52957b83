"""What the bars of a store come to on the grid of a panel, however it was built."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from engine.market.calendar import Dates
from engine.market.grid import Bools, Floats
from engine.market.special import SpecialSession
from engine.market.store.files import StoreError
from engine.market.store.folder import StoreReader

#: CNY; what is stored was judged on it when it arrived
TICK = 0.01
#: fields that a file's panel has even where nothing is known of them
ALWAYS = frozenset(
    {
        "open", "high", "low", "close", "preclose", "volume", "amount", "vwap", "trading", "is_st",
        "adj_factor", "share_factor", "returns",
    }
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Built:
    """Bars on the grid.

    Parameters
    ----------
    fields : dict of str to (T, N) float array
    inside : (T, N) bool array
        From a name's first price to its last row.
    listed : (N,) datetime64[D] array
        First session of each name, stated or seen; NaT where neither is.
    special : tuple of SpecialSession
        Ascending.
    """

    fields: dict[str, Floats]
    inside: Bools
    listed: Dates
    special: tuple[SpecialSession, ...]


def delivered(fields: dict[str, Floats], told: Collection[str]) -> dict[str, Floats]:
    """Leave out fields that only some sources deliver, and nobody did; `told` are those of which a cell is.

    A suspended session has a turnover of zero, whether or not anybody delivers it: that one does not count.
    """
    unknown = set(fields) - set(told) - ALWAYS
    if "turnover" in unknown:
        unknown.add("market_cap")
    return {name: values for name, values in fields.items() if name not in unknown}


def stored_twice(reader: StoreReader) -> StoreError:
    """Say that rows of the store fall on one cell, or on none."""
    return StoreError(f"{reader.folder} holds a bar twice; run alphaloom data verify, which says which one")
