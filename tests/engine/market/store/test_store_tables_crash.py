"""Texts, figures and minute bars: killed or out of space, the store is as it was after some step."""

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
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from store_helpers import SESSIONS, clock, take, walk
from test_store_minutes import day_of_minutes, table

from engine.market.calendar import xshg
from engine.market.codes import shipped_code_changes
from engine.market.store import ArrivalRules, Kind, MarketStore, StoreError
from engine.market.store.macro import take_macro
from engine.market.store.minutes import take_minutes
from engine.market.store.rows import table_of
from engine.market.store.sessions import store_calendar
from engine.market.store.texts import take_texts
from engine.market.store.verify import verify

HERE = Path(__file__).parent
TABLES = (Kind.TEXTS, Kind.MACRO, Kind.MINUTE_BARS)


def text(n: int) -> dict[str, Any]:
    at = datetime(2023, 1, 1) + timedelta(minutes=17 * n)
    return {
        "published_at": at,
        "kind": "news",
        "title": f"T{n}",
        "body": f"{n} " * 400,
        "source": f"https://x/{n}",
    }


def figure(n: int) -> dict[str, Any]:
    day = date(2010, 1, 1) + timedelta(days=n)
    return {"series": "usd_cny", "period_end": day, "visible_date": day, "value": 6.0 + n / 1000}


def step_by_step(folder: Path, steps: int) -> None:
    """Every step brings some of each table, and says some of the one before again."""
    store, rules = MarketStore(folder), ArrivalRules(xshg(), clock())
    for n in range(steps):
        with store.writing(clock) as writer:
            texts = table_of(Kind.TEXTS, [text(i) for i in range(max(30 * n - 5, 0), 30 * (n + 1))])
            figures = table_of(Kind.MACRO, [figure(i) for i in range(max(30 * n - 5, 0), 30 * (n + 1))])
            take_texts(writer, texts, source="step")
            take_macro(writer, figures, source="step")
            minutes = table(day_of_minutes(SESSIONS[n], seed=n))
            take_minutes(writer, minutes, source="step", rules=rules, changes=shipped_code_changes())
            writer.commit("step")


def held(folder: Path) -> dict[Kind, pd.DataFrame]:
    reader = MarketStore(folder).reader()
    out = {}
    for kind in TABLES:
        frame = reader.rows(kind).to_pandas()
        out[kind] = frame.sort_values(list(frame.columns[:3])).reset_index(drop=True)
    return out


def _tell(folder: Path, line: Any) -> None:
    line.send("writing")
    step_by_step(folder, 8)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_kills_at_random_moments_leave_whole_steps_and_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    folder, dice, killed = tmp_path / "store", random.Random(4), 0
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_store_tables_crash"])
    for _ in range(12):
        ours, theirs = context.Pipe()
        child = context.Process(target=_tell, args=(folder, theirs))
        child.start()
        assert ours.poll(60)
        time.sleep(dice.uniform(0.0, 0.25))
        child.kill()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        if MarketStore(folder).exists:
            found = verify(MarketStore(folder))
            assert found.ok, found.faults
            rows = {kind: len(frame) for kind, frame in held(folder).items()}
            # a step brings all of its tables or none
            assert rows[Kind.TEXTS] == rows[Kind.MACRO] == rows[Kind.MINUTE_BARS] / 241 * 30
    assert killed >= 6
    step_by_step(folder, 8)
    step_by_step(tmp_path / "whole", 8)
    one, other = held(folder), held(tmp_path / "whole")
    for kind in TABLES:
        pd.testing.assert_frame_equal(one[kind], other[kind])
    assert verify(MarketStore(folder)).leftovers == ()


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_steps_before(tmp_path):
    folder = tmp_path / "store"
    step_by_step(folder, 2)
    biggest = max(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    code = f"""
        import sys
        sys.path.insert(0, {str(HERE)!r})
        from pathlib import Path
        from test_store_tables_crash import step_by_step
        step_by_step(Path({str(folder)!r}), 24)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3 * biggest, 3 * biggest)),
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the disk is full, or a limit on file sizes is reached; nothing of this step was stored" in err
    assert verify(MarketStore(folder)).ok
    rows = {kind: len(frame) for kind, frame in held(folder).items()}
    assert 60 <= rows[Kind.TEXTS] == rows[Kind.MACRO] < 24 * 30
    step_by_step(folder, 24)
    assert len(held(folder)[Kind.TEXTS]) == 24 * 30
    assert verify(MarketStore(folder)).leftovers == ()


class TestStoresOfOtherTimes:
    """Those of before, and those of after."""

    def test_a_store_without_these_tables_opens_and_takes_them(self, tmp_path):
        store = MarketStore(tmp_path / "store")
        take(store, walk())
        manifest = json.loads((store.folder / "manifest.json").read_text())
        # as it was written before: nothing in it names a table that there was not
        assert {s["kind"] for s in manifest["segments"]} <= {"bars", "factors"}
        panel = store.panel().panel
        assert (panel.texts, panel.macro) == ((), ())
        assert store_calendar(store.reader()) is xshg()
        before = panel.data_hash
        step_by_step(store.folder, 1)
        after = store.panel().panel
        assert "usd_cny" in after.fields
        assert len(after.texts) == 0  # those of the first step were out before the first session's day
        assert after.data_hash != before

    def test_a_table_of_a_newer_program_is_named(self, tmp_path):
        from engine.hashing import hash_json

        store = MarketStore(tmp_path / "store")
        take(store, walk())
        path = store.folder / "manifest.json"
        content = json.loads(path.read_text())
        content["segments"][0]["kind"] = "weather"
        content.pop("checksum")
        path.write_text(json.dumps({**content, "checksum": hash_json(content)}))
        with pytest.raises(
            StoreError, match="names a table 'weather' that this program does not know; it was"
        ):
            store.reader()


def test_the_same_code_on_two_exchanges_is_two_names_to_verify(tmp_path):
    store = MarketStore(tmp_path / "store")
    rows = [
        {"symbol": symbol, "session": SESSIONS[0].astype(object), "close": 3000.0}
        for symbol in ("000001.SH", "000001.SZ", "H00300.CSI")
    ]
    with store.writing(clock) as writer:
        writer.add(Kind.INDEX_BARS, table_of(Kind.INDEX_BARS, rows))
        writer.commit("two")
    assert verify(store).ok


def test_a_truncated_file_of_texts_is_named_and_forgotten_by_a_repair(tmp_path):
    from engine.market.store.verify import repair

    folder = tmp_path / "store"
    step_by_step(folder, 3)
    store = MarketStore(folder)
    path = folder / store.reader().manifest.of(Kind.TEXTS)[0].path
    path.write_bytes(path.read_bytes()[:-50])
    (fault,) = verify(store).faults
    assert "truncated" in fault.what
    assert str(fault).startswith("texts/2023/")
    assert repair(store, clock)[1].ok
    step_by_step(folder, 3)
    assert len(held(folder)[Kind.TEXTS]) == 90
