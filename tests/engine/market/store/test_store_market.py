"""A whole market is built in parts, by two threads, into what a few names are built into at once."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from store_helpers import SESSIONS, changed, clock, csv, import_files, take, walk, without

from engine.market import MarketPanel
from engine.market.sources.delivery import DailyBars
from engine.market.store import Kind, MarketStore, StoreError
from engine.market.store.panel import assembly, parts, placing
from engine.market.store.rows import bars_table


def same(one: MarketPanel, other: MarketPanel) -> None:
    assert list(one.fields) == list(other.fields)
    for name in one.fields:
        np.testing.assert_array_equal(one.fields[name], other.fields[name], err_msg=name)
    np.testing.assert_array_equal(one.listed, other.listed)
    assert one.special_sessions == other.special_sessions
    assert one.data_hash == other.data_hash


@pytest.fixture
def in_parts(monkeypatch):
    """Read the names of a store in groups of four, and look at two together."""

    def read(store: MarketStore, *asked: str):
        with monkeypatch.context() as patch:
            patch.setattr(assembly, "_WHOLE", 0)
            patch.setattr(parts, "_READ", 4)
            patch.setattr(parts, "_BUILT", 2)
            return store.panel("all", *asked)

    return read


@pytest.fixture
def store(tmp_path):
    return MarketStore(tmp_path / "store")


def told(loaded) -> list[tuple[str, int]]:
    return [(finding.kind, finding.count) for finding in loaded.report.warnings]


def test_parts_fit_together(store, in_parts):
    for n in range(10):
        bars = walk(40, f"{600000 + n}.SH", seed=n, first=3 * n)
        take(store, bars.take((np.arange(40) != 20) & (np.arange(40) < 40 - n)))
    take(store, walk(30, "600100.SH", seed=99, first=100))
    whole = store.panel("all")
    found = in_parts(store)
    same(found.panel, whole.panel)
    # a session without any row is told of once, and last
    assert told(found) == [("gap", 10), ("factor_disagrees", 10), ("empty_session", 42)]
    assert sorted(told(found)) == sorted(told(whole))
    assert found.report.warnings[0].message.endswith("(and 8 more in other names)")


def test_a_span_of_a_market(store, in_parts):
    for n in range(5):
        take(store, walk(40, f"{600000 + n}.SH", seed=n))
    span = str(SESSIONS[5]), str(SESSIONS[30])
    same(in_parts(store, *span).panel, store.panel("all", *span).panel)


def test_factors_that_are_not_stored_and_columns_that_only_some_have(store, in_parts, tmp_path):
    for n in range(6):
        bars = walk(30, f"{600000 + n}.SH", seed=n)
        gone = [["adj_factor"], ["adj_factor", "preclose"], ["amount"], [], ["preclose"], ["adj_factor"]][n]
        if n == 4:
            size = {"turnover": np.full(30, 0.01), "pe_ttm": np.arange(30.0)}
            bars = DailyBars(bars.symbols, bars.column, bars.session, {**bars.values, **size})
        if n == 1:
            cash = round(bars.values["close"][10] - bars.values["preclose"][11], 2)
            text = f"symbol,ex_date,cash_per_share\n600001,{SESSIONS[11]},{cash}\n"
            import_files(store, actions=csv(tmp_path / "a.csv", text))
        take(store, without(bars, *gone))
    whole = store.panel("all").panel
    same(in_parts(store).panel, whole)
    assert {"turnover", "market_cap", "pe_ttm"} <= set(whole.fields)
    # also where the step follows from the announced terms alone
    assert (whole.field("adj_factor")[-1] > 1.05).all()


def test_what_nobody_delivers_is_no_field(store, in_parts):
    for n in range(5):
        take(store, walk(30, f"{600000 + n}.SH", seed=n))
    found = in_parts(store).panel
    assert not {"turnover", "market_cap", "pe_ttm"} & set(found.fields)


def test_an_ex_date_within_a_suspension_moves_the_flat_bar(store, in_parts, tmp_path):
    idle = {"volume": 0.0, "amount": 0.0, "trading": 0.0}
    for n in range(5):
        bars = walk(30, f"{600000 + n}.SH", seed=n)
        bars = DailyBars(bars.symbols, bars.column, bars.session, {**bars.values, "trading": np.ones(30)})
        for row in (10, 11, 12):
            flat = bars.values["close"][9] if row == 10 else bars.values["preclose"][11]
            prices = dict.fromkeys(("open", "high", "low", "close"), flat)
            bars = changed(bars, row, **idle, **prices)
        bars = changed(bars, 13, preclose=bars.values["close"][12])
        take(store, bars.take(np.arange(30) != 12) if n % 2 else bars)
    text = f"symbol,ex_date,bonus_ratio\n600003,{SESSIONS[20]},0.1\n"
    import_files(store, actions=csv(tmp_path / "a.csv", text))
    whole = store.panel("all")
    found = in_parts(store)
    same(found.panel, whole.panel)
    close = found.panel.field("close")
    assert (close[11] < close[10]).all()
    assert (found.panel.field("share_factor")[20:, 3] == 1.1).all()


def test_a_stock_whose_code_changed_is_one_column_and_may_be_special(store, in_parts, tmp_path):
    """Rows under either code, as a store of an older programme may hold them."""
    for n in range(5):
        take(store, walk(30, f"{600000 + n}.SH", seed=n))
    both = walk(30, "000022.SZ", seed=7)
    values = {name: cells for name, cells in both.values.items() if name != "adj_factor"}
    half = {"000022.SZ": slice(0, 15), "001872.SZ": slice(15, 30)}
    with store.writing(clock) as writer:
        for symbol, rows in half.items():
            mine = {name: cells[rows] for name, cells in values.items()}
            column = np.zeros(15, dtype=np.intp)
            writer.add(Kind.BARS, bars_table(DailyBars(np.array([symbol]), column, both.session[rows], mine)))
        writer.commit("test")
    text = f"symbol,kind,start,end\n600004,relisting,{SESSIONS[8]},\n600001,st,{SESSIONS[3]},{SESSIONS[6]}\n"
    import_files(store, special_sessions=csv(tmp_path / "s.csv", text))
    whole = store.panel("all").panel
    assert whole.symbols.tolist()[0] == "001872.SZ"
    assert not np.isnan(whole.field("close")[:30, 0]).any()
    found = in_parts(store).panel
    same(found, whole)
    assert [(s.column, s.kind) for s in found.special_sessions] == [(5, "relisting")]
    assert found.field("is_st")[:, 2].sum() == 3


def test_a_bar_that_is_held_twice_is_refused(store, in_parts):
    for n in range(5):
        take(store, walk(30, f"{600000 + n}.SH", seed=n))
    with store.writing(clock) as writer:
        writer.add(Kind.BARS, bars_table(without(walk(3, "600003.SH", seed=8), "adj_factor")))
        writer.commit("test")
    for read in (store.panel, in_parts):
        with pytest.raises(StoreError, match="holds a bar twice; run alphaloom data verify"):
            read() if read == store.panel else read(store)


def test_a_missing_file_is_named(store, in_parts):
    for n in range(9):
        take(store, walk(30, f"{600000 + n}.SH", seed=n))
    found, missing = parts.StoredRows.read, store.reader().manifest.of(Kind.BARS)[0].path

    def read(rows, grid, lo):
        (store.folder / missing).unlink(missing_ok=True)
        return found(rows, grid, lo)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts.StoredRows, "read", read)
        with pytest.raises(StoreError, match=f"{missing} is missing; restore it from a backup"):
            in_parts(store)


def test_a_kernel_is_compiled_once_whatever_the_market_looks_like(store, in_parts):
    for n in range(6):
        bars = walk(30, f"{600000 + n}.SH", seed=n)
        ratio = {"pe_ttm": np.full(30, 9.0)} if n == 3 else {}
        bars = DailyBars(bars.symbols, bars.column, bars.session, {**bars.values, **ratio})
        take(store, without(bars, *(["preclose"] if n % 2 else [])))
    # where a column has rows without a value, its numbers are a copy
    assert store.reader().rows(Kind.BARS)["pe_ttm"].null_count
    in_parts(store)
    for kernel in (placing.locate, placing.spread, placing.spread_steps):
        assert len(kernel.signatures) == 1, kernel


def test_a_few_names_need_no_compiler(store):
    take(store, walk())
    program = (
        "import sys; from pathlib import Path; from engine.market.store import MarketStore; "
        f"MarketStore(Path({str(store.folder)!r})).panel('all'); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
