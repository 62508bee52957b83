"""Whole runs of Top-k/Drop-n come out the same with and without machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import strategies.selection
from alphaloom import backtest
from engine.broker.quick import QuickStep

#: across 2023-08-28, when stamp duty and handling fee were lowered
SPAN = {"start": "2023-07-03", "end": "2023-09-28"}
RUNS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "all at the close": {"broker": {"fill": "close"}},
    "sell at the open, buy at the vwap": {"broker": {"fill": {"sell": "open", "buy": "vwap"}}},
    "substitutes, little cash": {"broker": {"cash": 300_000}, "strategy": {"params": {"substitute": True}}},
    "everything held": {"strategy": {"params": {"topk": 50, "n_drop": 50, "cash_buffer": 0.02}}},
    "both sides at a limit": {
        "strategy": {"params": {"forbid_all_trade_at_limit": True, "max_weight": 0.05}}
    },
}


def run(options: dict[str, Any]) -> Any:
    return backtest({"span": SPAN, "alpha": {"provider": "reversal"}, **options})


@pytest.mark.parametrize("which", RUNS)
def test_a_run_is_the_same_without_machine_code(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[bool] = []
    step = QuickStep.step

    def counted(self: QuickStep, *args: Any) -> Any:
        told = step(self, *args)
        judged.append(told is not None)
        return told

    with monkeypatch.context() as patch:
        patch.setattr(QuickStep, "step", counted)
        fast = run(RUNS[which])
    assert sum(judged) > len(judged) / 2
    nothing = np.empty(0, np.int64)
    monkeypatch.setattr(QuickStep, "step", lambda *args: None)
    monkeypatch.setattr(strategies.selection, "best_and_worst", lambda *args: (False, nothing, nothing))
    plain = run(RUNS[which])
    assert fast.metrics == plain.metrics
    assert fast.warnings == plain.warnings
    for name in ("equity", "fills", "orders", "positions", "events"):
        pd.testing.assert_frame_equal(getattr(fast, name), getattr(plain, name), check_exact=True)
