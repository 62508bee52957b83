"""Sessions taken one task at a time: what is late is missed, what fails is named, what is done stays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from replays import settings_of

from alphaloom import paper
from alphaloom.config import RunConfig
from engine.broker.orders import Fill, Reason, Refusal
from engine.errors import CalendarError, ConfigError
from live.errors import LedgerError, LedgerLocked, SessionError
from live.ledger import Ledger, Note, Task, TaskState

FIRST, SECOND, THIRD, FOURTH = (date(2023, 6, day) for day in (1, 2, 5, 6))
OPENED = datetime(2023, 5, 31, 8, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "paper.db")


def open_account(url: str, settings: RunConfig | None = None) -> None:
    made = paper.open_account(settings or settings_of(), url, "demo", start=FIRST, at=OPENED)
    assert made == (True, FIRST)


def states(url: str, session: date) -> dict[Task, TaskState]:
    with Ledger.open(url) as ledger:
        return {record.task: record.state for record in ledger.tasks(session)}


def notes(url: str, session: date) -> dict[Task, str]:
    with Ledger.open(url) as ledger:
        return {record.task: record.note or record.error or "" for record in ledger.tasks(session)}


def head(url: str) -> str:
    with Ledger.open(url) as ledger:
        assert ledger.verify().sound
        return ledger.epoch().head_hash


def test_task_by_task_is_the_same_as_all_at_once(url: str, tmp_path: Path) -> None:
    other = str(tmp_path / "other.db")
    open_account(url)
    open_account(other)
    for session in (FIRST, SECOND, THIRD):
        for task in Task:
            found = paper.step(url, None, session, task)
            assert found == ({session: []} if task is Task.SETTLE else {})
        paper.step(other, "demo", session)
    with Ledger.open(url) as a, Ledger.open(other) as b:
        assert a.entries() == b.entries()
        assert a.marks() == b.marks()


def test_a_task_leaves_the_later_ones_waiting(url: str) -> None:
    open_account(url)
    paper.step(url, None, FIRST, Task.REFRESH)
    # the provider learns when it is first asked for scores; until then its task has begun, no more
    after = {**dict.fromkeys(Task, TaskState.WAITING), Task.PREPARE: TaskState.DONE}
    assert states(url, FIRST) == {**after, Task.REFRESH: TaskState.RUNNING}
    paper.step(url, None, FIRST, Task.PLAN)
    assert states(url, FIRST)[Task.PLAN] is TaskState.DONE
    assert states(url, FIRST)[Task.EXECUTE] is TaskState.WAITING


def test_what_is_done_is_not_done_again(url: str) -> None:
    open_account(url)
    paper.step(url, None, FIRST)
    before = head(url)
    told: list[object] = []
    for task in Task:
        assert paper.step(url, None, FIRST, task, tell=told.append) == {}
    assert not told
    assert head(url) == before


def test_sessions_left_out_are_valued_and_what_they_would_have_traded_is_missed(url: str) -> None:
    open_account(url)
    paper.step(url, None, FIRST)
    found = paper.step(url, None, FOURTH)
    assert found == {FOURTH: []}
    for session in (SECOND, THIRD):
        assert states(url, session) == {
            Task.PREPARE: TaskState.DONE,
            Task.REFRESH: TaskState.MISSED,
            Task.PLAN: TaskState.MISSED,
            Task.EXECUTE: TaskState.MISSED,
            Task.SETTLE: TaskState.DONE,
        }
        assert notes(url, session)[Task.SETTLE] == "nothing traded: there is no plan"
    with Ledger.open(url) as ledger:
        assert [day for day, _ in ledger.marks()] == [FIRST, SECOND, THIRD, FOURTH]
        assert {day for day, _ in ledger.trades()} == {FIRST, FOURTH}
    # a back-test would have traded: parity says what, and why the account did not
    differences = paper.parity_of(url, None, SECOND)
    assert differences and all("the plan was missed: its time was up" in each.why for each in differences)


PROVIDER = """
from pathlib import Path
from alpha_sources import AlphaProvider

class Moody(AlphaProvider):
    def scores(self, view, snapshot):
        if str(view.session) == "2023-06-01" and Path({broken!r}).exists():
            raise ValueError("no mood today")
        close = view.field("close")
        return -(close[-1] / close[-21])
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A file that breaks the provider on one day as long as it is there."""
    path = tmp_path / "broken"
    path.touch()
    (tmp_path / "moody.py").write_text(PROVIDER.format(broken=str(path)))
    return path


def test_a_provider_that_fails_is_named_and_tried_again_once_mended(url: str, broken: Path) -> None:
    open_account(url, settings_of("reversal", f"alpha.provider={broken.parent / 'moody.py'}:Moody"))
    paper.step(url, None, FIRST)
    before = Ledger.open(url).account()
    with pytest.raises(
        SessionError, match=r"plan of 2023-06-02 failed: .*no mood today.*run the same command"
    ):
        paper.step(url, None, SECOND)
    assert states(url, SECOND)[Task.PLAN] is TaskState.FAILED
    assert "no mood today" in notes(url, SECOND)[Task.PLAN]
    with Ledger.open(url) as ledger:
        assert ledger.account() == before
        assert ledger.verify().sound
    broken.unlink()
    assert paper.step(url, None, SECOND) == {SECOND: []}
    assert set(states(url, SECOND).values()) == {TaskState.DONE}


def test_after_a_provider_that_failed_the_next_session_starts_sound(url: str, broken: Path) -> None:
    open_account(url, settings_of("reversal", f"alpha.provider={broken.parent / 'moody.py'}:Moody"))
    paper.step(url, None, FIRST)
    with pytest.raises(SessionError):
        paper.step(url, None, SECOND)
    assert paper.step(url, None, THIRD) == {THIRD: []}
    assert states(url, SECOND)[Task.PLAN] is TaskState.MISSED
    assert states(url, SECOND)[Task.SETTLE] is TaskState.DONE
    assert set(states(url, THIRD).values()) == {TaskState.DONE}


# -- data that cannot be trusted


def changed_data(tmp_path: Path, change: object) -> RunConfig:
    daily = pd.read_parquet(settings_of().resolved_data().path)
    daily["date"] = daily["date"].astype(str).str[:10]
    daily = change(daily)  # type: ignore[operator]
    daily.to_parquet(tmp_path / "daily.parquet")
    return settings_of("reversal", f"data.path={tmp_path / 'daily.parquet'}")


def test_with_half_of_the_prices_nothing_is_traded_and_the_next_session_is_as_usual(
    url: str, tmp_path: Path
) -> None:
    def lose_every_second_row(daily: pd.DataFrame) -> pd.DataFrame:
        that_day = daily.index[daily["date"] == str(SECOND)]
        return daily.drop(index=that_day[::2])

    open_account(url, changed_data(tmp_path, lose_every_second_row))
    paper.step(url, None, FIRST)
    differences = paper.step(url, None, SECOND)[SECOND]
    assert states(url, SECOND)[Task.EXECUTE] is TaskState.MISSED
    assert "so few are not trusted, and no order was sent" in notes(url, SECOND)[Task.EXECUTE]
    with Ledger.open(url) as ledger:
        refused = [trade for _, trade in ledger.trades(SECOND)]
        assert refused and all(isinstance(t, Refusal) and t.reason is Reason.NOT_SENT for t in refused)
        assert ledger.verify().sound
    assert any("it was not sent" in each.why for each in differences)
    assert paper.step(url, None, THIRD) == {THIRD: []}
    assert states(url, THIRD)[Task.EXECUTE] is TaskState.DONE


def test_a_price_beyond_the_limit_is_not_traded_at(url: str, tmp_path: Path) -> None:
    open_account(url)
    for session in (FIRST, SECOND, THIRD):
        paper.step(url, None, session)
    with Ledger.open(url) as ledger:
        sold = next(
            trade for _, trade in ledger.trades() if isinstance(trade, Fill) and trade.side.value == "sell"
        )
        day = next(day for day, trade in ledger.trades() if trade == sold)
    symbol = sold.request.symbol

    def quote_nonsense(daily: pd.DataFrame) -> pd.DataFrame:
        cell = (daily["date"] == str(day)) & (daily["symbol"] == symbol)
        assert cell.sum() == 1
        daily.loc[cell, ["open", "high"]] *= 1.25
        daily.loc[cell, ["open", "high"]] = daily.loc[cell, ["open", "high"]].round(2)
        return daily

    other = str(tmp_path / "other.db")
    open_account(other, changed_data(tmp_path, quote_nonsense))
    for session in (FIRST, SECOND, THIRD):
        if session <= day:
            differences = paper.step(other, None, session)
    with Ledger.open(other) as ledger:
        (trade,) = [t for d, t in ledger.trades(day) if t.request.order_id == sold.request.order_id]
        said = [e.text for _, e in ledger.entries(day, Task.EXECUTE) if isinstance(e, Note)]
    assert isinstance(trade, Refusal) and trade.reason is Reason.NO_PRICE
    assert len(said) == 1 and said[0].startswith(f"{symbol}: open ") and "beyond the day's limits" in said[0]
    # a back-test takes the price for what it is, and clips it to the limit
    assert [each.what for each in differences[day] if each.order_id == sold.request.order_id] == ["refusal"]


# -- what cannot be


def test_days_that_are_no_sessions_of_the_account(url: str) -> None:
    open_account(url)
    with pytest.raises(CalendarError, match="2023-06-03 is no trading session; the next is 2023-06-05"):
        paper.step(url, None, date(2023, 6, 3))
    with pytest.raises(CalendarError, match="the xshg calendar ends"):
        paper.step(url, None, date(2099, 6, 3))
    with pytest.raises(ConfigError, match="account 'demo' begins on 2023-06-01"):
        paper.step(url, None, date(2023, 5, 31))
    assert states(url, FIRST) == {}


def test_one_process_at_a_time(url: str) -> None:
    open_account(url)
    with Ledger.open(url) as ledger, ledger.writer("demo"), pytest.raises(LedgerLocked, match="in use"):
        paper.step(url, None, FIRST)
    paper.step(url, None, FIRST)


def test_a_snapshot_that_is_gone_is_missed_by_name(url: str, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    example = Path(__file__).parents[2] / "examples/lightgbm_monthly.yaml"
    open_account(url, settings_of(example))
    paper.step(url, None, FIRST)
    (kept,) = (tmp_path / "paper.db.snapshots").iterdir()
    kept.rename(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="no snapshot in"):
        paper.step(url, None, SECOND)
    (tmp_path / "elsewhere").rename(kept)
    assert paper.step(url, None, SECOND) == {SECOND: []}


def test_fractions_of_a_fen_cannot_be_kept(url: str) -> None:
    settings = settings_of("reversal", "broker.compat=qlib", "broker.fees={buy: 0.0005, sell: 0.0015}",
                           "broker.slippage_bps=0")  # fmt: skip
    with pytest.raises(ConfigError, match="compat qlib counts in fractions of a fen"):
        paper.open_account(settings, url, "demo", start=FIRST, at=OPENED)
    with pytest.raises(LedgerError, match="no such file"):
        Ledger.open(url)


def test_a_reset_begins_anew_and_keeps_what_was(url: str) -> None:
    open_account(url)
    paper.step(url, None, FIRST)
    assert paper.reset(url, None, None, start=SECOND, at=OPENED, reason="again") == ("demo", 2)
    with pytest.raises(ConfigError, match="begins on 2023-06-02"):
        paper.step(url, None, FIRST)
    assert paper.step(url, None, SECOND) == {SECOND: []}
    with Ledger.open(url) as ledger:
        assert [epoch.state for epoch in ledger.epochs()] == ["archived", "open"]
        assert [day for day, _ in ledger.marks(epoch=1)] == [FIRST]
        assert ledger.verify().sound
