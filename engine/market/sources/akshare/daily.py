"""Daily bars of one stock, from the columns of three vendors."""

from __future__ import annotations

from datetime import date

import numpy as np

from engine.market.calendar import Dates
from engine.market.grid import Floats
from engine.market.sources.answers import Answer, of_one_stock
from engine.market.sources.delivery import DailyBars

#: How far amount ÷ volume may lie outside low..high for a unit to be told by it: units are 100 apart.
_SLACK = 0.05

EASTMONEY_DAILY = (
    "日期", "股票代码", "开盘", "收盘", "最高", "最低", "成交量", "成交额", "振幅", "涨跌幅",
    "涨跌额", "换手率",
)  # fmt: skip
TENCENT_DAILY = ("date", "open", "close", "high", "low", "volume", "turnover", "amount")
SINA_DAILY = (
    "date", "open", "high", "low", "close", "volume", "amount", "outstanding_share", "turnover",
)  # fmt: skip
RATIOS = (
    "数据日期", "当日收盘价", "当日涨跌幅", "总市值", "流通市值", "总股本", "流通股本", "PE(TTM)", "PE(静)",
    "市净率", "PEG值", "市现率", "市销率",
)  # fmt: skip


def in_shares(
    volume: Floats, amount: Floats, low: Floats, high: Floats, *, units: tuple[float, ...]
) -> Floats:
    """(R,) volume in shares.

    Parameters
    ----------
    volume, amount, low, high : (R,) float arrays
        As told; amount in CNY, prices raw.
    units : tuple of float
        What one of `volume` may be, in shares; the first is what the vendor is said to count.

    Notes
    -----
    A row is counted in the first unit by which low ≤ amount ÷ volume ≤ high; where none fits, or the amount
    is not known, in the vendor's. Whatever is still wrong is found when it arrives at the store.
    """
    out = volume * units[0]
    told = np.zeros(len(volume), dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        for unit in units:
            price = amount / (volume * unit)
            fits = ~told & (amount > 0.0) & (price >= low * (1.0 - _SLACK)) & (price <= high * (1.0 + _SLACK))
            out[fits] = volume[fits] * unit
            told |= fits
    return out


def eastmoney_bars(
    answer: Answer, symbol: str, first: date | None = None, last: date | None = None
) -> DailyBars:
    """Read ``stock_zh_a_hist`` without adjustment: volume in lots, amount in CNY, turnover in percent."""
    answer.has_exactly(EASTMONEY_DAILY).is_about("股票代码", symbol[:6])
    o, c, h, low = (answer.numbers(name, mostly=True) for name in ("开盘", "收盘", "最高", "最低"))
    answer.is_bars(o, h, low, c)
    amount = answer.numbers("成交额")
    volume = in_shares(answer.numbers("成交量", mostly=True), amount, low, h, units=(100.0, 1.0))
    values = {
        "open": o, "high": h, "low": low, "close": c, "volume": volume, "amount": amount,
        "turnover": answer.numbers("换手率") / 100.0,
    }  # fmt: skip
    return of_one_stock(symbol, answer.days("日期"), values, first, last)


def tencent_bars(
    answer: Answer, symbol: str, first: date | None = None, last: date | None = None
) -> DailyBars:
    """Read ``stock_zh_a_hist_tx`` without adjustment: amount in CNY, turnover a ratio.

    akshare turns lots into shares by the start of the code, and is wrong for 000xxx of Shenzhen, which stay
    in lots; so the unit is told row by row.
    """
    answer.has_exactly(TENCENT_DAILY)
    o, c, h, low = (answer.numbers(name, mostly=True) for name in ("open", "close", "high", "low"))
    answer.is_bars(o, h, low, c)
    amount = answer.numbers("amount")
    volume = in_shares(answer.numbers("volume", mostly=True), amount, low, h, units=(1.0, 100.0, 0.01))
    values = {
        "open": o, "high": h, "low": low, "close": c, "volume": volume,
        "amount": np.where(amount > 0.0, amount, np.nan), "turnover": answer.numbers("turnover"),
    }  # fmt: skip
    return of_one_stock(symbol, answer.days("date"), values, first, last)


def sina_bars(
    answer: Answer,
    symbol: str,
    first: date | None = None,
    last: date | None = None,
    factors: tuple[Dates, Floats] | None = None,
) -> DailyBars:
    """Read ``stock_zh_a_daily`` without adjustment: volume in shares, amount in CNY, turnover a ratio.

    `factors` are the days from which cumulative factors hold, ascending, and the factors.
    """
    answer.has_exactly(SINA_DAILY)
    o, h, low, c = (answer.numbers(name, mostly=True) for name in ("open", "high", "low", "close"))
    answer.is_bars(o, h, low, c)
    amount = answer.numbers("amount")
    volume = in_shares(answer.numbers("volume", mostly=True), amount, low, h, units=(1.0, 100.0))
    session = answer.days("date")
    values = {
        "open": o, "high": h, "low": low, "close": c, "volume": volume, "amount": amount,
        "turnover": answer.numbers("turnover"),
    }  # fmt: skip
    if factors is not None:
        days, factor = factors
        place = np.searchsorted(days, session, side="right") - 1
        values["adj_factor"] = np.where(place >= 0, factor[np.maximum(place, 0)], np.nan)
    return of_one_stock(symbol, session, values, first, last)


def sina_factor_steps(answer: Answer) -> tuple[Dates, Floats]:
    """Read Sina's file of factors: the days from which they hold, ascending, and the factors.

    A file without rows means a factor of 1.
    """
    if not len(answer):
        return np.array(["1900-01-01"], dtype="datetime64[D]"), np.array([1.0])
    missing = {"d", "f"} - set(map(str, answer.frame.columns))
    if missing:
        answer.refuse(f"without {', '.join(sorted(missing))}")
    days, factor = answer.days("d"), answer.numbers("f")
    order = np.argsort(days)
    if not (factor > 0.0).all() or (np.diff(factor[order]) < -1e-9).any():
        answer.refuse("the factors fall or are not above zero")
    return days[order], factor[order]


def with_ratios(bars: DailyBars, answer: Answer) -> DailyBars:
    """Add ``pe_ttm`` and ``pb_mrq`` of ``stock_value_em`` to the bars of their sessions; NaN elsewhere."""
    answer.has_exactly(RATIOS)
    days = answer.days("数据日期")
    order = np.argsort(days)
    place = np.minimum(np.searchsorted(days[order], bars.session), max(len(days) - 1, 0))
    there = days[order][place] == bars.session if len(days) else np.zeros(len(bars), dtype=bool)
    ratios = {"pe_ttm": answer.numbers("PE(TTM)"), "pb_mrq": answer.numbers("市净率")}
    added = {
        name: np.where(there, values[order][place] if len(days) else np.nan, np.nan)
        for name, values in ratios.items()
    }
    return DailyBars(bars.symbols, bars.column, bars.session, {**bars.values, **added})
