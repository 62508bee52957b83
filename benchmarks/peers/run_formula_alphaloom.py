"""Alphaloom's formulas through the public functions, on the fields of the market as they are."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

# this checkout, whatever else is installed
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from run_formula_peer import FIELDS, arguments, timed

from alpha_sources.formula import Formula, FormulaError, SessionStream, evaluate_stream, parse
from alpha_sources.formula._plan import Plan
from alpha_sources.formula.evaluator import checked_dtype, evaluate_last
from alpha_sources.formula.panel_fields import PanelFields
from alpha_sources.libraries import Library, load_library
from alphaloom import load_panel
from engine.market import MarketPanel
from engine.market.view import MarketView

_PICKLE = "alphaloom.pickle"
_OWN = {
    "ts_mean": "ts_mean(close, 20)",
    "ts_std": "ts_std(returns, 20)",
    "ts_rank": "ts_rank(close, 10)",
    "ts_argmax": "ts_argmax(close, 20)",
    "decay_linear": "decay_linear(delta(close, 1), 10)",
    "rank": "rank(close)",
    "zscore": "zscore(returns)",
    "ts_corr": "ts_corr(close, volume, 20)",
}
_OF_ALPHA101 = (1, 2, 3, 4, 6, 12, 13, 40, 44, 101)
SETS = ("eighteen", "alpha158", "alpha101", "last_session", "next_session")
#: formulas among which `evaluate_stream` computes common parts once
_BLOCK = 32
#: sessions that a stream is advanced by in a run, or as many as there are beyond the look-back
_ADVANCED = 60


def main() -> None:
    parser = arguments()
    parser.add_argument("--set", choices=SETS, default="eighteen", dest="what")
    parser.add_argument("--prepare", action="store_true")
    options = parser.parse_args()
    if options.prepare:
        prepare(options.folder)
        return
    with (options.folder / _PICKLE).open("rb") as stored:
        panel: MarketPanel = pickle.load(stored)
    view = panel.view(len(panel.dates) - 1)
    formulas = formulas_of(options.what, view)
    if options.answers:
        values = evaluate_stream(formulas.values(), view, options.dtype)
        np.savez(options.answers, **dict(zip(formulas, (v for _, v in values), strict=True)))
        return
    fitting = without_overflow(list(formulas.values()), view, options.dtype)
    print(json.dumps(measured(options.what, fitting, view, options.dtype, options.repeat)))


def prepare(folder: Path) -> None:
    """Make the market; without adjustment, since peers are given none."""
    import pandas as pd

    dates, symbols = np.load(folder / "dates.npy"), np.load(folder / "symbols.npy")
    columns = {name: np.load(folder / f"{name}.npy").ravel() for name in (*FIELDS, "amount")}
    date = np.repeat(dates.astype("datetime64[s]"), len(symbols))
    symbol = pd.Categorical.from_codes(np.tile(np.arange(len(symbols)), len(dates)), categories=symbols)
    panel = load_panel(pd.DataFrame({"date": date, "symbol": symbol, **columns}))
    kept = {name: panel.fields[name] for name in (*FIELDS, "amount", "vwap")}
    industries = np.array([f"industry {n % 28}" for n in range(len(symbols))])
    plain = replace(
        panel,
        fields=kept,
        instruments=replace(panel.instruments, industries=industries),
        actions=type(panel.actions).empty(),
    )
    with (folder / _PICKLE).open("wb") as out:
        pickle.dump(plain, out, protocol=pickle.HIGHEST_PROTOCOL)


def formulas_of(what: str, view: MarketView) -> dict[str, Formula]:
    """Return the formulas of a set that the fields of a view can compute."""
    if what == "eighteen":
        library = load_library("alpha101")
        listed = {f"alpha{n:03d}": library.entry(f"alpha{n:03d}").parsed for n in _OF_ALPHA101}
        return {name: parse(text) for name, text in _OWN.items()} | listed
    return _computable(load_library("alpha101" if what == "alpha101" else "alpha158"), view)


def _computable(library: Library, view: MarketView) -> dict[str, Formula]:
    known = {*view.field_names, "returns", "industry", "board"}
    return {e.name: e.parsed for e in library if e.computable and known.issuperset(e.parsed.fields)}


def without_overflow(formulas: list[Formula], view: MarketView, dtype: str) -> list[Formula]:
    """Return the formulas that float32 is large enough for, where that is asked for."""
    while dtype == "float32":
        try:
            drain(evaluate_stream(formulas, view, dtype, block=_BLOCK))
            break
        except FormulaError as problem:
            formulas = [formula for formula in formulas if formula.text != problem.text]
    return formulas


def measured(
    what: str, formulas: list[Formula], view: MarketView, dtype: str, repeat: int
) -> dict[str, float]:
    """Time a set; one session also beside all sessions, and beside those that are looked back on."""
    drain(evaluate_stream(formulas, short(view, 300), dtype, block=_BLOCK))
    if what not in ("last_session", "next_session"):
        spent = timed(lambda: drain(evaluate_stream(formulas, view, dtype, block=_BLOCK)), repeat)
        return {**spent, "formulas": len(formulas), "saved": saved(formulas, view)}
    reach = max(f.root.lookback + f.root.burn_in for f in formulas) + 1
    one = next_session if what == "next_session" else last_session
    spent = one(formulas, view, dtype, max(repeat, 3), reach)
    back = tail(view, reach)
    look_back = timed(lambda: drain(evaluate_stream(formulas, back, dtype, block=_BLOCK)), max(repeat, 3))
    full = timed(lambda: drain(evaluate_stream(formulas, view, dtype, block=_BLOCK)), 1)
    return {
        **spent,
        "formulas": len(formulas),
        "look_back": reach,
        "share_of_look_back": spent["seconds"] / look_back["seconds"],
        "share_of_all_sessions": spent["seconds"] / full["seconds"],
    }


def last_session(
    formulas: list[Formula], view: MarketView, dtype: str, repeat: int, reach: int
) -> dict[str, float]:
    """Time a session of which nothing is remembered."""
    evaluate_last(formulas, view, dtype)
    return timed(lambda: void(evaluate_last(formulas, view, dtype)), repeat)


def next_session(
    formulas: list[Formula], view: MarketView, dtype: str, repeat: int, reach: int
) -> dict[str, float]:
    """Time a session of a stream that has seen the one before: the mean of many in a row."""
    count = min(_ADVANCED, len(view) - reach)
    if count < 1:
        raise SystemExit(f"next_session looks back {reach} sessions and needs more than those")
    first = len(view) - count
    streams: list[SessionStream] = []

    def begin() -> None:
        streams[:] = [SessionStream(formulas, dtype)]
        streams[0].advance(view.view(first - 1))

    def go_on() -> None:
        for row in range(first, len(view)):
            streams[0].advance(view.view(row))

    begin()
    go_on()
    streams.clear()
    spent = timed(go_on, repeat, begin)
    return {**spent, "seconds": spent["seconds"] / count}


def saved(formulas: list[Formula], view: MarketView) -> float:
    """Return the share of operations that common subexpressions save, block by block."""
    nearly_none = short(view, 2)

    def operations(some: list[Formula]) -> int:
        plan = Plan([f.root for f in some], PanelFields(nearly_none, checked_dtype("float64")).schema, 1, 1)
        return sum(bool(step.needs) for step in plan.steps.values())

    together = sum(operations(formulas[i : i + _BLOCK]) for i in range(0, len(formulas), _BLOCK))
    return 1.0 - together / sum(operations([formula]) for formula in formulas)


def short(view: MarketView, rows: int) -> MarketView:
    """Return the first rows of a view."""
    return view._panel.view(min(rows, len(view)) - 1)


def tail(view: MarketView, rows: int) -> MarketView:
    """Return the last rows of a view as a market of their own."""
    panel = view._panel
    first = max(0, len(view) - rows)
    cut = replace(
        panel,
        dates=panel.dates[first:],
        fields={name: values[first:] for name, values in panel.fields.items()},
        universe=panel.universe[first:],
        universe_known=panel.universe_known[first:],
    )
    return cut.view(len(view) - 1 - first)


def drain(values: Iterable[Any]) -> None:
    for _ in values:
        pass


def void(_values: Any) -> None:
    pass


if __name__ == "__main__":
    main()
