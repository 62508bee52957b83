"""The ledger of trials counts every formula once and forgets none, whoever writes and whoever is killed."""

from __future__ import annotations

import math
import os
import pickle
import random
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from trial_worker import AT, SCOPE, batch, start, trial

from alpha_sources.evaluation.trials import Origin, Scope, Trial, TrialError, TrialLedger, formula_hash
from alpha_sources.evaluation.trials.schema import SCHEMA, metadata
from alpha_sources.formula import parse
from engine.sqlite import DatabaseError, DatabaseLocked

KILLS = int(os.environ.get("ALPHALOOM_KILLS", "12"))
TEST = (date(2023, 1, 1), date(2023, 12, 31))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "trials.db"


@pytest.fixture
def ledger(path: Path):
    with TrialLedger.open(path, create=True) as opened:
        yield opened


def of(text: str, **numbers: float) -> Trial:
    formula = parse(text)
    return Trial(str(formula), formula.canonical, Origin.USER, **numbers)


def scope(**changes: object) -> Scope:
    given = {"start": date(2021, 1, 1), "end": date(2022, 12, 31), "universe": "sse50", "data_hash": "d" * 64}
    return Scope(**{**given, "horizon_sessions": 5, **changes})  # type: ignore[arg-type]


def test_a_formula_counts_once_however_it_is_written_and_wherever_it_is_evaluated(
    ledger: TrialLedger,
) -> None:
    texts = ["close / delay(close, 5) - 1", "(close - delay(close, 5)) / delay(close, 5)", "close / open"]
    assert ledger.record("demo", scope(), map(of, texts), at=AT) == 2
    assert ledger.record("demo", scope(), map(of, texts), at=AT) == 0
    assert ledger.record("demo", scope(universe="csi300"), [of("close / open"), of("high / low")], at=AT) == 1
    assert ledger.count("demo") == 3
    assert ledger.count("other") == 0
    assert ledger.record("other", scope(), [of("close / open")], at=AT) == 1
    assert ledger.projects() == ["demo", "other"]


def test_the_count_can_be_asked_for_a_universe_a_span_a_horizon_and_an_origin(ledger: TrialLedger) -> None:
    ledger.record("demo", scope(), [trial("a"), trial("b")], at=AT)
    ledger.record("demo", scope(universe="csi300"), [trial("b"), trial("c")], at=AT)
    later = {"start": date(2022, 12, 31), "end": date(2023, 6, 30), "horizon_sessions": 1}
    ledger.record("demo", scope(**later), [Trial("d", "d", Origin.RANDOM), trial("a")], at=AT)
    assert ledger.count("demo") == 4
    assert ledger.count("demo", universe="csi300") == 2
    assert ledger.count("demo", horizon_sessions=1) == 2
    assert ledger.count("demo", origin=Origin.RANDOM) == 1
    assert ledger.count("demo", origin=Origin.FACTORY, universe="sse50") == 2
    assert ledger.count("demo", span=(date(2021, 1, 1), date(2021, 6, 30))) == 3
    assert ledger.count("demo", span=(date(2022, 12, 31), date(2022, 12, 31))) == 4
    assert ledger.count("demo", span=TEST) == 2
    assert ledger.count("demo", span=TEST, universe="csi300") == 0


def test_what_was_first_seen_stays_and_every_scope_has_its_own_result(ledger: TrialLedger) -> None:
    first = Trial("x * 1", "x", Origin.USER, ic_mean=0.03, ic_t=2.5)
    again = Trial("x", "x", Origin.FACTORY, ic_mean=0.9, ic_t=9.0)
    ledger.record("demo", scope(), [first, again], at=AT)
    ledger.record("demo", scope(), [again], at=AT + timedelta(days=1))
    ledger.record("demo", scope(data_hash="e"), [Trial("x", "x", Origin.USER)], at=AT + timedelta(days=2))
    ledger.record("demo", scope(data_hash="f"), [Trial("x", "x", Origin.USER, 0, -4)], at=AT)
    (row,) = ledger.trials("demo").itertuples()
    assert (row.formula, row.canonical, row.origin) == ("x * 1", "x", "user")
    assert row.formula_hash == formula_hash("x") and row.first_seen == AT
    assert (row.evaluations, row.largest_t) == (3, 4.0)
    found = ledger.evaluations("demo").sort_values("data_hash")
    assert found["ic_t"].tolist()[0] == 2.5 and found["ic_mean"].tolist()[0] == 0.03
    assert math.isnan(found["ic_t"].tolist()[1])
    assert found["horizon_sessions"].tolist() == [5, 5, 5]
    assert found["start"].dt.date.tolist() == [date(2021, 1, 1)] * 3


def test_moments_are_kept_in_universal_time(ledger: TrialLedger) -> None:
    shanghai = datetime(2024, 1, 2, 23, 30, tzinfo=timezone(timedelta(hours=8)))
    ledger.record("demo", scope(), [trial("a")], at=shanghai)
    assert ledger.trials("demo")["first_seen"][0] == shanghai
    with pytest.raises(TrialError, match="names no time zone"):
        ledger.record("demo", scope(), [trial("b")], at=datetime(2024, 1, 2))
    assert ledger.count("demo") == 1


def test_frames_of_a_project_without_trials_have_columns_and_no_rows(ledger: TrialLedger) -> None:
    assert ledger.record("demo", scope(), [], at=AT) == 0
    for frame in (ledger.trials("demo"), ledger.evaluations("demo"), ledger.openings("demo")):
        assert len(frame) == 0 and len(frame.columns) > 3
    assert ledger.projects() == []


def test_every_opening_of_a_test_span_is_counted_with_those_it_shares_a_day_with(ledger: TrialLedger) -> None:
    half = (date(2023, 7, 1), date(2024, 3, 31))
    assert ledger.times_opened("demo", TEST) == 0
    assert ledger.open_test("demo", TEST, "config a", at=AT) == 1
    assert ledger.open_test("demo", TEST, "config a", at=AT) == 2
    assert ledger.open_test("demo", half, "config b", at=AT) == 3
    assert ledger.open_test("demo", (date(2024, 1, 1), date(2024, 6, 30)), "config b", at=AT) == 2
    assert ledger.open_test("other", TEST, "config a", at=AT) == 1
    assert ledger.times_opened("demo", TEST) == 3
    found = ledger.openings("demo")
    assert found["config_hash"].tolist() == ["config a", "config a", "config b", "config b"]
    assert found["opened_at"].tolist() == [AT] * 4
    assert found["end"].dt.date.tolist()[0] == TEST[1]


def test_ten_thousand_trials_are_recorded_within_a_second(ledger: TrialLedger) -> None:
    trials = [trial(f"formula {i}", t=i / 1000) for i in range(10_000)]
    ledger.record("demo", scope(), trials[:10], at=AT)
    begun = time.perf_counter()
    assert ledger.record("demo", scope(), trials, at=AT) == 9_990
    took = time.perf_counter() - begun
    assert ledger.count("demo") == 10_000
    # 0.4 s on a quiet machine
    assert took < 3.0


def test_a_ledger_travels_to_another_process(ledger: TrialLedger) -> None:
    ledger.record("demo", scope(), [trial("a")], at=AT)
    with pickle.loads(pickle.dumps(ledger)) as other:
        assert other.record("demo", scope(), [trial("a"), trial("b")], at=AT) == 1
    assert ledger.count("demo") == 2


def test_several_processes_record_at_once_from_the_very_first_moment(path: Path) -> None:
    workers = [start(path, f"w{k}", 12, 25) for k in range(4)]
    said = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, said
    new = [[int(line) for line in out.split()[1:]] for out, _ in said]
    with TrialLedger.open(path) as ledger:
        assert ledger.count("demo") == 12 * 25 * 5
        # who was first had it counted, and nobody else
        assert np.sum(new) == 12 * 25 * 5
        assert len(ledger.evaluations("demo")) == 12 * 25 * 5


def test_a_writer_killed_at_any_moment_leaves_whole_batches(path: Path) -> None:
    chance, seen = random.Random(3), set()
    for k in range(KILLS):
        worker = start(path, f"k{k}", 10_000, 20)
        assert worker.stdout is not None
        if k % 3:
            worker.stdout.readline()  # it has opened the ledger: kill it while it records
        time.sleep(chance.uniform(0, 0.12) if k % 3 else chance.uniform(0, 1.2))
        worker.kill()
        reported = [line for line in worker.communicate()[0].split() if line != "open"]
        if not path.exists():
            continue
        with TrialLedger.open(path, create=True) as ledger:
            texts = ledger.trials("demo")["formula"]
            own = texts[texts.str.startswith(f"k{k}_")]
            batches = own.str.split("_").str[1].astype(int)
            assert (batches.value_counts() == 20).all(), "a batch is stored in part"
            assert sorted(set(batches)) == list(range(batches.nunique()))
            # what was reported is there; one more may have been stored and not reported
            assert batches.nunique() - len(reported) in (0, 1)
            seen.add(batches.nunique())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert max(seen) > 0, "the writers were killed before they did anything"


def test_a_failing_batch_stores_nothing(ledger: TrialLedger) -> None:
    def failing():
        yield trial("a")
        raise RuntimeError("the evaluation broke off")

    with pytest.raises(RuntimeError):
        ledger.record("demo", scope(), failing(), at=AT)
    assert ledger.count("demo") == 0


def test_a_ledger_that_another_process_holds_is_waited_for_and_then_refused(path: Path) -> None:
    TrialLedger.open(path, create=True).close()
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as holder,
        TrialLedger.open(path, timeout_s=0.2) as ledger,
    ):
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            DatabaseLocked, match=r"trial ledger .*trials\.db: another process has held it .* 0\.2 s"
        ):
            ledger.record("demo", scope(), [trial("a")], at=AT)
        assert ledger.count("demo") == 0  # reading goes on
        holder.execute("COMMIT")
        assert ledger.record("demo", scope(), [trial("a")], at=AT) == 1


def test_a_ledger_that_another_process_keeps_to_itself_cannot_be_opened(path: Path) -> None:
    TrialLedger.open(path, create=True).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("CREATE TABLE mine (x)")
        with pytest.raises(DatabaseLocked, match="repeat it once that process is done"):
            TrialLedger.open(path, create=True, timeout_s=0.2)
        holder.execute("ROLLBACK")
    with TrialLedger.open(path) as ledger:
        assert ledger.count("demo") == 0


def fill(path: Path) -> None:
    with TrialLedger.open(path, create=True) as ledger:
        ledger.record("demo", SCOPE, batch("x", 0, 2000), at=AT)
    assert not path.with_name("trials.db-wal").exists()


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("damage", ["cut", "overwritten", "text", "header"])
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, damage: str, create: bool) -> None:
    fill(path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "overwritten":
        content[3 * 4096 : 40 * 4096] = random.Random(1).randbytes(37 * 4096)
    elif damage == "text":
        content = bytearray(b"formula,ic\nclose,0.1\n")
    else:
        content[16:100] = bytes(84)
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="left as it is") as problem:
        TrialLedger.open(path, create=create)
    assert "\n" not in str(problem.value) and str(path) in str(problem.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("create", [False, True])
def test_the_database_of_something_else_is_refused_and_left_as_it_is(path: Path, create: bool) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()
    content = path.read_bytes()
    with pytest.raises(DatabaseError, match="the database of something else, no trial ledger"):
        TrialLedger.open(path, create=create)
    assert path.read_bytes() == content


def test_a_ledger_of_a_newer_version_is_refused_and_left_as_it_is(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE trials_version SET version_num = '0099'")
        connection.commit()
    content = path.read_bytes()
    with pytest.raises(DatabaseError, match=r"version 0099, this program knows 0001; .* newer alphaloom"):
        TrialLedger.open(path, create=True)
    assert path.read_bytes() == content


def test_a_missing_file_is_made_only_when_asked(path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no such file"):
        TrialLedger.open(path)
    assert not path.parent.exists()
    TrialLedger.open(path, create=True).close()
    assert path.is_file()
    with pytest.raises(DatabaseError, match="it is a folder"):
        TrialLedger.open(path.parent, create=True)
    with pytest.raises(DatabaseError, match="name a file that can be"):
        TrialLedger.open(path / "below" / "trials.db", create=True)


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with TrialLedger.open(path, create=True) as ledger:
        assert ledger.count("demo") == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_file_can_be_asked_and_not_written(path: Path) -> None:
    fill(path)
    path.chmod(0o400)
    with TrialLedger.open(path) as ledger, pytest.raises(DatabaseError, match="read-only"):
        ledger.record("demo", scope(), [trial("new")], at=AT)


def test_migrations_lead_to_the_tables_of_the_program(path: Path, tmp_path: Path) -> None:
    from sqlalchemy import create_engine

    def tables(file: Path) -> dict[str, str]:
        with closing(sqlite3.connect(file)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            return {name: sql for name, sql in rows if name != SCHEMA.version_table}

    TrialLedger.open(path, create=True).close()
    metadata.create_all(create_engine(f"sqlite:///{tmp_path / 'straight.db'}"))
    assert tables(path) == tables(tmp_path / "straight.db")


def test_what_was_committed_is_found_in_the_log_of_a_writer_that_is_gone(path: Path, tmp_path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("SELECT count(*) FROM trials").fetchone()
        with TrialLedger.open(path) as ledger:
            ledger.record("demo", SCOPE, [trial("in the log")], at=AT)
        # the shared memory beside the log is lost, as it is when a machine breaks down
        for name in ("trials.db", "trials.db-wal"):
            shutil.copy(path.with_name(name), tmp_path / name)
    with TrialLedger.open(tmp_path / "trials.db") as found:
        assert found.count("demo") == 4001


def test_a_file_that_was_only_begun_is_finished(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(DatabaseError, match="there is no trial ledger in the file"):
        TrialLedger.open(path)
    with TrialLedger.open(path, create=True) as ledger:
        assert ledger.record("demo", scope(), [trial("a")], at=AT) == 1


def test_a_copy_of_the_file_is_a_ledger(path: Path, tmp_path: Path) -> None:
    fill(path)
    shutil.copy(path, tmp_path / "copy.db")
    with TrialLedger.open(tmp_path / "copy.db") as copied:
        assert copied.count("demo") == 4000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: scope(end=date(2020, 1, 1)), "from 2021-01-01 to 2020-01-01 ends before it begins"),
        (lambda: scope(horizon_sessions=0), "at least 1, not 0"),
        (lambda: scope(universe=" "), "a universe is a line of 1 to 200 characters"),
        (lambda: scope(data_hash="a\nb"), "a data hash is a line"),
        (lambda: Trial("x", "", Origin.USER), "names its formula"),
        (lambda: Trial("x / 0", "x", Origin.USER, ic_mean=math.inf), "ic_mean of 'x / 0' is infinite"),
        (lambda: Trial("x", "x", Origin.USER, ic_t=-math.inf), "ic_t of 'x' is infinite"),
    ],
)
def test_what_is_no_trial_is_refused(make, words: str) -> None:
    with pytest.raises(TrialError, match=words):
        make()


def test_a_project_without_a_name_and_a_span_that_ends_before_it_begins_are_refused(
    ledger: TrialLedger,
) -> None:
    with pytest.raises(TrialError, match="a project is a line"):
        ledger.record("", scope(), [trial("a")], at=AT)
    with pytest.raises(TrialError, match="a project is a line"):
        ledger.open_test("x" * 201, TEST, "hash", at=AT)
    with pytest.raises(TrialError, match="ends before it begins"):
        ledger.open_test("demo", TEST[::-1], "hash", at=AT)
    with pytest.raises(TrialError, match="ends before it begins"):
        ledger.count("demo", span=TEST[::-1])
    assert ledger.projects() == [] and ledger.openings("demo").empty


def test_what_is_written_down_before_its_result_gets_it_later_and_only_once(ledger: TrialLedger) -> None:
    before = Trial("x", "x", Origin.USER)
    assert ledger.record("demo", scope(), [before], at=AT) == 1
    assert ledger.evaluations("demo")["ic_t"].isna().all()
    for t in (2.5, 9.0):
        later = Trial("x", "x", Origin.USER, ic_mean=t / 100, ic_t=t)
        assert ledger.record("demo", scope(), [later], at=AT + timedelta(hours=1)) == 0
    assert ledger.evaluations("demo")["ic_t"].tolist() == [2.5]
    assert ledger.evaluations("demo")["ic_mean"].tolist() == [0.025]
