"""A Qlib folder: adjusted float32 in, raw prices on the tick, whole shares and factors out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DataError
from engine.market.calendar import xshg
from engine.market.sources.qlib import QlibFolder
from engine.market.store import Kind, MarketStore, Reason
from engine.market.store.fill import fill
from engine.market.store.intake import Taken
from engine.market.store.members import member_spells
from engine.rules.limits import limit_percent

DAYS = xshg().between(np.datetime64("2022-01-04"), np.datetime64("2022-03-31"))


def write(
    folder: Path, code: str, start: int = 0, *, seed: int = 0, lots: bool = False
) -> dict[str, np.ndarray]:
    """Write one name as Qlib does; return its raw values."""
    rng, count = np.random.default_rng(seed), len(DAYS) - start
    close, pre, factor = np.empty(count), np.empty(count), np.empty(count)
    price, held = 1700.0 if seed == 0 else 8.5, 0.31
    for t in range(count):
        pre[t] = price
        if t == 20:
            pre[t] = round(price * 0.97, 2)
            held *= price / pre[t]
        price = round(pre[t] * (1 + rng.uniform(-0.03, 0.03)), 2)
        close[t], factor[t] = price, held
    volume = rng.integers(10_000, 10_000_000, count).astype(float)
    low, high = np.minimum(pre, close), np.maximum(pre, close)
    raw = {
        "open": pre, "high": high, "low": low, "close": close, "volume": volume,
        "amount": volume * (low + high) / 2, "factor": factor,
    }  # fmt: skip
    place = folder / "features" / code
    place.mkdir(parents=True, exist_ok=True)
    for name, values in raw.items():
        if name in ("open", "high", "low", "close"):
            values = values * factor
        if name == "volume":
            values = values / factor / (100 if lots else 1)
        np.append(float(start), values).astype("<f4").tofile(place / f"{name}.day.bin")
    return raw


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cn_data"
    for name in ("calendars", "instruments", "features"):
        (made / name).mkdir(parents=True)
    (made / "calendars" / "day.txt").write_text("\n".join(map(str, DAYS)) + "\n")
    return made


def bring(store: MarketStore, folder: Path, **options: str) -> Taken:
    source = QlibFolder(folder, **options)
    return fill(
        store,
        source,
        clock=lambda: datetime(2022, 5, 1),
        universes=source.universes,
        limit_percent=limit_percent,
    )


def test_raw_values_come_back_to_the_fen_and_the_share(folder: Path, tmp_path: Path) -> None:
    raw = {"600519.SH": write(folder, "sh600519"), "000001.SZ": write(folder, "sz000001", 7, seed=3)}
    store = MarketStore(tmp_path / "store")
    taken = bring(store, folder)
    assert not taken.quarantined
    panel = store.panel("all").panel
    for symbol, values in raw.items():
        column, rows = panel.column(symbol), slice(len(DAYS) - len(values["close"]), None)
        for name in ("open", "high", "low", "close"):
            np.testing.assert_array_equal(panel.field(name)[rows, column], values[name], err_msg=name)
        # a float32 tells shares apart up to 2^24
        np.testing.assert_allclose(panel.field("volume")[rows, column], values["volume"], rtol=3e-7)
        np.testing.assert_allclose(panel.field("adj_factor")[rows, column], values["factor"], rtol=1e-7)
        assert np.isnan(panel.field("close")[: rows.start, column]).all()
    again = bring(store, folder)
    assert not again.added
    assert again.known == taken.added[Kind.BARS]


def test_suspended_sessions_are_nan_in_the_file_and_no_rows_here(folder: Path, tmp_path: Path) -> None:
    write(folder, "sh600519")
    for path in (folder / "features" / "sh600519").iterdir():
        cells = np.fromfile(path, "<f4")
        cells[11:14] = np.nan
        cells.tofile(path)
    store = MarketStore(tmp_path / "store")
    assert bring(store, folder).added[Kind.BARS] == len(DAYS) - 3
    panel = store.panel("all").panel
    assert (panel.field("trading")[10:13, 0] == 0.0).all()
    assert (panel.field("close")[10:13, 0] == panel.field("close")[9, 0]).all()


def test_indices_are_index_bars_and_instruments_files_membership(folder: Path, tmp_path: Path) -> None:
    write(folder, "sh600519")
    write(folder, "sh000300", seed=5)
    (folder / "instruments" / "csi300.txt").write_text(
        f"SH600519\t{DAYS[0]}\t{DAYS[-1]}\nSZ000001\t{DAYS[0]}\t{DAYS[9]}\n"
    )
    store = MarketStore(tmp_path / "store")
    taken = bring(store, folder)
    assert taken.added[Kind.INDEX_BARS] == len(DAYS)
    assert store.reader().coverage().symbols == ("600519.SH",)
    left = {spell.symbol: spell.left for spell in member_spells(store.reader(), "csi300")}
    assert left == {"600519.SH": None, "000001.SZ": DAYS[10].astype(object)}


def test_volumes_in_lots_are_noticed_and_told_by_an_option(folder: Path, tmp_path: Path) -> None:
    write(folder, "sh600519", lots=True)
    store = MarketStore(tmp_path / "store")
    with pytest.raises(DataError, match="counts lots of 100 shares"):
        bring(store, folder)
    assert not bring(store, folder, units="lots").quarantined


def test_amounts_in_thousands_are_noticed(folder: Path, tmp_path: Path) -> None:
    raw = write(folder, "sh600519")
    np.append(0.0, raw["amount"] / 1000).astype("<f4").tofile(
        folder / "features" / "sh600519" / "amount.day.bin"
    )
    with pytest.raises(DataError, match=r"volume outside low\.\.high.*--amounts"):
        bring(MarketStore(tmp_path / "a"), folder)
    assert not bring(MarketStore(tmp_path / "b"), folder, amounts="thousand").quarantined


@pytest.mark.parametrize(
    ("field", "cell"),
    [("close", np.nan), ("close", -3.0), ("close", np.inf), ("factor", np.nan), ("factor", 0)],
)
def test_a_traded_session_without_a_price_or_factor_is_set_aside_and_said(
    folder: Path, tmp_path: Path, field: str, cell: float
) -> None:
    write(folder, "sh600519")
    path = folder / "features" / "sh600519" / f"{field}.day.bin"
    cells = np.fromfile(path, "<f4")
    cells[11] = cell
    cells.tofile(path)
    taken = bring(MarketStore(tmp_path / "store"), folder)
    assert (taken.quarantined, taken.added[Kind.BARS]) == ({Reason.BAD_PRICE: 1}, len(DAYS) - 1)
    assert str(DAYS[10]) in taken.examples[Reason.BAD_PRICE]


def _listed(folder: Path, lines: str) -> None:
    (folder / "instruments" / "csi300.txt").write_text(lines)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "calendars" / "day.txt").unlink(), r"day\.txt cannot be read"),
        (lambda f: (f / "calendars" / "day.txt").write_text("2022-01-04\n04.01.2022\n"), "day.txt, line 2"),
        (
            lambda f: (f / "features" / "sh600519" / "close.day.bin").write_bytes(b"abcde"),
            "close.day.bin is damaged",
        ),
        (lambda f: (f / "features" / "sh600519" / "low.day.bin").unlink(), "has no low.day.bin; complete"),
        (lambda f: (f / "features" / "sh600519").rename(f / "features" / "aapl"), "of another market"),
        (
            lambda f: (f / "features" / "600519.sh").mkdir(),
            "sh600519 and 600519.sh beside it are both 600519.SH; remove one",
        ),
        (
            lambda f: _listed(f, "SH600519\t2022-01-04\t2022-02-01\nAAPL\t2022-01-04\t2022-02-01"),
            "txt, line 2",
        ),
        (lambda f: _listed(f, "SH600519\t2022-02-01\t2022-01-04"), "line 1: it ends on 2022-01-04, before"),
    ],
)
def test_a_damaged_folder_is_named_file_by_file(folder: Path, tmp_path: Path, damage, words) -> None:
    write(folder, "sh600519")
    damage(folder)
    with pytest.raises(DataError, match=words):
        bring(MarketStore(tmp_path / "store"), folder)
