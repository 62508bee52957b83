"""A replay over recorded days is the back-test of those days, to the byte."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from ledger_edits import execute
from replays import JUNE, assert_same_files, back_test, play, settings_of

from alphaloom.config import RunConfig
from engine.broker.orders import Fill, Reason
from live.errors import LedgerConflict, LedgerError
from live.ledger import Ledger, Planned, QuotesUsed, Task, TaskState

ROOT = Path(__file__).parents[2]
ALL = ("equity", "fills", "orders", "positions", "events")


def check(settings: RunConfig, days: tuple[date, date], tmp_path: Path, names: tuple[str, ...] = ALL) -> str:
    url = str(tmp_path / "paper.db")
    differences = play(settings, days, url, tmp_path / "paper")
    assert differences and not any(differences.values())
    assert_same_files(tmp_path / "paper", back_test(settings, days, tmp_path / "back_test"), names)
    return url


@pytest.mark.parametrize(
    "sets",
    [
        (),
        ("broker.fill=close", "broker.sizing=at_decision", "strategy.params.weighting=score"),
        ("broker.fill={sell: open, buy: vwap}", "strategy.params.rebalance=weekly"),
        ("strategy.params.rebalance=every 7", "strategy.params.topk=20", "broker.dividend_tax=true"),
    ],
)
def test_ways_to_trade(sets: tuple[str, ...], tmp_path: Path) -> None:
    check(settings_of("reversal", *sets), JUNE, tmp_path)


def test_orders_that_live_for_several_sessions(tmp_path: Path) -> None:
    sets = "broker.participation=0.0001", "broker.order_sessions=3", "strategy.params.substitute=true"
    url = check(settings_of("reversal", *sets), JUNE, tmp_path, ("equity", "fills"))
    with Ledger.open(url) as ledger:
        reasons = {trade.reason for _, trade in ledger.trades()}
    assert {Reason.PARTICIPATION, Reason.REPLACED} <= reasons


def test_a_strategy_of_backtraders_own_kind_with_indicators(tmp_path: Path) -> None:
    check(settings_of(ROOT / "examples/sma_cross.yaml"), (date(2022, 1, 4), date(2022, 6, 30)), tmp_path)


def test_a_provider_that_learns_every_month_is_stored_and_taken_up_again(tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    settings, days = (
        settings_of(ROOT / "examples/lightgbm_monthly.yaml"),
        (date(2022, 1, 4), date(2022, 3, 15)),
    )
    url = check(settings, days, tmp_path)
    with Ledger.open(url) as ledger:
        learned = [entry.snapshot_hash for _, entry in ledger.entries(kinds=("refresh",))]
    # at the first decision, and at the ends of January and February
    assert len(set(learned)) == 3
    assert {path.name for path in (tmp_path / "paper.db.snapshots").iterdir()} == set(learned)


def test_an_ex_date_a_bonus_issue_and_a_suspension(tmp_path: Path) -> None:
    """601012.SH paid and gave shares on 2022-06-07; 601919.SH and others paid dividends in the span."""
    settings = settings_of("equal_weight", "strategy.params.rebalance=weekly")
    url = check(settings, (date(2022, 5, 20), date(2022, 7, 15)), tmp_path)
    with Ledger.open(url) as ledger:
        ex_dates = [entry.event for _, entry in ledger.entries(kinds=("ex_date",))]
        prepared = [record.note for record in ledger.tasks() if record.task is Task.PREPARE]
    assert any(event.shares_after > event.shares_before for event in ex_dates)
    assert any(event.cash_fen > 0 for event in ex_dates)
    assert any("ex-date of" in (note or "") for note in prepared)


def test_from_the_first_session_with_a_known_universe_before_which_nothing_can_be_decided(
    tmp_path: Path,
) -> None:
    check(settings_of("equal_weight"), (date(2020, 12, 14), date(2020, 12, 31)), tmp_path)


def test_a_single_session(tmp_path: Path) -> None:
    check(settings_of(), (date(2023, 6, 1), date(2023, 6, 1)), tmp_path)


def test_at_925_nothing_but_the_opening_is_known(tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    play(settings_of(), JUNE, url)
    with Ledger.open(url) as ledger:
        used = [entry for _, entry in ledger.entries(task=Task.EXECUTE, kinds=("quotes",))]
    quotes = [quote for each in used if isinstance(each, QuotesUsed) for quote in each.quotes]
    assert quotes and all(quote.open_fen is not None for quote in quotes if quote.trading)
    assert {(q.high_fen, q.low_fen, q.close_fen, q.vwap) for q in quotes} == {(None, None, None, None)}
    assert {f"{each.quoted_at:%H:%M}" for each in used if isinstance(each, QuotesUsed)} == {"09:25"}


def test_what_comes_after_925_changes_nothing_that_was_recorded_by_then(tmp_path: Path) -> None:
    """Another high, low, close and volume of the last session: prepare, refresh, plan and execute stay."""
    sample = settings_of().resolved_data()
    daily = pd.read_parquet(sample.path)
    last = daily["date"].astype(str).str[:10] == "2023-06-09"
    daily.loc[last, "close"] = (daily.loc[last, "open"] * 1.01).round(2)
    daily.loc[last, "high"] = (daily.loc[last, "open"] * 1.02).round(2)
    daily.loc[last, "low"] = (daily.loc[last, "open"] * 0.99).round(2)
    daily.loc[last, ["volume", "amount"]] *= 1.005
    changed = tmp_path / "changed.parquet"
    daily.to_parquet(changed)
    days = date(2023, 6, 1), date(2023, 6, 9)
    play(settings_of(), days, str(tmp_path / "a.db"))
    play(settings_of("reversal", f"data.path={changed}"), days, str(tmp_path / "b.db"))
    before = [task for task in Task if task is not Task.SETTLE]
    recorded = []
    for name in ("a.db", "b.db"):
        with Ledger.open(str(tmp_path / name)) as ledger:
            recorded.append([ledger.entries(days[1], task) for task in before])
            notes = [record.note for record in ledger.tasks(days[1]) if record.task in before]
            recorded[-1].append(notes)
    assert recorded[0] == recorded[1]


def test_why_nothing_traded_is_always_answered(tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    play(settings_of("reversal", "strategy.params.rebalance=weekly"), JUNE, url)
    with Ledger.open(url) as ledger:
        traded = {day for day, trade in ledger.trades() if isinstance(trade, Fill)}
        settled = {r.session: r.note for r in ledger.tasks() if r.task is Task.SETTLE}
        planned = dict(ledger.entries(kinds=("plan",)))
    idle = settled.keys() - traded
    assert idle
    for day in idle:
        assert settled[day] == "nothing traded: not a day to decide: rebalance is weekly"
        assert isinstance(planned[day], Planned) and not planned[day].basket


def test_a_plan_says_why_each_order_is_there_and_what_should_be_held(tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    play(settings_of(), JUNE, url)
    with Ledger.open(url) as ledger:
        for day, entry in ledger.entries(kinds=("plan",)):
            assert isinstance(entry, Planned)
            slots = entry.basket.slot_buys
            ids = [r.order_id for r in (*entry.basket.orders, *(slots.candidates if slots else ()))]
            assert set(entry.reasons) == set(ids)
            held = {held.symbol for held in dict(ledger.marks())[day].holdings}
            refused = [t for d, t in ledger.trades() if d == day and not isinstance(t, Fill)]
            assert refused or held == set(entry.target)


def test_a_finished_replay_is_verified_again_and_left_as_it_is(tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    play(settings_of(), JUNE, url)
    with Ledger.open(url) as ledger:
        head = ledger.epoch().head_hash
    assert play(settings_of(), JUNE, url, tmp_path / "out") == {}
    with Ledger.open(url) as ledger:
        assert ledger.epoch().head_hash == head


@pytest.mark.parametrize(
    ("sets", "days"),
    [
        (("strategy.params.topk=12",), JUNE),
        ((), (JUNE[0], date(2023, 6, 29))),
        (("broker.cash=9000000",), JUNE),
    ],
)
def test_another_configuration_or_other_days_are_refused(
    sets: tuple[str, ...], days: tuple[date, date], tmp_path: Path
) -> None:
    url = str(tmp_path / "paper.db")
    play(settings_of(), JUNE, url)
    with pytest.raises(LedgerConflict, match="alphaloom paper reset"):
        play(settings_of("reversal", *sets), days, url)


def test_an_edited_ledger_is_not_gone_on_with(tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    play(settings_of(), (JUNE[0], JUNE[1]), url)
    execute(
        f"sqlite:///{url}", "UPDATE fills SET shares = shares + 100 WHERE seq = (SELECT min(seq) FROM fills)"
    )
    with pytest.raises(LedgerError, match="is not sound: account 'demo', epoch 1: fills"):
        play(settings_of(), JUNE, url)


def test_the_states_of_a_replay_are_all_done(tmp_path: Path) -> None:
    url = str(tmp_path / "paper.db")
    play(settings_of(), JUNE, url)
    with Ledger.open(url) as ledger:
        records = ledger.tasks()
    assert {record.state for record in records} == {TaskState.DONE}
    assert all(record.deadline is not None and record.ended_at is not None for record in records)
    assert all(
        record.ended_at <= record.deadline for record in records if record.deadline and record.ended_at
    )


def test_a_suspension_and_a_limit_down_open(tmp_path: Path) -> None:
    """600009.SH opened at its lower limit on 2021-02-01, and did not trade on 2021-06-15."""
    settings = settings_of("equal_weight", "strategy.params.rebalance=weekly")
    url = check(settings, (date(2021, 1, 25), date(2021, 6, 18)), tmp_path)
    with Ledger.open(url) as ledger:
        refused = {(day, t.request.symbol, t.reason) for day, t in ledger.trades() if not isinstance(t, Fill)}
        said = {r.session: r.note for r in ledger.tasks() if r.task is Task.EXECUTE}
    assert (date(2021, 2, 1), "600009.SH", Reason.LIMIT_DOWN) in refused
    assert (date(2021, 6, 15), "600009.SH", Reason.SUSPENDED) in refused
    # at 9:25 both were known already
    assert "1 refused (limit_down)" in (said[date(2021, 2, 1)] or "")
    assert "1 refused (suspended)" in (said[date(2021, 6, 15)] or "")


def test_a_limit_up_open_leaves_the_slot_empty_and_says_so(tmp_path: Path) -> None:
    """600030.SH opened at its upper limit on 2023-08-28, when the stamp duty was halved."""
    bars = pd.read_parquet(settings_of().resolved_data().path)
    bars = bars[bars["date"].astype(str).str[:7] == "2023-08"]
    scores = bars[["date", "symbol"]].assign(score=(bars["symbol"] == "600030.SH") + 0.0)
    scores.to_parquet(tmp_path / "scores.parquet")
    settings = settings_of(
        "reversal", "alpha.provider=scores_file", f"alpha.params.path={tmp_path / 'scores.parquet'}",
        "strategy.params.topk=1", "strategy.params.n_drop=1",
    )  # fmt: skip
    url = check(settings, (date(2023, 8, 28), date(2023, 8, 29)), tmp_path)
    with Ledger.open(url) as ledger:
        first, second = [trade for _, trade in ledger.trades()]
        notes = {r.session: r.note for r in ledger.tasks() if r.task is Task.SETTLE}
    assert first.reason is Reason.LIMIT_UP and not isinstance(first, Fill)
    assert isinstance(second, Fill) and second.request.symbol == "600030.SH"
    assert notes[date(2023, 8, 28)] == "nothing traded: 1 refused (limit_up)"
