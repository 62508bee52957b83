from __future__ import annotations

import os
import stat
from dataclasses import replace

import numpy as np
import pytest

from alpha_sources.provider import AlphaProvider
from alpha_sources.refresh import RefreshRule
from alpha_sources.refresh_store import RefreshStore, program_hash
from alpha_sources.signal import ProviderSignal
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError

HASH = "ab" * 32


class Learning(AlphaProvider):
    """Learns the mean close so far, every other time; counts how often it was really asked."""

    def __init__(self, fingerprint="1"):
        self.asked = 0
        self._fingerprint = fingerprint

    def fingerprint(self):
        return self._fingerprint

    def refresh(self, view, previous):
        self.asked += 1
        if previous is not None and len(view) % 2:
            return None
        return Snapshot(arrays={"mean": np.nanmean(view.field("close"), axis=0)})

    def scores(self, view, snapshot):
        return view.field("close")[-1] / snapshot.arrays["mean"]


def walk(panel, store, provider=None, last=12, params_hash=HASH):
    provider = provider or Learning()
    signal = ProviderSignal(
        provider, panel, RefreshRule.parse("every 1"), "learning", params_hash, store=store
    )
    for row in range(5, last):
        signal.scores_at(row)
    return signal, provider.asked


@pytest.fixture
def store(tmp_path):
    return RefreshStore(tmp_path / "kept")


def test_a_finished_walk_is_played_again_without_learning(panel, store):
    first, asked = walk(panel, store)
    again, asked_again = walk(panel, store)
    assert (asked, asked_again) == (7, 0)
    assert again.snapshots == first.snapshots
    assert all(r.found for r in again.refreshes)
    for row, scores in first.used.items():
        np.testing.assert_array_equal(again.used[row], scores)


def test_an_interrupted_walk_goes_on_where_it_was(panel, store):
    walk(panel, store, last=9)
    resumed, asked = walk(panel, store)
    assert asked == 3
    assert resumed.snapshots == walk(panel, None)[0].snapshots


@pytest.mark.parametrize("what", ["params", "fingerprint", "data"])
def test_whatever_determines_a_refresh_makes_it_another(panel, store, what):
    walk(panel, store)
    provider = Learning("2" if what == "fingerprint" else "1")
    if what == "data":
        close = panel.field("close").copy()
        close[7, 0] += 0.01
        panel = replace(panel, fields={**panel.fields, "close": close})
    _, asked = walk(panel, store, provider, params_hash="cd" * 32 if what == "params" else HASH)
    assert asked == (5 if what == "data" else 7)  # the two sessions before the corrected row stay


def test_later_rows_do_not_matter(panel, store):
    walk(panel, store)
    _, asked = walk(panel.truncate(11), store)
    assert asked == 0


def test_a_provider_without_a_fingerprint_learns_every_time(panel, store):
    walk(panel, store, Learning(None))
    assert walk(panel, store, Learning(None))[1] == 7
    assert not store.folder.exists()


@pytest.mark.parametrize("damage", ["snapshot", "record", "missing"])
def test_what_is_damaged_is_learned_again_and_mended(panel, store, damage):
    first, _ = walk(panel, store)
    target = store.folder / first.snapshots[2].hash
    if damage == "snapshot":
        (target / "arrays.safetensors").write_bytes(b"nothing")
    elif damage == "missing":
        (target / "snapshot.json").unlink()
    else:
        for record in (store.folder / "refreshes").rglob("*.json"):
            record.write_text("{")
    again, asked = walk(panel, store)
    assert asked == (7 if damage == "record" else 1)
    assert again.snapshots == first.snapshots
    assert walk(panel, store)[1] == 0


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_note(panel, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    signal, asked = walk(panel, RefreshStore(tmp_path / "kept"))
    assert asked == 7
    assert "is not kept" in signal.notes[0]


def test_a_file_in_the_way_is_a_note(panel, tmp_path):
    (tmp_path / "kept").write_text("")
    signal, asked = walk(panel, RefreshStore(tmp_path / "kept"))
    assert asked == 7
    assert len(signal.notes) == 1


def test_a_failing_refresh_is_not_kept(panel, store):
    class Failing(Learning):
        def refresh(self, view, previous):
            raise ValueError("no")

    with pytest.raises(ProviderError, match="no"):
        walk(panel, store, Failing())
    assert not store.folder.exists()


def test_a_refresh_that_leaves_a_note_is_tried_again_by_the_next_run(panel, store):
    class Troubled(Learning):
        def notes(self, snapshot):
            return ["the network was down"]

    signal, _ = walk(panel, store, Troubled())
    assert signal.notes == ["the network was down"] * 4
    assert walk(panel, store, Troubled())[1] == 4  # that the other three kept what was there is known


def test_another_program_learns_anew(panel, store, monkeypatch):
    walk(panel, store)
    monkeypatch.setattr("alpha_sources.refresh_store.program_hash", lambda: "another")
    assert walk(panel, store)[1] == 7


def test_every_source_is_part_of_the_program(tmp_path, monkeypatch):
    for package in ("engine", "alpha_sources"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "one.py").write_text("x = 1")
    monkeypatch.setattr("alpha_sources.refresh_store.files", lambda package: tmp_path / package)
    compute = program_hash.__wrapped__
    before = compute()
    assert compute() == before
    (tmp_path / "engine" / "one.py").write_text("x = 2")
    changed = compute()
    (tmp_path / "alpha_sources" / "prompt.v1.txt").write_text("ask")
    assert len({before, changed, compute()}) == 3
