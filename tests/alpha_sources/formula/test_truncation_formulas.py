"""No formula sees the future, and no value depends on where the data begin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from formula_generator import example, random_formulas
from formula_markets import beginning_at, beginning_at_with_own_calendar, market, with_noise_after

from alpha_sources.formula.context import Context, Panel
from alpha_sources.formula.evaluator import evaluate
from alpha_sources.formula.formula import Formula, parse
from alpha_sources.formula.kernels import rolling
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operators import ALL
from engine.market.panel import MarketPanel

T = 640
ROW = 400
FORMULAS = random_formulas(200)
EXAMPLES = [example(operator) for operator in ALL if operator.result is not Kind.GROUP]


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return market(T)


def values(formulas: list[Formula], panel: MarketPanel) -> np.ndarray:
    return evaluate(formulas, panel.view(len(panel.dates) - 1))


def differs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which formulas of (A, T, N) differ anywhere."""
    return np.array([not np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True)])


def sees_the_future(formulas: list[Formula], panel: MarketPanel) -> list[str]:
    whole = values(formulas, panel)[:, : ROW + 1]
    noisy = values(formulas, with_noise_after(panel, ROW))[:, : ROW + 1]
    short = values(formulas, panel.truncate(ROW))
    viewed = evaluate(formulas, panel.view(ROW))
    found = differs(whole, noisy) | differs(whole, short) | differs(whole, viewed)
    return [str(formula) for formula, bad in zip(formulas, found, strict=True) if bad]


@pytest.mark.parametrize("formulas", [FORMULAS, EXAMPLES], ids=["random", "every operator"])
def test_what_comes_after_changes_nothing(formulas: list[Formula], panel: MarketPanel) -> None:
    assert sees_the_future(formulas, panel) == []


def test_most_formulas_of_the_test_have_values(panel: MarketPanel) -> None:
    finite = np.isfinite(values(FORMULAS, panel)[:, ROW]).any(axis=1)
    assert finite.mean() > 0.7, [str(f) for f, ok in zip(FORMULAS, finite, strict=True) if not ok]


def _ahead(context: Context, x: Panel, n: int) -> Panel:
    out = context.new()
    out[-n:] = np.nan
    out[:-n] = x[n:]
    return out


def _whole_mean(context: Context, x: Panel, n: int) -> Panel:
    return np.broadcast_to(np.nanmean(x, axis=0), x.shape).copy()


@pytest.mark.parametrize("planted", [_ahead, _whole_mean])
def test_a_kernel_that_looks_ahead_is_found_out(
    planted: Callable[..., Panel], panel: MarketPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "delay", planted)
    assert sees_the_future(EXAMPLES, panel) != []


@pytest.mark.parametrize("formulas", [FORMULAS, EXAMPLES], ids=["random", "every operator"])
@pytest.mark.parametrize("start", [1, 29, 50])
def test_where_the_data_begin_changes_nothing(
    formulas: list[Formula], start: int, panel: MarketPanel
) -> None:
    whole = values(formulas, panel)
    later = values(formulas, beginning_at(panel, start))
    for formula, a, b in zip(formulas, whole, later, strict=True):
        # while a value is missing nothing is forgotten: twice the burn-in covers the gaps
        settled = start + formula.lookback + formula.burn_in
        a, b = a[settled:], b[settled - start :]
        if formula.unbounded:
            # book values never change here: what an oscillator of them holds is rounding
            if "bvps_mrq" in formula.fields:
                continue
            # the difference of two averages cancels: relative to its size
            size = np.nanmax(np.abs(a), initial=0.0)
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9 * size, err_msg=str(formula))
        else:
            np.testing.assert_array_equal(b, a, err_msg=str(formula))


@pytest.mark.parametrize("text", ["ema(close, 12)", "sma(close, 10, 1)", "ema(close, 5) / close"])
def test_an_average_without_bounds_forgets_where_it_began(text: str, panel: MarketPanel) -> None:
    formula = parse(text)
    settled = 29 + formula.lookback
    whole, later = values([formula], panel)[0], values([formula], beginning_at(panel, 29))[0]
    # a name without gaps: where a value is missing, nothing is forgotten
    complete = np.isfinite(whole).all(axis=0)
    assert formula.unbounded and complete.any() and settled < T
    np.testing.assert_allclose(later[settled - 29 :, complete], whole[settled:, complete], rtol=1e-12, atol=0)


def test_whose_calendar_it_is_changes_nothing(panel: MarketPanel) -> None:
    formulas = [f for f in [*EXAMPLES, *FORMULAS] if not f.unbounded]
    whole, later = values(formulas, panel), values(formulas, beginning_at_with_own_calendar(panel, 29))
    for formula, a, b in zip(formulas, whole, later, strict=True):
        np.testing.assert_array_equal(b[formula.lookback :], a[29 + formula.lookback :], err_msg=str(formula))
