"""What runs beside the network, in a worker process: one conversation with baostock each.

The client keeps one connection for a process, prints what it does, tells errors as codes, and waits for ever
for an answer that does not come; a connection that was closed makes it spin. So every conversation logs in
and out again, waits a limited time for each answer, and turns codes into errors. A lost conversation is ended
by the worker's deadline.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

import pandas as pd

from engine.errors import DataError
from engine.market.sources.remote.failure import Trouble, VendorError

NAME, HOST = "baostock", "public-api.baostock.com"
_ANSWER_S = 20.0
_FIELDS = (
    "date,code,open,high,low,close,preclose,volume,amount,adjustflag,turn,tradestatus,pctChg,peTTM,pbMRQ,isST"
)
_INDEX_FIELDS = "date,code,open,high,low,close,preclose,volume,amount,pctChg"
#: adjustflag of prices as they were traded
_RAW = "3"
#: codes of the client's table of errors (baostock.common.contants, 0.9.4)
_REFUSED = frozenset({"10001002", "10001005", "10001006", "10001007", "10001011", "10001012"})
_EXPIRED = "10001004"
_TOO_LATE = frozenset({"10002003", "10002006", "10002008"})


def daily(code: str, first: str, last: str) -> pd.DataFrame:
    """Raw daily bars of a stock (``sh.600519``) between two days, suspended sessions with them."""
    return _asked(
        code,
        lambda client: client.query_history_k_data_plus(
            code, _FIELDS, start_date=first, end_date=last, frequency="d", adjustflag=_RAW
        ),
    )


def session(day: str) -> pd.DataFrame:
    """Raw daily bars of every stock on one day, suspended ones with them, by one question."""
    about = f"all bars of {day}"
    return _asked(about, lambda client: client.query_daily_history_k_AStock(date=day))


def index(code: str, first: str, last: str) -> pd.DataFrame:
    """Daily bars of an index (``sh.000016``) between two days."""
    return _asked(
        code,
        lambda client: client.query_history_k_data_plus(
            code, _INDEX_FIELDS, start_date=first, end_date=last, frequency="d", adjustflag=_RAW
        ),
    )


def factors(code: str) -> pd.DataFrame:
    """Cumulative factors of a stock by ex-date, all of them."""
    return _asked(
        code,
        lambda client: client.query_adjust_factor(code=code, start_date="1990-01-01", end_date="2099-12-31"),
    )


def dividends(code: str, year: str) -> pd.DataFrame:
    """Dividends and bonus shares of a stock that went ex in a year."""
    return _asked(code, lambda client: client.query_dividend_data(code=code, year=year, yearType="operate"))


def stocks() -> pd.DataFrame:
    """Every security it knows, with its first and last day."""
    return _asked("list of stocks", lambda client: client.query_stock_basic())


def members(universe: str, day: str) -> pd.DataFrame:
    """Members of an index (``sse50``, ``csi300``, ``csi500``) as of a day; today's for an empty one."""
    named = {"sse50": "query_sz50_stocks", "csi300": "query_hs300_stocks", "csi500": "query_zz500_stocks"}
    return _asked(f"members of {universe}", lambda client: getattr(client, named[universe])(date=day))


def _asked(about: str, question: Callable[[Any], Any]) -> pd.DataFrame:
    """Every row of the answer to one question, as texts."""
    with _conversation(about) as client:
        answer = question(client)
        _check(answer, about)
        rows = []
        # the client's own way to a table does not survive pandas 2
        while answer.error_code == "0" and answer.next():
            rows.append(answer.get_row_data())
        _check(answer, about)
    return pd.DataFrame(rows, columns=answer.fields, dtype=str)


@contextmanager
def _conversation(about: str) -> Iterator[Any]:
    try:
        baostock = importlib.import_module("baostock")
    except ImportError as problem:
        raise DataError(
            "the package baostock is not installed; pip install 'alphaloom[baostock]'"
        ) from problem
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_ANSWER_S)
    try:
        with redirect_stdout(StringIO()):
            _check(baostock.login(), about)
            try:
                yield baostock
            finally:
                baostock.logout()
    finally:
        socket.setdefaulttimeout(before)


def _check(answer: Any, about: str) -> None:
    """Raise what a code means; 0 is a success."""
    code = "10004019" if answer is None else str(answer.error_code)
    if code == "0":
        return
    detail = f"error {code}: {'' if answer is None else answer.error_msg}".strip()
    if code == _EXPIRED:
        raise VendorError(
            NAME, HOST, about, Trouble.COLUMNS, detail, "update it with pip install -U baostock"
        )
    if code in _REFUSED:
        raise VendorError(NAME, HOST, about, Trouble.REFUSED, detail)
    if code in _TOO_LATE:
        raise VendorError(NAME, HOST, about, Trouble.TIMEOUT, detail)
    if code.startswith("10002"):
        raise VendorError(NAME, HOST, about, Trouble.NETWORK, detail)
    if code.startswith("10005"):
        raise VendorError(NAME, HOST, about, Trouble.SERVER, detail)
    raise VendorError(NAME, HOST, about, Trouble.NOT_DATA, detail)
