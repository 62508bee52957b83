"""``broker.compat: qlib`` gives Qlib's own account, session by session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphaloom import backtest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.mark.parametrize("fill", ["open", "close"])
def test_the_account_equals_qlibs_on_every_session(fill: str) -> None:
    expected = pd.read_csv(GOLDEN / f"topk_qlib_fill_{fill}.csv", parse_dates=["date"])
    made = backtest("golden_qlib", sets=[f"broker.fill={fill}"])
    ours = made.equity.merge(expected, on="date", suffixes=("", "_qlib"))
    assert len(ours) == len(expected) == 499
    np.testing.assert_allclose(ours["equity"], ours["account"], rtol=1e-9)
    np.testing.assert_allclose(ours["cash"], ours["cash_qlib"], rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(ours["cost"].cumsum(), ours["total_cost"], rtol=1e-9)


def test_holdings_exceed_k_where_a_sale_failed_as_in_qlib() -> None:
    made = backtest("golden_qlib")
    held = made.positions.groupby("date").size()
    assert (held > 10).sum() == 87
