"""rqalpha 6: its own broker, costs and rules of the market, on a data source in memory.

Orders go out in the opening auction, sized at the open, on the scores of the session before. Its commission
is 0.08 % times a multiplier; participation is not limited, as for the others. The analyser and the progress
bar are off.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from bench_loop import choose
from bench_peer import CASH, COMMISSION, LOT, MINIMUM, RISK_DEGREE, Folder, measure
from rqalpha import run_func
from rqalpha.apis import order_shares
from rqalpha.const import INSTRUMENT_TYPE, TRADING_CALENDAR_TYPE
from rqalpha.core.events import EVENT
from rqalpha.interface import AbstractDataSource, AbstractMod, ExchangeRate
from rqalpha.model.instrument import Instrument

_RQ_COMMISSION = 0.0008
_BAR = [("datetime", "<u8")] + [
    (name, "<f8")
    for name in (
        "open",
        "high",
        "low",
        "close",
        "volume",
        "total_turnover",
        "limit_up",
        "limit_down",
        "prev_close",
    )
]
_OPEN = ("open", "limit_up", "limit_down", "volume", "total_turnover")


class Source(AbstractDataSource):
    """The panel as rqalpha asks for it: one structured array of bars per stock."""

    def __init__(self, folder: Folder) -> None:
        self.dates = pd.DatetimeIndex(folder.array("dates"))
        self.scores, self.portfolio = folder.array("scores"), (folder.topk, folder.n_drop)
        self.rows = {day.date(): row for row, day in enumerate(self.dates)}
        self.names = [
            symbol.replace(".SH", ".XSHG").replace(".SZ", ".XSHE")
            for symbol in folder.array("symbols").tolist()
        ]
        self.columns = {name: column for column, name in enumerate(self.names)}
        self.instruments = {name: _instrument(name) for name in self.names}
        self.bars = _bars(folder, self.dates)
        self.opens = folder.array("open")

    def get_instruments(self, id_or_syms: Any = None, types: Any = None) -> list[Instrument]:
        if id_or_syms is not None:
            return [self.instruments[name] for name in id_or_syms if name in self.instruments]
        return list(self.instruments.values()) if types is None or INSTRUMENT_TYPE.CS in types else []

    def get_trading_calendars(self) -> dict[Any, pd.DatetimeIndex]:
        return {TRADING_CALENDAR_TYPE.CN_STOCK: self.dates}

    def available_data_range(self, frequency: str) -> tuple[Any, Any]:
        return self.dates[0].date(), self.dates[-1].date()

    def get_bar(self, instrument: Instrument, dt: Any, frequency: str) -> np.void | None:
        row = self.rows.get(dt.date() if isinstance(dt, datetime) else dt)
        return None if row is None else self.bars[self.columns[instrument.order_book_id]][row]

    def get_open_auction_bar(self, instrument: Instrument, dt: Any) -> dict[str, float]:
        bar = self.get_bar(instrument, dt, "1d")
        fields = {name: bar[name] for name in _OPEN}
        return {"datetime": bar["datetime"], **fields, "last": fields["open"]}

    def get_open_auction_volume(self, instrument: Instrument, dt: Any) -> float:
        return self.get_bar(instrument, dt, "1d")["volume"]

    def history_bars(
        self,
        instrument: Instrument,
        bar_count: int | None,
        frequency: str,
        fields: Any,
        dt: Any,
        **options: Any,
    ) -> np.ndarray:
        stop = self.dates.searchsorted(pd.Timestamp(dt), side="right")
        bars = self.bars[self.columns[instrument.order_book_id]][:stop]
        bars = bars if bar_count is None else bars[max(0, stop - bar_count) :]
        return bars if fields is None else bars[fields]

    def is_suspended(self, order_book_id: str, dates: Any) -> list[bool]:
        bars = self.bars[self.columns[order_book_id]]
        return [bool(bars["volume"][self.rows[pd.Timestamp(day).date()]] == 0) for day in dates]

    def is_st_stock(self, order_book_id: str, dates: Any) -> list[bool]:
        return [False] * len(dates)

    def get_dividend(self, instrument: Instrument) -> None:
        return None

    def get_split(self, instrument: Instrument) -> None:
        return None

    def get_ex_cum_factor(self, instrument: Instrument) -> None:
        return None

    def get_share_transformation(self, order_book_id: str) -> None:
        return None

    def get_yield_curve(self, start_date: Any, end_date: Any, tenor: Any = None) -> None:
        return None

    def get_exchange_rate(self, trading_date: Any, local: Any, settlement: Any = None) -> ExchangeRate:
        return ExchangeRate(1, 1, 1, 1, 1, 1)


def _instrument(name: str) -> Instrument:
    return Instrument(
        {
            "order_book_id": name,
            "symbol": name,
            "type": "CS",
            "exchange": name[-4:],
            "board_type": "MainBoard",
            "round_lot": 100,
            "market_tplus": 1,
            "listed_date": "1995-01-01",
            "de_listed_date": "0000-00-00",
            "status": "Active",
            "special_type": "Normal",
        }
    )


def _bars(folder: Folder, dates: pd.DatetimeIndex) -> np.ndarray:
    fields = {name: folder.array(name).T for name in ("open", "high", "low", "close", "volume")}
    bars = np.empty(fields["open"].shape, dtype=_BAR)
    bars["datetime"] = dates.strftime("%Y%m%d000000").to_numpy().astype(np.uint64)
    for name, values in fields.items():
        bars[name] = values
    bars["total_turnover"] = folder.array("amount").T
    bars["prev_close"][:, 0] = fields["open"][:, 0]
    bars["prev_close"][:, 1:] = fields["close"][:, :-1]
    fen = np.rint(bars["prev_close"] * 100).astype(np.int64)
    bars["limit_up"], bars["limit_down"] = (fen * 110 + 50) // 100 / 100, (fen * 90 + 50) // 100 / 100
    return bars


class Mod(AbstractMod):
    """Hands the source to rqalpha and counts the trades."""

    source: Source | None = None

    def start_up(self, env: Any, mod_config: Any) -> None:
        self.fills = 0
        env.set_data_source(self.source)
        env.event_bus.add_listener(EVENT.TRADE, self._on_trade)

    def _on_trade(self, event: Any) -> None:
        self.fills += 1

    def tear_down(self, code: Any, exception: Any = None) -> int:
        return self.fills


def load_mod() -> Mod:
    return Mod()


def open_auction(context: Any, bar_dict: Any) -> None:
    source = Mod.source
    row = source.rows[context.now.date()]
    if not row:
        return
    held = {source.columns[name]: each for name, each in context.portfolio.positions.items() if each.quantity}
    topk, n_drop = source.portfolio
    sells, candidates = choose(source.scores[row - 1], list(held), topk, n_drop)
    for column in sells:
        order_shares(source.names[column], -held[column].quantity)
    free = topk - sum(bool(each.quantity) for each in context.portfolio.positions.values())
    buys = candidates[: max(0, free)]
    each = context.portfolio.cash * RISK_DEGREE / max(1, len(buys))
    for column in buys:
        shares = int(each / source.opens[row, column] // LOT) * LOT
        if shares:
            order_shares(source.names[column], shares)


def load(folder: Folder) -> dict[str, Any]:
    Mod.source = Source(folder)
    return {
        "base": {
            "start_date": str(Mod.source.dates[0].date()),
            "end_date": str(Mod.source.dates[-1].date()),
            "frequency": "1d",
            "accounts": {"stock": CASH},
            "capital_gain_tax_rate": 0,
            "rqdatac_uri": "disabled",
        },
        "extra": {"log_level": "error"},
        "mod": {
            "bench": {"enabled": True, "lib": "__main__", "priority": 1},
            "sys_analyser": {"enabled": False},
            "sys_progress": {"enabled": False},
            "sys_simulation": {"volume_limit": False},
            "sys_transaction_cost": {
                "stock_commission_multiplier": COMMISSION / _RQ_COMMISSION,
                "stock_min_commission": MINIMUM,
            },
        },
    }


def run(config: dict[str, Any]) -> int:
    return run_func(config=config, open_auction=open_auction)["bench"]


if __name__ == "__main__":
    measure(load, run)
