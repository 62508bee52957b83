"""Session after session a formula is worth what it is worth on its own, whatever was asked before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from formula_generator import random_formulas
from formula_markets import market
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_sources.formula import Formula, FormulaError, SessionStream, evaluate, evaluator, parse
from alpha_sources.formula import session_stream as module
from alpha_sources.formula._session import Session
from alpha_sources.formula.context import Buffers, Panel
from alpha_sources.formula.evaluator import evaluate_last
from alpha_sources.formula.panel_fields import PanelFields
from alpha_sources.libraries import load_library
from engine.market.panel import MarketPanel

T = 150
#: all that is known of a session is looked back on from the last thirty
SHORT = [f for f in random_formulas(200, seed=5, depth=4) if f.lookback < T - 30]
TEXTS = [
    "ts_mean(close, 20) / ts_mean(close, 5) + ts_std(close, 20)",
    "ts_mean(rank(delta(volume, 2)), 6)",
    "ts_corr(close, volume, 9) - ts_corr(close, volume, 4)",
    "ts_max(high, 12) - ts_min(low, 12) + ts_argmax(high, 12)",
    "ts_slope(log(close), 8) + ts_resid(index_close, 8)",
    "ts_median(ts_mean(returns, 3), 7)",
    "group_rank(ts_sum(amount, 5), industry)",
    "ts_mean(ema(close, 3), 4) - ema(close, 3)",
    "ts_count(group_neutralize(returns, industry) > 0, 10)",
]


@lru_cache(maxsize=1)
def panel() -> MarketPanel:
    return market(T)


@lru_cache(maxsize=1)
def alone() -> np.ndarray:
    """Every formula on its own session, by the evaluator of all rows."""
    formulas = [parse(text) for text in TEXTS]
    return np.stack([evaluate(formulas, panel().view(t), start=t)[:, 0] for t in range(T)])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the sessions that were evaluated from the start."""
    rows: list[int] = []

    class Counted(Session):
        def __init__(self, formulas: list[Formula], fields: object, *, goes_on: bool) -> None:
            rows.append(fields.rows)  # type: ignore[attr-defined]
            super().__init__(formulas, fields, goes_on=goes_on)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Session", Counted)
    return rows


def test_it_goes_from_session_to_session_without_beginning_anew(made: list[int]) -> None:
    stream = SessionStream(TEXTS)
    reach = max(parse(text).lookback for text in TEXTS)
    for t in range(reach - 2, T):
        np.testing.assert_array_equal(stream.advance(panel().view(t)), alone()[t])
    # as long as there are fewer sessions than are looked back on, each adds a row
    assert made == [reach - 1, reach, reach + 1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_random_formulas_are_worth_what_the_evaluator_of_all_rows_says(made: list[int], dtype: str) -> None:
    formulas, view = [], panel().view(T - 1)
    for formula in SHORT:
        try:
            evaluate(formula, view, dtype, start=T - 4)
        except FormulaError:
            assert dtype == "float32"
            continue
        formulas.append(formula)
    assert len(formulas) > 100 and any(formula.unbounded for formula in formulas)
    stream = SessionStream(formulas, dtype)
    for t in range(T - 4, T):
        view = panel().view(t)
        expected = evaluate(formulas, view, dtype, start=t)[:, 0]
        found = stream.advance(view)
        assert found.dtype == expected.dtype == np.dtype(dtype)
        for formula, row, one in zip(formulas, expected, found, strict=True):
            np.testing.assert_array_equal(one, row, err_msg=str(formula))
        np.testing.assert_array_equal(evaluate_last(formulas, view, dtype), expected)
    assert len(made) == 1


def test_a_library_is_worth_the_same(made: list[int]) -> None:
    formulas = [entry.parsed for entry in load_library("alpha158") if entry.computable]
    whole = evaluate(formulas, panel().view(T - 1))
    stream = SessionStream(formulas)
    for t in range(61, T, 1):
        np.testing.assert_array_equal(stream.advance(panel().view(t)), whole[:, t])
    assert made == [62]


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(st.one_of(st.integers(0, T - 1), st.none()), min_size=2, max_size=12))
def test_what_was_asked_before_makes_no_difference(rows: list[int | None]) -> None:
    stream, t = SessionStream(TEXTS), 100
    for row in rows:
        # None is the session after
        t = min(t + 1, T - 1) if row is None else row
        np.testing.assert_array_equal(stream.advance(panel().view(t)), alone()[t])


def copied(one: MarketPanel) -> MarketPanel:
    return replace(
        one,
        dates=one.dates.copy(),
        fields={name: values.copy() for name, values in one.fields.items()},
        universe=one.universe.copy(),
        indices={s: {n: v.copy() for n, v in bars.items()} for s, bars in one.indices.items()},
    )


def test_a_market_that_was_read_anew_is_gone_on_with_if_its_numbers_are_the_same(made: list[int]) -> None:
    stream = SessionStream(TEXTS)
    for t in range(T - 6, T):
        np.testing.assert_array_equal(stream.advance(copied(panel()).view(t)), alone()[t])
    assert len(made) == 1


def test_windows_of_the_market_are_gone_on_with(made: list[int]) -> None:
    reach = max(parse(text).lookback for text in TEXTS)
    stream = SessionStream(TEXTS)
    for t in range(T - 6, T):
        np.testing.assert_array_equal(stream.advance(panel().view(t).window(reach + 1)), alone()[t])
    assert len(made) == 1


def changed(name: str, row: int) -> Callable[[MarketPanel], MarketPanel]:
    def change(one: MarketPanel) -> MarketPanel:
        values = one.fields[name].copy()
        # far enough for an extreme or a median to notice
        values[row] *= np.linspace(-2.0, 2.0, values.shape[1])
        return replace(one, fields={**one.fields, name: values})

    return change


def other_members(one: MarketPanel) -> MarketPanel:
    universe = one.universe.copy()
    universe[T - 4] = ~universe[T - 4]
    return replace(one, universe=universe)


def other_index(one: MarketPanel) -> MarketPanel:
    bars = {name: values.copy() for name, values in one.indices["000300.SH"].items()}
    bars["close"][T - 4] *= 1.01
    return replace(one, indices={"000300.SH": bars})


def other_industries(one: MarketPanel) -> MarketPanel:
    instruments = replace(one.instruments, industries=np.roll(one.instruments.industries, 1))
    return replace(one, instruments=instruments)


def other_day(one: MarketPanel) -> MarketPanel:
    dates = one.dates.copy()
    dates[: T - 3] -= np.timedelta64(21, "D")
    return replace(one, dates=dates)


@pytest.mark.parametrize(
    "change",
    [
        *(
            changed(name, T - 4)
            for name in ("close", "volume", "adj_factor", "share_factor", "returns", "low")
        ),
        changed("close", T - 20),
        other_members,
        other_index,
        other_industries,
        other_day,
    ],
)
def test_a_market_with_another_past_is_evaluated_anew(
    change: Callable[[MarketPanel], MarketPanel], made: list[int]
) -> None:
    stream, other = SessionStream(TEXTS), change(panel())
    stream.advance(panel().view(T - 2))
    found = stream.advance(other.view(T - 1))
    formulas = [parse(text) for text in TEXTS]
    np.testing.assert_array_equal(found, evaluate(formulas, other.view(T - 1), start=T - 1)[:, 0])
    assert not np.array_equal(found, alone()[T - 1], equal_nan=True)
    assert len(made) == 2


def test_other_names_are_another_market(made: list[int]) -> None:
    stream = SessionStream(TEXTS)
    stream.advance(panel().view(T - 2))
    few = market(T, names=9, seed=3)
    assert stream.advance(few.view(T - 1)).shape == (len(TEXTS), 9)
    renamed = replace(few, symbols=few.symbols[::-1].copy())
    stream.advance(renamed.view(T - 1))
    assert len(made) == 3


def test_an_error_is_that_of_the_evaluator_and_is_got_over(made: list[int]) -> None:
    one = panel()
    large = one.fields["market_cap"].copy()
    large[T - 2] *= 1e20
    burst = replace(one, fields={**one.fields, "market_cap": large})
    texts = ["rank(close)", "market_cap * market_cap", "ts_mean(close, 5)"]
    stream = SessionStream(texts, "float32")
    stream.advance(burst.view(T - 3))
    with pytest.raises(FormulaError, match="float32 is too small for what mul yields") as refused:
        stream.advance(burst.view(T - 2))
    assert texts[1] in str(refused.value)
    np.testing.assert_array_equal(
        stream.advance(burst.view(T - 1)), evaluate(texts, burst.view(T - 1), "float32", start=T - 1)[:, 0]
    )
    with pytest.raises(FormulaError, match="close_of_tomorrow"):
        SessionStream(["rank(close)", "close_of_tomorrow"]).advance(one.view(5))
    with pytest.raises(FormulaError, match="float64 or float32"):
        SessionStream("close", "float16")


def test_what_is_handed_out_is_the_callers_own_and_what_is_forgotten_is_made_anew(made: list[int]) -> None:
    stream = SessionStream(TEXTS)
    first = stream.advance(panel().view(T - 3))
    kept = first.copy()
    first[:] = 0.0
    second = stream.advance(panel().view(T - 2))
    np.testing.assert_array_equal(second, alone()[T - 2])
    np.testing.assert_array_equal(kept, alone()[T - 3])
    stream.forget()
    np.testing.assert_array_equal(stream.advance(panel().view(T - 1)), alone()[T - 1])
    assert len(made) == 2


def test_many_formulas_on_one_session_are_evaluated_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    view = panel().view(T - 1)
    together = evaluate_last(SHORT[:50], view)
    monkeypatch.setattr(evaluator, "AT_ONCE", 7)
    np.testing.assert_array_equal(evaluate_last(SHORT[:50], view), together)


def test_what_nobody_looks_back_on_any_more_is_used_again() -> None:
    class Counting(Buffers):
        made = 0

        def take(self, rows: int) -> Panel:
            idle, taken = self.idle, super().take(rows)
            self.made += rows > 1 and self.idle == idle
            return taken

    formulas = [entry.parsed for entry in load_library("alpha158") if entry.computable]
    made = []
    for goes_on in (True, False):
        fields = PanelFields(panel().view(T - 1), np.dtype(np.float64))
        fields.buffers = buffers = Counting(fields.stocks, fields.dtype)
        Session(formulas, fields, goes_on=goes_on)
        made.append(buffers.made)
    # a stream remembers them all
    assert 0 < made[1] < 0.6 * made[0]


def test_no_formula_has_no_value() -> None:
    assert SessionStream([]).advance(panel().view(3)).shape == (0, 12)
    assert evaluate_last([], panel().view(3)).shape == (0, 12)
