"""Evaluation on a market: scales, members, sharing, threads, precision, memory."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from formula_generator import random_formulas
from formula_markets import market

from alpha_sources.formula import FormulaError
from alpha_sources.formula._plan import Plan
from alpha_sources.formula.evaluator import check_output, evaluate, evaluate_last
from alpha_sources.formula.formula import parse
from alpha_sources.formula.panel_fields import PanelFields
from alpha_sources.formula.stream import evaluate_stream
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel
from engine.market.view import MarketView

FORMULAS = random_formulas(60, seed=5)


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return market()


@pytest.fixture(scope="module")
def view(panel: MarketPanel) -> MarketView:
    return panel.view(len(panel.dates) - 1)


def one(text: str, view: MarketView) -> np.ndarray:
    (values,) = evaluate(text, view)
    return values


def test_shape_and_dtype(view: MarketView) -> None:
    values = evaluate(["close", parse("rank(close)")], view)
    assert values.shape == (2, len(view), len(view.symbols)) and values.dtype == np.float64
    assert evaluate([], view).shape == (0, len(view), len(view.symbols))
    assert evaluate("close", view, dtype="float32").dtype == np.float32
    for dtype in ("int64", "mood"):
        with pytest.raises(FormulaError, match="float64 or float32"):
            evaluate("close", view, dtype=dtype)


@pytest.mark.parametrize("formulas", [None, 5, b"close", [None], ["close", 5]])
def test_what_is_no_formula_is_refused(formulas: object, view: MarketView) -> None:
    with pytest.raises(FormulaError, match="a formula is a text"):
        evaluate(formulas, view)  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match="a formula is a text"):
        list(evaluate_stream(formulas, view))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["close", "volume", "bvps_mrq", "amount", "vwap", "pe_ttm"])
def test_a_field_alone_is_what_was_recorded(name: str, view: MarketView) -> None:
    np.testing.assert_array_equal(one(name, view), view.field(name))


def test_windows_of_prices_stand_on_the_scale_of_their_last_session(view: MarketView) -> None:
    adjusted, factor = view.adjusted("close"), view.field("adj_factor")
    mean = pd.DataFrame(adjusted).rolling(20).mean().to_numpy() / factor
    np.testing.assert_allclose(one("ts_mean(close, 20)", view), mean, rtol=1e-9)
    spread = pd.DataFrame(adjusted).rolling(20).var().to_numpy() / factor**2
    np.testing.assert_allclose(one("ts_var(close, 20)", view), spread, rtol=1e-9)
    raw = pd.DataFrame(view.field("close")).rolling(20).mean().to_numpy()
    np.testing.assert_allclose(one("ts_mean(raw_close, 20)", view), raw, rtol=1e-9)


def test_windows_of_volumes_and_figures_per_share_follow_bonus_issues(view: MarketView) -> None:
    shares = view.field("share_factor")
    volume = pd.DataFrame(view.field("volume") / shares).rolling(10).mean().to_numpy() * shares
    np.testing.assert_allclose(one("ts_mean(volume, 10)", view), volume, rtol=1e-9)
    # book value did not change, but for its shares: no bonus issue looks like a loss
    change = one("pct_change(bvps_mrq, 5)", view)[5:]
    np.testing.assert_allclose(change[np.isfinite(change)], 0.0, atol=1e-12)
    assert np.isfinite(change).any()


def test_roots_and_products_scale_by_their_degree(view: MarketView) -> None:
    adjusted, factor = view.adjusted("high") * view.adjusted("low"), view.field("adj_factor")
    expected = np.vstack([np.full((1, 12), np.nan), np.sqrt(adjusted)[:-1]]) / factor
    np.testing.assert_allclose(one("delay(sqrt(high * low), 1)", view), expected, rtol=1e-12)


def test_ranks_see_each_session_on_its_own_scale(view: MarketView) -> None:
    close = np.where(view.universe, view.field("close"), np.nan)
    ranks = pd.DataFrame(close).rank(axis=1, pct=True).to_numpy()
    np.testing.assert_allclose(one("rank(close)", view), ranks)
    earlier = view.adjusted("close")[:-3] / view.field("adj_factor")[3:]
    earlier = np.where(view.universe[3:], earlier, np.nan)
    ranks = pd.DataFrame(earlier).rank(axis=1, pct=True).to_numpy()
    np.testing.assert_allclose(one("rank(delay(close, 3))", view)[3:], ranks)


def test_values_are_not_masked_but_what_compares_members_is(view: MarketView) -> None:
    outside = ~view.universe & np.isfinite(view.field("close"))
    assert np.isfinite(one("close / open", view)[outside]).all()
    assert np.isnan(one("rank(close)", view)[outside]).all()


def test_index_and_groups(view: MarketView) -> None:
    level = view.index("000300.SH")
    np.testing.assert_array_equal(one("index_close_000300", view), np.repeat(level[:, None], 12, axis=1))
    np.testing.assert_allclose(one("index_return", view)[1:, 0], level[1:] / level[:-1] - 1)
    found = one("group_demean(pe_ttm, industry)", view)
    industries = view.instruments.industries
    members = np.where(view.universe, view.field("pe_ttm"), np.nan)
    food = members[:, industries == "food"]
    t = int(np.flatnonzero(np.isfinite(food).sum(axis=1) > 1)[0])
    np.testing.assert_allclose(found[t, industries == "food"], food[t] - np.nanmean(food[t]))
    assert np.isnan(found[:, industries == ""]).all()


def test_the_last_session_alone(view: MarketView) -> None:
    bounded = [f for f in FORMULAS if not f.unbounded]
    np.testing.assert_array_equal(evaluate_last(bounded, view), evaluate(bounded, view)[:, -1])
    texts = ["ema(close, 5) / close", "sma(returns, 6, 1)"]
    np.testing.assert_allclose(
        evaluate_last(texts, view), evaluate(texts, view)[:, -1], rtol=1e-9, atol=1e-11
    )


def test_a_batch_is_as_good_as_one_at_a_time(view: MarketView) -> None:
    batch = evaluate(FORMULAS, view)
    for formula, values in zip(FORMULAS, batch, strict=True):
        np.testing.assert_array_equal(evaluate(formula, view)[0], values, err_msg=str(formula))


def test_threads_change_nothing(view: MarketView) -> None:
    np.testing.assert_array_equal(evaluate(FORMULAS, view, threads=4), evaluate(FORMULAS, view))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_stream_yields_the_same_in_order(threads: int, view: MarketView) -> None:
    batch = evaluate([*FORMULAS, FORMULAS[0]], view)
    streamed = evaluate_stream((f for f in [*FORMULAS, FORMULAS[0]]), view, threads=threads, block=7)
    kept = list(streamed)
    assert [formula for formula, _ in kept] == [*FORMULAS, FORMULAS[0]]
    for (formula, values), expected in zip(kept, batch, strict=True):
        np.testing.assert_array_equal(values, expected, err_msg=str(formula))


def test_a_stream_reads_no_further_than_it_must(view: MarketView) -> None:
    def endless() -> object:
        while True:
            yield "close / open"

    stream = evaluate_stream(endless(), view, block=2)  # type: ignore[arg-type]
    assert next(stream)[0].text == "close / open"
    stream.close()  # type: ignore[attr-defined]


def test_what_a_stream_yields_is_the_callers_own(view: MarketView) -> None:
    for _, values in evaluate_stream(["close", "close", "raw_close", "open - close", "open - close"], view):
        values[:] = 0.0
    assert np.nanmin(view.field("close")) > 0


def test_a_stream_works_in_the_memory_of_values_that_nobody_holds(view: MarketView) -> None:
    texts = [f"ts_mean(close, {n})" for n in range(2, 22)]
    dropped = [values.ctypes.data for _, values in evaluate_stream(texts, view)]
    assert len(set(dropped)) < 5
    # a column, even of a view, holds on to the whole
    columns = [values[1:][:, 3] for _, values in evaluate_stream(texts, view)]
    for text, column in zip(texts, columns, strict=True):
        np.testing.assert_array_equal(column, one(text, view)[1:, 3])


def test_values_outlive_the_stream_that_yielded_them(view: MarketView) -> None:
    stream = evaluate_stream(["close / open", "high / low"], view)
    _, first = next(stream)
    expected = first.copy()
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    del stream
    gc.collect()
    np.testing.assert_array_equal(first, expected)
    assert first.flags.writeable and first.flags.c_contiguous


def test_single_precision_stays_close(view: MarketView) -> None:
    texts = ["ts_mean(close, 20) / close", "ts_std(returns, 20)", "rank(turnover)",
             "ts_corr(close, volume, 10)",
             "decay_linear(returns, 10)", "zscore(ts_sum(returns, 20))", "ts_zscore(close, 20)"]  # fmt: skip
    single, double = evaluate(texts, view, dtype="float32"), evaluate(texts, view)
    np.testing.assert_array_equal(np.isnan(single), np.isnan(double))
    np.testing.assert_allclose(single, double, rtol=1e-3, atol=2e-4)


def test_what_formulas_share_is_computed_once(view: MarketView) -> None:
    roots = [
        parse(t).root for t in ("rank(ts_mean(close, 5))", "ts_mean(close, 5) / close", "ts_mean(close,5)")
    ]
    fields = PanelFields(view, np.dtype(np.float64))
    plan = Plan(roots, fields.schema, len(view), len(view))
    # close on its base, its factor, the mean, the mean on the scale of the session, the rank, the quotient
    assert len(plan.steps) == 6


def test_intermediate_panels_are_used_again(view: MarketView) -> None:
    formula = parse(" + ".join(f"ts_mean(returns, {n})" for n in range(2, 30)))
    fields = PanelFields(view, np.dtype(np.float64))
    plan = Plan([formula.root], fields.schema, len(view), len(view))
    for _ in plan.run([formula], fields):
        pass
    # all that were ever made but the result lie in the pool again
    assert fields.buffers.idle < 6
    assert plan.peak <= 7 * len(view)


def test_a_field_that_the_panel_lacks_is_named(panel: MarketPanel) -> None:
    fields = {name: values for name, values in panel.fields.items() if name != "pe_ttm"}
    with pytest.raises(FormulaError, match="pe_ttm"):
        evaluate("rank(pe_ttm)", replace(panel, fields=fields).view(50))
    with pytest.raises(FormulaError, match="index"):
        evaluate("close / index_close", replace(panel, indices={}).view(50))


def test_a_panel_of_bare_closes_has_returns_and_no_factors(panel: MarketPanel) -> None:
    bare = replace(panel, fields={"close": panel.fields["close"]}).view(100)
    close = panel.fields["close"][:101]
    np.testing.assert_allclose(one("returns", bare)[1:], close[1:] / close[:-1] - 1)
    np.testing.assert_array_equal(one("close", bare), close)
    np.testing.assert_allclose(one("delta(close, 1)", bare)[1:], np.diff(close, axis=0), rtol=1e-12)


def test_factors_that_are_not_there_are_one(panel: MarketPanel) -> None:
    texts = [
        "delta(close, 1)",
        "delta(close, 1) * 2",
        "rank(delta(close, 1))",
        "ts_std(close, 5)",
        "ts_max(close, 3)",
    ]
    close = panel.fields["close"]
    ones = replace(panel, fields={"close": close, "adj_factor": np.ones(close.shape)})
    bare = replace(panel, fields={"close": close})
    np.testing.assert_array_equal(evaluate(texts, bare.view(150)), evaluate(texts, ones.view(150)))


@pytest.mark.filterwarnings("error")
def test_without_industries_there_are_no_groups(panel: MarketPanel) -> None:
    bare = replace(panel, instruments=Instruments.from_symbols(panel.symbols)).view(30)
    assert np.isnan(one("group_demean(close, industry)", bare)).all()
    assert np.isnan(one("group_rank(close, industry)", bare)).all()
    assert np.isnan(one("group_neutralize(close, industry, volume)", bare)).all()


def test_infinite_data_are_missing(panel: MarketPanel) -> None:
    odd = panel.fields["pe_ttm"].copy()
    odd[3, 2] = np.inf
    view = replace(panel, fields={**panel.fields, "pe_ttm": odd}).view(20)
    assert np.isnan(one("pe_ttm", view)[3, 2]) and np.isnan(one("rank(pe_ttm)", view)[3, 2])


def test_output_that_says_nothing_is_refused(view: MarketView) -> None:
    def checked(text: str, view: MarketView) -> None:
        check_output(parse(text), one(text, view), view.universe)

    checked("rank(close)", view)
    with pytest.raises(FormulaError, match="looks back 50 sessions, the data have 31"):
        checked("delay(close, 50)", view.view(30))
    with pytest.raises(FormulaError, match="NaN on every session"):
        checked("log(-close)", view)
    with pytest.raises(FormulaError, match="constant"):
        checked("index_close / delay(index_close, 1)", view)
    with pytest.raises(FormulaError, match="constant"):
        checked("where(close > 0, 1, 2)", view)
    # too short a view is no error of evaluation
    assert np.isnan(one("delay(close, 50)", view.view(30))).all()


def test_the_market_is_left_as_it_was(panel: MarketPanel) -> None:
    before = panel.data_hash
    evaluate(FORMULAS, panel.view(200))
    assert MarketPanel.data_hash.func(panel) == before  # type: ignore[attr-defined]
