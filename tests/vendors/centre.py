"""Tables of Eastmoney's data centre: actions, reports, ratios, suspensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from vendors import economy
from vendors.server import Answer, Request

if TYPE_CHECKING:
    from vendors.market import Market

#: code, name, start, last day, term, reason, again
SUSPENDED = (
    ("600018", "上港集团", "2023-06-01", None, "连续停牌", "重大事项", None),
    ("600050", "中国联通", "2023-06-05", "2023-06-06", "停牌2天", "重要公告", "2023-06-07"),
    ("300059", "东方财富", "2023-06-05", "2023-06-05", "盘中停牌", "异常波动", "2023-06-05"),
    ("113050", "南银转债", "2023-06-05", "2023-06-05", "停牌1天", "重要公告", "2023-06-06"),
)
YJBB = (
    "SECURITY_CODE", "SECURITY_NAME_ABBR", "TRADE_MARKET_CODE", "TRADE_MARKET", "SECURITY_TYPE_CODE",
    "SECURITY_TYPE", "UPDATE_DATE", "REPORTDATE", "BASIC_EPS", "DEDUCT_BASIC_EPS", "TOTAL_OPERATE_INCOME",
    "PARENT_NETPROFIT", "WEIGHTAVG_ROE", "YSTZ", "SJLTZ", "BPS", "MGJYXJJE", "XSMLL", "YSHZ", "SJLHZ",
    "ASSIGNDSCRPT", "PAYYEAR", "PUBLISHNAME", "ZXGXL", "NOTICE_DATE", "ORG_CODE", "TRADE_MARKET_ZJG", "ISNEW",
    "QDATE", "DATATYPE", "DATAYEAR", "DATEMMDD", "EITIME", "SECUCODE", "BOARD_NAME", "ORI_BOARD_CODE",
    "BOARD_CODE",
)  # fmt: skip
FHPS = (
    "SECUCODE", "SECURITY_NAME_ABBR", "SECURITY_INNER_CODE", "ORG_CODE", "SECURITY_CODE", "BONUS_IT_RATIO",
    "BONUS_RATIO", "IT_RATIO", "PRETAX_BONUS_RMB", "PLAN_NOTICE_DATE", "EQUITY_RECORD_DATE",
    "EX_DIVIDEND_DATE",
    "REPORT_DATE", "ASSIGN_PROGRESS", "IMPL_PLAN_PROFILE", "NOTICE_DATE", "IS_BFP", "ASSIGN_OBJECT",
    "EX_DIVIDEND_DAYS", "BASIC_EPS", "BVPS", "PER_CAPITAL_RESERVE", "PER_UNASSIGN_PROFIT", "PNP_YOY_RATIO",
    "TOTAL_SHARES", "PUBLISH_DATE", "DIVIDENT_RATIO", "D10_CLOSE_ADJCHRATE", "BD10_CLOSE_ADJCHRATE",
    "D30_CLOSE_ADJCHRATE",
)  # fmt: skip
RIGHTS = (
    "SECUCODE", "SECURITY_INNER_CODE", "SECURITY_CODE", "ORG_CODE", "SECURITY_NAME_ABBR", "PLACING_CODE",
    "PLACING_NAME", "PLACING_RATIO", "ISSUE_PRICE", "TOTAL_SHARES_BEFORE", "PLACING_NUM",
    "TOTAL_SHARES_AFTER",
    "EQUITY_RECORD_DATE", "PAY_START_DATE", "PAY_END_DATE", "LISTING_DATE", "F16", "F17", "F18", "F19", "F20",
    "F21", "NEW_PRICE",
)  # fmt: skip
TFP = (
    "SECURITY_CODE", "SECURITY_NAME_ABBR", "SUSPEND_START_TIME", "SUSPEND_END_TIME", "SUSPEND_EXPIRE",
    "SUSPEND_REASON", "TRADE_MARKET", "SUSPEND_START_DATE", "PREDICT_RESUME_DATE", "TRADE_MARKET_CODE",
    "SECURITY_TYPE_CODE", "SECUCODE",
)  # fmt: skip


def rows_answer(rows: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> Answer:
    """One page of a table, as the data centre tells it; no rows are told as an error of their own."""
    size, page = (
        int(query.get("pageSize", query.get("ps", 500))),
        int(query.get("pageNumber", query.get("p", 1))),
    )
    if not rows:
        return Answer.of_json(
            {"version": None, "result": None, "success": False, "message": "返回数据为空", "code": 9201}
        )
    part = rows[size * (page - 1) : size * page]
    result = {"pages": -(-len(rows) // size), "data": list(part), "count": len(rows)}
    return Answer.of_json(
        {"version": "ab12", "result": result, "success": True, "message": "ok", "code": 0},
        content_type="text/plain;charset=UTF-8",
    )


def routes(market: Market, request: Request) -> Answer | None:
    query = request.query
    name, wanted = query["reportName"], query.get("filter", "")
    makers = {
        "RPT_SHAREBONUS_DET": _dividends,
        "RPT_IPO_ALLOTMENT": _rights_issues,
        "RPT_LICO_FN_CPD": _reports,
        "RPT_PUBLIC_BS_APPOIN": _disclosures,
        "RPT_VALUEANALYSIS_DET": _ratios,
        "RPT_CUSTOM_SUSPEND_DATA_INTERFACE": _suspensions,
    }
    if name not in makers:
        return economy.routes(market.today, request)
    return rows_answer(makers[name](market, wanted), query)


def stamp(day: Any) -> str | None:
    return None if day is None or pd.isna(day) else f"{pd.Timestamp(day).date()} 00:00:00"


def filled(names: Sequence[str], known: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(known) - set(names)
    assert not unknown, unknown
    return {name: known.get(name) for name in names}


def period_of(ex_date: Any) -> date:
    """End of the period for which a dividend is paid: the year before, or half of this one."""
    day = pd.Timestamp(ex_date)
    return date(day.year - 1, 12, 31) if day.month <= 8 else date(day.year, 6, 30)


def _dividends(market: Market, wanted: str) -> list[dict[str, Any]]:
    out = []
    for row in market.actions.to_dict("records"):
        period, told = period_of(row["ex_date"]), row["ex_date"] - pd.Timedelta(days=7)
        if str(period) not in wanted or told.date() > market.today:
            continue
        shares = 10.0 * row["bonus_ratio"]
        out.append(
            filled(
                FHPS,
                {
                    "SECUCODE": row["symbol"],
                    "SECURITY_NAME_ABBR": market.name(row["symbol"]),
                    "SECURITY_CODE": row["symbol"][:6],
                    "BONUS_IT_RATIO": shares or None,
                    "IT_RATIO": shares or None,
                    "PRETAX_BONUS_RMB": 10.0 * row["cash_per_share"] or None,
                    "PLAN_NOTICE_DATE": stamp(row["ex_date"] - pd.Timedelta(days=60)),
                    "EQUITY_RECORD_DATE": stamp(row["ex_date"] - pd.Timedelta(days=1)),
                    "EX_DIVIDEND_DATE": stamp(row["ex_date"]),
                    "REPORT_DATE": stamp(period),
                    "ASSIGN_PROGRESS": "实施分配",
                    "NOTICE_DATE": stamp(told),
                    "TOTAL_SHARES": 1e9,
                },
            )
        )
    if out:
        # a plan that was not carried out yet, and one that will not be
        plan = {**out[0], "EX_DIVIDEND_DATE": None, "EQUITY_RECORD_DATE": None, "PRETAX_BONUS_RMB": 99.0}
        out += [{**plan, "ASSIGN_PROGRESS": "股东大会决议通过"}, {**plan, "ASSIGN_PROGRESS": "不分配"}]
    return out


def _rights_issues(market: Market, wanted: str) -> list[dict[str, Any]]:
    rows = []
    for row in market.actions[market.actions["rights_ratio"] > 0.0].to_dict("records"):
        known = {
            "SECURITY_CODE": row["symbol"][:6],
            "SECURITY_NAME_ABBR": market.name(row["symbol"]),
            "PLACING_RATIO": 10.0 * row["rights_ratio"],
            "ISSUE_PRICE": row["rights_price"],
            "EQUITY_RECORD_DATE": stamp(row["ex_date"] - pd.Timedelta(days=10)),
        }
        rows.append(filled(RIGHTS, known))
    return rows


def reports(market: Market) -> pd.DataFrame:
    """Reports that have appeared, with the day they did (two days before the deadline)."""
    found = market.reports
    shown = found.assign(appeared=found["visible_by"] - pd.Timedelta(days=2))
    return shown[shown["appeared"] <= pd.Timestamp(market.today)]


def _reports(market: Market, wanted: str) -> list[dict[str, Any]]:
    out = []
    for row in reports(market).to_dict("records"):
        if str(row["period_end"].date()) not in wanted:
            continue
        code = row["symbol"][:6]
        values = {
            "SECURITY_CODE": code,
            "SECURITY_NAME_ABBR": market.name(row["symbol"]),
            "SECUCODE": row["symbol"],
            "TRADE_MARKET": "上交所主板",
            "SECURITY_TYPE": "A股",
            "REPORTDATE": stamp(row["period_end"]),
            "UPDATE_DATE": stamp(market.updated.get(row["symbol"], row["appeared"])),
            "NOTICE_DATE": stamp(row["appeared"]),
            "BASIC_EPS": row["eps"],
            "TOTAL_OPERATE_INCOME": row["revenue"],
            "PARENT_NETPROFIT": row["net_profit"],
            "WEIGHTAVG_ROE": row["roe_pct"],
            "YSTZ": row["revenue_yoy_pct"],
            "SJLTZ": row["net_profit_yoy_pct"],
            "BPS": row["bvps"],
            "MGJYXJJE": row["ocf_per_share"],
            "XSMLL": row["gross_margin_pct"],
            "PUBLISHNAME": "银行",
        }
        out.append(
            filled(YJBB, {k: None if isinstance(v, float) and v != v else v for k, v in values.items()})
        )
    if out:  # the third board's stocks come along
        third = {"SECURITY_CODE": "830001", "SECURITY_NAME_ABBR": "三板", "SECUCODE": "830001.NQ"}
        out.append({**out[0], **third, "SECURITY_TYPE": "三板股"})
    return out


def _disclosures(market: Market, wanted: str) -> list[dict[str, Any]]:
    out = []
    for row in reports(market).to_dict("records"):
        if str(row["period_end"].date()) in wanted:
            out.append(
                {
                    "SECURITY_CODE": row["symbol"][:6],
                    "SECURITY_NAME_ABBR": market.name(row["symbol"]),
                    "FIRST_APPOINT_DATE": stamp(row["appeared"]),
                    "FIRST_CHANGE_DATE": None,
                    "SECOND_CHANGE_DATE": None,
                    "THIRD_CHANGE_DATE": None,
                    "ACTUAL_PUBLISH_DATE": stamp(row["appeared"]),
                    "SECUCODE": row["symbol"],
                }
            )
    return out


def _ratios(market: Market, wanted: str) -> list[dict[str, Any]]:
    code = wanted.split('"')[1]
    rows = market.rows(next((s for s in market.symbols if s.startswith(code)), ""))
    if rows is None:
        return []
    return [
        {
            "SECURITY_CODE": code,
            "TRADE_DATE": stamp(row["date"]),
            "CLOSE_PRICE": row["close"],
            "CHANGE_RATE": 0.0,
            "TOTAL_MARKET_CAP": 1e12,
            "NOTLIMITED_MARKETCAP_A": 1e12,
            "TOTAL_SHARES": 1e9,
            "FREE_SHARES_A": 1e9,
            "PE_TTM": _number(row["pe_ttm"]),
            "PE_LAR": None,
            "PB_MRQ": _number(row["pb_mrq"]),
            "PEG_CAR": None,
            "PCF_OCF_TTM": None,
            "PS_TTM": None,
        }
        for row in rows.iloc[::-1].to_dict("records")
    ]


def _number(value: float) -> float | None:
    return None if value != value else value


def _suspensions(market: Market, wanted: str) -> list[dict[str, Any]]:
    asked = wanted.split("'")[1]
    return [
        filled(
            TFP,
            {
                "SECURITY_CODE": code,
                "SECURITY_NAME_ABBR": name,
                "SUSPEND_START_TIME": stamp(start),
                "SUSPEND_END_TIME": stamp(last),
                "SUSPEND_EXPIRE": term,
                "SUSPEND_REASON": reason,
                "TRADE_MARKET": "上交所主板",
                "SUSPEND_START_DATE": stamp(start),
                "PREDICT_RESUME_DATE": stamp(again),
            },
        )
        for code, name, start, last, term, reason, again in SUSPENDED
        if start <= asked and (again is None or asked <= again)
    ]
