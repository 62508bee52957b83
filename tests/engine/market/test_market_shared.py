"""The supplied real files load without a single error (skipped where they are not at hand)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.market import DataConfig, load_market

SHARED = Path(os.environ.get("ALPHALOOM_SHARED", Path(__file__).parents[3].parent / "shared"))

pytestmark = pytest.mark.skipif(
    not (SHARED / "data" / "sse50_daily.parquet").is_file(),
    reason="the supplied data are not at hand; set ALPHALOOM_SHARED",
)


def config(name: str) -> DataConfig:
    data = SHARED / "data"
    return DataConfig(
        source="file",
        path=data / f"{name}_daily.parquet",
        universe=name,
        membership=data / f"{name}_membership.csv",
        instruments=data / "instruments.csv",
        actions=data / "corporate_actions.csv",
        fundamentals=[data / "fundamentals_pit.csv", data / "reports_sse50.csv"],
        index=data / "index_daily.parquet",
    )


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("sse50", {"gap"}),
        ("csi300", {"gap", "vwap_outside", "missing_amount", "member_without_price"}),
    ],
)
def test_supplied_files_have_no_errors_and_the_known_dirt_as_warnings(name, kinds):
    loaded = load_market(config(name))
    assert {finding.kind for finding in loaded.report.warnings} == kinds
    panel = loaded.panel
    assert str(panel.dates[panel.universe_known.argmax()]) == "2020-12-14"
    close, moutai = panel.field("close"), panel.column("600519.SH")
    assert close[panel.row("2022-12-30"), moutai] == 1727.0
    assert close[panel.row("2023-12-29"), moutai] == 1726.0
    index = panel.indices["000016.SH"]["close"]
    assert round(index[-1] / index[panel.row("2022-12-30")] - 1, 4) == -0.1173


def test_vendor_and_we_agree_on_every_suspended_bar_and_return():
    import pandas as pd

    panel = load_market(config("sse50")).panel
    rows = pd.read_parquet(SHARED / "data" / "sse50_daily.parquet")
    t = np.searchsorted(panel.dates, rows["date"].to_numpy().astype("datetime64[D]"))
    n = np.searchsorted(panel.symbols, rows["symbol"].to_numpy().astype(str))
    for name in ("open", "high", "low", "close", "preclose", "adj_factor", "trading"):
        np.testing.assert_array_equal(panel.field(name)[t, n], rows[name].to_numpy(float), err_msg=name)
    change = rows["pct_change"].to_numpy() / 100
    seen = ~np.isnan(change) & ~np.isnan(panel.field("returns")[t, n])
    np.testing.assert_allclose(panel.field("returns")[t, n][seen], change[seen], atol=1e-6)


def test_golden_panel_loads_as_synthetic_data():
    path = SHARED / "golden" / "topk_panel.parquet"
    panel = load_market(DataConfig(source="file", path=path, calendar="data", tick="none")).panel
    assert panel.shape == (500, 60)
    assert panel.symbols[0] == "600000.SH"
    assert not np.isnan(panel.field("close")).any()
    assert (panel.field("trading") == 0.0).sum() == 1431
    assert np.isnan(panel.field("score")).sum() == 590
