"""Dated figures: what was seen first stands, a restatement is a later row."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_helpers import SESSIONS, csv, import_files, take, walk

from alphaloom.sample import sample_paths
from engine.errors import DataError
from engine.market import data_config, load_market
from engine.market.store import Kind, MarketStore
from engine.market.store.dated import Refusal, judge_figures
from engine.market.store.export import export
from engine.market.store.further import AFTER_BARS, fill_further
from engine.market.store.intake import take_fundamentals
from engine.market.store.macro import take_macro
from engine.market.store.rows import table_of
from engine.market.store.status import status
from engine.market.store.verify import verify

Row = tuple[str, date | None, date | None, float]


def macro(*rows: Row) -> Any:
    """(series, period_end, visible_date, value)."""
    names = ("series", "period_end", "visible_date", "value")
    return table_of(Kind.MACRO, [dict(zip(names, row, strict=True)) for row in rows])


def add(store: MarketStore, now: datetime, *rows: Row) -> Any:
    with store.writing(lambda: now) as writer:
        taken = take_macro(writer, macro(*rows), source="vendor")
        writer.commit("vendor")
    return taken


def held(store: MarketStore) -> list[tuple[str, date, date, float]]:
    rows = store.reader().rows(Kind.MACRO).to_pylist()
    return sorted((r["series"], r["period_end"], r["visible_date"], r["value"]) for r in rows)


JANUARY, OUT = date(2023, 1, 31), date(2023, 2, 10)


@pytest.fixture
def store(tmp_path):
    return MarketStore(tmp_path / "store")


class TestTheRule:
    """One statement, said again."""

    def test_what_is_known_already_is_not_stored_again(self, store):
        add(store, datetime(2023, 2, 10, 18), ("cpi_yoy", JANUARY, OUT, 2.1))
        taken = add(store, datetime(2023, 3, 1), ("cpi_yoy", JANUARY, OUT, 2.1))
        assert not taken.added
        assert taken.repeated[Kind.MACRO] == 1

    def test_a_value_written_over_counts_from_the_day_after_it_was_seen(self, store):
        add(store, datetime(2023, 2, 10, 18), ("cpi_yoy", JANUARY, OUT, 2.1))
        taken = add(store, datetime(2023, 5, 9, 9), ("cpi_yoy", JANUARY, OUT, 2.3))
        assert taken.added[Kind.MACRO] == 1
        assert [row[2:] for row in held(store)] == [(OUT, 2.1), (date(2023, 5, 10), 2.3)]

    def test_a_restatement_with_a_day_of_its_own_counts_from_that_day(self, store):
        add(store, datetime(2023, 2, 10, 18), ("cpi_yoy", JANUARY, OUT, 2.1))
        add(store, datetime(2023, 5, 9), ("cpi_yoy", JANUARY, date(2023, 4, 11), 2.3))
        assert [row[2:] for row in held(store)] == [(OUT, 2.1), (date(2023, 4, 11), 2.3)]

    def test_a_day_of_update_that_moves_on_with_the_same_value_is_no_news(self, store):
        add(store, datetime(2023, 2, 10, 18), ("cpi_yoy", JANUARY, OUT, 2.1))
        assert not add(store, datetime(2023, 5, 9), ("cpi_yoy", JANUARY, date(2023, 4, 11), 2.1)).added

    def test_nothing_is_dated_back_before_what_was_seen_first(self, store):
        add(store, datetime(2023, 2, 10, 18), ("cpi_yoy", JANUARY, OUT, 2.1))
        taken = add(store, datetime(2023, 5, 9), ("cpi_yoy", JANUARY, date(2023, 2, 1), 9.9))
        assert not taken.added
        assert (
            "which was seen first and stands; e.g. cpi_yoy for 2023-01-31, 9.9 from 2023-02-01"
            in (taken.notes[0])
        )

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            (("cpi_yoy", JANUARY, None, 1.0), "no day from which they were known"),
            (("cpi_yoy", JANUARY, date(2024, 1, 1), 1.0), "dated in the future"),
            (
                ("cpi_yoy", date(2023, 4, 30), date(2023, 4, 9), 1.0),
                "long before the period they are about was over",
            ),
        ],
    )
    def test_what_cannot_be_is_left_out_and_said(self, store, row, words):
        good = ("m2_yoy", JANUARY, OUT, 12.6)
        taken = add(store, datetime(2023, 5, 9), row, good)
        assert [r[0] for r in held(store)] == ["m2_yoy"]
        assert words in taken.notes[0]

    def test_a_month_is_told_of_before_its_end_where_a_holiday_follows(self, store):
        row = ("pmi_manufacturing", date(2025, 1, 31), date(2025, 1, 27), 49.1)
        assert add(store, datetime(2025, 1, 27, 18), row).added[Kind.MACRO] == 1
        assert verify(store).ok

    def test_a_cell_without_a_value_says_nothing(self, store):
        assert not add(store, datetime(2023, 5, 9), ("cpi_yoy", JANUARY, OUT, float("nan"))).added

    def test_two_values_for_one_day_in_one_delivery(self, store):
        rows = [("cpi_yoy", JANUARY, OUT, 2.1), ("cpi_yoy", JANUARY, OUT, 2.2)]
        taken = add(store, datetime(2023, 5, 9), *rows)
        assert [row[3] for row in held(store)] == [2.1]
        assert "the first was kept" in taken.notes[0]

    def test_a_name_that_no_formula_can_write_is_refused(self, store):
        with pytest.raises(DataError, match="vendor: 'CPI 同比' is no name of a series; write it in small"):
            add(store, datetime(2023, 5, 9), ("CPI 同比", JANUARY, OUT, 1.0))

    def test_a_daily_ratio_that_was_corrected_does_not_become_that_of_today(self, store):
        take(store, walk())
        names = ("figure", "symbol", "visible_date", "value")
        days = [SESSIONS[i].astype(object) for i in range(30)]

        def figures(*values: float) -> Any:
            cells = [("pe_ttm", "600519.SH", day, value) for day, value in zip(days, values, strict=False)]
            return table_of(Kind.FUNDAMENTALS, [dict(zip(names, row, strict=True)) for row in cells])

        def told(now: datetime, table: Any) -> None:
            with store.writing(lambda: now) as writer:
                take_fundamentals(writer, table, source="vendor")
                writer.commit("vendor")

        first = datetime.combine(days[2], datetime.min.time())
        told(first, figures(30.0, 31.0))
        told(first + timedelta(days=1), figures(99.0, 31.0, 32.0, 33.0))
        pe = store.panel().panel.field("pe_ttm")[:, 0]
        assert pe[:5].tolist() == [30.0, 31.0, 32.0, 33.0, 33.0]


def naive(days: list[tuple[date, date, float]], known: list[tuple[date, float]], seen: date) -> list[Any]:
    """The rule for one statement, written down a second time."""
    out, fresh = [], set()
    for _, visible, value in sorted(days, key=lambda d: d[1]):
        dates, values = [d for d, _ in known], [v for _, v in known]
        if (visible, value) in known or (dates and visible > dates[-1] and values[-1] == value):
            continue
        if not dates or visible > dates[-1]:
            day = visible
        elif value in values or visible in fresh or visible not in dates or dates[-1] > seen:
            continue
        else:
            day = seen + timedelta(days=1)
        known.append((day, value))
        fresh.add(day)
        out.append((day, value))
    return out


DAYS = st.integers(0, 6).map(lambda n: date(2023, 2, 1) + timedelta(days=n))
VALUES = st.sampled_from([1.0, 2.0, 3.0])


@settings(max_examples=150, deadline=None)
@given(
    deliveries=st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.tuples(st.just(JANUARY), DAYS, VALUES), max_size=4)),
        max_size=5,
    )
)
def test_deliveries_of_one_statement_follow_the_rule(deliveries):
    seen, stored, known = date(2023, 2, 8), macro(), []
    for wait, rows in deliveries:
        seen += timedelta(days=wait)
        # one value for each day: two are a contradiction, which is tested by itself
        days = list({visible: (period, visible, value) for period, visible, value in rows}.values())
        table = macro(*(("cpi_yoy", *row) for row in days))
        judged = judge_figures(table, stored, ("series",), seen=seen)
        got = [
            (np.datetime64(int(day), "D").astype(object), table["value"][int(row)].as_py())
            for row, day in zip(judged.rows, judged.visible, strict=True)
        ]
        assert sorted(got) == sorted(naive(days, known, seen))
        assert judged.known + len(got) + sum(judged.refused.values()) == len(days)
        stored = pa.concat_tables([stored, macro(*(("cpi_yoy", JANUARY, day, v) for day, v in got))])
        # nothing that was known on a day is ever known otherwise
        keys = list(zip(stored["visible_date"].to_pylist(), strict=True))
        assert len(set(keys)) == len(keys)


def test_many_statements_at_once_are_those_one_by_one():
    rng = np.random.default_rng(5)
    rows = [
        (
            f"s{rng.integers(4)}",
            date(2023, int(rng.integers(1, 4)), 1),
            date(2023, 4, int(rng.integers(1, 9))),
            1.0 * v,
        )
        for v in rng.integers(1, 4, 400)
    ]
    rows = list({row[:3]: row for row in rows}.values())
    old, new = rows[::2], rows[1::2]
    seen = date(2023, 4, 9)

    def told(arriving: list[Row], stored: list[Row]) -> list[tuple[Any, ...]]:
        judged = judge_figures(macro(*arriving), macro(*stored), ("series",), seen=seen)
        triples = zip(judged.rows.tolist(), judged.visible.tolist(), judged.period.tolist(), strict=True)
        return sorted((arriving[row], day, period) for row, day, period in triples)

    alone = []
    for key in {row[:2] for row in rows}:
        alone += told([r for r in new if r[:2] == key], [r for r in old if r[:2] == key])
    assert told(new, old) == sorted(alone)
    assert Refusal.EARLIER in judge_figures(macro(*new), macro(*old), ("series",), seen=seen).refused


class TestThePanel:
    """Macro series are fields, the same for all names, and known no day too early."""

    TEXT = (
        "series,period_end,visible_date,value\n"
        f"cpi_yoy,2022-11-30,{SESSIONS[4]},1.8\ncpi_yoy,2022-12-31,{SESSIONS[9]},2.1\n"
        f"cpi_yoy,2022-11-30,{SESSIONS[12]},1.9\nusd_cny,,2022-12-30,6.96\n"
    )

    @pytest.fixture
    def filled(self, store, tmp_path):
        take(store, walk())
        take(store, walk(30, "600000.SH", seed=2))
        csv(tmp_path / "m.csv", self.TEXT)
        self.imported(store, tmp_path / "m.csv")
        return store

    @staticmethod
    def imported(store, path):
        from engine.market.sources.tables import TableSource

        source = TableSource(data_config(source="file", macro=path), "m")
        return fill_further(store, source, AFTER_BARS, clock=lambda: datetime(2024, 1, 2, 18))

    def test_a_figure_holds_from_its_day_and_an_older_period_replaces_nothing(self, filled):
        panel = filled.panel().panel
        cpi = panel.field("cpi_yoy")
        assert cpi.shape == panel.shape
        assert np.isnan(cpi[:4]).all()
        assert (cpi[4:9] == 1.8).all()
        assert (cpi[9:] == 2.1).all()
        assert (panel.field("usd_cny") == 6.96).all()

    def test_the_view_and_a_truncated_panel_show_what_was_known(self, filled):
        panel = filled.panel().panel
        for t in (0, 3, 4, 8, 9, 29):
            view, cut = panel.view(t), panel.truncate(t)
            assert view.macro == cut.macro == cut.view(t).macro
            assert all(np.datetime64(f.visible) <= panel.dates[t] for f in view.macro)
            np.testing.assert_array_equal(view.field("cpi_yoy"), cut.field("cpi_yoy"))
        assert [f.value for f in panel.view(29).macro] == [6.96, 1.8, 2.1, 1.9]

    def test_memory_is_that_of_one_column(self, filled):
        assert filled.panel().panel.field("cpi_yoy").strides[1] == 0

    def test_formulas_take_them_as_fields(self, filled, tmp_path):
        from alpha_sources.formula import parse
        from alphaloom.formula_values import formula_values

        rates = "".join(
            f"usd_cny,{day},{day},{6.7 + 0.01 * ((7 * i) % 11)}\n" for i, day in enumerate(SESSIONS[:30])
        )
        self.imported(filled, csv(tmp_path / "fx.csv", f"series,period_end,visible_date,value\n{rates}"))
        panel = filled.panel().panel
        read = parse("ts_corr(returns, usd_cny, 10)", "alphaloom", panel.fields)
        values = formula_values(read, panel, date=str(panel.dates[29]), last=1, symbols=())
        got = {row[0]: float(row[1]) for row in values.rows()[1:]}
        for symbol in panel.symbols.tolist():
            column = panel.column(symbol)
            frame = pd.DataFrame(
                {"r": panel.field("returns")[20:, column], "fx": panel.field("usd_cny")[20:, column]}
            )
            assert got[symbol] == pytest.approx(frame["r"].corr(frame["fx"]), abs=1e-5)

    def test_the_file_and_the_store_give_the_same_panel(self, filled, tmp_path):
        bars, back = tmp_path / "bars.parquet", tmp_path / "macro.csv"
        export(filled, Kind.BARS, bars)
        assert export(filled, Kind.MACRO, back) == 4
        one = load_market(data_config(source="file", path=bars, macro=back)).panel
        other = filled.panel("all").panel
        for name in ("cpi_yoy", "usd_cny", "close"):
            np.testing.assert_array_equal(one.field(name), other.field(name))
        assert [f[:4] for f in one.macro] == [f[:4] for f in other.macro]

    def test_a_series_with_the_name_of_a_field_is_refused(self, filled, tmp_path):
        csv(tmp_path / "c.csv", "series,visible_date,value\nclose,2023-01-05,1\n")
        self.imported(filled, tmp_path / "c.csv")
        with pytest.raises(DataError, match="the panel has a field close already"):
            filled.panel()

    def test_the_figures_of_a_brief_come_in_too(self, store, tmp_path):
        text = (
            "published,name,value,period\n2023-02-10 09:30,cpi_yoy,2.1,2023-01\n"
            "2023-02-10 16:00,m2_yoy,12.6,2023-01\n2023-03-01,pmi_manufacturing,52.6,2023-02\n"
        )
        self.imported(store, csv(tmp_path / "macro.csv", text))
        assert {row[0]: row[2] for row in held(store)} == {
            "cpi_yoy": date(2023, 2, 10), "m2_yoy": date(2023, 2, 11), "pmi_manufacturing": date(2023, 3, 2),
        }  # fmt: skip


def test_fundamentals_of_the_sample_are_taken_and_again_are_no_news(tmp_path):
    store, paths = MarketStore(tmp_path / "store"), sample_paths()
    one = import_files(store, fundamentals=paths["fundamentals"])
    again = import_files(store, fundamentals=paths["fundamentals"])
    assert one.added[Kind.FUNDAMENTALS] > 4000
    assert not one.notes
    assert not again.added
    assert again.repeated[Kind.FUNDAMENTALS] == one.added[Kind.FUNDAMENTALS] + one.repeated[Kind.FUNDAMENTALS]


def test_the_status_tells_of_missing_periods_and_of_a_series_that_stopped(store):
    months = [d.date() for d in pd.date_range("2022-01-31", periods=12, freq="ME")]
    rows = [("cpi_yoy", day, day + timedelta(days=10), float(i)) for i, day in enumerate(months) if i != 5]
    add(store, datetime(2023, 1, 20), *rows)
    (found,) = status(store, datetime(2023, 1, 20)).macro
    assert (found.periods, found.missing, found.restated, found.stale) == (11, 1, 0, False)
    assert (found.first, found.last, found.known_to) == (months[0], months[-1], date(2023, 1, 10))
    assert status(store, datetime(2023, 6, 1)).macro[0].stale


def test_verify_names_a_figure_that_was_known_before_its_period_was_over(store):
    add(store, datetime(2023, 2, 10, 18), ("cpi_yoy", JANUARY, OUT, 2.1))
    assert verify(store).ok
    with store.writing(lambda: datetime(2023, 2, 11)) as writer:
        writer.add(Kind.MACRO, macro(("m2_yoy", date(2023, 3, 31), OUT, 1.0)))
        writer.commit("by hand")
    (fault,) = verify(store).faults
    assert "m2_yoy for 2023-03-31 is known from 2023-02-10, long before that was over" in fault.what
