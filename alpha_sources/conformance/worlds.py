"""The same market with something changed, so that what depends on the change shows.

Pure functions from panel to panel. Random numbers come from a seed that is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Flag, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market.board import board_of
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: share of columns that a change of presence, or a gap, concerns
_SHARE = 0.25
#: sessions of a gap, the last of them the one that is scored
_GAP = 3
#: standard deviation over names of a steady drift, in logarithms a session
_DRIFT = 0.005


class Part(Flag):
    """What of the future is changed."""

    #: the numbers of names that are there
    VALUES = auto()
    #: which names are there, and which are members
    PRESENCE = auto()
    ALL = VALUES | PRESENCE


def disturbed(
    panel: MarketPanel,
    first: int,
    last: int,
    seed: int,
    *,
    part: Part = Part.ALL,
    columns: Bools | None = None,
    drifting: bool = False,
) -> MarketPanel:
    """Return the panel with noise in the rows `first` .. `last` and nothing else changed.

    Parameters
    ----------
    panel : MarketPanel
        The market.
    first, last : int
        Rows, both inclusive.
    seed : int
        Of the noise.
    part : Part
        Numbers, presence, or both.
    columns : (N,) bool array, optional
        Only these names; index values stay as they are then.
    drifting : bool
        Every name goes its own steady way instead of up and down: reversals are turned into trends.
    """
    random = np.random.default_rng(seed)
    rows = slice(first, last + 1)
    shape = (last + 1 - first, panel.shape[1])
    chosen = np.ones(shape[1], dtype=np.bool_) if columns is None else columns
    factor = np.exp(random.normal(0.0, 1.0, shape))
    axis = 1 if drifting else None
    if drifting:
        factor = np.exp(np.arange(1, shape[0] + 1)[:, None] * random.normal(0.0, _DRIFT, shape[1]))
    sign = random.choice([-1.0, 1.0], shape)
    leaving = _some(random, shape[1]) & chosen
    fields = {}
    for i, name in enumerate(sorted(panel.fields)):
        values = panel.fields[name].copy()
        block, flag = values[rows], _is_flag(values)
        if Part.VALUES in part:
            block[:, chosen] = _shaken(block, np.roll(factor, 7 * i + 1, axis), sign, flag)[:, chosen]
        if Part.PRESENCE in part and not flag:
            absent = np.isnan(block) & chosen
            block[:, leaving] = np.nan
            block[absent] = (_typical(values) * factor)[absent]
        fields[name] = values
    universe = panel.universe.copy()
    if Part.PRESENCE in part:
        universe[rows] ^= (random.random(shape) < _SHARE) & chosen
    indices: Mapping[str, Mapping[str, Array]] = panel.indices
    if Part.VALUES in part and columns is None:
        indices = {s: {n: _scaled(v, rows, factor[:, 0]) for n, v in b.items()} for s, b in indices.items()}
    return replace(panel, fields=fields, universe=universe, indices=indices)


def with_gaps(panel: MarketPanel, row: int, seed: int) -> MarketPanel:
    """Return the panel with some names' numbers missing on the last sessions up to `row`."""
    random = np.random.default_rng(seed)
    rows, chosen = slice(max(0, row + 1 - _GAP), row + 1), _some(random, panel.shape[1])
    fields = {}
    for name, values in panel.fields.items():
        gappy = values.copy()
        gappy[rows, chosen] = 0.0 if _is_flag(values) else np.nan
        fields[name] = gappy
    return replace(panel, fields=fields)


def without_gaps(panel: MarketPanel) -> MarketPanel:
    """Return the panel with a number in every cell."""
    return replace(panel, fields={name: _filled(values) for name, values in panel.fields.items()})


def exchanged(panel: MarketPanel) -> MarketPanel:
    """Return the panel with every name's numbers those of another name: a market as consistent as before."""
    names = panel.shape[1]
    shift = max(1, names // 2)
    if names == 1:
        return disturbed(panel, 0, panel.shape[0] - 1, 0, part=Part.VALUES)
    fields = {name: np.roll(values, shift, axis=1) for name, values in panel.fields.items()}
    return replace(panel, fields=fields)


def exchanged_whole(panel: MarketPanel) -> MarketPanel:
    """Return the panel with every name's numbers, membership, industry and board those of another name."""
    shift, known = max(1, panel.shape[1] // 2), panel.instruments
    places = np.roll(np.arange(panel.shape[1]), shift)
    return replace(
        exchanged(panel),
        universe=panel.universe[:, places],
        instruments=Instruments(
            known.names[places], known.industries[places], tuple(known.boards[place] for place in places)
        ),
    )


def between(panel: MarketPanel, first: int, last: int) -> MarketPanel:
    """Return a real copy of the rows `first` .. `last`, as if the data had begun there and ended there."""
    cut = panel.truncate(last)
    return replace(
        cut,
        dates=cut.dates[first:].copy(),
        fields={name: values[first:].copy() for name, values in cut.fields.items()},
        universe=cut.universe[first:].copy(),
        universe_known=cut.universe_known[first:].copy(),
        indices={s: {n: v[first:].copy() for n, v in bars.items()} for s, bars in cut.indices.items()},
        special_sessions=tuple(s for s in cut.special_sessions if _day(cut, first) <= s.day),
    )


def masked_before(panel: MarketPanel, first: int) -> MarketPanel:
    """Return the panel with nothing known of the rows before `first`, which are still there."""
    fields = {}
    for name, values in panel.fields.items():
        fields[name] = values.copy()
        fields[name][:first] = 0.0 if _is_flag(values) else np.nan
    return replace(panel, fields=fields)


def with_newcomer(panel: MarketPanel) -> tuple[MarketPanel, int]:
    """Return the panel with one more symbol, never a member and without data, and the column it takes."""
    known = set(map(str, panel.symbols)) | set(panel.aliases)
    codes = (f"{code:06d}.SZ" for code in range(1, 1_000_000))
    symbol = next(code for code in codes if code not in known)
    place = int(np.searchsorted(panel.symbols, symbol))
    names = np.insert(panel.symbols.astype(object), place, symbol).astype(np.str_)
    fields = {}
    for name, values in panel.fields.items():
        empty = 1.0 if name == "share_factor" else 0.0 if _is_flag(values) else np.nan
        fields[name] = np.insert(values, place, empty, axis=1)
    known_of = panel.instruments
    boards = (*known_of.boards[:place], board_of(symbol), *known_of.boards[place:])
    instruments = Instruments(
        np.insert(known_of.names.astype(object), place, "").astype(np.str_),
        np.insert(known_of.industries.astype(object), place, "").astype(np.str_),
        boards,
    )
    wider = replace(
        panel,
        symbols=names,
        fields=fields,
        universe=np.insert(panel.universe, place, False, axis=1),
        listed=np.insert(panel.listed, place, np.datetime64("NaT", "D")),
        instruments=instruments,
        actions=_moved(panel.actions, place),
        special_sessions=tuple(
            s._replace(column=s.column + (s.column >= place)) for s in panel.special_sessions
        ),
    )
    return wider, place


def _moved(actions: CorporateActions, place: int) -> CorporateActions:
    table: dict[Any, dict[int, CorporateAction]] = {}
    for session, column, action in actions.rows():
        table.setdefault(session, {})[column + (column >= place)] = action
    return CorporateActions.of(table)


def _day(panel: MarketPanel, row: int) -> int:
    return int(panel.dates[row].astype("datetime64[D]").astype(np.int64))


def _some(random: np.random.Generator, names: int) -> Bools:
    chosen: Bools = random.random(names) < _SHARE
    chosen[random.integers(names)] = True
    return chosen


def _is_flag(values: Array) -> bool:
    return bool(((values == 0.0) | (values == 1.0)).all())


def _shaken(block: Array, factor: Array, sign: Array, flag: bool) -> Array:
    if flag:
        return np.where(sign > 0, block, 1.0 - block)
    signed = bool((block < 0).any())
    out: Array = block * factor * (sign if signed else 1.0)
    return out


def _typical(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else 1.0


def _scaled(values: Array, rows: slice, factor: Array) -> Array:
    out = values.copy()
    out[rows] *= factor
    return out


def _filled(values: Array) -> Array:
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1), axis=0)
    out: Array = np.take_along_axis(values, last.clip(min=0), axis=0)
    first = np.where(known.any(axis=0), known.argmax(axis=0), 0)
    head = np.take_along_axis(values, first[None, :], axis=0)
    out = np.where(np.isfinite(out), out, head)
    return np.where(np.isfinite(out), out, _typical(values))
