"""Equality with alphalens-reloaded 0.5.1, from an answer file made by `make_alphalens_answers.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_markets import last_view, market
from make_alphalens_answers import ANSWERS, HORIZONS, NAMES, SESSIONS

from alpha_sources.evaluation import judge


@pytest.fixture(scope="module")
def answers():
    with np.load(ANSWERS) as file:
        return dict(file)


@pytest.fixture(scope="module")
def judged(answers):
    """The same market: alphalens trades at the session's price, we at the next open."""
    panel = market(sessions=SESSIONS + 1, names=NAMES, dirt=False)
    opened = np.vstack([answers["prices"][:1], answers["prices"]])
    fields = {"open": opened, "close": opened, "volume": np.ones_like(opened)}
    alphas = np.full((len(answers["alphas"]), SESSIONS + 1, NAMES), np.nan)
    alphas[:, :-1] = answers["alphas"]
    view = last_view(replace(panel, fields=fields))
    horizon = judge(alphas, view, horizon_sessions=1, decay_sessions=5, min_names=2)
    longer = judge(alphas, view, horizon_sessions=5, decay_sessions=1, min_names=2)
    return {1: horizon, 5: longer}


@pytest.mark.parametrize("alpha", [0, 1])
def test_rank_ic_quantile_means_and_autocorrelation_are_alphalenses(answers, judged, alpha):
    for i, horizon in enumerate(HORIZONS):
        detail = judged[horizon][f"alpha_{alpha + 1}"]
        ic = answers["rank_ic"][alpha, :, i]
        known = ~np.isnan(ic)
        assert known.sum() == SESSIONS - max(HORIZONS)
        assert np.abs(detail.rank_ics[horizon].to_numpy()[:-1] - ic)[known].max() < 1e-9
        quantiles = detail.series[[f"quantile_{q}" for q in range(1, 6)]].to_numpy()[:-1]
        theirs = answers["quantiles"][alpha, :, i]
        assert np.abs(quantiles - theirs)[known].max() < 1e-9
    autocorrelation = answers["autocorrelation"][alpha]
    known = ~np.isnan(autocorrelation)
    ours = judged[1][f"alpha_{alpha + 1}"].series["rank_autocorrelation"].to_numpy()[:-1]
    assert known.sum() == SESSIONS - max(HORIZONS) - 1
    assert np.abs(ours - autocorrelation)[known].max() < 1e-9
