"""Where an account begins: with a session that can still be planned, whenever its daemon is started."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from simulation import World, moment, states, told

from alphaloom.paper.daemon import first_session
from engine.errors import AlphaloomError, CalendarError, ConfigError
from engine.market.calendar import xshg
from live.errors import LedgerConflict
from live.ledger import TaskState


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("2023-06-12T00:00:00", "2023-06-12"),
        ("2023-06-12T09:15:00", "2023-06-12"),
        ("2023-06-12T09:15:01", "2023-06-13"),
        ("2023-06-12T09:24:59", "2023-06-13"),
        ("2023-06-12T23:59:59", "2023-06-13"),
        ("2023-06-10T09:00:00", "2023-06-12"),  # a Saturday
        ("2023-06-22T09:00:00", "2023-06-26"),  # a holiday, and a weekend after it
    ],
)
def test_the_first_session_is_the_first_whose_plan_would_not_come_too_late(now: str, first: str) -> None:
    assert first_session(xshg(), moment(now)) == date.fromisoformat(first)


@pytest.mark.parametrize(
    "begins", ["2023-06-12T09:15:30", "2023-06-12T09:24:59", "2023-06-12T15:00:30", "2023-06-12T23:59:00"]
)
def test_a_new_account_misses_nothing_whenever_its_daemon_is_started(
    world: World, tmp_path: Path, begins: str
) -> None:
    url = str(tmp_path / "paper.db")
    world.clock.at = moment(begins)
    messages = world.run(url, world.settings(), "2023-06-13T20:00")
    assert not [each.title for each in messages if "missed" in each.title]
    assert states(url, date(2023, 6, 12)) == {}
    assert set(states(url, date(2023, 6, 13)).values()) == {TaskState.DONE}


@pytest.mark.parametrize(
    ("start", "error", "words"),
    [
        (date(2023, 6, 8), ConfigError, "2023-06-12 is the first that can still be planned"),
        (date(2020, 1, 1), ConfigError, "begins on 2020-01-02 would begin with sessions that it has missed"),
        (date(2050, 1, 1), CalendarError, "no session after 2050-01-01 is known"),
    ],
)
def test_an_account_that_would_begin_in_the_past_or_never_is_not_made(
    world: World, tmp_path: Path, start: date, error: type[AlphaloomError], words: str
) -> None:
    url = str(tmp_path / "paper.db")
    with pytest.raises(error, match=words):
        world.run(url, world.settings(), "2023-06-12T20:00", start=start)
    assert not Path(url).exists()


def test_a_daemon_started_again_names_the_day_its_account_began_on(world: World, tmp_path: Path) -> None:
    """As a unit's command line does; another day would be another account."""
    url, saturday, monday = str(tmp_path / "paper.db"), date(2023, 6, 17), date(2023, 6, 19)
    with world.daemon(url, world.settings(), start=saturday) as outfit:
        assert outfit.first == monday
    for day in (saturday, monday):
        with world.daemon(url, world.settings(), start=day):
            pass
    with (
        pytest.raises(LedgerConflict, match=r"began on 2023-06-19, not on 2023-06-20; .* reset --from"),
        world.daemon(url, world.settings(), start=date(2023, 6, 20)),
    ):
        pass
    assert not told(url)
