"""What may be believed of a batch: noise, a planted alpha, twins, what was never tried before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import alphaloom
from alpha_sources.evaluation import judge
from alpha_sources.evaluation.assessment import Assessment, assess
from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.evaluation.pages import alpha_sections, batch_sections
from alpha_sources.evaluation.significance_errors import SignificanceError
from alpha_sources.formula import Formula, parse
from engine.errors import SealedSpan
from engine.market import MarketPanel, data_config, load_market
from engine.market.view import MarketView
from engine.report import render

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return alphaloom.load_panel()


@pytest.fixture(scope="module")
def view(panel: MarketPanel) -> MarketView:
    return panel.seal("2023-01-01").view("2022-12-30")


def formulas(view: MarketView, **texts: str) -> dict[str, Formula | np.ndarray]:
    return {name: parse(text, fields=view.field_names) for name, text in texts.items()}


@pytest.fixture(scope="module")
def assessed(view: MarketView) -> Assessment:
    batch = formulas(
        view,
        reversal="ts_mean(close, 20) - close",
        same="ts_mean(close, 20) - close + 0",
        calm="-ts_std(returns, 60)",
        twice="-2 * ts_std(returns, 60) + 1",
        variance="-ts_var(returns, 60)",
        price="close",
    )
    batch["constant"] = np.ones((len(view), len(view.symbols)))
    evaluation = judge(batch, view, start="2021-01-04")
    return assess(evaluation, view, trials=158, formulas=batch, published={"calm": 0.02})


def test_twins_are_found_by_form_and_by_rank(assessed: Assessment) -> None:
    twins = assessed.frame["twin"]
    assert twins["reversal"] == twins["calm"] == ""
    assert twins["same"] == "reversal (same formula, +1.00)"
    assert twins["twice"].startswith("calm (affine")
    assert twins["variance"] == "calm (same ranks, +1.00)"
    assert twins["price"] == "the price (reference, +1.00)"


def test_the_verdict_counts_all_trials(assessed: Assessment, view: MarketView) -> None:
    calm = assessed.frame.loc["calm"]
    assert calm["verdict"] == "unproven"
    assert calm["sentence"].endswith("but not after 158 trials: |t| 2.63, and 3.62 is needed")
    alone = formulas(view, calm="-ts_std(returns, 60)")
    evaluation = judge(alone, view, start="2021-01-04")
    assert assess(evaluation, view, trials=1, formulas=alone).frame.loc["calm", "verdict"] == "distinct"


def test_what_cannot_be_judged_says_so_and_disturbs_nothing(assessed: Assessment) -> None:
    constant = assessed.frame.loc["constant"]
    assert constant["status"] == "constant"
    assert constant["verdict"] == "undefined"
    assert np.isnan(constant["q"])


def test_fewer_trials_than_none_are_refused(assessed: Assessment, view: MarketView) -> None:
    with pytest.raises(SignificanceError, match="0 trials"):
        assess(assessed.evaluation, view, trials=0, formulas={})


def test_published_figures_stand_beside_ours(assessed: Assessment) -> None:
    page = render("library", "", batch_sections(assessed))
    assert "Published IC" in page
    assert assessed.frame.loc["calm", "published_ic"] == 0.02


def test_every_alpha_has_a_page(assessed: Assessment) -> None:
    for name in assessed.frame.index:
        page = render(str(name), "", alpha_sections(assessed, str(name)))
        assert "Verdict" in page
    assert "By regime" in render("calm", "", alpha_sections(assessed, "calm"))


def noise(view: MarketView, count: int, seed: int = 3) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shape = len(view), len(view.symbols)
    return {f"noise {i}": random.standard_normal(shape, dtype=np.float32) for i in range(count)}


def test_of_a_thousand_noise_alphas_at_most_a_handful_survive(view: MarketView) -> None:
    start = view.dates[-121]
    evaluations, survivors = [], 0
    for block in range(10):
        batch = noise(view, 100, seed=block)
        evaluation = judge(batch, view, start=start, decay_sessions=1)
        evaluations.append((evaluation, batch))
    p = np.concatenate([evaluation.frame["rank_ic_p"] for evaluation, _ in evaluations])
    assert (p < 0.05).sum() > 30  # each alone, many would have passed
    for evaluation, batch in evaluations:
        found = assess(evaluation, view, trials=1000, formulas=batch, controls=0)
        survivors += len(found.distinct)
    assert survivors <= 2


def test_a_planted_alpha_of_ic_005_survives_among_them_on_the_csi_300() -> None:
    if not (SHARED / "csi300_daily.parquet").exists():
        pytest.skip("the CSI 300 file is not there")
    files = {"path": SHARED / "csi300_daily.parquet", "membership": SHARED / "csi300_membership.csv"}
    view = load_market(data_config(source="file", universe="csi300", **files)).panel.view("2022-12-30")
    labels = forward_returns(view, 1)
    random = np.random.default_rng(5)
    ranks = np.argsort(np.argsort(np.nan_to_num(labels), axis=1), axis=1) / labels.shape[1]
    # what tomorrow will be, under so much noise that the rank correlation is about 0.05
    planted = ranks - 0.5 + 5.8 * random.standard_normal(labels.shape)
    batch = {**noise(view, 20), "planted": planted}
    evaluation = judge(batch, view, start="2021-01-04", decay_sessions=1)
    found = assess(evaluation, view, trials=1000, formulas=batch)
    assert 0.03 < found.frame.loc["planted", "rank_ic_mean"] < 0.07
    assert found.distinct == ["planted"]


def test_no_function_of_selection_can_read_the_sealed_span(panel: MarketPanel) -> None:
    sealed = panel.seal("2023-01-01")
    with pytest.raises(SealedSpan):
        judge("close", sealed.view("2023-06-30"))
    whole, cut = panel.view("2022-12-30"), sealed.view("2022-12-30")
    batch = formulas(whole, calm="-ts_std(returns, 60)", reversal="-pct_change(close, 20)")
    frames = [
        assess(judge(batch, view, start="2022-01-04"), view, trials=2, formulas=batch).frame
        for view in (whole, cut)
    ]
    assert frames[0].equals(frames[1])
