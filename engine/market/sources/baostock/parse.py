"""Tables of the house from the columns of baostock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np

from engine.market.board import Board, board_of
from engine.market.calendar import Dates
from engine.market.grid import Floats
from engine.market.sources.answers import Answer, of_one_stock, plain_days, rows, within
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.store.rows import table_of
from engine.market.store.schema import INDEX_VALUES, Kind
from engine.market.universe import INDEX_SIZE

DAILY = (
    "date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "adjustflag", "turn",
    "tradestatus", "pctChg", "peTTM", "pbMRQ", "isST",
)  # fmt: skip
#: of a whole session (the client's demonstration lists them)
SESSION = (
    "date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "adjustflag", "turn",
    "tradestatus", "pctChg", "peTTM", "pbMRQ", "psTTM", "pcfNcfTTM", "isST",
)  # fmt: skip
INDEX = ("date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "pctChg")
FACTORS = ("code", "dividOperateDate", "foreAdjustFactor", "backAdjustFactor", "adjustFactor")
DIVIDENDS = (
    "code", "dividPreNoticeDate", "dividAgmPumDate", "dividPlanAnnounceDate", "dividPlanDate",
    "dividRegistDate", "dividOperateDate", "dividPayDate", "dividStockMarketDate", "dividCashPsBeforeTax",
    "dividCashPsAfterTax", "dividStocksPs", "dividCashStock", "dividReserveToStockPs",
)  # fmt: skip
STOCKS = ("code", "code_name", "ipoDate", "outDate", "type", "status")
MEMBERS = ("updateDate", "code", "code_name")
_RAW, _STOCK = "3", "1"
#: days that a list of members may be old: indices change in June and December at the latest
_OLDEST_LIST = 200


def code_of(symbol: str) -> str:
    """``sh.600519`` of ``600519.SH``."""
    return f"{symbol[-2:].lower()}.{symbol[:6]}"


def daily_bars(
    answer: Answer, symbol: str, steps: tuple[Dates, Floats] | None, first: date | None, last: date | None
) -> DailyBars:
    """Read raw bars: shares, CNY, turnover in percent; a suspended session has volume 0.

    `steps` are the days from which cumulative factors hold, ascending, and the factors.
    """
    answer.has_exactly(DAILY).is_about("code", code_of(symbol)).is_about("adjustflag", _RAW)
    session, values = answer.days("date"), _values(answer)
    if steps is not None:
        days, factor = steps
        place = np.searchsorted(days, session, side="right")
        values["adj_factor"] = np.concatenate([[1.0], factor])[place]
    return of_one_stock(symbol, session, values, first, last)


def session_bars(answer: Answer, symbols: Sequence[str], day: date) -> DailyBars:
    """Read the raw bars of one session, of those of the symbols that are told; no other session's."""
    answer.has_exactly(SESSION).is_about("date", day.isoformat()).is_about("adjustflag", _RAW)
    told, _ = answer.stocks("code")
    if len(set(told) - {""}) != len([symbol for symbol in told if symbol]):
        answer.refuse("a stock is told twice")
    values, rows_of = _values(answer), {symbol: row for row, symbol in enumerate(told)}
    found = sorted(symbol for symbol in symbols if symbol in rows_of)
    rows_ = np.array([rows_of[symbol] for symbol in found], dtype=np.intp)
    kept = {name: column[rows_] for name, column in values.items()}
    session = np.full(len(found), np.datetime64(day, "D"))
    return DailyBars(np.array(found, dtype=np.str_), np.arange(len(found)), session, kept)


def _values(answer: Answer) -> dict[str, Floats]:
    """Columns of bars in the units of the house."""
    o, h, low, c = (answer.numbers(name, mostly=True) for name in ("open", "high", "low", "close"))
    answer.is_bars(o, h, low, c)
    trading = answer.numbers("tradestatus", mostly=True)
    return {
        "open": o, "high": h, "low": low, "close": c, "preclose": answer.numbers("preclose"),
        "volume": np.where(trading == 0.0, 0.0, answer.numbers("volume")),
        "amount": np.where(trading == 0.0, 0.0, answer.numbers("amount")),
        "turnover": answer.numbers("turn") / 100.0, "trading": trading, "is_st": answer.numbers("isST"),
        "pe_ttm": answer.numbers("peTTM"), "pb_mrq": answer.numbers("pbMRQ"),
    }  # fmt: skip


def factor_steps(answer: Answer, symbol: str) -> tuple[Dates, Floats]:
    """Read cumulative factors by ex-date, ascending; none means that the factor is 1."""
    if not len(answer):
        return np.empty(0, dtype="datetime64[D]"), np.empty(0)
    names = [str(name) for name in answer.frame.columns]
    # the last column came with version 0.8
    answer.has_exactly(FACTORS if "adjustFactor" in names else FACTORS[:4]).is_about("code", code_of(symbol))
    days, factor = answer.days("dividOperateDate"), answer.numbers("backAdjustFactor")
    order = np.argsort(days)
    if not (factor > 0.0).all() or (np.diff(factor[order]) < -1e-6).any():
        answer.refuse("the factors fall or are not above zero")
    return days[order], factor[order]


def index_bars(answer: Answer, symbol: str, first: date | None, last: date | None) -> Any:
    """Read bars of an index: volume in shares."""
    answer.has_exactly(INDEX).is_about("code", code_of(symbol))
    values = {name: answer.numbers(name) for name in INDEX_VALUES}
    answer.is_bars(*(values[name] for name in ("open", "high", "low", "close")))
    session = answer.days("date")
    kept = within(session, first, last)
    days = plain_days(session[kept])
    columns = [(name, column[kept].tolist()) for name, column in values.items()]
    return table_of(Kind.INDEX_BARS, rows(("symbol", [symbol] * len(days)), ("session", days), *columns))


def dividend_rows(answer: Answer, symbol: str) -> Iterator[dict[str, Any]]:
    """Read dividends and bonus shares, told per share before tax, with the pay date."""
    answer.has_exactly(DIVIDENDS).is_about("code", code_of(symbol))
    cash = np.nan_to_num(answer.numbers("dividCashPsBeforeTax"))
    bonus = sum(np.nan_to_num(answer.numbers(n)) for n in ("dividStocksPs", "dividReserveToStockPs"))
    columns = (
        ("ex_date", plain_days(answer.days("dividOperateDate", blank=True))),
        ("cash_per_share", cash.tolist()), ("bonus_ratio", np.asarray(bonus).tolist()),
        ("pay_date", plain_days(answer.days("dividPayDate", blank=True))),
    )  # fmt: skip
    for row in rows(*columns):
        if row["ex_date"] is not None and (row["cash_per_share"] or row["bonus_ratio"]):
            yield {**row, "symbol": symbol, "rights_ratio": 0.0, "rights_price": 0.0, "source": answer.vendor}


def instrument_table(answer: Answer) -> Any:
    """Read the list of securities: A-shares with their first and last day."""
    answer.has_exactly(STOCKS)
    symbols, kept = answer.stocks("code")
    kept &= np.array([kind == _STOCK for kind in answer.texts("type")], dtype=bool)
    columns = (
        ("symbol", symbols), ("name", answer.texts("code_name")),
        ("list_date", plain_days(answer.days("ipoDate", blank=True))),
        ("delist_date", plain_days(answer.days("outDate", blank=True))),
    )  # fmt: skip
    told = (row for row, keep in zip(rows(*columns), kept, strict=True) if keep)
    return table_of(Kind.INSTRUMENTS, sorted(told, key=lambda row: row["symbol"]))


def member_table(answer: Answer, universe: str, day: date) -> Any:
    """Read a list of members in force on a day: as many as the index has, all of one list made by then."""
    answer.has_exactly(MEMBERS)
    symbols, _ = answer.stocks("code")
    members, size = sorted(set(symbols) - {""}), INDEX_SIZE.get(universe)
    if len(members) != len(answer) or (size is not None and len(members) != size):
        answer.refuse(f"{len(members)} members, not {size or len(answer)}")
    made: date = answer.days("updateDate").max().astype(object)
    if made > day:
        answer.refuse(f"its list is of {made}, later than the day that was asked for")
    if (day - made).days > _OLDEST_LIST:
        detail = f"its last list is of {made}"
        raise VendorError(answer.vendor, answer.host, answer.about, Trouble.STALE, detail)
    return table_of(Kind.MEMBERSHIP, rows(("universe", [universe] * len(members)), ("symbol", members)))


def is_told(symbol: str) -> bool:
    """Whether it knows the stock's exchange; Beijing's it does not."""
    return not symbol.endswith(".BJ") and board_of(symbol) is not Board.UNKNOWN
