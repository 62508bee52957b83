"""Train, valid and test follow one another, and no label of one is realised in the next."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_markets import random_market

from engine.errors import ConfigError, DataError
from engine.spans import Rows, SpansConfig, clear_of, label_reach, resolve_spans, spans_config

PANEL = random_market(120)
DATES = PANEL.dates


def period(first: int, last: int) -> dict[str, str]:
    return {"start": str(DATES[first]), "end": str(DATES[last])}


def spans(train=(0, 49), valid=(50, 79), test=(80, 119)) -> SpansConfig:
    return spans_config(
        train=period(*train), valid=None if valid is None else period(*valid), test=period(*test)
    )


def test_the_last_sessions_before_the_next_span_are_left_out() -> None:
    found = resolve_spans(PANEL, spans(), horizon_sessions=5)
    assert (found.train, found.valid, found.test) == (Rows(0, 43), Rows(50, 73), Rows(80, 119))
    assert found.selection == found.valid
    assert len(found.train) == 44 and np.arange(120)[found.train.slice].tolist() == list(range(44))


@given(horizon=st.integers(1, 20), gap=st.integers(0, 30))
def test_no_label_is_realised_in_the_next_span_and_none_is_dropped_for_nothing(
    horizon: int, gap: int
) -> None:
    start = 50 + gap
    found = resolve_spans(PANEL, spans(train=(0, 49), valid=None, test=(start, 119)), horizon)
    # decided at the close of t, filled at t + 1, realised h sessions later
    realised = found.train.stop + 1 + horizon
    assert realised < start
    assert found.train.stop == 49 or realised + 1 == start


def test_without_a_valid_span_choices_are_made_on_train() -> None:
    found = resolve_spans(PANEL, spans(valid=None, train=(0, 79)), 1)
    assert found.valid is None and found.selection == found.train == Rows(0, 77)


@pytest.mark.parametrize("horizon", [1, 5])
def test_of_a_sealed_panel_the_spans_are_the_same(horizon: int) -> None:
    config = spans()
    assert resolve_spans(PANEL.seal(DATES[80]), config, horizon) == resolve_spans(PANEL, config, horizon)
    apart = spans(test=(90, 119))
    assert resolve_spans(PANEL.seal(DATES[85]), apart, horizon) == resolve_spans(PANEL, apart, horizon)


def test_days_without_trading_belong_to_the_span_around_them() -> None:
    config = spans_config(
        train={"start": "2023-01-01", "end": "2023-01-29"}, test={"start": "2023-01-30", "end": "2023-02-28"}
    )
    found = resolve_spans(PANEL, config, 1)
    assert DATES[found.test.start] == np.datetime64("2023-01-30")
    assert found.train == Rows(0, found.test.start - 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"valid": period(49, 79)}, "valid.start .* does not lie after train.end"),
        ({"valid": None, "test": period(10, 20)}, "test.start .* does not lie after train.end"),
        ({"test": period(60, 119)}, "test.start .* does not lie after valid.end"),
        ({"train": {"start": "2023-05-01", "end": "2023-01-03"}}, "spans.train: start .* lies after end"),
        ({"train": {"start": "2023-01-03"}}, "spans.train.end is missing"),
        ({"train": {"start": "soon", "end": "2023-05-01"}}, "spans.train.start must be a date like .*'soon'"),
        ({"test": None}, "spans.test must be a mapping"),
        ({"vaild": period(0, 1)}, "spans.vaild: unknown key; did you mean valid?"),
        ({"test": {**period(80, 119), "stop": "2023-01-01"}}, "spans.test.stop: unknown key"),
    ],
)
def test_a_section_that_means_nothing_is_refused_by_its_key(changes: dict[str, object], words: str) -> None:
    options = {"train": period(0, 49), "valid": period(50, 79), "test": period(80, 119), **changes}
    with pytest.raises(ConfigError, match=words) as problem:
        spans_config(**options)
    assert "\n" not in str(problem.value)


def test_the_test_span_may_not_be_left_out() -> None:
    with pytest.raises(ConfigError, match=r"spans\.test is missing"):
        spans_config(train=period(0, 49))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            spans(train=(0, 4), valid=(5, 79)),
            r"spans\.train has 5 sessions, and the last 6 before spans\.valid are left out",
        ),
        (
            spans_config(train={"start": "2021-01-04", "end": "2021-12-31"}, test=period(80, 119)),
            r"spans\.train\.start 2021-01-04 lies before the data",
        ),
        (
            spans_config(train=period(0, 49), test={"start": "2023-05-04", "end": "2024-05-04"}),
            r"spans\.test\.end 2024-05-04 lies after the data",
        ),
        (
            spans_config(train={"start": "2023-01-21", "end": "2023-01-23"}, test=period(80, 119)),
            r"spans\.train 2023-01-21\.\.2023-01-23 holds no session",
        ),
    ],
)
def test_a_span_that_the_data_do_not_cover_is_refused_by_its_name(config: SpansConfig, words: str) -> None:
    with pytest.raises(DataError, match=words):
        resolve_spans(PANEL, config, 5)


def test_a_sealed_span_without_sessions_is_refused() -> None:
    config = spans_config(train=period(0, 49), test={"start": "2023-10-01", "end": "2023-10-06"})
    with pytest.raises(DataError, match=r"spans\.test .* holds no session of the xshg calendar"):
        resolve_spans(PANEL.seal("2023-06-01"), config, 1)


def test_a_horizon_below_one_session_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1, not 0"):
        label_reach(0)


@given(
    sessions=st.integers(1, 80),
    start=st.integers(0, 79),
    length=st.integers(1, 30),
    horizon=st.integers(1, 8),
)
def test_what_is_learnt_from_shares_no_return_with_what_is_held_out(
    sessions: int, start: int, length: int, horizon: int
) -> None:
    block = Rows(min(start, sessions - 1), min(start + length, sessions) - 1)
    if block.stop < block.start:
        return
    free = clear_of(sessions, block, horizon)

    def touched(t: int) -> set[int]:
        # from the decision to the session in which the label is realised
        return set(range(t, t + 1 + horizon + 1))

    held_out = set().union(*(touched(t) for t in range(block.start, block.stop + 1)))
    for t in range(sessions):
        assert free[t] == (not touched(t) & held_out)


def test_config_is_frozen_and_compares_by_value() -> None:
    assert spans() == spans()
    assert str(spans().train) == f"{DATES[0]}..{DATES[49]}"
    assert [name for name, _ in spans(valid=None).named()] == ["train", "test"]
    assert spans().test.start == date.fromisoformat(str(DATES[80]))


def test_one_opening_is_allowed_unless_more_are_asked_for() -> None:
    plain = {
        "train": {"start": "2021-01-01", "end": "2021-12-31"},
        "test": {"start": "2022-01-01", "end": "2022-12-31"},
    }
    once, thrice = spans_config(**plain), spans_config(**plain, openings=3)
    assert (once.openings, thrice.openings) == (1, 3)
    # what nobody asked for is not written, so that it changes no hash; what was asked for is
    assert "openings" not in once.model_dump()
    assert SpansConfig.model_validate(thrice.model_dump(mode="json")) == thrice
    with pytest.raises(ConfigError, match=r"spans\.openings"):
        spans_config(**plain, openings=0)
