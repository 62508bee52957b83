"""The study of the committee, run in part: what docs/agents.md says of the three kinds of investor."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from alpha_sources.libraries import load_library
from alphaloom import load_panel

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import agents_study as study


@pytest.mark.slow
def test_profiles_hold_books_as_wild_as_they_are_named_on_the_train_span() -> None:
    panel = load_panel("sse50")
    panel = panel.truncate(int(np.searchsorted(panel.dates, np.datetime64(study.TRAIN_END))))
    seeds = load_library("paper_seeds").entries
    found = study.profiles(panel, seeds, {"the settings as they stand": {}})
    assert [row["profile"] for row in found] == ["conservative", "neutral", "aggressive"]
    for measure in ("volatility", "drawdown"):
        calm, middle, wild = (row["walk"][measure] for row in found)
        assert calm < middle < wild
    assert found[2]["walk"]["volatility"] > 1.1 * found[0]["walk"]["volatility"]
    # nine categories of seeds, two of each at most: they cannot differ in everything
    assert found[2]["shared_with_conservative"] < 0.6


def test_a_spell_lasts_until_the_next_refresh() -> None:
    panel = load_panel("sse50")
    view = panel.truncate(420).view(420)
    seeds = [one for one in load_library("paper_seeds").entries if one.name in ("turnover", "aroon")]
    field = study.Field.of(view, seeds)
    series = field.series(study.Kept([300, 350], [("turnover",), ("turnover", "aroon")]))
    assert np.isnan(series[:300]).all()
    np.testing.assert_array_equal(series[300:350], field.ics["turnover"][300:350])
    both = np.mean([field.ics[name][350:400] for name in ("turnover", "aroon")], axis=0)
    np.testing.assert_allclose(series[350:400], both)
    assert np.isnan(series[-2:]).all()  # not realised
