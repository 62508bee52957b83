"""The worked examples: each runs as printed, and does what it says."""

from __future__ import annotations

import importlib.util
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from alpha_sources.snapshot import Snapshot
from alphaloom import backtest, load_panel
from alphaloom.sample import sample_paths
from alphaloom.testing import provider_suite
from engine.market import MarketPanel

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
needs_lightgbm = pytest.mark.skipif(
    importlib.util.find_spec("lightgbm") is None,
    reason="lightgbm is not installed: pip install 'alphaloom[boost]'",
)


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return load_panel("sse50")


def test_every_example_is_listed_with_a_configuration_and_no_link_leads_nowhere() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f"[{path.name}]({path.name})" in text
        assert path.with_suffix(".yaml").is_file()
        assert "alphaloom backtest examples/" + path.stem in text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (EXAMPLES / target).exists(), target


# -- Qlib's predictions


@pytest.fixture
def pred_pkl(tmp_path: Path, panel: MarketPanel) -> Path:
    """What Qlib's SignalRecord leaves behind, with a name our data lack."""
    days = pd.DatetimeIndex(panel.dates[-60:].astype("datetime64[ns]"), name="datetime")
    names = [f"{str(symbol)[-2:]}{str(symbol)[:6]}" for symbol in panel.symbols]
    table = pd.DataFrame(-panel.field("returns")[-60:], index=days, columns=names).assign(SZ000001=1.0)
    frame = table.rename_axis(columns="instrument").stack().to_frame("score")
    assert frame.index.names == ["datetime", "instrument"]
    frame.to_pickle(tmp_path / "pred.pkl")
    return tmp_path / "pred.pkl"


def test_qlibs_predictions_are_traded_the_session_after(pred_pkl: Path, panel: MarketPanel) -> None:
    folder = pred_pkl.parent
    for suffix in (".py", ".yaml"):
        shutil.copy(EXAMPLES / f"qlib_predictions{suffix}", folder)
    command = [sys.executable, "qlib_predictions.py", "pred.pkl", "predictions.parquet"]
    subprocess.run(command, cwd=folder, check=True)
    result = backtest(folder / "qlib_predictions.yaml", sets=["span.start=2023-12-01"])
    t = panel.row("2023-11-30")
    bought = result.fills[result.fills["date"] == pd.Timestamp("2023-12-01")]["symbol"]
    scores = np.where(panel.universe[t], -panel.field("returns")[t], np.nan)
    best = panel.symbols[np.argsort(-scores, kind="stable")[:13]]
    assert set(bought) <= set(best)
    assert len(bought) >= 12


def test_a_pickled_series_of_qlibs_will_do_too(pred_pkl: Path) -> None:
    target = pred_pkl.with_name("p.parquet")
    pd.read_pickle(pred_pkl)["score"].rename(None).to_pickle(pred_pkl)
    example("qlib_predictions").export(pred_pkl, target)
    assert list(pd.read_parquet(target)) == ["score"]


# -- LightGBM


@pytest.fixture(scope="module")
def boost() -> ModuleType:
    pytest.importorskip("lightgbm", reason="pip install 'alphaloom[boost]'")
    return example("lightgbm_monthly")


@needs_lightgbm
def test_the_boosted_trees_are_learned_anew_every_month() -> None:
    result = backtest(
        EXAMPLES / "lightgbm_monthly.yaml", sets=["span.start=2023-09-01", "alpha.params.trees=20"]
    )
    refreshes = result.run["refreshes"]
    sessions = [refresh["session"] for refresh in refreshes]
    assert sessions == ["2023-08-31", "2023-09-28", "2023-10-31", "2023-11-30"]
    assert len({refresh["snapshot"] for refresh in refreshes}) == 4
    assert len(result.fills) > 0


@needs_lightgbm
def test_every_label_is_realised_before_the_refresh(boost: ModuleType, panel: MarketPanel) -> None:
    provider = boost.LightGBMMonthly(horizon=10, trees=10)
    for t in (400, 401, 700):
        rows = provider.labelled_rows(t)
        assert rows[-1] + 1 + provider.horizon == t, "the newest label is that of today's open"
    at = 600
    cut = provider.refresh(panel.truncate(at).view(at), None)
    assert cut == provider.refresh(panel.view(at), None)
    last = panel.truncate(at)
    moved = {name: values.copy() for name, values in last.fields.items()}
    moved["open"][-1] *= 1 + np.linspace(0, 0.05, moved["open"].shape[1])
    other = MarketPanel(**{**parts(last), "fields": moved})
    assert provider.refresh(other.view(at), None) != cut, "and it is used"


def parts(panel: MarketPanel) -> dict[str, object]:
    return {name: getattr(panel, name) for name in panel.__dataclass_fields__ if not name.startswith("_")}


@needs_lightgbm
def test_the_snapshot_holds_the_trees_as_text_and_scores_after_a_round_trip(
    boost: ModuleType, panel: MarketPanel, tmp_path: Path
) -> None:
    provider = boost.LightGBMMonthly(trees=10)
    learned = provider.refresh(panel.view(600), None).stamped(
        provider="boost", params_hash="", as_of="2022-06-30", parent=None
    )
    assert learned.payload["trees"].startswith("tree\n")
    stored = Snapshot.load(learned.save(tmp_path))
    boost.read_trees.cache_clear()
    fresh = pickle.loads(pickle.dumps(panel.view(610)))
    np.testing.assert_array_equal(
        provider.scores(panel.view(610), learned), boost.LightGBMMonthly(trees=10).scores(fresh, stored)
    )


test_the_boosted_trees_conform = needs_lightgbm(
    pytest.mark.slow(
        provider_suite(
            f"{EXAMPLES / 'lightgbm_monthly.py'}:LightGBMMonthly",
            config=EXAMPLES / "lightgbm_monthly.yaml",
            sets=["alpha.params.trees=20"],
            sessions=3,
        )
    )
)


@needs_lightgbm
def test_without_enough_labels_there_is_no_opinion(boost: ModuleType, panel: MarketPanel) -> None:
    provider = boost.LightGBMMonthly()
    assert provider.refresh(panel.view(240), None) is None
    assert provider.refresh(panel.view(50), None) is None
    assert np.isnan(provider.scores(panel.view(240), None)).all()


@needs_lightgbm
def test_the_features_of_a_session_do_not_depend_on_later_ones(boost: ModuleType, panel: MarketPanel) -> None:
    np.testing.assert_array_equal(
        boost.features(panel.view(700).view(500)), boost.features(panel.truncate(500).view(500))
    )


# -- a rotation, and an ordinary backtrader strategy


def test_the_rotation_holds_the_strongest_or_nothing(panel: MarketPanel) -> None:
    result = backtest(EXAMPLES / "rotation.yaml", panel=panel)
    held = result.positions.groupby("date").size()
    assert held.max() <= 5
    days = pd.DatetimeIndex(result.equity["date"])
    index = pd.Series(panel.indices["000016.SH"]["close"], pd.DatetimeIndex(panel.dates))
    falling = (index < index.rolling(120).mean()).reindex(days)
    ends = pd.Series(days, days).groupby(days.to_period("M")).last()
    checked = 0
    for end in ends[:-1]:
        after = days[days > end][1:2]
        assert bool(falling[end]) == (held.get(after[0], 0) == 0), end
        checked += 1
    assert checked == 35


def test_the_sma_cross_trades_on_the_sessions_it_would_on_backtrader_alone(panel: MarketPanel) -> None:
    result = backtest(EXAMPLES / "sma_cross.yaml", sets=["data.actions=null"], panel=panel)
    ours = [
        (str(day.date()), side) for day, side in zip(result.fills["date"], result.fills["side"], strict=True)
    ]
    bars = pd.read_parquet(sample_paths()["path"])
    bars = bars[bars["symbol"] == "600036.SH"].assign(date=lambda b: pd.to_datetime(b["date"]))
    bars = bars[(bars["date"] >= "2020-12-31") & (bars["date"] <= "2023-12-31")].set_index("date")
    theirs: list[tuple[str, str]] = []

    class Noted(example("sma_cross").SmaCross):  # type: ignore[misc]
        def notify_order(self, order: bt.Order) -> None:
            if order.status == order.Completed:
                day = bt.num2date(order.executed.dt).date()
                theirs.append((str(day), "buy" if order.isbuy() else "sell"))

    cerebro = bt.Cerebro()
    cerebro.adddata(
        bt.feeds.PandasData(dataname=bars[["open", "high", "low", "close", "volume"]]), name="600036.SH"
    )
    cerebro.broker.setcash(1_000_000)
    cerebro.addstrategy(Noted, symbol="600036.SH")
    cerebro.run()
    assert len(theirs) > 20
    assert ours == theirs
