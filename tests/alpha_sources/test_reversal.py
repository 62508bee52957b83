from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.provider import AlphaProvider
from alpha_sources.reversal import ReversalProvider
from engine.errors import ConfigError


def test_what_fell_most_scores_best(make_panel):
    close = np.array([[10.0, 10.0, 10.0], [9.0, 10.0, 12.0]])
    panel = make_panel(2, symbols=("600000.SH", "600519.SH", "688981.SH"), close=close)
    # the builder pays a dividend on the second session: an adjustment factor of 1.05
    expected = [1 - 0.9 * 1.05, 1 - 1.05, 1 - 1.2 * 1.05]
    np.testing.assert_allclose(ReversalProvider(1).scores(panel.view(1), None), expected, rtol=1e-12)


def test_no_score_before_there_is_history(panel):
    provider = ReversalProvider(20)
    assert np.isnan(provider.scores(panel.view(19), None)).all()
    assert np.isfinite(provider.scores(panel.view(20), None)).all()
    assert provider.history == 20


def test_only_the_name_that_lacks_history_has_no_score(make_panel):
    close = np.full((30, 5), 10.0)
    close[:15, 2] = np.nan
    panel = make_panel(30, close=close)
    np.testing.assert_array_equal(
        np.isnan(ReversalProvider(20).scores(panel.view(29), None)), [False, False, True, False, False]
    )


def test_it_learns_nothing(panel):
    assert ReversalProvider().refresh(panel.view(30), None) is None
    assert ReversalProvider().sections([]) == []


def test_a_lookback_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="lookback must be at least 1 session, not 0"):
        ReversalProvider(0)


@given(lookback=st.integers(1, 25), row=st.integers(0, 59), seed=st.integers(0, 5))
def test_scores_do_not_change_when_the_future_is_cut_off(make_panel, lookback, row, seed):
    panel, provider = make_panel(seed=seed), ReversalProvider(lookback)
    np.testing.assert_array_equal(
        provider.scores(panel.truncate(row).view(row), None), provider.scores(panel.view(row), None)
    )


class Vectorised(ReversalProvider):
    """The same scores, all rows at once."""

    def scores_panel(self, view, snapshot, start):
        close = view.adjusted("close")
        out = np.full(close.shape, np.nan)
        out[self.lookback :] = -(close[self.lookback :] / close[: -self.lookback] - 1.0)
        return out[start:]


@pytest.mark.parametrize("provider", [ReversalProvider(5), Vectorised(5)], ids=["default", "vectorised"])
@pytest.mark.parametrize("start", [0, 3, 40, 50])
def test_scores_panel_equals_scores_row_by_row(panel, provider, start):
    rows = provider.scores_panel(panel.view(50), None, start)
    assert rows.shape == (51 - start, 5)
    for i, row in enumerate(range(start, 51)):
        np.testing.assert_array_equal(rows[i], provider.scores(panel.view(row), None))


def test_the_default_scores_panel_shows_each_row_its_own_past_only(panel):
    class Seen(AlphaProvider):
        def scores(self, view, snapshot):
            return np.full(len(view.symbols), len(view), dtype=float)

    np.testing.assert_array_equal(Seen().scores_panel(panel.view(9), None, 6)[:, 0], [7, 8, 9, 10])
