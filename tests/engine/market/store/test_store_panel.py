"""A panel from the store is the panel of a file with the same rows."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from store_helpers import SESSIONS, clock, csv, import_files, take, walk, without

from alphaloom.sample import sample_paths
from engine.errors import DataError
from engine.market import DataConfig, MarketPanel, data_config, load_market
from engine.market.store import Kind, MarketStore
from engine.market.store.export import export
from engine.market.store.members import MemberSpell, grown, member_spells, take_snapshot
from engine.market.store.verify import verify


def same(one: MarketPanel, other: MarketPanel) -> None:
    assert set(one.fields) == set(other.fields)
    for name in one.fields:
        np.testing.assert_array_equal(one.fields[name], other.fields[name], err_msg=name)
    np.testing.assert_array_equal(one.instruments.names, other.instruments.names)
    np.testing.assert_array_equal(one.instruments.industries, other.instruments.industries)
    assert one.data_hash == other.data_hash


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A store filled from the bundled sample."""
    store = MarketStore(tmp_path_factory.mktemp("sample") / "store")
    paths = sample_paths()
    universe = paths.pop("universe")
    taken = import_files(store, universe=universe, **paths)
    assert not taken.quarantined
    assert not taken.notes
    return store


@pytest.fixture(scope="module")
def bundled():
    return load_market(data_config(**sample_paths(), source="file"))


def test_the_sample_from_the_store_is_the_sample_field_for_field(sample, bundled):
    found = load_market(DataConfig(source="store", path=sample.folder))
    same(found.panel, bundled.panel)
    assert found.report == bundled.report


def test_filling_it_again_changes_nothing(sample):
    before = (sample.folder / "manifest.json").read_bytes()
    paths = sample_paths()
    taken = import_files(sample, universe=paths.pop("universe"), **paths)
    assert not taken.added
    assert taken.known == 72_649
    assert (sample.folder / "manifest.json").read_bytes() == before


def test_what_is_exported_and_imported_again_is_the_same(sample, bundled, tmp_path):
    files = {
        Kind.BARS: "path", Kind.ACTIONS: "actions", Kind.INDEX_BARS: "index", Kind.MEMBERSHIP: "membership",
        Kind.INSTRUMENTS: "instruments", Kind.FUNDAMENTALS: "fundamentals",
    }  # fmt: skip
    paths = {}
    for kind, key in files.items():
        paths[key] = tmp_path / f"{kind}.{'parquet' if kind is Kind.BARS else 'csv'}"
        assert export(sample, kind, paths[key])
    same(load_market(data_config(source="file", universe="sse50", **paths)).panel, bundled.panel)
    other = MarketStore(tmp_path / "store")
    import_files(other, universe="sse50", **paths)
    same(other.panel().panel, bundled.panel)


def test_a_span_holds_the_members_of_the_span_and_the_values_of_the_whole(sample, bundled):
    panel = sample.panel("sse50", "2023-03-01", "2023-05-31").panel
    assert (str(panel.dates[0]), str(panel.dates[-1])) == ("2023-03-01", "2023-05-31")
    assert 50 <= len(panel.symbols) < 60
    whole = bundled.panel
    rows = slice(whole.row("2023-03-01"), whole.row("2023-05-31") + 1)
    columns = [whole.column(s) for s in panel.symbols]
    for name in ("open", "close", "volume", "adj_factor", "is_st", "pe_ttm"):
        np.testing.assert_array_equal(panel.field(name), whole.field(name)[rows][:, columns], err_msg=name)
    assert (panel.universe.sum(axis=1) == 50).all()


def test_names_alone(sample):
    panel = sample.panel(["sh600519", "601318"]).panel
    assert panel.symbols.tolist() == ["600519.SH", "601318.SH"]
    assert panel.universe_known.all()
    with pytest.raises(DataError, match=r"data\.universe names 000001\.SZ, of which .* holds no bars"):
        sample.panel(["000001.SZ", "600519.SH"])
    with pytest.raises(DataError, match="does not know the members of csi300: import them with"):
        sample.panel("csi300")


def test_options_of_files_are_refused_with_a_store(sample):
    from engine.errors import ConfigError

    with pytest.raises(ConfigError, match=r"data\.units says how files are read; with data\.source: store"):
        load_market(data_config(source="store", path=sample.folder, units="lots"))


def test_without_a_factor_it_follows_from_the_precloses(tmp_path):
    store, bars = MarketStore(tmp_path / "store"), walk()
    take(store, without(bars, "adj_factor"))
    found = store.panel().panel.field("adj_factor")[:, 0]
    np.testing.assert_allclose(found, bars.values["adj_factor"], rtol=1e-12)


def test_and_without_precloses_from_the_announced_terms(tmp_path):
    store, bars = MarketStore(tmp_path / "store"), walk()
    cash = round(bars.values["close"][10] - bars.values["preclose"][11], 2)
    table = csv(
        tmp_path / "a.csv",
        f"symbol,ex_date,cash_per_share,pay_date\n600519,{SESSIONS[11]},{cash},{SESSIONS[14]}\n",
    )
    import_files(store, actions=table)
    take(store, without(bars, "adj_factor", "preclose"))
    panel = store.panel().panel
    np.testing.assert_allclose(panel.field("adj_factor")[:, 0], bars.values["adj_factor"], rtol=1e-12)
    (row,) = store.reader().rows(Kind.ACTIONS).to_pylist()
    assert row["pay_date"] == SESSIONS[14].astype(object)


def test_a_spell_of_special_treatment_marks_bars_that_do_not_say(tmp_path):
    store = MarketStore(tmp_path / "store")
    take(store, walk())
    import_files(store, special_sessions=csv(
        tmp_path / "s.csv", f"symbol,kind,start,end\n600519.SH,st,{SESSIONS[4]},{SESSIONS[7]}\n"
    ))  # fmt: skip
    assert np.flatnonzero(store.panel().panel.field("is_st")[:, 0]).tolist() == [4, 5, 6]


class TestFundamentals:
    """What was seen first stands; a restatement holds from the day after it was seen."""

    def test_a_restatement_without_a_date_of_its_own_is_a_later_row(self, tmp_path):
        store = MarketStore(tmp_path / "store")
        take(store, walk())
        text = "symbol,period_end,visible_date,eps\n600519,2022-12-31,2023-01-10,{}\n"
        first = import_files(store, fundamentals=csv(tmp_path / "f.csv", text.format(1.5)))
        again = import_files(store, fundamentals=csv(tmp_path / "f.csv", text.format(1.5)))
        later = import_files(store, fundamentals=csv(tmp_path / "f.csv", text.format(1.2)))
        repeat = import_files(store, fundamentals=csv(tmp_path / "f.csv", text.format(1.2)))
        assert [t.added[Kind.FUNDAMENTALS] for t in (first, again, later, repeat)] == [1, 0, 1, 0]
        eps = store.panel().panel.field("eps")[:, 0]
        assert np.isnan(eps[:5]).all()
        assert (eps[5:] == 1.5).all()
        rows = store.reader().rows(Kind.FUNDAMENTALS).to_pylist()
        assert sorted((row["value"], str(row["visible_date"])) for row in rows) == [
            (1.2, "2024-01-03"), (1.5, "2023-01-10"),
        ]  # fmt: skip


class TestMembership:
    """Spells grow from each day's list."""

    DAYS = tuple(date(2023, 1, n) for n in (3, 4, 5, 6))

    def test_who_is_missing_has_left_and_who_is_new_has_joined(self):
        spells = grown([], self.DAYS[0], {"a", "b"})
        spells = grown(spells, self.DAYS[1], {"a", "c"})
        spells = grown(spells, self.DAYS[2], {"a", "b", "c"})
        assert spells == [
            MemberSpell("a", self.DAYS[0], None),
            MemberSpell("b", self.DAYS[0], self.DAYS[1]),
            MemberSpell("b", self.DAYS[2], None),
            MemberSpell("c", self.DAYS[1], None),
        ]

    def test_an_import_is_carried_on(self, sample, tmp_path):
        store = MarketStore(tmp_path / "store")
        import_files(store, universe="sse50", membership=sample_paths()["membership"])
        members = {s.symbol for s in member_spells(store.reader(), "sse50") if s.left is None}
        assert len(members) == 50
        changed = (members - {"600519.SH"}) | {"600000.SH"}
        with store.writing(clock) as writer:
            take_snapshot(writer, "sse50", date(2024, 1, 2), changed, source="today")
            writer.commit("today")
        last = {s.symbol: s.left for s in member_spells(store.reader(), "sse50")}
        assert last["600519.SH"] == date(2024, 1, 2)
        assert last["600000.SH"] is None
        assert verify(store).ok

    def test_a_list_that_is_too_short_is_not_taken(self, tmp_path):
        store = MarketStore(tmp_path / "store")
        with (
            store.writing(clock) as writer,
            pytest.raises(DataError, match="page: 2 members of sse50 on 2023-01-03, which has 50"),
        ):
            take_snapshot(writer, "sse50", self.DAYS[0], {"a", "b"}, source="page")


def test_a_delisted_name_ends_and_is_not_stale(tmp_path):
    from store_helpers import NOW

    from engine.market.store.status import status

    store = MarketStore(tmp_path / "store")
    take(store, walk(10, "600001.SH"))
    take(store, walk(30, "600002.SH"))
    assert status(store, NOW).stale == ("600001.SH",)
    import_files(store, instruments=csv(tmp_path / "i.csv", f"symbol,delist_date\n600001,{SESSIONS[10]}\n"))
    found = status(store, NOW)
    assert (found.stale, found.symbols, found.behind) == ((), 2, len(SESSIONS) - 30 + 1)
    close = store.panel("all").panel.field("close")
    assert np.isnan(close[10:, 0]).all()


def test_gaps_are_told_but_for_known_suspensions(tmp_path):
    from store_helpers import NOW

    from engine.market.store.status import Gap, status

    store, bars = MarketStore(tmp_path / "store"), walk()
    take(store, bars.take(~np.isin(np.arange(30), [5, 6, 20])))
    import_files(store, special_sessions=csv(
        tmp_path / "s.csv", f"symbol,kind,start,end\n600519.SH,suspension,{SESSIONS[20]},{SESSIONS[21]}\n"
    ))  # fmt: skip
    days = [s.astype(object) for s in SESSIONS[5:7]]
    assert status(store, NOW).gaps == (Gap("600519.SH", 2, *days),)


def test_pandas_reads_the_files_without_us(sample):
    path = sample.folder / sample.reader().manifest.of(Kind.BARS)[0].path
    frame = pd.read_parquet(path)
    assert {"symbol", "session", "close", "pe_ttm"} <= set(frame.columns)
