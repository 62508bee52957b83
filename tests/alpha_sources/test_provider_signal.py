from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

from alpha_sources.provider import AlphaProvider
from alpha_sources.refresh import RefreshRule
from alpha_sources.signal import ProviderSignal, Refresh
from alpha_sources.snapshot import Snapshot
from engine.errors import CalendarError, DataError, ProviderError, StrategyError
from engine.market.calendar import iso

HASH = "ef" * 32


class Counting(AlphaProvider):
    """Learns how many sessions it has seen and how often it was refreshed; scores by both."""

    def refresh(self, view, previous):
        generation = 0 if previous is None else previous.payload["generation"] + 1
        return Snapshot(payload={"generation": generation}, arrays={"seen": np.array([len(view)])})

    def scores(self, view, snapshot):
        base = -1.0 if snapshot is None else float(snapshot.arrays["seen"][0])
        return base + np.arange(len(view.symbols)) / 10


class Saying(AlphaProvider):
    """Gives whatever a function of the view and the snapshot says."""

    def __init__(self, scores, refresh=None):
        self._scores, self._refresh = scores, refresh

    def refresh(self, view, previous):
        return self._refresh(view, previous) if self._refresh else None

    def scores(self, view, snapshot):
        return self._scores(view, snapshot)


def signal_of(provider, panel, rule="once", **more):
    return ProviderSignal(provider, panel, RefreshRule.parse(rule), "mine", HASH, **more)


# -- the ordinary course


def test_scores_come_from_the_snapshot_in_force(panel):
    signal = signal_of(Counting(), panel, "every 3")
    for row in range(5, 12):
        signal.scores_at(row)
    assert [signal.used[row][0] for row in range(5, 12)] == [6, 6, 6, 9, 9, 9, 12]
    assert [s.as_of for s in signal.snapshots] == [iso(panel.dates[row]) for row in (5, 8, 11)]
    assert signal.refreshes == [Refresh(s.as_of, s.hash) for s in signal.snapshots]
    assert signal.snapshot == signal.snapshots[-1]


def test_snapshots_are_stamped_and_chained(panel):
    signal = signal_of(Counting(), panel, "every 1")
    for row in range(3):
        signal.scores_at(row)
    assert {s.provider for s in signal.snapshots} == {"mine"}
    assert {s.params_hash for s in signal.snapshots} == {HASH}
    assert [s.parent for s in signal.snapshots] == [None, *(s.hash for s in signal.snapshots[:-1])]
    assert [s.payload["generation"] for s in signal.snapshots] == [0, 1, 2]


@pytest.mark.parametrize("rule", ["every 3", "week_end", "month_end"])
def test_what_is_learned_does_not_depend_on_how_often_the_strategy_asks(panel, rule):
    often, seldom = signal_of(Counting(), panel, rule), signal_of(Counting(), panel, rule)
    for row in range(5, 51):
        often.scores_at(row)
    for row in range(5, 51, 9):
        np.testing.assert_array_equal(seldom.scores_at(row), often.used[row])
    assert seldom.snapshots == often.snapshots
    assert len(often.snapshots) > 2


def test_a_rule_of_never_scores_without_a_snapshot(panel):
    signal = signal_of(Counting(), panel, "never")
    assert signal.scores_at(10)[0] == -1
    assert signal.snapshots == []
    assert signal.refreshes == []


def test_a_stored_snapshot_stays_in_force_under_never(panel, tmp_path):
    learned = signal_of(Counting(), panel)
    learned.scores_at(10)
    stored = Snapshot.load(learned.snapshot.save(tmp_path))
    later = signal_of(Counting(), panel, "never", snapshot=stored)
    for row in (11, 40):
        assert later.scores_at(row)[0] == 11
    assert later.snapshots == [stored]


def test_a_snapshot_learned_under_other_parameters_is_refused(panel):
    stranger = Snapshot(provider="other", params_hash="00" * 32, as_of="2023-01-03")
    with pytest.raises(ProviderError, match="was learned by other under other parameters than those of mine"):
        signal_of(Counting(), panel, "never", snapshot=stranger)


def test_a_refresh_that_learns_nothing_keeps_the_previous_and_is_recorded(panel):
    first = Snapshot(payload={"x": 1})
    answers = iter([first, None, "previous", None])

    def refresh(view, previous):
        answer = next(answers)
        return previous if answer == "previous" else answer

    signal = signal_of(Saying(lambda v, s: np.zeros(len(v.symbols)), refresh), panel, "every 1")
    for row in range(4):
        signal.scores_at(row)
    assert len(signal.snapshots) == 1
    assert [r.snapshot for r in signal.refreshes] == [signal.snapshot.hash] * 4


def test_nothing_to_learn_leaves_no_snapshot(panel):
    signal = signal_of(Saying(lambda v, s: np.zeros(len(v.symbols))), panel)
    signal.scores_at(0)
    assert signal.snapshot is None
    assert signal.refreshes == [Refresh("2023-01-03", None)]


def test_scores_outside_the_universe_of_the_session_are_blank(make_panel):
    universe = np.ones((60, 5), dtype=bool)
    universe[10, 1] = universe[11, 2] = False
    signal = signal_of(Counting(), make_panel(universe=universe))
    np.testing.assert_array_equal(np.isnan(signal.scores_at(10)), [False, True, False, False, False])
    np.testing.assert_array_equal(np.isnan(signal.scores_at(11)), [False, False, True, False, False])


def test_scores_are_a_read_only_copy(panel):
    kept = np.zeros(5)
    signal = signal_of(Saying(lambda v, s: kept), panel)
    scores = signal.scores_at(0)
    kept[:] = 7
    assert (scores == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        scores[0] = 1


def test_asking_again_gives_the_same_scores_without_calling_the_provider(panel):
    calls = []
    signal = signal_of(Saying(lambda v, s: calls.append(v.t) or np.zeros(5)), panel)
    assert signal.scores_at(3) is signal.scores_at(3)
    assert calls == [3]


def test_going_back_is_refused(panel):
    signal = signal_of(Counting(), panel)
    signal.scores_at(5)
    with pytest.raises(StrategyError, match="scores of 2023-01-06 were asked for after those of 2023-01-10"):
        signal.scores_at(3)


def test_a_row_past_the_panel_is_refused_before_anything_is_learned(panel):
    signal = signal_of(Counting(), panel)
    with pytest.raises(CalendarError):
        signal.scores_at(60)
    assert signal.refreshes == []


@pytest.mark.parametrize(
    "make",
    [list, tuple, pd.Series, lambda x: x.astype(np.float32), lambda x: x.astype(int)],
    ids=["list", "tuple", "Series", "float32", "int"],
)
def test_whatever_becomes_an_array_of_numbers_is_taken(panel, make):
    scores = signal_of(Saying(lambda v, s: make(np.arange(5.0))), panel).scores_at(0)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, np.arange(5.0))


# -- what a provider can do wrong


def failing(provider, panel, row=2, error=ProviderError, rule="once"):
    with pytest.raises(error) as caught:
        signal_of(provider, panel, rule).scores_at(row)
    return caught.value


def boom(*_):
    raise ValueError("bad luck")


def place(function) -> str:
    return f"{__file__}:{inspect.getsourcelines(function)[1] + 1}"


def test_a_provider_that_raises_in_scores_is_named_with_session_step_and_line(panel):
    error = failing(Saying(boom), panel)
    assert str(error) == f"provider mine failed at 2023-01-05 in scores: ValueError: bad luck ({place(boom)})"
    assert isinstance(error.__cause__, ValueError)


def test_a_provider_that_raises_in_refresh_is_named_with_session_step_and_line(panel):
    error = failing(Saying(lambda v, s: np.zeros(5), boom), panel)
    assert (
        str(error) == f"provider mine failed at 2023-01-05 in refresh: ValueError: bad luck ({place(boom)})"
    )


def test_an_error_of_ours_keeps_its_type_and_says_where(panel):
    error = failing(Saying(lambda v, s: v.field("pe_ttm")[-1]), panel, error=DataError)
    assert str(error).startswith("provider mine at 2023-01-05 in scores: the panel has no field 'pe_ttm'")


def test_looking_ahead_is_refused_with_the_session(panel):
    error = failing(Saying(lambda v, s: v.view(v.t + 1).field("close")[-1]), panel)
    assert "provider mine at 2023-01-05 in scores: a view at 2023-01-05 cannot show 2023-01-06" in str(error)


@pytest.mark.parametrize("shape", [(4,), (1, 5), (5, 1), ()])
def test_a_wrong_shape_is_named_beside_the_expected_one(panel, shape):
    error = failing(Saying(lambda v, s: np.zeros(shape)), panel)
    assert str(error) == f"provider mine at 2023-01-05 in scores: expected shape (5,), got {shape}"


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_an_infinite_score_is_named_by_symbol(panel, infinite):
    error = failing(Saying(lambda v, s: np.array([0, np.nan, infinite, 0, infinite])), panel)
    assert "at 2023-01-05 in scores: the score of 600000.SH is infinite" in str(error)


@pytest.mark.parametrize(
    "value", [["a"] * 5, [None] * 5, [True] * 5, [1j] * 5], ids=["text", "None", "bool", "complex"]
)
def test_scores_that_are_no_numbers_are_refused(panel, value):
    assert "in scores: expected floats, got dtype" in str(failing(Saying(lambda v, s: value), panel))


@pytest.mark.parametrize(
    "value", [None, {"600519.SH": 1.0}, [[1.0], [1.0, 2.0]]], ids=["None", "dict", "ragged"]
)
def test_something_that_is_no_row_is_refused(panel, value):
    assert "provider mine at 2023-01-05 in scores:" in str(failing(Saying(lambda v, s: value), panel))


def test_a_series_in_another_order_of_symbols_is_refused(panel):
    def scores(view, snapshot):
        return pd.Series(np.arange(5.0), index=view.symbols[::-1])

    assert "return series.reindex(view.symbols)" in str(failing(Saying(scores), panel))
    ordered = signal_of(Saying(lambda v, s: scores(v, s).reindex(v.symbols)), panel)
    np.testing.assert_array_equal(ordered.scores_at(0), [4, 3, 2, 1, 0])


def test_a_refresh_that_gives_something_else_is_refused(panel):
    error = failing(Saying(lambda v, s: np.zeros(5), lambda v, p: {"x": 1}), panel)
    assert str(error).endswith("in refresh: expected a Snapshot or None, got dict")


def test_a_provider_that_writes_into_its_snapshot_fails(panel):
    def scores(view, snapshot):
        snapshot.arrays["seen"][0] = 0

    provider = Saying(scores, Counting().refresh)
    assert "ValueError: assignment destination is read-only" in str(failing(provider, panel))


def test_a_provider_that_writes_into_the_market_fails(panel):
    def scores(view, snapshot):
        view.field("close")[-1] = 0

    assert "ValueError: assignment destination is read-only" in str(failing(Saying(scores), panel))


def test_an_interrupt_is_not_taken_for_a_fault_of_the_provider(panel):
    def scores(view, snapshot):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        signal_of(Saying(scores), panel).scores_at(0)


def test_a_refresh_that_fails_on_the_way_does_not_repeat_those_before_it(panel):
    learned, trouble = [], [True]

    def refresh(view, previous):
        if view.t == 4 and trouble.pop():
            trouble.append(False)
            raise ConnectionError("no line")
        learned.append(view.t)

    signal = signal_of(Saying(lambda v, s: np.zeros(5), refresh), panel, "every 1")
    signal.scores_at(1)
    with pytest.raises(ProviderError, match="2023-01-09 in refresh: ConnectionError"):
        signal.scores_at(6)
    signal.scores_at(6)
    assert learned == [1, 2, 3, 4, 5, 6]


def test_a_failed_refresh_is_tried_again_and_leaves_no_trace(panel):
    answers = iter([True, False])

    def refresh(view, previous):
        if next(answers):
            raise ConnectionError("no line")
        return Snapshot(payload={"x": 1})

    signal = signal_of(Saying(lambda v, s: np.zeros(5), refresh), panel)
    with pytest.raises(ProviderError, match="ConnectionError: no line"):
        signal.scores_at(2)
    assert (signal.refreshes, signal.snapshots, signal.used) == ([], [], {})
    signal.scores_at(2)
    assert len(signal.snapshots) == 1
