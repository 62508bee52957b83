from __future__ import annotations

import numpy as np
import pytest

from alpha_sources.conformance import Options, check_here
from alpha_sources.refresh import RefreshRule
from alpha_sources.woven.fabric import Fabric
from alpha_sources.woven.pages import study_section
from alpha_sources.woven.rhythm import alphas_are_due
from alpha_sources.woven.scoring import Signal
from alpha_sources.woven.study import Study, study_of
from engine.report.section import Figure


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"decay_sessions": 4},
        {"weights": {"model": "ridge"}, "normalise": "zscore", "winsorize": 3, "neutralize": "industry"},
        {"weights": {"model": "mlp", "inputs": "alphas+prices"}, "neutralize": "size"},
        {"weights": {"model": "equal"}, "smooth_refreshes": 2},
    ],
    ids=["gated", "decay", "ridge", "prices", "smooth"],
)
def test_scores_of_a_session_are_a_row_of_the_panel(sample, make, params):
    provider = make(**params)
    view = sample.view("2021-10-20")
    first = provider.refresh(sample.view("2021-09-30"), None)
    snapshot = provider.refresh(sample.view("2021-10-15"), first)
    start = view.t - 3
    rows = provider.scores_panel(view, snapshot, start)
    for i in range(4):
        np.testing.assert_array_equal(provider.scores(view.view(start + i), snapshot), rows[i])
    members = view.universe[start:]
    assert np.isfinite(rows[members]).mean() > 0.9
    assert np.isnan(rows[~members]).all()


def test_a_score_does_not_depend_on_where_the_data_begin(sample, make):
    provider = make(decay_sessions=2)
    view = sample.view("2021-10-20")
    snapshot = provider.refresh(sample.view("2021-09-30"), None)
    short = view.window(provider.history + 1)
    np.testing.assert_array_equal(provider.scores(short, snapshot), provider.scores(view, snapshot))


def test_equal_weights_are_the_mean_of_the_alphas(sample, make):
    provider = make(weights={"model": "equal"})
    view = sample.view("2021-10-20")
    snapshot = provider.refresh(sample.view("2021-09-30"), None)
    alphas, weights = Signal(Fabric.of(snapshot), provider.settings).parts(view, np.array([view.t]))
    assert np.ptp(weights) < 1e-12
    expected = alphas[0].mean(axis=1)
    scores = provider.scores(view, snapshot)
    known = np.isfinite(scores)
    assert np.corrcoef(scores[known], expected[known])[0, 1] == pytest.approx(1)


def test_decay_is_a_linear_mean_of_standard_scores(sample, make):
    view = sample.view("2021-10-20")
    plain, decayed = make(), make(decay_sessions=3)
    snapshot = plain.refresh(sample.view("2021-09-30"), None)
    rows = plain.scores_panel(view, snapshot, view.t - 2)
    standard = []
    for row, members in zip(rows, view.universe[-3:], strict=True):
        seen = np.where(members, row, np.nan)
        standard.append((seen - np.nanmean(seen)) / np.nanstd(seen))
    weights = np.array([1.0, 2.0, 3.0])[:, None] * np.isfinite(standard)
    expected = np.nansum(np.array(standard) * weights, axis=0) / weights.sum(axis=0)
    expected[np.isnan(standard[-1])] = np.nan
    np.testing.assert_allclose(decayed.scores(view, snapshot), expected, rtol=1e-12)


def test_smoothing_takes_the_mean_of_the_last_refreshes(sample, make):
    view = sample.view("2021-10-20")
    provider = make(smooth_refreshes=2)
    first = provider.refresh(sample.view("2021-09-30"), None)
    second = provider.refresh(sample.view("2021-10-15"), first)
    assert [s.as_of for s in Fabric.of(second).strands] == ["2021-10-15", "2021-09-30"]
    third = provider.refresh(view, second)
    assert [s.as_of for s in Fabric.of(third).strands] == ["2021-10-20", "2021-10-15"]


def test_an_inverted_alpha_counts_with_its_sign_turned(sample, make, tmp_path):
    seeds = tmp_path / "seeds.yaml"
    seeds.write_text(
        "title: one and its opposite\nentries:\n"
        "- {name: up, category: momentum, formula: 'pct_change(close, 20)'}\n"
        "- {name: loud, category: volatility, formula: 'ts_std(returns, 60)'}\n"
    )
    agents = {"allow_inverted": True, "threshold": 0.0}
    provider = make(seeds_path=seeds, agents=agents, weights={"model": "equal"})
    snapshot = provider.refresh(sample.view("2021-09-30"), None)
    inverted = {alpha.name: alpha.inverted for alpha in Fabric.of(snapshot).strands[0].alphas}
    signs = {o["name"]: o["sign"] for o in snapshot.payload["decision"]["opinions"]}
    assert inverted == {name: signs[name] < 0 for name in inverted}
    assert any(inverted.values())


def test_it_keeps_the_contract(sample, make):
    found = check_here(make, sample, Options(sessions=3, first=sample.row("2021-08-30")))
    assert found.conforms, str(found)


# -- the report


def test_contributions_add_up_to_the_return_of_the_signals_portfolio(sample, make, walk):
    provider = make()
    signal = walk(provider)
    history = signal.history(sample.row("2021-11-10"))
    study = study_of(history, provider.settings)
    opens = sample.adjusted("open")
    for i, row in enumerate(history.rows):
        scores = history.scores[i]
        labels = opens[row + 2] / opens[row + 1] - 1
        held = sample.universe[row] & np.isfinite(scores)
        size = scores[held] - scores[held].mean()
        earned = (size * labels[held]).sum() / np.abs(size).sum()
        if np.isfinite(study.contributions[i]).any():
            assert np.nansum(study.contributions[i]) == pytest.approx(earned, abs=2e-4)


def test_the_study_measures_what_was_used(sample, make, walk):
    provider = make()
    signal = walk(provider)
    history = signal.history(sample.row("2021-11-10"))
    study = study_of(history, provider.settings)
    assert len(study.woven) == len(history.rows)
    assert np.isfinite(study.woven).sum() > 30
    assert set(study.names) >= set(Fabric.of(signal.snapshots[-1]).strands[0].names)


def test_the_pages_of_the_report_can_be_drawn(sample, make, walk):
    from engine.report.render import render

    provider = make()
    signal = walk(provider)
    sections = [
        *provider.sections(signal.snapshots),
        *provider.study(signal.history(sample.row("2021-11-10"))),
    ]
    page = render("woven", "", sections)
    for title in (
        "Agents",
        "Weights",
        "Refreshes",
        "How the gate answers the market",
        "What changed, and why",
    ):
        assert title in page


def test_no_two_lines_of_a_figure_look_alike(sample, make):
    last = Fabric.of(make().refresh(sample.view("2021-09-30"), None))
    many = np.full((3, 12), 0.1)
    names = tuple(f"alpha_{i}" for i in range(12))
    categories = tuple(f"category_{i}" for i in range(12))
    row = np.full(3, 0.02)
    study = Study(sample.dates[-3:], names, categories, many, many, many, row, row, np.ones(3, dtype=np.int8))
    for figure in study_section(study, last).figures:
        if isinstance(figure, Figure):
            assert sum(series.colour is None for series in figure.series) <= 8, figure.title


# -- the rhythm


@pytest.mark.parametrize(
    ("rule", "chosen", "now", "due"),
    [
        ("quarter_end", None, "2021-10-15", True),
        ("quarter_end", "2021-09-15", "2021-09-29", False),
        ("quarter_end", "2021-09-15", "2021-09-30", True),
        ("quarter_end", "2021-09-15", "2021-10-15", True),
        ("quarter_end", "2021-09-30", "2021-12-30", False),
        ("every 10", "2021-09-15", "2021-09-29", False),
        ("every 9", "2021-09-15", "2021-10-08", True),
        ("once", "2021-03-01", "2022-03-01", False),
    ],
)
def test_alphas_are_due_when_their_rule_was_due_since_they_were_chosen(sample, rule, chosen, now, due):
    assert alphas_are_due(RefreshRule.parse(rule), chosen, sample.view(now)) is due
