"""The store of results: nothing twice, nothing lost, nothing overwritten."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_markets import last_view, market

from alpha_sources.evaluation import ResultStore, judge
from alpha_sources.evaluation.measures import Measurer
from engine.sqlite import DatabaseError, DatabaseLocked

MANY = [f"ts_mean(close, {n}) / close" for n in range(2, 72)]


@pytest.fixture(scope="module")
def view():
    return last_view(market())


@pytest.fixture
def measured(monkeypatch):
    """Counts the alphas that are really measured."""
    count = []
    genuine = Measurer.measure_all

    def counting(self, alphas):
        count.extend([1] * len(alphas))
        return genuine(self, alphas)

    monkeypatch.setattr(Measurer, "measure_all", counting)
    return count


def test_what_was_measured_once_is_not_measured_again(view, tmp_path, measured):
    plain = judge(MANY, view)
    measured.clear()
    first = judge(MANY, view, store=tmp_path)
    assert len(measured) == len(MANY)
    again = judge([*MANY, "close"], view, store=tmp_path)
    assert len(measured) == len(MANY) + 1
    pd.testing.assert_frame_equal(first.frame, plain.frame)
    pd.testing.assert_frame_equal(again.frame.iloc[:-1], plain.frame)
    pd.testing.assert_frame_equal(again[MANY[3]].series, plain[MANY[3]].series)
    assert again.data_hash and not plain.data_hash


def test_other_spellings_are_the_same_formula_and_other_settings_or_data_are_not(view, tmp_path, measured):
    judge("close / open", view, store=tmp_path)
    judge("div(CLOSE, open)", view, store=tmp_path)
    assert len(measured) == 1
    judge("close / open", view, store=tmp_path, horizon_sessions=2)
    assert len(measured) == 2
    judge("close / open", view.view(100), store=tmp_path)
    assert len(measured) == 3
    judge("close / open", view, end=view.dates[100], store=tmp_path)  # the same data, told another end
    assert len(measured) == 4
    with ResultStore(tmp_path) as store:
        assert len(store) == 4


def test_values_are_known_by_their_content(view, tmp_path, measured):
    values = np.random.default_rng(0).normal(size=(120, 30))
    judge({"one": values}, view, store=tmp_path)
    assert judge({"other": values.copy()}, view, store=tmp_path).names == ("other",)
    assert len(measured) == 1
    judge({"one": values + 1e-9}, view, store=tmp_path)
    assert len(measured) == 2


def test_an_interrupted_batch_goes_on_where_it_was(view, tmp_path, measured):
    class StopError(Exception):
        pass

    def interrupt(done, reused):
        if done >= 64:
            raise StopError

    with pytest.raises(StopError):
        judge(MANY, view, store=tmp_path, keep_series=False, progress=interrupt)
    assert len(measured) == 64
    told = []
    resumed = judge(MANY, view, store=tmp_path, keep_series=False, progress=lambda *said: told.append(said))
    assert len(measured) == len(MANY)
    assert told == [(32, 32), (64, 64), (70, 64)]
    pd.testing.assert_frame_equal(resumed.frame, judge(MANY, view).frame)


def test_a_process_that_is_killed_loses_no_more_than_its_last_block(view, tmp_path, measured):
    script = f"""
import os, sys
sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
from evaluation_markets import last_view, market
from alpha_sources.evaluation import judge
judge({MANY!r}, last_view(market()), store={str(tmp_path)!r}, keep_series=False,
      progress=lambda done, reused: os.kill(os.getpid(), 9) if done == 32 else None)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    judged = judge(MANY, view, store=tmp_path, keep_series=False)
    assert len(measured) == len(MANY) - 32
    assert (judged.frame["status"] == "ok").all()


def test_series_are_added_to_a_result_that_came_without(view, tmp_path, measured):
    judge("close", view, store=tmp_path, keep_series=False)
    with_series = judge("close", view, store=tmp_path)
    assert len(measured) == 2  # the series had to be computed
    again = judge("close", view, store=tmp_path)
    without = judge("close", view, store=tmp_path, keep_series=False)
    assert len(measured) == 2
    pd.testing.assert_frame_equal(again["close"].series, with_series["close"].series)
    assert without.judged[0].measured.series is None


def test_verdicts_are_kept_too_and_what_cannot_be_read_is_not(view, tmp_path, measured):
    given = {"bad": "close +", "empty": "delay(close, 119)", "foreign": "pe_ttm"}
    first = judge(given, view, store=tmp_path)
    again = judge(given, view, store=tmp_path)
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert len(measured) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no database at all, but long enough to look at", "no SQLite database and was left as it is"),
        (b"SQLite format 3\x00" + b"\xff" * 4096, "damaged|no SQLite database"),
    ],
)
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(view, tmp_path, content, message):
    file = tmp_path / "evaluations.db"
    file.write_bytes(content)
    with pytest.raises(DatabaseError, match=message):
        judge("close", view, store=tmp_path)
    assert file.read_bytes() == content


def test_a_changed_byte_is_noticed(view, tmp_path):
    judge("close", view, store=tmp_path)
    with sqlite3.connect(tmp_path / "evaluations.db") as connection:
        blob = bytearray(connection.execute("SELECT numbers FROM results").fetchone()[0])
        blob[100] ^= 1
        connection.execute("UPDATE results SET numbers = ?", (bytes(blob),))
    connection.close()
    with pytest.raises(DatabaseError, match=r"is not what was written.*restore a backup, or move it away"):
        judge("close", view, store=tmp_path)


def test_a_database_of_something_else_is_refused(view, tmp_path):
    with sqlite3.connect(tmp_path / "evaluations.db") as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(DatabaseError, match="the database of something else"):
        judge("close", view, store=tmp_path)


def test_a_locked_store_says_so(tmp_path):
    ResultStore(tmp_path).close()
    holder = sqlite3.connect(tmp_path / "evaluations.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    view = last_view(market(sessions=40, names=12))
    with (
        pytest.raises(DatabaseLocked, match="another process has held it"),
        ResultStore(tmp_path, timeout_s=0.05) as store,
    ):
        judge("close", view, store=store)
    holder.close()


def test_a_market_that_differs_in_one_price_is_another_market(tmp_path, measured):
    panel = market(sessions=40, names=12)
    judge("close", last_view(panel), store=tmp_path)
    close = panel.field("close").copy()
    close[3, 3] += 0.01
    judge("close", last_view(replace(panel, fields={**panel.fields, "close": close})), store=tmp_path)
    assert len(measured) == 2
