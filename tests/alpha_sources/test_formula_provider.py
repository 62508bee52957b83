"""Formulas as a provider: what a score is made of, and that it knows nothing of tomorrow."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_sources.formula import FormulaError, evaluate
from alpha_sources.formula_provider import FormulaProvider
from alpha_sources.loading import load_provider
from alphaloom import load_panel
from engine.errors import ConfigError, ProviderError
from engine.market import MarketPanel

CLASSICS = {
    "reversal": "-pct_change(close, 20)",
    "calm": "-ts_std(returns, 60)",
    "price_volume": "-ts_corr(rank(open), rank(volume), 10)",
    "near_high": "close / ts_max(high, 120)",
    "trend": "macd_hist() / close",
    "value": "1 / pe_ttm",
}
HOW: list[dict[str, Any]] = [
    {},
    {"normalise": "zscore", "winsorize": 3},
    {"normalise": "zscore", "winsorize": {"quantile": 0.05}, "neutralize": "industry"},
    {"neutralize": "size", "weights": [3, -1, 1, 1, 0, 0.5]},
    {"normalise": "zscore", "neutralize": "industry+size"},
]
NAMES = ["rank", "zscore", "industry", "size", "both"]


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return load_panel("sse50")


def noisy(panel: MarketPanel, row: int) -> MarketPanel:
    """The same market up to a row, another afterwards."""
    random = np.random.default_rng(1)
    fields = {}
    for name, values in panel.fields.items():
        changed = values.copy()
        changed[row + 1 :] = random.permuted(changed[row + 1 :] * 3.7, axis=0)
        fields[name] = changed
    universe = panel.universe.copy()
    universe[row + 1 :] = ~universe[row + 1 :]
    return replace(panel, fields=fields, universe=universe)


# -- no look-ahead, no memory ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", HOW, ids=NAMES)
@pytest.mark.parametrize("row", [260, 400, 700])
def test_scores_are_unchanged_when_everything_after_is_deleted_or_replaced(
    panel: MarketPanel, how: dict[str, Any], row: int
) -> None:
    provider = FormulaProvider(CLASSICS, **how)
    scores = provider.scores(panel.view(row), None)
    assert np.isfinite(scores[panel.universe[row]]).all()
    assert len(set(scores[panel.universe[row]])) > 30
    np.testing.assert_array_equal(provider.scores(panel.truncate(row).view(row), None), scores)
    np.testing.assert_array_equal(provider.scores(noisy(panel, row).view(row), None), scores)


@pytest.mark.parametrize("how", HOW, ids=NAMES)
def test_all_sessions_at_once_equal_each_by_itself(panel: MarketPanel, how: dict[str, Any]) -> None:
    provider = FormulaProvider(CLASSICS, **how)
    view = panel.view(520)
    for start in (0, 480):
        rows = provider.scores_panel(view, None, start)
        each = [provider.scores(view.view(row), None) for row in range(start, 521)]
        np.testing.assert_array_equal(rows, each)


def test_scores_do_not_depend_on_where_the_data_begin(panel: MarketPanel) -> None:
    provider = FormulaProvider({name: text for name, text in CLASSICS.items() if name != "trend"})
    later = _without_the_first(panel, 100)
    row = 500
    scores = provider.scores(panel.view(row), None)
    np.testing.assert_array_equal(provider.scores(later.view(row - 100), None), scores)


def _without_the_first(panel: MarketPanel, count: int) -> MarketPanel:
    return replace(
        panel,
        dates=panel.dates[count:],
        fields={name: values[count:] for name, values in panel.fields.items()},
        universe=panel.universe[count:],
        universe_known=panel.universe_known[count:],
        indices={s: {f: bar[count:] for f, bar in bars.items()} for s, bars in panel.indices.items()},
    )


def test_it_scores_the_same_again_and_after_pickling(panel: MarketPanel) -> None:
    provider = FormulaProvider(CLASSICS, neutralize="industry+size")
    first = provider.scores(panel.view(600), None)
    provider.scores(panel.view(500), None)
    np.testing.assert_array_equal(provider.scores(panel.view(600), None), first)
    copied = pickle.loads(pickle.dumps(provider))
    np.testing.assert_array_equal(copied.scores(panel.view(600), None), first)


# -- what a score is ---------------------------------------------------------------------------------------


def members(panel: MarketPanel, text: str, row: int) -> pd.Series:
    values = evaluate(text, panel.view(row))[0, -1]
    return pd.Series(values, index=panel.symbols)[panel.universe[row]]


def scored(panel: MarketPanel, row: int, formulas: Any, **how: Any) -> pd.Series:
    scores = FormulaProvider(formulas, **how).scores(panel.view(row), None)
    assert np.isnan(scores[~panel.universe[row]]).all()
    return pd.Series(scores, index=panel.symbols)[panel.universe[row]]


def test_a_score_is_the_weighted_mean_of_centred_ranks(panel: MarketPanel) -> None:
    row, formulas = 600, ["-pct_change(close, 20)", "ts_mean(turnover, 20)"]
    ranks = [members(panel, text, row).rank(pct=True) for text in formulas]
    centred = [r - r.mean() for r in ranks]
    expected = (2 * centred[0] - 1 * centred[1]) / 3
    pd.testing.assert_series_equal(scored(panel, row, formulas, weights=[2, -1]), expected)


def test_z_scores_are_clipped_first(panel: MarketPanel) -> None:
    row, text = 600, "ts_mean(turnover, 20)"
    x = members(panel, text, row)
    clipped = x.clip(x.mean() - 1.5 * x.std(), x.mean() + 1.5 * x.std())
    expected = (clipped - clipped.mean()) / clipped.std()
    pd.testing.assert_series_equal(
        scored(panel, row, text, normalise="zscore", winsorize=1.5), expected, rtol=1e-9
    )
    tails = x.clip(x.quantile(0.1), x.quantile(0.9))
    expected = (tails - tails.mean()) / tails.std()
    pd.testing.assert_series_equal(
        scored(panel, row, text, normalise="zscore", winsorize={"quantile": 0.1}), expected, rtol=1e-9
    )


def test_nothing_of_industry_and_size_is_left(panel: MarketPanel) -> None:
    row, text = 600, "ts_mean(turnover, 20)"
    score = scored(panel, row, text, normalise="zscore", neutralize="industry+size").dropna()
    industry = pd.Series(panel.instruments.industries, index=panel.symbols)[score.index]
    size = members(panel, "log(market_cap)", row)[score.index]
    assert score.groupby(industry).mean().abs().max() < 1e-9
    within = size - size.groupby(industry).transform("mean")
    assert abs((within * score).sum()) < 1e-9


def test_the_only_name_of_its_industry_is_neutral_and_not_ranked_by_rounding(panel: MarketPanel) -> None:
    row = 600
    industry = pd.Series(panel.instruments.industries, index=panel.symbols)[panel.universe[row]]
    alone = industry.index[industry.map(industry.value_counts()) == 1]
    assert len(alone) > 3
    for how in ({}, {"normalise": "zscore"}):
        for neutralize in ("industry", "industry+size"):
            score = scored(panel, row, "ts_std(returns, 60)", neutralize=neutralize, **how)
            assert score[alone].nunique() == 1


def test_what_one_alpha_does_not_know_is_neutral_and_what_none_knows_has_no_score(
    panel: MarketPanel,
) -> None:
    row = 600
    fields = {name: values.copy() for name, values in panel.fields.items()}
    first, second = np.flatnonzero(panel.universe[row])[:2]
    fields["pe_ttm"][: row + 1, [first, second]] = np.nan
    fields["turnover"][: row + 1, second] = np.nan
    gaps = replace(panel, fields=fields)
    two = scored(gaps, row, ["1 / pe_ttm", "-turnover"])
    alone = scored(gaps, row, "-turnover")
    assert two.iloc[0] == pytest.approx(alone.iloc[0] / 2)
    assert np.isnan(two.iloc[1])
    assert two.isna().sum() == 1


def test_clipping_leaves_ranks_alone(panel: MarketPanel) -> None:
    plain = scored(panel, 600, CLASSICS)
    pd.testing.assert_series_equal(scored(panel, 600, CLASSICS, winsorize=1), plain)


def test_the_look_back_is_the_longest() -> None:
    assert FormulaProvider(["delta(close, 5)", "close / ts_max(high, 240)"]).history == 239
    assert FormulaProvider("turnover").history == 0


def test_before_there_is_history_there_is_no_score(panel: MarketPanel) -> None:
    row = int(np.flatnonzero(panel.universe.any(axis=1))[0])
    view = panel.truncate(row).view(row)
    assert np.isnan(FormulaProvider("ts_mean(close, 900)").scores(view, None)).all()


# -- how it is written -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [
        {"formulas": {"a": {"formula": "turnover", "weight": -2}, "b": "returns"}},
        {"formulas": [{"formula": "turnover", "weight": -2, "name": "a"}, "returns"]},
        {"formulas": {"a": "turnover", "b": "returns", "c": None}, "weights": {"a": -2}},
        {"formulas": [{"formula": "$turnover", "dialect": "qlib"}, "RETURNS"], "weights": [-2, 1]},
    ],
)
def test_formulas_may_be_given_in_any_of_these_shapes(panel: MarketPanel, same: dict[str, Any]) -> None:
    plain = FormulaProvider(["turnover", "returns"], [-2, 1]).scores(panel.view(600), None)
    np.testing.assert_array_equal(FormulaProvider(**same).scores(panel.view(600), None), plain)


def test_a_formula_of_weight_nothing_is_not_even_evaluated(panel: MarketPanel) -> None:
    gone = replace(panel, fields={n: v for n, v in panel.fields.items() if n != "pe_ttm"})
    provider = FormulaProvider(["turnover", "1 / pe_ttm"], [1, 0])
    assert np.isfinite(provider.scores(gone.view(600), None)).any()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"formulas": []}, "there is no formula"),
        ({"formulas": 3}, "expected a formula, a list of them or a mapping from names, not 3"),
        ({"formulas": [{"weight": 3}]}, "alpha_1: the key formula is missing"),
        ({"formulas": [{"formula": "close", "wight": 3}]}, "unknown key 'wight'; did you mean weight?"),
        ({"formulas": [{"formula": "delta(close", "5)": None}]}, "put quotes round a formula with a comma"),
        ({"formulas": {"a": "delta(close", "5)": None}}, "put quotes round a formula with a comma"),
        ({"formulas": [{"formula": "close", "name": "alpha_2"}, "open"]}, "'alpha_2' stands twice"),
        ({"formulas": ["close"], "weights": [1, 2]}, "2 weights for 1 formulas"),
        ({"formulas": ["close"], "weights": 1}, "expected a list of numbers or a mapping"),
        ({"formulas": {"a": "close"}, "weights": {"b": 1}}, "no formula is called 'b'"),
        ({"formulas": ["close"], "weights": [float("nan")]}, "nan is no finite number"),
        ({"formulas": ["close"], "weights": [True]}, "True is no finite number"),
        ({"formulas": ["close"], "weights": ["1"]}, "'1' is no finite number"),
        ({"formulas": ["close"], "weights": [0]}, "all of them are 0"),
        (
            {"formulas": [{"formula": "close", "weight": 1}], "weights": [2]},
            "has a weight beside its formula",
        ),
        ({"formulas": ["close"], "normalise": "ranks"}, "'ranks' is none of rank, zscore"),
        ({"formulas": ["close"], "neutralize": "sector"}, "'sector' is none of none, industry, size"),
        ({"formulas": ["close"], "winsorize": 0}, "0 is neither a number of standard deviations"),
        ({"formulas": ["close"], "winsorize": {"quantile": 0.7}}, "with q between 0 and 0.5"),
        ({"formulas": ["close"], "winsorize": {"mad": 3}}, "is neither"),
        ({"formulas": ["close"], "strict": "yes"}, "'yes' is neither true nor false"),
        ({"formulas": ["close"], "fields": "mine"}, "expected a list of names, not 'mine'"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_provider("formulas", params)
    assert words in str(refused.value)
    assert "alpha.params." in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"formulas": {"mine": "rank(clos)"}}, "mine: no field 'clos'"),
        ({"formulas": {"mine": "delta(close, -1)"}}, "mine: "),
        ({"formulas": [7]}, "a formula is a text, not int"),
        ({"formulas": ["close"], "dialect": "wq"}, "no dialect 'wq'"),
        ({"formulas": ["close / market_cap"], "strict": True}, "divides a price by"),
        ({"formulas": {"a": "close - open", "b": "-open + close"}}, "the same formula as a"),
    ],
)
def test_a_wrong_formula_is_shown_with_a_caret(params: dict[str, Any], words: str) -> None:
    with pytest.raises(FormulaError) as refused:
        FormulaProvider(**params)
    assert words in str(refused.value)


def test_the_datas_own_columns_are_named(panel: MarketPanel) -> None:
    with pytest.raises(FormulaError, match=r"alpha\.params\.fields"):
        FormulaProvider("sentiment")
    own = replace(panel, fields={**panel.fields, "sentiment": -panel.fields["close"]})
    scores = FormulaProvider("sentiment", fields=["sentiment"]).scores(own.view(600), None)
    assert np.isfinite(scores).sum() == 50


# -- what only the data can tell ---------------------------------------------------------------------------


def test_a_field_that_the_panel_lacks_is_named_with_its_formula(panel: MarketPanel) -> None:
    gone = replace(panel, fields={n: v for n, v in panel.fields.items() if n not in ("pe_ttm", "market_cap")})
    provider = FormulaProvider({"calm": "-ts_std(returns, 60)", "value": "1 / pe_ttm"})
    for call in (lambda v: provider.scores(v, None), lambda v: provider.scores_panel(v, None, 400)):
        with pytest.raises(ProviderError, match=r"value \(1 / pe_ttm\): .* no field 'pe_ttm'; it has "):
            call(gone.view(600))
    with pytest.raises(ProviderError, match=r"neutralize: size .*'market_cap'"):
        FormulaProvider("turnover", neutralize="size").scores(gone.view(600), None)


def test_industries_that_nobody_knows_cannot_be_neutralised(panel: MarketPanel) -> None:
    blank = replace(panel.instruments, industries=np.full(len(panel.symbols), ""))
    with pytest.raises(ProviderError, match=r"industry of no stock is known; set data\.instruments"):
        FormulaProvider("turnover", neutralize="industry").scores(
            replace(panel, instruments=blank).view(600), None
        )


@pytest.mark.parametrize(
    ("text", "words"), [("index_close / 2", "constant"), ("log(0 - turnover)", "no value anywhere")]
)
def test_a_formula_that_never_says_anything_is_refused(panel: MarketPanel, text: str, words: str) -> None:
    provider = FormulaProvider({"good": "turnover", "mute": text})
    for call in (lambda v: provider.scores(v, None), lambda v: provider.scores_panel(v, None, 300)):
        with pytest.raises(ProviderError, match=rf"mute \(.*\): the formula .*{words}"):
            call(panel.view(600))


def test_one_silent_session_is_no_fault(panel: MarketPanel) -> None:
    fields = {name: values.copy() for name, values in panel.fields.items()}
    fields["pe_ttm"][600] = np.nan
    gap = replace(panel, fields=fields)
    provider = FormulaProvider(["turnover", "1 / pe_ttm"])
    alone = FormulaProvider("turnover")
    np.testing.assert_array_equal(provider.scores(gap.view(600), None), alone.scores(gap.view(600), None) / 2)


def test_the_report_lists_the_formulas(panel: MarketPanel) -> None:
    (section,) = FormulaProvider({"a": "close / market_cap", "b": "rsi()"}, [1, -3]).sections([])
    columns = {column.title: list(column.values) for column in section.tables[0].columns}
    assert columns["Formula"] == ["close / market_cap", "rsi(close, 14)"]
    assert columns["Weight"] == [0.25, -0.75]
    assert any("divides a price by" in note for note in section.notes)
