"""The folder: many readers, one writer, and never anything between before and after."""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import signal
import subprocess
import sys
import textwrap
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from store_helpers import SESSIONS, clock, stored, take, walk

from engine.market.sources.delivery import DailyBars
from engine.market.store import Kind, MarketStore, StoreBusy, StoreError
from engine.market.store.manifest import Manifest
from engine.market.store.rebuild import rebuild_manifest
from engine.market.store.verify import repair, verify

HERE = Path(__file__).parent


def market(names: int = 8, sessions: int = 40) -> DailyBars:
    parts = [walk(sessions, f"{600000 + n}.SH", seed=n) for n in range(names)]
    return DailyBars(
        np.concatenate([p.symbols for p in parts]),
        np.repeat(np.arange(names), sessions),
        np.concatenate([p.session for p in parts]),
        {name: np.concatenate([p.values[name] for p in parts]) for name in parts[0].values},
    )


@pytest.fixture
def store(tmp_path):
    made = MarketStore(tmp_path / "store")
    take(made, market())
    return made


def segment(store: MarketStore, kind: Kind = Kind.BARS) -> Path:
    return store.folder / store.reader().manifest.of(kind)[0].path


def test_a_fresh_store_is_without_fault(store):
    found = verify(store)
    assert found.ok
    assert (found.rows, found.leftovers) == (8 * 40 + 16, ())


def test_a_daily_step_touches_one_small_file_of_one_partition(store):
    before = set(store.reader().manifest.segments)
    take(store, walk(41, "600003.SH", seed=3).take(np.array([40])))
    segments = store.reader().manifest.segments
    new = [s for s in segments if s not in before and s.kind is Kind.BARS]
    assert [(s.partition, s.rows) for s in new] == [("2023", 1)]


def test_small_files_are_merged_so_that_their_number_grows_with_the_logarithm(tmp_path):
    store = MarketStore(tmp_path / "store")
    whole = walk(60)
    for day in range(60):
        take(store, whole.take(np.array([day])))
        assert len(store.reader().manifest.of(Kind.BARS)) <= 5
    assert verify(store).ok
    np.testing.assert_array_equal(stored(store)["close"], whole.values["close"])


def test_a_reader_keeps_its_moment_while_a_writer_adds(store):
    reader = store.reader()
    take(store, walk(60, "600000.SH", seed=0).take(np.arange(50, 60)))
    assert len(store.read(lambda r: r.rows(Kind.BARS))) > 320
    try:
        rows = len(reader.rows(Kind.BARS))
    except FileNotFoundError:
        return  # its file was merged away: `read` asks again
    assert rows == 320


def test_rows_of_some_names_and_days_are_what_a_plain_filter_gives(store):
    names, first, last = ["600002.SH", "600005.SH"], date(2023, 1, 10), date(2023, 2, 10)
    found = store.reader().rows(Kind.BARS, symbols=names, first=first, last=last).to_pandas()
    whole = pd.concat(pd.read_parquet(p) for p in (store.folder / "bars").rglob("*.parquet"))
    plain = whole[whole["symbol"].isin(names) & (whole["session"] >= first) & (whole["session"] <= last)]
    pd.testing.assert_frame_equal(
        found.astype({"symbol": "str"}).sort_values(["symbol", "session"]).reset_index(drop=True),
        plain.astype({"symbol": "str"}).sort_values(["symbol", "session"]).reset_index(drop=True),
    )


class TestDamage:
    """What is damaged is named, and what to do; the rest is readable."""

    def test_a_truncated_file(self, store):
        path = segment(store)
        path.write_bytes(path.read_bytes()[:-100])
        (fault,) = verify(store).faults
        assert "truncated" in fault.what
        assert str(fault).startswith("bars/2023/")
        with pytest.raises(StoreError, match=r"is damaged: it has .* bytes of .*verify --repair"):
            store.panel()

    def test_a_flipped_bit(self, store):
        path = segment(store)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        assert "checksum" in verify(store).faults[0].what

    def test_flipped_bits_are_noticed_by_readers_of_any_part(self, store):
        path, before = segment(store), stored(store)
        whole = path.read_bytes()
        begin_of_footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
        noticed, draw = 0, random.Random(3)
        for _ in range(60):
            data = bytearray(whole)
            data[draw.randrange(4, begin_of_footer)] ^= 1 << draw.randrange(8)
            path.write_bytes(data)
            try:
                pd.testing.assert_frame_equal(stored(store), before)  # some bits mean nothing
            except StoreError as problem:
                noticed += 1
                assert f"{path} is damaged: " in str(problem) and "verify --repair" in str(problem)
        assert noticed > 50

    def test_a_file_of_somebody_elses_is_left_where_it_lies(self, store):
        mine = [store.folder / "bars" / "2023" / "mine.parquet", store.folder / "notes.txt"]
        for path in mine:
            path.write_text("mine")
        assert verify(store).leftovers == ()
        take(store, walk(5, "600098.SH"))
        assert [path.read_text() for path in mine] == ["mine", "mine"]

    def test_a_missing_file(self, store):
        segment(store).unlink()
        assert verify(store).faults[0].what == "it is missing"
        with pytest.raises(StoreError, match="is missing; restore it"):
            store.panel()

    def test_repair_forgets_the_file_and_an_import_fills_it_in_again(self, store):
        before = stored(store)
        path = segment(store)
        path.write_bytes(b"no parquet" * 100)
        found, after = repair(store, clock)
        # what was set aside is nobody's leftover, and stays
        assert after.leftovers == ()
        assert [path.name for path in (store.folder / "damaged").rglob("*.parquet")]
        assert (len(found.faults), after.ok) == (1, True)
        assert len(list((store.folder / "damaged").iterdir())) == 1
        take(store, market())
        pd.testing.assert_frame_equal(stored(store), before)

    def test_a_manifest_changed_by_hand(self, store):
        path = store.folder / "manifest.json"
        content = json.loads(path.read_text())
        content["segments"][0]["rows"] += 1
        path.write_text(json.dumps(content))
        with pytest.raises(StoreError, match="its checksum does not fit its content"):
            store.reader()

    @pytest.mark.parametrize("damage", ["truncated", "missing"])
    def test_a_lost_manifest_is_made_anew_of_the_files(self, store, damage):
        before, whole = stored(store), store.reader().manifest
        path = store.folder / "manifest.json"
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        files = sorted(store.folder.rglob("*.parquet"))
        for touch in (store.reader, lambda: take(store, market()), lambda: verify(store)):
            with pytest.raises(StoreError, match=r"manifest\.json .*verify --repair, which makes a new one"):
                touch()
        assert sorted(store.folder.rglob("*.parquet")) == files  # nothing was taken for a leftover
        made = rebuild_manifest(store, clock)
        assert made is not None and set(made.segments) == set(whole.segments)
        assert verify(store).ok
        pd.testing.assert_frame_equal(stored(store), before)
        assert rebuild_manifest(store, clock) is None
        take(store, market())
        pd.testing.assert_frame_equal(stored(store), before)

    def test_of_files_that_share_rows_the_merged_one_counts(self, store):
        take(store, walk(10, "600099.SH"))
        old = {path: path.read_bytes() for path in store.folder.rglob("*.parquet")}
        take(store, walk(20, "600099.SH"))
        before, whole = stored(store), store.reader().manifest
        for path, data in old.items():  # as a writer leaves them that was killed before it swept
            path.write_bytes(data)
        (store.folder / "bars" / "2023" / "0123456789abcdef.parquet").write_bytes(b"no parquet")
        (store.folder / "manifest.json").unlink()
        made = rebuild_manifest(store, clock)
        assert made is not None and set(made.segments) == set(whole.segments)
        assert [path.name for path in (store.folder / "damaged").iterdir()] == [
            "bars-2023-0123456789abcdef.parquet"
        ]
        pd.testing.assert_frame_equal(stored(store), before)
        assert verify(store).ok

    def test_what_a_first_step_left_is_no_lost_store(self, tmp_path, monkeypatch):
        fresh = MarketStore(tmp_path / "fresh")
        with monkeypatch.context() as patch:
            patch.setattr(Manifest, "save", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                take(fresh, walk())
        assert list(fresh.folder.rglob("*.parquet")) and not fresh.exists
        assert rebuild_manifest(fresh, clock) is None
        take(fresh, walk())
        assert len(stored(fresh)) == 30
        assert verify(fresh).leftovers == ()

    def test_rows_that_are_there_twice(self, store):
        with store.writing(clock) as writer:
            rows = writer.rows(Kind.BARS)
            writer.add(Kind.BARS, rows.slice(0, 3))
            writer.commit("by mistake")
        assert "3 of its rows are there twice" in verify(store).faults[0].what

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path):
        (tmp_path / "letters.txt").write_text("dear")
        with pytest.raises(StoreError, match=r"holds letters\.txt, and no market store"):
            take(MarketStore(tmp_path), walk())
        assert [p.name for p in tmp_path.iterdir()] == ["letters.txt"]

    def test_no_store_at_all(self, tmp_path):
        with pytest.raises(StoreError, match="holds no market store; fill one with alphaloom data sync"):
            MarketStore(tmp_path / "none").panel()


def _hold(folder: Path, line: Any) -> None:
    with MarketStore(folder).writing(clock):
        line.send("writing")
        time.sleep(60)


def test_two_processes_at_once_the_second_is_told_who_writes(store):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(target=_hold, args=(store.folder, theirs))
    other.start()
    try:
        assert ours.poll(60)
        with (
            pytest.raises(StoreBusy, match=rf"another process \({other.pid}\) is writing"),
            store.writing(clock, 0.1),
        ):
            pass
        assert verify(store).ok  # reading goes on
        other.kill()  # a lock goes with its process
        other.join()
        take(store, walk(50, "600000.SH", seed=0).take(np.arange(45, 50)))
    finally:
        other.kill()
        other.join()


WRITER = """
    import sys
    sys.path.insert(0, {here!r})
    from pathlib import Path
    from test_store_folder import market, one_by_one
    one_by_one(Path({folder!r}), {names}, {sessions})
"""


def one_by_one(folder: Path, names: int, sessions: int) -> None:
    """An import in deliveries of one name, each a commit of its own."""
    bars = market(names, sessions)
    for n in range(names):
        take(MarketStore(folder), bars.take(bars.column == n))


def _import_and_tell(folder: Path, line: Any) -> None:
    line.send("importing")
    one_by_one(folder, 8, 60)


def start(folder: Path, names: int = 8, sessions: int = 120, **options: object) -> subprocess.Popen[str]:
    code = textwrap.dedent(WRITER.format(here=str(HERE), folder=str(folder), names=names, sessions=sessions))
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_twenty_kills_at_random_moments_leave_a_store_that_verifies_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE))  # for the server
    folder, dice, killed, longest_s = tmp_path / "store", random.Random(20), 0, 0.2
    # a server that has imported everything and started no thread: its children begin at once
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_store_folder"])
    for _ in range(20):
        ours, theirs = context.Pipe()
        child = context.Process(target=_import_and_tell, args=(folder, theirs))
        child.start()
        assert ours.poll(60)
        time.sleep(dice.uniform(0.0, longest_s))
        child.kill()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        if child.exitcode == 0:  # it was through already
            longest_s *= 0.7
        store = MarketStore(folder)
        if store.exists:
            found = verify(store)
            assert found.ok, found.faults
    assert killed >= 10
    one_by_one(folder, 8, 60)
    whole = MarketStore(tmp_path / "whole")
    one_by_one(whole.folder, 8, 60)
    pd.testing.assert_frame_equal(stored(MarketStore(folder)), stored(whole))
    assert verify(MarketStore(folder)).leftovers == ()


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE")
def test_a_full_disk_in_the_middle_leaves_the_store_as_it_was(tmp_path):
    folder = tmp_path / "store"
    one_by_one(folder, 3, 120)
    before = stored(MarketStore(folder))
    biggest = max(p.stat().st_size for p in folder.rglob("*") if p.is_file())

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * biggest, 3 * biggest))

    process = start(folder, 24, 120, preexec_fn=small_disk)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the disk is full, or a limit on file sizes is reached; nothing of this step was stored" in err
    store = MarketStore(folder)
    assert verify(store).ok
    after = stored(store)
    assert len(after) > len(before)  # what fitted has stayed
    assert len(after) % 120 == 0  # in whole deliveries
    one_by_one(folder, 24, 120)  # space was made
    assert len(stored(store)) == 24 * 120
    assert verify(store).leftovers == ()


def test_days_are_stored_by_year(tmp_path):
    store = MarketStore(tmp_path / "store")
    take(store, walk(30))
    assert [s.partition for s in store.reader().manifest.of(Kind.BARS)] == ["2023"]
    assert str(SESSIONS[0]) == store.reader().manifest.of(Kind.BARS)[0].first
