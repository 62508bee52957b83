"""A strategy whose indicators need more sessions than the account has been through."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from replays import assert_same_files, back_test, settings_of

from alphaloom import paper
from live.ledger import Ledger, Task

CROSSING = """
import backtrader as bt

class Crossing(bt.Strategy):
    def __init__(self):
        self.stock = self.getdatabyname("600036.SH")
        fast, slow = (bt.ind.SMA(self.stock.close, period=n) for n in (2, 5))
        self.cross = bt.ind.CrossOver(fast, slow)
    def next(self):
        if not self.getposition(self.stock).size:
            if self.cross > 0:
                self.buy(self.stock, size=500)
        elif self.cross < 0:
            self.close(self.stock)
"""


def test_a_strategy_waits_day_by_day_for_its_indicators_as_in_a_back_test(tmp_path: Path) -> None:
    (tmp_path / "crossing.py").write_text(CROSSING)
    settings = settings_of("reversal", f"strategy={{name: '{tmp_path / 'crossing.py'}:Crossing'}}")
    url, first, last = str(tmp_path / "paper.db"), date(2023, 6, 1), date(2023, 6, 30)
    paper.open_account(settings, url, "demo", start=first, at=datetime(2023, 5, 31, tzinfo=UTC))
    panel = paper.paper_run(settings)
    rows = range(panel.row(first), panel.row(last) + 1)
    for row in rows:
        assert paper.step(url, None, panel.session(row)) == {panel.session(row): []}
    with Ledger.open(url) as ledger:
        assert ledger.verify().sound
        plan = ledger.task(first, Task.PLAN)
        assert plan is not None and plan.note == (
            "Crossing decides nothing yet: SMA needs 5 bars for its first value, 600036.SH has 2 in this run"
        )
        assert len(ledger.trades()) >= 2
        ledger.export(tmp_path / "paper")
    back_test(settings, (first, last), tmp_path / "backtest")
    assert_same_files(tmp_path / "paper", tmp_path / "backtest")


def test_an_account_may_begin_where_the_data_end(tmp_path: Path) -> None:
    (tmp_path / "crossing.py").write_text(CROSSING)
    settings = settings_of("reversal", f"strategy={{name: '{tmp_path / 'crossing.py'}:Crossing'}}")
    url, last = str(tmp_path / "paper.db"), date(2023, 12, 29)
    paper.open_account(settings, url, "demo", start=last, at=datetime(2023, 12, 28, tzinfo=UTC))
    assert paper.step(url, None, last) == {last: []}
