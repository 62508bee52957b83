"""A provider that learns: how many sessions a reversal looks back, from what would have been best so far."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from alpha_sources.honesty import Provenance
from alpha_sources.llm.errors import BudgetError
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.market.view import MarketView


class Learning(AlphaProvider):
    """Learns a look-back; fails on some days, or takes for ever, as tests ask."""

    history = 30

    def __init__(
        self,
        fails_on: tuple[str, ...] = (),
        hangs_on: tuple[str, ...] = (),
        dies_on: tuple[str, ...] = (),
        out_of_money_on: tuple[str, ...] = (),
    ) -> None:
        self.fails_on, self.hangs_on, self.dies_on = fails_on, hangs_on, dies_on
        self.out_of_money_on = out_of_money_on

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot | None:
        day = str(view.session)
        if day in self.fails_on:
            raise ConnectionError("the model's host does not answer")
        if day in self.hangs_on:
            time.sleep(600)
        if day in self.dies_on:
            os._exit(3)
        if day in self.out_of_money_on:
            raise BudgetError("the budget of 1.00 CNY is used up")
        close = view.adjusted("close")
        worst = [np.nanmean(close[-1] / close[-1 - n]) for n in (10, 20)]
        return Snapshot(payload={"lookback": (10, 20)[int(np.argmin(worst))], "learned_on": day})

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> Any:
        if snapshot is None:
            raise ValueError("nothing was learned yet")
        close, n = view.adjusted("close"), snapshot.payload["lookback"]
        return -(close[-1] / close[-1 - n] - 1.0)

    def provenance(self) -> Provenance:
        return Provenance()
