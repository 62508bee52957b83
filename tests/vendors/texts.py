"""News and announcements, as Eastmoney and cninfo list them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from vendors.server import Answer, Request

if TYPE_CHECKING:
    from vendors.market import Market

HOSTS = ("www.cninfo.com.cn", "search-api-web.eastmoney.com", "np-anotice-stock.eastmoney.com")


def routes(market: Market, request: Request) -> Answer | None:
    """What is asked of the texts; None for what is not theirs."""
    if request.host == HOSTS[0]:
        return _announcements(market, request)
    return _news(market, request.query) if request.host == HOSTS[1] else _notices(market, request.query)


def _announcements(market: Market, request: Request) -> Answer | None:
    if request.path == "/new/data/szse_stock.json":
        stocks = [{"code": s[:6], "orgId": f"gssh0{s[:6]}", "zwjc": market.name(s)} for s in market.symbols]
        return Answer.of_json({"stockList": stocks})
    if request.path != "/new/hisAnnouncement/query":
        return None
    form = request.form
    code = form["stock"].split(",")[0]
    first, last = form["seDate"].split("~")
    told = [n for n in market.notices(code) if first <= str(n.day) <= last]
    size, page = int(form["pageSize"]), int(form["pageNum"])
    rows = [
        {
            "secCode": code,
            "secName": market.name(n.symbol),
            "orgId": f"gssh0{code}",
            "announcementId": n.number,
            "announcementTitle": n.title,
            "adjunctUrl": "x.PDF",
            # midnight in Shanghai, as the site has it for what is posted for a day
            "announcementTime": int((pd.Timestamp(n.day) - pd.Timedelta(hours=8)).timestamp() * 1000),
        }
        for n in told[size * (page - 1) : size * page]
    ]
    return Answer.of_json({"totalAnnouncement": len(told), "announcements": rows or None, "hasMore": False})


def _notices(market: Market, query: Mapping[str, str]) -> Answer:
    first, last = query.get("begin_time", "1990-01-01"), query.get("end_time", "2099-12-31")
    codes = [query["stock_list"]] if "stock_list" in query else [s[:6] for s in market.symbols]
    told = [n for code in codes for n in market.notices(code) if first <= str(n.day) <= last]
    size, page = int(query["page_size"]), int(query["page_index"])
    rows = [
        {
            "art_code": n.number,
            "title": n.title,
            "title_ch": n.title,
            "notice_date": f"{n.day} 00:00:00",
            "display_time": f"{n.day - timedelta(days=1)} 18:32:05:123",
            "eiTime": f"{n.day - timedelta(days=1)} 18:31:05:000",
            "language": "0",
            "sort_date": f"{n.day} 00:00:00",
            "codes": [
                {
                    "ann_type": "A,SHA,SH_A",
                    "inner_code": "1",
                    "market_code": "1",
                    "short_name": market.name(n.symbol),
                    "stock_code": n.symbol[:6],
                }
            ],
            "columns": [{"column_code": "001", "column_name": n.sort}],
        }
        for n in told[size * (page - 1) : size * page]
    ]
    return Answer.of_json(
        {
            "data": {"list": rows, "page_index": page, "page_size": size, "total_hits": len(told)},
            "error": "",
            "success": 1,
        }
    )


def _news(market: Market, query: Mapping[str, str]) -> Answer:
    code = json.loads(query["param"])["keyword"]
    symbol = next((s for s in market.symbols if s.startswith(code)), None)
    rows = (
        []
        if symbol is None
        else [
            {
                "date": f"{market.today - timedelta(days=n)} 1{n}:05:00",
                "image": "",
                "code": f"2023{n:08d}",
                "title": f"{market.name(symbol)}(<em>{code}</em>)第{n}条",
                "mediaName": "证券时报",
                "content": f"\u3000\u3000{market.name(symbol)}(<em>{code}</em>)公布\r\n第{n}条消息",
                "url": "",
            }
            for n in range(10)
        ]
    )
    body = {"code": 0, "hitsTotal": len(rows), "msg": "OK", "result": {"cmsArticleWebOld": rows}}
    text = json.dumps(body, ensure_ascii=False)
    return Answer(f"{query['cb']}({text})", content_type="application/javascript")
