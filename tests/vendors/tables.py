"""The small tables of a market: lists of stocks, members, actions by name, and the ways to all others."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd

from vendors import centre, economy, texts
from vendors.centre import filled, period_of
from vendors.server import Answer, Request

if TYPE_CHECKING:
    from vendors.market import Market

#: code, name, list date: a few of Shenzhen and Beijing
SHENZHEN = (
    ("000001", "平安银行", "1991-04-03"),
    ("000002", "万 科Ａ", "1991-01-29"),
    ("000333", "美的集团", "2013-09-18"),
    ("000651", "格力电器", "1996-11-18"),
    ("000858", "五 粮 液", "1998-04-27"),
    ("001979", "招商蛇口", "2015-12-30"),
    ("002415", "海康威视", "2010-05-28"),
    ("002594", "比亚迪", "2011-06-30"),
    ("300015", "爱尔眼科", "2009-10-30"),
    ("300059", "东方财富", "2010-03-19"),
    ("300750", "宁德时代", "2018-06-11"),
    ("301269", "华大九天", "2022-07-29"),
)
BEIJING = tuple((f"920{n:03d}", f"北京{n}", 1605801600000 + n * 86400000) for n in range(25))
#: code, name, listed, delisted; of Shanghai and of Shenzhen, B-shares among them
SHANGHAI_GONE = (
    ("600001", "邯郸钢铁", "1998-01-22", "2009-12-29"),
    ("600005", "武钢股份", "1999-08-03", "2017-02-14"),
    ("900935", "阳晨B股", "1995-07-27", "2016-12-20"),
)
SHENZHEN_GONE = (
    ("000003", "PT金田A", "1991-07-03", "2002-06-14"),
    ("000024", "招商地产", "1993-06-07", "2015-12-30"),
    ("200024", "招商局B", "1993-06-07", "2015-12-30"),
)
ST = (("000004", "*ST国华"), ("600234", "ST科新"), ("300313", "*ST天山"))
#: fields of the quotes that a list of stocks is made of
_CLIST = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 62, 115, 128, 136, 140, 141, 152)  # fmt: skip # noqa: E501


def routes(market: Market, request: Request) -> Answer | None:
    """What is asked of the tables; None for what is not theirs."""
    host, path, query = request.host, request.path, request.query
    if path == "/api/data/v1/get":
        return centre.routes(market, request)
    if host == "query.sse.com.cn":
        return _shanghai(market, query)
    if host == "www.szse.cn":
        return _shenzhen(query)
    if host == "www.bse.cn":
        return _beijing(int(request.form["page"]))
    if host == "oss-ch.csindex.com.cn":
        return _members(market, path.rsplit("/", 1)[1][:6])
    if host.endswith("push2.eastmoney.com") and path == "/api/qt/clist/get":
        return _st()
    if host == "webapi.cninfo.com.cn":
        return _cninfo(market, path, query["scode"])
    if host in texts.HOSTS:
        return texts.routes(market, request)
    return economy.routes(market.today, request)


def _shanghai(market: Market, query: Mapping[str, str]) -> Answer:
    head = {"actionErrors": [], "actionMessages": [], "isPagination": "true", "success": "true"}
    if query["COMPANY_STATUS"] == "3":
        rows = [
            {
                "COMPANY_CODE": code,
                "COMPANY_ABBR": name,
                "LIST_DATE": first.replace("-", ""),
                "DELIST_DATE": last.replace("-", ""),
                "A_STOCK_CODE": code,
                "SEC_NAME_CN": name,
            }
            for code, name, first, last in SHANGHAI_GONE
        ]
        return Answer.of_json({**head, "result": rows})
    star = query["STOCK_TYPE"] == "8"
    rows = [
        {
            "A_STOCK_CODE": symbol[:6],
            "B_STOCK_CODE": "-",
            "SEC_NAME_CN": market.name(symbol),
            "SEC_NAME_FULL": market.name(symbol),
            "COMPANY_ABBR": market.name(symbol),
            "COMPANY_CODE": symbol[:6],
            "FULL_NAME": market.name(symbol) + "股份有限公司",
            "LIST_DATE": "20100104",
            "DELIST_DATE": "-",
        }
        for symbol in market.symbols
        if symbol.endswith(".SH") and symbol.startswith("688") == star
    ]
    return Answer.of_json({**head, "result": rows})


def _shenzhen(query: Mapping[str, str]) -> Answer:
    if query["CATALOGID"] == "1793_ssgs":
        return workbook(("证券代码", "证券简称", "上市日期", "终止上市日期"), SHENZHEN_GONE)
    head = (
        "板块",
        "公司全称",
        "英文名称",
        "注册地址",
        "A股代码",
        "A股简称",
        "A股上市日期",
        "A股总股本",
        "A股流通股本",
        "B股代码",
        "B 股 简 称",
        "B股上市日期",
        "B股总股本",
        "B股流通股本",
        "地      区",
        "省    份",
        "城     市",
        "所属行业",
        "公司网址",
        "未盈利",
        "具有表决权差异安排",
        "具有协议控制架构",
    )
    rows = [
        (
            "主板",
            name,
            "",
            "",
            code,
            name,
            day,
            "1,000,000",
            "900,000",
            *[None] * 8,
            "J 金融业",
            "",
            "-",
            "-",
            "-",
        )
        for code, name, day in SHENZHEN
    ]
    return workbook(head, rows)


def _beijing(page: int) -> Answer:
    # names of the 48 fields, by their places
    part = BEIJING[20 * page : 20 * (page + 1)]
    content = []
    for code, name, listed in part:
        fields: dict[str, Any] = {f"f{place:02d}": "" for place in range(48)}
        fields |= {"f00": pd.Timestamp(listed, unit="ms").strftime("%Y%m%d"), "f11": 1000, "f17": "软件业"}
        fields |= {"f22": "20230601", "f29": "北京", "f36": 2000, "f38": code, "f40": name}
        content.append(fields)
    body = json.dumps([{"content": content, "totalPages": -(-len(BEIJING) // 20)}], ensure_ascii=False)
    return Answer(f"null({body})", content_type="text/html;charset=UTF-8")


def _members(market: Market, code: str) -> Answer:
    head = (
        "日期Date",
        "指数代码 Index Code",
        "指数名称 Index Name",
        "指数英文名称Index Name(Eng)",
        "成份券代码Constituent Code",
        "成份券名称Constituent Name",
        "成份券英文名称Constituent Name(Eng)",
        "交易所Exchange",
        "交易所英文名称Exchange(Eng)",
    )
    if code != "000016":
        return Answer.html("<html>404</html>", status=404)
    day = market.today.strftime("%Y%m%d")
    rows = [
        (
            day,
            "000016",
            "上证50",
            "SSE 50",
            symbol[:6],
            symbol,
            symbol,
            "上海证券交易所",
            "Shanghai Stock Exchange",
        )
        for symbol in market.members()
    ]
    return workbook(head, rows)


def _st() -> Answer:
    rows = []
    for code, name in ST:
        row: dict[str, Any] = {f"f{n}": 0 for n in _CLIST}
        rows.append(
            row | {"f12": code, "f13": int(code[0] == "6"), "f14": name, "f2": 3.21, "f3": -0.5, "f18": 3.2}
        )
    return Answer.of_json({"rc": 0, "rt": 6, "data": {"total": len(rows), "diff": rows}})


def workbook(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Answer:
    """A table as a workbook."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(head))
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return Answer(out.getvalue(), content_type="application/vnd.ms-excel")


_CNINFO_DIVIDEND = (
    "F001V",
    "F006D",
    "F007V",
    "F010N",
    "F011N",
    "F012N",
    "F018D",
    "F020D",
    "F023D",
    "F025D",
    "F044V",
)
#: places of the fields of a rights issue that are told here, of 57
_RIGHTS = {"SECNAME": 1, "PRICE": 8, "RATIO": 9, "EX_DATE": 18, "SECCODE": 21, "KIND": 41}


def _cninfo(market: Market, path: str, code: str) -> Answer:
    mine = market.actions[market.actions["symbol"].str[:6] == code].sort_values("ex_date")
    rows: list[dict[str, Any]] = []
    if path.endswith("p_sysapi1139"):
        for row in mine.to_dict("records"):
            if not (row["cash_per_share"] or row["bonus_ratio"]):
                continue
            told = row["ex_date"] - pd.Timedelta(days=7)
            values = {
                "F001V": f"{period_of(row['ex_date']).year}年报",
                "F006D": str(told.date()),
                "F007V": "10派X元",
                "F010N": None,
                "F011N": 10.0 * row["bonus_ratio"] or None,
                "F012N": 10.0 * row["cash_per_share"] or None,
                "F018D": str((row["ex_date"] - pd.Timedelta(days=1)).date()),
                "F020D": str(row["ex_date"].date()),
                "F023D": str((row["ex_date"] + pd.Timedelta(days=market.pays_after)).date()),
                "F025D": None,
                "F044V": "年度分红",
            }
            rows.append({"SECCODE": code, **filled(_CNINFO_DIVIDEND, values)})
        if rows:  # the split-share reform, and a plan without a day yet
            rows.insert(0, {**rows[0], "F044V": "股改分红", "F010N": 3.0, "F020D": "2006-05-25"})
            rows.append({**rows[-1], "F020D": None, "F023D": None, "F006D": None})
    else:
        for row in mine[mine["rights_ratio"] > 0.0].to_dict("records"):
            fields: dict[str, Any] = {f"F{place:03d}": None for place in range(57)}
            told = {
                "SECNAME": market.name(row["symbol"]),
                "PRICE": row["rights_price"],
                "RATIO": 10.0 * row["rights_ratio"],
                "EX_DATE": str(row["ex_date"].date()),
                "SECCODE": code,
                "KIND": "A股",
            }
            rows.append(fields | {f"F{_RIGHTS[name]:03d}": value for name, value in told.items()})
    return Answer.of_json({"resultcode": 200, "resultmsg": "success", "records": rows, "total": len(rows)})
