"""What runs beside the network, in a worker process: one call of akshare each, its table returned as it is.

Nothing here looks at what an answer says; that is for the parsers. Three habits of akshare are met here:

- some functions remember their first answer for the life of the process (`lru_cache`): they are called past
  that memory, since a worker lives for days;
- some stumble over an empty answer: where the answer really was empty, an empty table is returned;
- a table without rows is a normal answer of a few functions, and a refusal of others. All come back empty,
  and whoever asked decides.

Only unadjusted series are asked for. `stock_zh_a_daily` with an adjustment runs Python's `eval` on what the
vendor sends and is never called so; without one, it runs akshare's own script (in a JavaScript engine) over
the text, and no `eval` of Python (read in akshare 1.19.5). Sina's factors are read here as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import pandas as pd

from engine.market.sources.remote.failure import Trouble, VendorError

_TIMEOUT_S = 20.0
_NO_SUCH_FILE = 404


def eastmoney_daily(code: str, first: str, last: str) -> pd.DataFrame:
    """Raw daily bars of a stock (``600519``) between two days (``20230103``): one request to push2his."""
    import akshare

    return _asked(
        lambda: akshare.stock_zh_a_hist(
            symbol=code, period="daily", start_date=first, end_date=last, adjust=""
        )
    )


def eastmoney_index(code: str, first: str, last: str) -> pd.DataFrame:
    """Daily bars of an index (``sh000016``): one request to push2his."""
    import akshare

    return _asked(lambda: akshare.stock_zh_index_daily_em(symbol=code, start_date=first, end_date=last))


def eastmoney_minutes(code: str, first: str, last: str) -> pd.DataFrame:
    """Bars of a minute of the last five sessions at most: one request to push2his."""
    import akshare

    return _asked(
        lambda: akshare.stock_zh_a_hist_min_em(
            symbol=code, start_date=first, end_date=last, period="1", adjust=""
        )
    )


def eastmoney_ratios(code: str) -> pd.DataFrame:
    """Valuation ratios of a stock, the last 5000 sessions: one request to datacenter-web."""
    import akshare

    return _asked(lambda: akshare.stock_value_em(symbol=code))


def tencent_daily(code: str, first: str, last: str) -> pd.DataFrame:
    """Raw daily bars of a stock (``sh600519``) between two days (``2023-01-03``).

    One request to web.ifzq.gtimg.cn, and one a year to proxy.finance.qq.com.
    """
    import akshare

    # akshare tells a year in the future only from a date with dashes
    return _asked(lambda: akshare.stock_zh_a_hist_tx(symbol=code, start_date=first, end_date=last, adjust=""))


def tencent_index(code: str, first: str, last: str) -> pd.DataFrame:
    """Daily bars of an index between two days (``20230103``): one request a year to proxy.finance.qq.com."""
    import akshare

    return _asked(lambda: akshare.stock_zh_index_daily_tx(symbol=code, start_date=first, end_date=last))


def sina_daily(code: str) -> pd.DataFrame:
    """Raw daily bars of a stock, its whole history.

    One request to finance.sina.com.cn, one to stock.finance.sina.com.cn. Asked for a part, akshare could
    return a row that was made of the row before it, on a day on which only the number of shares changed.
    """
    import akshare

    return _there(lambda: akshare.stock_zh_a_daily(symbol=code, adjust=""))


def sina_factors(code: str) -> pd.DataFrame:
    """Cumulative adjustment factors of a stock by the day from which they hold: one request.

    The file is ``var sh600519hfq={"total":..., "data":[{"d": day, "f": factor}, ...]}``; it is read as JSON.
    """
    import requests

    url = f"https://finance.sina.com.cn/realstock/company/{code}/hfq.js"
    answer = requests.get(url, timeout=_TIMEOUT_S)
    answer.raise_for_status()
    text = answer.text.partition("=")[2].partition("\n")[0].rstrip("; \r")
    return pd.DataFrame(json.loads(text)["data"])


def sina_index(code: str) -> pd.DataFrame:
    """Daily bars of an index (``sh000016``), its whole history: one request to finance.sina.com.cn."""
    import akshare

    return _there(lambda: akshare.stock_zh_index_daily(symbol=code))


def sina_sessions() -> pd.DataFrame:
    """Sessions of the exchanges: one request to finance.sina.com.cn."""
    import akshare

    return _asked(akshare.tool_trade_date_hist_sina)


def shanghai_stocks(board: str) -> pd.DataFrame:
    """Listed stocks of a board of Shanghai (``主板A股``, ``科创板``): one request to query.sse.com.cn."""
    import akshare

    return _asked(lambda: _fresh(akshare.stock_info_sh_name_code)(symbol=board))


def shanghai_delisted() -> pd.DataFrame:
    """Delisted stocks of Shanghai: one request to query.sse.com.cn."""
    import akshare

    return _asked(lambda: akshare.stock_info_sh_delist(symbol="全部"))


def shenzhen_stocks() -> pd.DataFrame:
    """Listed stocks of Shenzhen: one request to www.szse.cn, a workbook."""
    import akshare

    return _asked(lambda: akshare.stock_info_sz_name_code(symbol="A股列表"))


def shenzhen_delisted() -> pd.DataFrame:
    """Delisted stocks of Shenzhen: one request to www.szse.cn, a workbook."""
    import akshare

    return _asked(lambda: akshare.stock_info_sz_delist(symbol="终止上市公司"))


def beijing_stocks() -> pd.DataFrame:
    """Listed stocks of Beijing: one request to www.bse.cn for each 20 of them, and one more."""
    import akshare

    return _asked(lambda: _fresh(akshare.stock_info_bj_name_code)())


def st_stocks() -> pd.DataFrame:
    """Stocks under special treatment today: one request to 40.push2.eastmoney.com for each 100 of them."""
    import akshare

    return _asked(akshare.stock_zh_a_st_em)


def suspensions(day: str) -> pd.DataFrame:
    """Suspensions told on a day (``20230103``): one request to datacenter-web for each 500, and one more."""
    import akshare

    return _asked(lambda: akshare.stock_tfp_em(date=day))


def index_members(code: str) -> pd.DataFrame:
    """Today's members of an index (``000016``): one request to oss-ch.csindex.com.cn, a workbook."""
    import akshare

    return _asked(lambda: akshare.index_stock_cons_csindex(symbol=code))


def eastmoney_dividends(period: str) -> pd.DataFrame:
    """Dividends and bonus shares of all stocks for a period of report (``20221231``).

    One request to datacenter-web for each 500 of them, and one more.
    """
    import akshare

    return _asked(lambda: akshare.stock_fhps_em(date=period))


def eastmoney_rights() -> pd.DataFrame:
    """Every rights issue with its record day: two requests to datacenter-web."""
    import akshare

    return _asked(akshare.stock_pg_em)


def cninfo_dividends(code: str) -> pd.DataFrame:
    """Dividends and bonus shares of a stock with their pay dates: one request to webapi.cninfo.com.cn."""
    import akshare

    return _asked(lambda: akshare.stock_dividend_cninfo(symbol=code))


def cninfo_rights(code: str, first: str, last: str) -> pd.DataFrame:
    """Rights issues of a stock announced between two days: one request to webapi.cninfo.com.cn."""
    import akshare

    return _asked(lambda: akshare.stock_allotment_cninfo(symbol=code, start_date=first, end_date=last))


def eastmoney_reports(period: str) -> pd.DataFrame:
    """Figures of the reports of a period, with the day of their last update.

    One request to datacenter-web for each 500 stocks, and one more.
    """
    import akshare

    return _asked(lambda: akshare.stock_yjbb_em(date=period))


def eastmoney_disclosures(period: str) -> pd.DataFrame:
    """Days on which the reports of a period were first published, Shanghai and Shenzhen.

    One request to datacenter-web for each 500 stocks, and one more.
    """
    import akshare

    return _asked(lambda: akshare.stock_yysj_em(symbol="沪深A股", date=period))


def eastmoney_news(code: str) -> pd.DataFrame:
    """The ten newest news of a stock: one request (by curl_cffi) to search-api-web.eastmoney.com."""
    import akshare

    return _asked(lambda: akshare.stock_news_em(symbol=code))


def eastmoney_notices(code: str, first: str, last: str) -> pd.DataFrame:
    """Announcements of a stock (all stocks for an empty code) between two days (``2023-01-03``).

    One request to np-anotice-stock.eastmoney.com for each 100 of them, and one more.
    """
    import akshare

    if code:
        answer = akshare.stock_individual_notice_report
        return _asked(lambda: answer(security=code, begin_date=first, end_date=last))
    return _asked(lambda: akshare.stock_notice_report(symbol="全部", date=first.replace("-", "")))


def cninfo_announcements(code: str, first: str, last: str) -> pd.DataFrame:
    """Announcements of a stock between two days (``20230103``).

    One request to www.cninfo.com.cn for each 30 of them, one more, and once the list of stocks.
    """
    import akshare

    return _asked(
        lambda: akshare.stock_zh_a_disclosure_report_cninfo(symbol=code, start_date=first, end_date=last)
    )


def jin10_series(series: str) -> pd.DataFrame:
    """A monthly series with the days of publication: some tens of requests to datacenter-api.jin10.com.

    `series` is ``pmi``, ``cpi`` or ``m2``.
    """
    import akshare

    named: dict[str, Callable[[], pd.DataFrame]] = {
        "pmi": akshare.macro_china_pmi_yearly,
        "cpi": akshare.macro_china_cpi_yearly,
        "m2": akshare.macro_china_m2_yearly,
    }
    return _asked(named[series])


def eastmoney_series(series: str) -> pd.DataFrame:
    """A monthly series by month, without days of publication: one request to datacenter-web."""
    import akshare

    named: dict[str, Callable[[], pd.DataFrame]] = {
        "pmi": akshare.macro_china_pmi,
        "cpi": akshare.macro_china_cpi,
        "m2": akshare.macro_china_money_supply,
    }
    return _asked(named[series])


def interbank_rates() -> pd.DataFrame:
    """Overnight Shibor by day: one request to datacenter-web for each 500 days, and one more."""
    import akshare

    return _asked(
        lambda: akshare.rate_interbank(market="上海银行同业拆借市场", symbol="Shibor人民币", indicator="隔夜")
    )


def jin10_interbank_rates() -> pd.DataFrame:
    """Shibor of all terms by day since 2017: one request to cdn.jin10.com."""
    import akshare

    return _asked(akshare.macro_china_shibor_all)


def bond_yields(first: str) -> pd.DataFrame:
    """Yields of government bonds by day since a day (``20230103``): one request for each 500 days."""
    import akshare

    return _asked(lambda: akshare.bond_zh_us_rate(start_date=first))


def yuan_rates() -> pd.DataFrame:
    """Central parity rates of the yuan by day, all days: three requests to www.safe.gov.cn."""
    import akshare

    return _asked(akshare.currency_boc_safe)


def _fresh(function: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Return a function past the memory of its answers."""
    return getattr(function, "__wrapped__", function)


def _asked(ask: Callable[[], Any]) -> pd.DataFrame:
    """Return akshare's table; where it stumbled over an answer that was empty, an empty one.

    Whether it was is read off akshare's own frame: the last answer that it had parsed. What else makes it
    stumble, such as a column that is missing, is raised as it is.

    Raises
    ------
    VendorError
        If the vendor says that it failed, or a page after the first is empty.
    """
    try:
        table = ask()
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as problem:
        answer = _last_answer(problem.__traceback__)
        if _says_nothing(answer):
            if _has_rows(problem.__traceback__):
                raise VendorError(
                    "akshare", "", "", Trouble.NOT_DATA, "a page of several is empty"
                ) from problem
            return pd.DataFrame()
        if isinstance(answer, dict) and "result" in answer and answer["result"] is None:
            detail = f"code {answer.get('code')}: {answer.get('message')}"
            raise VendorError("akshare", "", "", Trouble.SERVER, detail) from problem
        raise
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"akshare returned {type(table).__name__}, not a table")
    return table


def _there(ask: Callable[[], Any]) -> pd.DataFrame:
    """Return akshare's table of a file of Sina's; where there is no such file, an empty one."""
    try:
        return _asked(ask)
    except (IndexError, ValueError) as problem:
        for name in ("r", "res"):
            if getattr(_variable(problem.__traceback__, name), "status_code", None) == _NO_SUCH_FILE:
                return pd.DataFrame()
        raise


def _has_rows(trace: TracebackType | None) -> bool:
    """Whether akshare had kept rows of earlier pages when it stumbled."""
    kept = (_variable(trace, name) for name in ("big_df", "big_list"))
    return any(found is not None and len(found) > 0 for found in kept)


def _last_answer(trace: TracebackType | None) -> Any:
    """What akshare had read last: its variable ``data_json`` or ``text_json``, or the text of a script."""
    for name in ("data_json", "text_json"):
        if (found := _variable(trace, name)) is not None:
            return found
    text = _variable(trace, "data_text")
    if isinstance(text, str) and "={" in text:
        with suppress(ValueError):
            return json.loads(text[text.find("={") + 1 :])
    return None


def _variable(trace: TracebackType | None, name: str) -> Any:
    found = None
    while trace is not None:
        found = trace.tb_frame.f_locals.get(name, found)
        trace = trace.tb_next
    return found


def _says_nothing(answer: Any) -> bool:
    """Whether an answer has the form of the vendor's empty one."""
    if not isinstance(answer, dict):
        return False
    if "result" in answer:  # Eastmoney's data centre: code 9201 is "no data"
        result = answer["result"]
        if result is None:
            return answer.get("code") == 9201
        rows = result.get("data", result.get("cmsArticleWebOld")) if isinstance(result, dict) else None
        return rows == []
    if "records" in answer:  # cninfo
        return bool(answer["records"] == [])
    if "announcements" in answer:
        return not answer["announcements"] and not answer.get("totalAnnouncement")
    data = answer.get("data", answer.get("day"))
    if isinstance(data, dict) and "total_hits" in data:
        return not data["total_hits"]
    return data in ({}, []) or answer.get("day") == []
