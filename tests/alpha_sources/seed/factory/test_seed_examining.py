"""What a proposal must pass, checked against a second computation; and how long a thousand take."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from alpha_sources.formula import evaluate, parse
from alpha_sources.libraries import MarkKind
from alpha_sources.libraries.categories import Category
from alpha_sources.seed import Examiner, FactorySettings, SeedError, factory_settings
from alpha_sources.seed.known import KnownForms
from alpha_sources.seed.proposal import Origin, Proposal, Reason, Rejected, Seed, Sign, canonical_hash
from engine.market import MarketPanel
from engine.market.view import MarketView

MOMENTUM = Proposal("one", "ts_mean(returns, 90) / ts_std(returns, 45)", Category.MOMENTUM, Origin.MODEL)


@pytest.fixture(scope="module")
def view(panel: MarketPanel) -> MarketView:
    return panel.view(len(panel.dates) - 1)


def examiner(view: MarketView, **changes: object) -> Examiner:
    tried = changes.pop("tried", ())
    settings = FactorySettings(**changes)  # type: ignore[arg-type]
    return Examiner(view, settings, known=KnownForms(), tried=tried)  # type: ignore[arg-type]


def one(view: MarketView, formula: str, **changes: object) -> Seed | Rejected:
    (found,) = examiner(view, **changes).examine([replace(MOMENTUM, formula=formula)])
    return found


def mean_spearman(view: MarketView, a: str, b: str) -> tuple[float, float]:
    """Mean size and mean of the rank correlation of a session, by scipy."""
    first, second = (evaluate(parse(text), view)[0] for text in (a, b))
    found = []
    for row in range(len(first)):
        both = view.universe[row] & np.isfinite(first[row]) & np.isfinite(second[row])
        x, y = first[row][both], second[row][both]
        if both.sum() >= 10 and np.ptp(x) > 0 and np.ptp(y) > 0:
            found.append(float(spearmanr(x, y).statistic))
    return float(np.mean(np.abs(found))), float(np.mean(found))


def test_what_is_measured_is_what_scipy_measures(view: MarketView) -> None:
    first, second = "ts_mean(returns, 90) / ts_std(returns, 45)", "pct_change(close, 60)"
    judge = examiner(view, sessions=5_000, inside=0.99, across=0.99)
    one_, two = judge.examine(
        [MOMENTUM, replace(MOMENTUM, name="two", formula=second, category=Category.TECHNICAL)]
    )
    assert isinstance(one_, Seed) and isinstance(two, Seed)
    assert two.checks.nearest == "one"
    assert two.checks.nearest_correlation == pytest.approx(mean_spearman(view, first, second)[1], abs=0.02)
    assert one_.checks.price == pytest.approx(mean_spearman(view, first, "raw_close")[1], abs=0.02)
    assert one_.checks.size == pytest.approx(mean_spearman(view, first, "log(market_cap)")[1], abs=0.02)
    assert one_.checks.trend == pytest.approx(
        mean_spearman(view, first, "pct_change(close, 20)")[1], abs=0.02
    )


def test_a_category_is_stricter_within_itself_than_towards_others(view: MarketView) -> None:
    twin = replace(MOMENTUM, name="two", formula="ts_mean(returns, 80) / ts_std(returns, 45)")
    size = mean_spearman(view, MOMENTUM.formula, twin.formula)[0]
    assert 0.8 < size < 0.98
    limits = {"inside": size - 0.05, "across": size + 0.02}
    for other, kept in ((Category.MOMENTUM, False), (Category.TECHNICAL, True)):
        for apart in (False, True):  # in one batch, and in two
            judge = examiner(view, **limits)
            proposals = [MOMENTUM, replace(twin, category=other)]
            found = (
                [each for p in proposals for each in judge.examine([p])]
                if apart
                else judge.examine(proposals)
            )
            assert isinstance(found[1], Seed) is kept
            if not kept:
                assert isinstance(found[1], Rejected)
                assert (found[1].reason, found[1].of) == (Reason.ALIKE, "one")


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("ts_mean(close, 5", Reason.FORMULA),
        ("delay(close, -1)", Reason.FORMULA),
        ("close + volume", Reason.UNITS),
        ("ts_mean(returns, 302)", Reason.LOOKBACK),
        ("index_return_399006", Reason.FIELDS),
        ("ts_mean(index_return, 5)", Reason.CONSTANT),
        ("ts_mean(close, 3)", Reason.LEVEL),
        ("log(market_cap) * 3 - 1", Reason.LEVEL),
        ("log(0 * returns)", Reason.FORMULA),
        ("where(volume < 0, returns, log(-turnover))", Reason.EMPTY),
    ],
)
def test_each_fault_has_its_reason(view: MarketView, formula: str, reason: Reason) -> None:
    found = one(view, formula)
    assert isinstance(found, Rejected) and found.reason is reason, found


def test_what_the_project_has_tried_is_left_out(view: MarketView) -> None:
    tried = {canonical_hash(parse("pct_change(close, 60)"))}
    found = one(view, "close / delay(close, 60) - 1", tried=tried)
    assert isinstance(found, Rejected) and found.reason is Reason.TRIED


def test_a_formula_for_low_values_is_turned(view: MarketView) -> None:
    (seed,) = examiner(view).examine([replace(MOMENTUM, sign=Sign.LOW)])
    assert isinstance(seed, Seed) and str(seed.formula) == f"-({MOMENTUM.formula})"
    assert (evaluate(seed.formula, view)[0] == -evaluate(parse(MOMENTUM.formula), view)[0])[200].any()


def test_recursive_indicators_are_not_refused_for_their_burn_in(view: MarketView) -> None:
    assert parse("rsi(close, 21)").lookback > 300
    assert isinstance(one(view, "rsi(close, 21)"), Seed)


def test_sparse_and_mislabelled_seeds_bear_marks(view: MarketView) -> None:
    (seed,) = examiner(view).examine([replace(MOMENTUM, formula="gross_margin_pct", title="gross margin")])
    assert isinstance(seed, Seed)
    assert {mark.kind for mark in seed.marks} == {MarkKind.SPARSE, MarkKind.MISLABELLED}


def test_formulas_of_another_dialect_become_ours(view: MarketView) -> None:
    (seed,) = examiner(view).examine(
        [replace(MOMENTUM, formula="Ref($close, 7) / $close - 1", dialect="qlib", origin=Origin.DOCUMENT)]
    )
    assert isinstance(seed, Seed) and str(seed.formula) == "delay(close, 7) / close - 1"


def test_settings_are_checked() -> None:
    with pytest.raises(SeedError, match="no setting 'moost'; there are"):
        factory_settings(moost=3)
    with pytest.raises(SeedError, match="setting most of the seed factory must be at least 1, not 0"):
        factory_settings(most=0)
    with pytest.raises(SeedError, match="part_characters must be at least"):
        factory_settings(part_characters=300)


@pytest.mark.slow
def test_a_thousand_proposals_are_examined_in_half_a_minute(view: MarketView) -> None:
    inner = (
        "returns",
        "turnover",
        "close / delay(close, {n})",
        "volume / ts_mean(volume, {n})",
        "high / low",
    )
    inner += ("ts_mean(pe_ttm, {n})", "ts_sum(abs(returns) / amount, {n})", "vwap / delay(close, {n})")
    outer = (
        "ts_mean({x}, {m})",
        "ts_std({x}, {m})",
        "rank({x}) - rank(ts_mean({x}, {m}))",
        "ts_rank({x}, {m})",
    )
    outer += ("ts_corr({x}, returns, {m})", "decay_linear({x}, {m})", "ts_skew({x}, {m})", "delta({x}, {m})")
    texts = (
        f"{o.format(x=p.format(n=n), m=m)} * {k}"
        for o, p, n, m, k in itertools.product(outer, inner, (3, 8, 21), (6, 13, 34, 55), (1, 2))
    )
    thousand = list(dict.fromkeys(texts))[:1_000]
    categories = itertools.cycle(Category)
    proposals = [replace(MOMENTUM, formula=text, category=next(categories)) for text in thousand]
    start = time.process_time()
    found = Examiner(view, FactorySettings(most=1_000)).examine(proposals)
    assert time.process_time() - start < 30
    assert len(found) == 1_000 and sum(isinstance(each, Seed) for each in found) > 50
