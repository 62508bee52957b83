"""What may be believed of a batch: noise, a planted alpha, twins, what was never tried before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

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


def test_fewer_trials_than_the_batch_has_formulas_are_refused(assessed: Assessment, view: MarketView) -> None:
    # seven alphas, of which two are one formula written twice
    with pytest.raises(SignificanceError, match="5 trials are fewer than the 6 different alphas"):
        assess(assessed.evaluation, view, trials=5, formulas={})


def test_the_needed_t_is_the_same_in_the_words_and_in_the_numbers(assessed: Assessment) -> None:
    calm = assessed.frame.loc["calm"]
    degrees = calm["rank_ic_sessions"] - 1
    assert calm["needed_t"] == pytest.approx(stats.t.isf((1 - 0.95 ** (1 / 158)) / 2, degrees))
    assert f"{calm['needed_t']:.2f} is needed" in calm["sentence"]
    assert assessed.needed_t == calm["needed_t"]


def test_an_alpha_turned_upside_down_is_deflated_alike(view: MarketView) -> None:
    batch = formulas(view, up="-ts_std(returns, 60)", down="ts_std(returns, 60)", other="close / open")
    evaluation = judge(batch, view, start="2021-01-04")
    found = assess(evaluation, view, trials=10, formulas=batch, controls=0).frame["deflated_sharpe"]
    assert found["up"] == pytest.approx(found["down"], abs=1e-9)
    assert found["up"] > 0.01


def test_a_single_alpha_is_deflated_by_what_noise_would_show(view: MarketView) -> None:
    batch = formulas(view, calm="-ts_std(returns, 60)")
    evaluation = judge(batch, view, start="2021-01-04")
    deflated = [
        assess(evaluation, view, trials=trials, formulas=batch, controls=0).frame.at[
            "calm", "deflated_sharpe"
        ]
        for trials in (1, 1000)
    ]
    returns = evaluation["calm"].series["long_short"].dropna()
    sharpe = returns.mean() / returns.std()
    n, skew, kurtosis = len(returns), stats.skew(returns), stats.kurtosis(returns, fisher=False)
    # signs are chosen afterwards: the best of N noise alphas, by size
    for trials, ours in zip((1, 1000), deflated, strict=True):
        best = np.abs(np.random.default_rng(0).standard_normal((4000, trials))).max(axis=1).mean()
        doubt = np.sqrt(1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2)
        expected = stats.norm.cdf((sharpe - best / np.sqrt(n - 1)) * np.sqrt(n - 1) / doubt)
        assert ours == pytest.approx(expected, abs=0.02)


def test_a_quarter_is_long_enough_to_look_for_overfitting(view: MarketView) -> None:
    batch = noise(view, 6)
    evaluation = judge(batch, view, start="2022-09-30")
    found = assess(evaluation, view, trials=6, formulas=batch, controls=0).overfitting
    assert found is not None and len(found.logits) == 70  # 8 blocks, 4 of them chosen


def test_an_alpha_judged_by_its_finite_values_keeps_its_verdict(view: MarketView) -> None:
    values = np.random.default_rng(0).standard_normal((len(view), len(view.symbols)))
    values[-50, :3] = np.inf
    batch = {"odd": values}
    evaluation = judge(batch, view, start="2021-01-04")
    found = assess(evaluation, view, trials=1, formulas=batch, controls=0)
    row = found.frame.loc["odd"]
    assert row["status"] == "infinite" and row["verdict"] == "noise"
    assert 0 < row["deflated_sharpe"] < 1
    page = render("odd", "", alpha_sections(found, "odd"))
    assert "are infinite" in page and "By regime" in page


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
