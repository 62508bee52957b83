from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from ledger_edits import execute
from paper_days import PaperDay, at, open_account, write_day
from sqlalchemy import Boolean

from engine.broker.orders import Basket, OrderRequest, Reason, Refusal, Side, order_id
from engine.rules.table import day_of
from live.errors import LedgerError
from live.ledger import AccountWriter, Ledger, Planned, QuotesUsed, QuoteUsed, Task, chain, schema

BY_HAND = [
    # events: changed, removed, swapped, cut off
    ("UPDATE events SET payload = payload || ' ' WHERE seq = 12", "events seq 12: .*changed"),
    ("UPDATE events SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 12", "events seq 12: .*changed"),
    ("UPDATE events SET session = '2023-06-02' WHERE seq = 3", "events seq 3: .*changed"),
    ("UPDATE events SET hash = previous_hash WHERE seq = 12", "events seq 12: .*changed"),
    ("UPDATE events SET payload = 'x' WHERE seq = 12", "events seq 12: .*changed"),
    ("DELETE FROM events WHERE seq = 12", "event 12 is missing; the next one is 13"),
    ("DELETE FROM events WHERE seq = 1", "event 1 is missing"),
    ("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)", "is missing: the epoch ends with event"),
    (
        "UPDATE events SET seq = 100000 WHERE seq = 12; UPDATE events SET seq = 12 WHERE seq = 13;"
        "UPDATE events SET seq = 13 WHERE seq = 100000",
        "events seq 12: it does not follow the event before it",
    ),
    # tables that follow from them: changed, removed, added
    (
        "UPDATE fills SET shares = shares + 100",
        "fills seq .*shares is",
    ),
    ("DELETE FROM fills WHERE seq = (SELECT min(seq) FROM fills)", "fills seq .*the row is missing"),
    ("UPDATE fills SET seq = seq + 100000 WHERE seq = (SELECT max(seq) FROM fills)", "fills seq"),
    ("UPDATE epochs SET cash_fen = cash_fen + 1", "epochs 1: cash_fen is"),
    ("UPDATE epochs SET moved_on = NULL", "epochs 1: moved_on is None"),
    ("UPDATE lots SET cost_fen = cost_fen - 1", "lots symbol .*cost_fen is"),
    ("DELETE FROM positions", "positions symbol .*the row is missing"),
    ("UPDATE tasks SET attempts = 7 WHERE task = 'plan'", "tasks session .*attempts is 7"),
    ("UPDATE tasks SET state = 'failed' WHERE task = 'settle'", "tasks session .*state is 'failed'"),
    ("UPDATE marks SET value_fen = value_fen + 1", "marks session .*value_fen is"),
    ("UPDATE orders SET reason = 'no reason'", "orders order_id .*reason is 'no reason'"),
    ("UPDATE accounts SET opened_at = 'yesterday'", "accounts demo: opened_at"),
]


def test_a_ledger_that_nobody_touched_is_sound(ledger: Ledger, traded: AccountWriter) -> None:
    verified = ledger.verify()
    assert verified.sound
    assert (verified.accounts, verified.epochs) == (1, 1)
    assert verified.events == ledger.epoch().head_seq > 100


@pytest.mark.parametrize(("edit", "finding"), BY_HAND)
def test_a_row_changed_by_hand_is_named(
    ledger: Ledger, traded: AccountWriter, url: str, edit: str, finding: str
) -> None:
    execute(url, *edit.split(";"))
    with pytest.raises(AssertionError, match=finding):
        assert not ledger.verify().findings, str(ledger.verify().findings[0])


def test_every_column_of_every_table_is_verified(tmp_path: Path, days: list[PaperDay]) -> None:
    path = tmp_path / "paper.db"
    with Ledger.open(str(path), create=True) as ledger, ledger.writer("demo") as writer:
        open_account(writer)
        for day in days[:4]:
            write_day(writer, day)
        write_a_refusal(writer, days[4].session)
    unnoticed = []
    for table in schema.metadata.sorted_tables:
        if table in schema.SERVICE:  # nothing of the account follows from them
            continue
        for column in table.c:
            copy = tmp_path / "copy.db"
            copy.write_bytes(path.read_bytes())
            if not changed_by_hand(copy, table.name, column.name, isinstance(column.type, Boolean)):
                unnoticed.append(f"{table.name} is empty")
                break
            with Ledger.open(str(copy), read_only=True) as ledger:
                if ledger.verify().sound:
                    unnoticed.append(f"{table.name}.{column.name}")
    assert not unnoticed


def write_a_refusal(writer: AccountWriter, session: date) -> None:
    day = day_of(session) - 1
    request = OrderRequest(order_id(day, "600519.SH", Side.BUY, 9), "600519.SH", Side.BUY, day, 100)
    refusal = Refusal(request, Side.BUY, 100, Reason.LIMIT_UP)
    quotes = QuotesUsed("replay", at(session), (QuoteUsed("600519.SH", True, 1000, up_fen=1100),))
    writer.record(session, Task.PLAN, [Planned(Basket((request,)))], at=at(session))
    writer.record(session, Task.EXECUTE, [quotes, refusal], at=at(session))


def changed_by_hand(path: Path, table: str, column: str, boolean: bool) -> int:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        by_type = f"typeof({column}) WHEN 'text' THEN {column} || 'x' WHEN 'null' THEN '1'"
        other = f"1 - {column}" if boolean else f"CASE {by_type} ELSE {column} + 1 END"
        last = f"WHERE rowid = (SELECT max(rowid) FROM {table})"
        changed = connection.execute(f"UPDATE {table} SET {column} = {other} {last}").rowcount
        connection.commit()
        return changed


def test_a_forger_who_fixes_the_hash_of_one_event_breaks_the_next(
    ledger: Ledger, traded: AccountWriter, url: str
) -> None:
    row = execute(url, "SELECT * FROM events WHERE seq = 12")[0]
    forged = chain.link(row.previous_hash, 12, row.session, row.task, row.kind, "2020-01-01", row.payload)
    execute(url, f"UPDATE events SET at = '2020-01-01', hash = '{forged.hash}' WHERE seq = 12")
    assert ledger.verify().findings[0].row == "seq 13"


def test_a_forged_chain_must_still_make_sense(ledger: Ledger, traded: AccountWriter, url: str) -> None:
    """Who computes all hashes anew still cannot sell what the account did not hold."""
    head = chain.genesis("demo", 1)
    statements = []
    sold = next(e for e in all_events(url) if e.kind == "fill" and '"side":"sell"' in e.payload)
    for event in all_events(url):
        if event.seq < sold.seq:
            head = event.hash
            continue
        payload = event.payload
        if event.seq == sold.seq:
            payload = payload.replace('"cost_fen":', '"cost_fen":1')
        forged = chain.link(head, *event[:5], payload)
        head = forged.hash
        statements.append(
            f"UPDATE events SET payload = '{payload}', previous_hash = '{forged.previous_hash}', "
            f"hash = '{head}' WHERE seq = {event.seq}"
        )
    execute(url, *(statement.replace(":", "\\:") for statement in statements))
    execute(url, f"UPDATE epochs SET head_hash = '{head}'")
    finding = ledger.verify().findings[0]
    assert finding.row == f"seq {sold.seq}"
    assert "cannot have happened" in finding.problem


def all_events(url: str) -> list[chain.Event]:
    names = ", ".join(chain.Event._fields)
    return [chain.Event(*row) for row in execute(url, f"SELECT {names} FROM events ORDER BY seq")]


def test_the_first_finding_of_every_epoch_is_reported(
    ledger: Ledger, traded: AccountWriter, url: str, days: list[PaperDay]
) -> None:
    with ledger.writer("other") as other:
        open_account(other)
        write_day(other, days[0])
    execute(url, "UPDATE marks SET value_fen = 0")
    assert [finding.account for finding in ledger.verify().findings] == ["demo", "other"]
    assert len(ledger.verify("other").findings) == 1


def test_a_missing_epoch_is_noticed(
    ledger: Ledger, traded: AccountWriter, url: str, days: list[PaperDay]
) -> None:
    traded.reset(100, "d" * 64, {}, at=at(days[9].session))
    for table in reversed(schema.metadata.sorted_tables):
        if table.name != "accounts" and table not in schema.SERVICE:
            execute(url, f"DELETE FROM {table.name} WHERE epoch = 1")
    assert "the epoch is missing" in str(ledger.verify().findings[0])


def test_a_ledger_without_accounts_proves_nothing(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="is empty: it holds no account"):
        ledger.verify()
