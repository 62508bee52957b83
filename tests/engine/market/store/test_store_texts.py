"""Texts in the store: each with the moment of its publication, shown no earlier."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_helpers import SESSIONS, csv, take, walk

from engine.errors import DataError
from engine.market import data_config, load_market
from engine.market.sources.tables import TableSource
from engine.market.store import Kind, MarketStore
from engine.market.store.export import export
from engine.market.store.further import AFTER_BARS, fill_further
from engine.market.store.rows import table_of
from engine.market.store.status import status
from engine.market.store.texts import take_texts, text_id
from engine.market.store.verify import verify

NOW = datetime(2023, 3, 1, 18)
DAY = SESSIONS[5].astype(object)


def text(**cells: Any) -> dict[str, Any]:
    plain = {
        "published_at": datetime.combine(DAY, datetime.min.time()) + timedelta(hours=10),
        "symbol": "600519.SH", "kind": "news", "title": "A title", "body": "Words.", "source": "https://x/1",
    }  # fmt: skip
    return {**plain, **cells}


def add(store: MarketStore, *rows: dict[str, Any], now: datetime = NOW) -> Any:
    with store.writing(lambda: now) as writer:
        taken = take_texts(writer, table_of(Kind.TEXTS, rows), source="vendor")
        writer.commit("vendor")
    return taken


def held(store: MarketStore) -> list[dict[str, Any]]:
    rows = store.reader().rows(Kind.TEXTS).to_pylist()
    return sorted(rows, key=lambda row: (row["published_at"], row["title"]))


@pytest.fixture
def store(tmp_path):
    return MarketStore(tmp_path / "store")


def test_a_text_is_kept_as_it_was_first_seen(store):
    add(store, text())
    again = add(store, text(body="Other words, later."), text(title="Another"), now=NOW + timedelta(days=1))
    assert (again.added[Kind.TEXTS], again.repeated[Kind.TEXTS]) == (1, 1)
    assert "came again with other words" in again.notes[0]
    rows = {row["title"]: row for row in held(store)}
    assert rows["A title"]["body"] == "Words."
    assert rows["A title"]["first_seen"] == NOW
    assert rows["A title"]["id"] == text_id("https://x/1", rows["A title"]["published_at"], "A title")
    assert verify(store).ok


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"published_at": None}, "do not say when they were published; e.g. 'A title'"),
        (
            {"published_at": NOW + timedelta(seconds=1)},
            "published later than now; e.g. 'A title', 2023-03-01 18:00",
        ),
        ({"title": "", "body": " "}, "have neither title nor words"),
        ({"kind": "rumour"}, "are of a kind that is none of news, announcement, notice, post, report"),
    ],
)
def test_what_cannot_be_dated_or_named_is_left_out_and_said(store, cells, words):
    taken = add(store, text(**cells), text(title="Good"))
    assert [row["title"] for row in held(store)] == ["Good"]
    (note,) = taken.notes
    assert "vendor: 1 text left out that" in note
    assert words in note


def test_a_text_without_an_address_has_that_of_whoever_delivered_it(store):
    add(store, text(source=None))
    assert held(store)[0]["source"] == "vendor"


def test_the_same_text_twice_in_a_delivery_is_one(store):
    assert add(store, text(), text()).added[Kind.TEXTS] == 1


def test_deliveries_that_overlap_come_to_the_same_in_any_cuts(tmp_path):
    rows = [
        text(title=f"T{n}", published_at=datetime(2022, 12, 28) + timedelta(hours=7 * n)) for n in range(40)
    ]
    one, other = MarketStore(tmp_path / "one"), MarketStore(tmp_path / "other")
    add(one, *rows)
    for lo in range(0, 40, 7):
        add(other, *rows[max(lo - 3, 0) : lo + 9])
    assert held(one) == held(other)
    assert {s.partition for s in one.reader().manifest.of(Kind.TEXTS)} == {"2022", "2023"}


class TestThePanel:
    """A view shows what was out by 15:00 of its session, about the market or a name of the panel."""

    @pytest.fixture
    def filled(self, store):
        take(store, walk())
        moments = {
            "morning": datetime.combine(DAY, datetime.min.time()) + timedelta(hours=9),
            "close": datetime.combine(DAY, datetime.min.time()) + timedelta(hours=15),
            "evening": datetime.combine(DAY, datetime.min.time()) + timedelta(hours=15, seconds=1),
        }
        add(store, *(text(title=name, published_at=at) for name, at in moments.items()))
        add(
            store,
            text(title="market", symbol=None, kind="notice"),
            text(title="stranger", symbol="000001.SZ"),
        )
        add(store, text(title="far", published_at=datetime(2023, 2, 28, 12)))
        return store

    def test_nothing_is_shown_before_it_was_out(self, filled):
        panel = filled.panel().panel
        day, after = panel.view(5), panel.view(6)
        assert [one.title for one in day.texts(panel.dates[0])] == ["morning", "market", "close"]
        assert [one.title for one in after.texts(panel.dates[0])] == ["morning", "market", "close", "evening"]
        assert [one.title for one in after.texts(panel.dates[6])] == []
        assert panel.truncate(5).texts == day.texts(panel.dates[0])

    def test_the_panel_holds_no_text_that_its_last_view_does_not_show(self, filled):
        whole, cut = filled.panel().panel, filled.panel(end=str(DAY)).panel
        assert "far" not in {one.title for one in whole.texts}
        assert cut.texts == cut.view(5).texts(cut.dates[0])

    def test_texts_change_the_hash_of_the_data(self, filled):
        before = filled.panel().panel.data_hash
        assert filled.panel().panel.data_hash == before
        add(filled, text(title="one more"))
        assert filled.panel().panel.data_hash != before

    def test_a_file_of_the_same_texts_gives_the_same(self, filled, tmp_path):
        bars, back = tmp_path / "bars.parquet", tmp_path / "texts.csv"
        export(filled, Kind.BARS, bars)
        assert export(filled, Kind.TEXTS, back) == 6
        one = load_market(data_config(source="file", path=bars, texts=back)).panel
        other = filled.panel().panel
        assert one.texts == other.texts


class TestFiles:
    """A CSV file of texts."""

    @staticmethod
    def imported(store: MarketStore, path: Any, now: datetime = NOW) -> Any:
        source = TableSource(data_config(source="file", texts=path), "file")
        return fill_further(store, source, AFTER_BARS, clock=lambda: now)

    def test_a_day_alone_is_its_end_and_a_time_zone_is_brought_to_shanghai(self, store, tmp_path):
        rows = "2023-02-01,day\n2023-02-01 10:00,time\n2023-02-01T02:30:00+00:00,zone\n,none\n"
        taken = self.imported(store, csv(tmp_path / "t.csv", "published_at,title\n" + rows))
        assert {row["title"]: row["published_at"] for row in held(store)} == {
            "time": datetime(2023, 2, 1, 10), "zone": datetime(2023, 2, 1, 10, 30),
            "day": datetime(2023, 2, 1, 23, 59, 59),
        }  # fmt: skip
        assert "1 text left out that do not say when they were published" in taken.notes[0]

    def test_what_does_not_parse_is_refused_with_its_line(self, store, tmp_path):
        path = csv(tmp_path / "t.csv", "published_at,title\n2023-02-01,a\nyesterday,b\n")
        with pytest.raises(DataError, match=r"t\.csv, line 3, column published_at: 'yesterday' is no moment"):
            self.imported(store, path)
        path = csv(tmp_path / "s.csv", "published_at,title,symbol\n2023-02-01,a,MAOTAI\n")
        with pytest.raises(DataError, match=r"s\.csv, line 2, column symbol: 'MAOTAI' is no A-share symbol"):
            self.imported(store, path)
        assert not store.exists

    def test_a_panel_of_files_refuses_a_text_without_a_moment(self, tmp_path):
        frame = walk()
        import pandas as pd

        cells = {"symbol": "600519.SH", "date": frame.session, **frame.values}
        pd.DataFrame(cells).to_parquet(tmp_path / "b.parquet")
        texts = csv(tmp_path / "t.csv", "published_at,title\n,a\n")
        with pytest.raises(DataError, match="the text 'a' does not say when it was published; fill in"):
            load_market(data_config(source="file", path=tmp_path / "b.parquet", texts=texts))


def test_the_status_tells_of_each_kind(store):
    add(store, text(), text(title="b", symbol=None, kind="notice"), text(title="c", symbol="000001.SZ"))
    found = {one.kind: (one.count, one.symbols) for one in status(store, NOW).texts}
    assert found == {"news": (2, 2), "notice": (1, 0)}


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"id": "0" * 64}, "has the id of another text"),
        ({"day": date(2023, 1, 1)}, "stands under 2023-01-01"),
        ({"first_seen": datetime(2022, 12, 1)}, "was seen before"),
        ({"kind": "rumour"}, "is of the kind 'rumour', which there is not"),
    ],
)
def test_verify_names_what_a_row_of_texts_cannot_be(store, cells, words):
    add(store, text())
    (row,) = held(store)
    with store.writing(lambda: NOW) as writer:
        writer.add(Kind.TEXTS, table_of(Kind.TEXTS, [{**row, "title": "b", "id": text_id(
            row["source"], row["published_at"], "b"), **cells}]))  # fmt: skip
        writer.commit("by hand")
    (fault,) = verify(store).faults
    assert words in fault.what


@settings(max_examples=60, deadline=None)
@given(
    one=st.tuples(st.text(max_size=5), st.datetimes(), st.text(max_size=5)),
    other=st.tuples(st.text(max_size=5), st.datetimes(), st.text(max_size=5)),
)
def test_two_texts_are_the_same_only_if_address_moment_and_title_are(one, other):
    if "|" not in "".join((one[0], one[2], other[0], other[2])):
        assert (text_id(*one) == text_id(*other)) == (one == other)
