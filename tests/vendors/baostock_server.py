"""A socket server that speaks baostock's protocol, so that the real client can ask it.

A message is a head of 21 characters (version, type, length of the body, parted by ``\\1``), the body's fields
parted by ``\\1``, and a checksum; the client ends its messages with a line feed, the server with
``<![CDATA[]]>`` and a line feed. The body of bars is packed by zlib. (Read in baostock 0.9.4.)
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vendors.centre import period_of
from vendors.market import Market

_SPLIT, _END, _VERSION = "\1", b"<![CDATA[]]>\n", "00.9.40"
#: type of the answer to each type of message, and whether it is packed
_ANSWERS = {
    "00": ("01", False), "02": ("03", False), "13": ("14", False), "15": ("16", False), "45": ("46", False),
    "61": ("62", False), "63": ("64", False), "95": ("96", True), "98": ("99", True),
}  # fmt: skip
_DIVIDENDS = (
    "code", "dividPreNoticeDate", "dividAgmPumDate", "dividPlanAnnounceDate", "dividPlanDate",
    "dividRegistDate", "dividOperateDate", "dividPayDate", "dividStockMarketDate", "dividCashPsBeforeTax",
    "dividCashPsAfterTax", "dividStocksPs", "dividCashStock", "dividReserveToStockPs",
)  # fmt: skip
_SESSION = (
    "date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "adjustflag", "turn",
    "tradestatus", "pctChg", "peTTM", "pbMRQ", "psTTM", "pcfNcfTTM", "isST",
)  # fmt: skip
_PAGE = 2000


#: the client's address is fixed in its code
_LEADS_HERE = """\
import socket

_connect = socket.socket.connect


def _led(self, address):
    if isinstance(address, tuple) and str(address[0]).endswith("baostock.com"):
        address = ("127.0.0.1", {port})
    return _connect(self, address)


socket.socket.connect = _led
"""


class BaostockServer:
    """The server; a context manager. `asked` holds the fields of every message.

    `errors` maps a method to the code it answers with; a method in `silent` is never answered.
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        self.asked: list[list[str]] = []
        self.errors: dict[str, str] = {}
        self.silent: set[str] = set()
        self.closing = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.baostock = self  # type: ignore[attr-defined]
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables that lead the client of any Python process here; `folder` is for what does it."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(_LEADS_HERE.format(port=self.port), encoding="utf-8")
        path = os.environ.get("PYTHONPATH", "")
        return {"PYTHONPATH": f"{folder}{os.pathsep}{path}" if path else str(folder)}

    def __enter__(self) -> BaostockServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, fields: list[str]) -> list[str]:
        """Fields of the answer to a message's fields."""
        method = fields[0]
        if method in self.errors:
            return [self.errors[method], "出错了"]
        if method in ("login", "logout"):
            return ["0", "success", method, fields[1]]
        if method == "query_daily_history_k_AStock":
            names, rows = self._session(fields[2])
            record = json.dumps({"record": rows}, ensure_ascii=False)
            return ["0", "success", method, fields[1], record, ", ".join(names)]
        makers: dict[str, Callable[[list[str]], tuple[Sequence[str], list[list[str]], list[str]]]] = {
            "query_history_k_data_plus": self._bars,
            "query_adjust_factor": self._factors,
            "query_dividend_data": self._dividends,
            "query_stock_basic": self._stocks,
            "query_sz50_stocks": self._members,
        }
        names, rows, tail = makers[method](fields)
        page = int(fields[2])
        part = rows[_PAGE * (page - 1) : _PAGE * page]
        record = json.dumps({"record": part}, ensure_ascii=False)
        # of bars the names of the columns come before the days, elsewhere last
        last = [*fields[6:10]] if method == "query_history_k_data_plus" else []
        said = [*tail, ", ".join(names), *last]
        return ["0", "success", method, fields[1], fields[2], fields[3], record, *said]

    def _symbol(self, code: str) -> str:
        return f"{code[3:]}.{code[:2].upper()}"

    def _bars(self, fields: list[str]) -> tuple[Sequence[str], list[list[str]], list[str]]:
        code, names, first, last = fields[4], fields[5].split(","), fields[6], fields[7]
        symbol = self._symbol(code)
        found = self.market.indices if symbol in set(self.market.indices["symbol"]) else self.market.bars
        rows = found[(found["symbol"] == symbol) & found["date"].between(first, last)]
        return names, [[_cell(row, name, code) for name in names] for row in rows.to_dict("records")], [code]

    def _session(self, day: str) -> tuple[Sequence[str], list[list[str]]]:
        found = self.market.bars[self.market.bars["date"] == day]
        codes = [f"{symbol[-2:].lower()}.{symbol[:6]}" for symbol in found["symbol"]]
        rows = zip(codes, found.to_dict("records"), strict=True)
        return _SESSION, [[_cell(row, name, code) for name in _SESSION] for code, row in rows]

    def _factors(self, fields: list[str]) -> tuple[Sequence[str], list[list[str]], list[str]]:
        code = fields[4]
        rows = self.market.rows(self._symbol(code))
        assert rows is not None
        factor = rows["adj_factor"] / rows["adj_factor"].iloc[0]
        steps = rows[factor.diff().abs() > 1e-9]
        out = [
            [code, str(day.date()), f"{1 / value:.6f}", f"{value:.6f}", f"{value:.6f}"]
            for day, value in zip(steps["date"], factor[steps.index], strict=True)
        ]
        return (
            ("code", "dividOperateDate", "foreAdjustFactor", "backAdjustFactor", "adjustFactor"),
            out,
            fields[4:7],
        )

    def _dividends(self, fields: list[str]) -> tuple[Sequence[str], list[list[str]], list[str]]:
        code, year = fields[4], int(fields[5])
        actions = self.market.actions
        mine = actions[(actions["symbol"] == self._symbol(code)) & (actions["ex_date"].dt.year == year)]
        out = []
        for row in mine.to_dict("records"):
            pay = row["ex_date"] + pd.Timedelta(days=self.market.pays_after)
            known = {
                "code": code, "dividOperateDate": str(row["ex_date"].date()), "dividPayDate": str(pay.date()),
                "dividCashPsBeforeTax": f"{row['cash_per_share']:g}", "dividCashPsAfterTax": "0.9或1",
                "dividStocksPs": "", "dividReserveToStockPs": f"{row['bonus_ratio']:g}",
                "dividPlanDate": str(period_of(row["ex_date"])),
            }  # fmt: skip
            out.append([known.get(name, "") for name in _DIVIDENDS])
        return _DIVIDENDS, out, [code, fields[5], fields[6]]

    def _stocks(self, fields: list[str]) -> tuple[Sequence[str], list[list[str]], list[str]]:
        out = [
            [f"{s[-2:].lower()}.{s[:6]}", self.market.name(s), "2010-01-04", "", "1", "1"]
            for s in self.market.symbols
        ]
        out.append(["sh.600001", "邯郸钢铁", "1998-01-22", "2009-12-29", "1", "0"])
        out.append(["sh.000016", "上证50", "2004-01-02", "", "2", "1"])
        return ("code", "code_name", "ipoDate", "outDate", "type", "status"), out, ["", ""]

    def _members(self, fields: list[str]) -> tuple[Sequence[str], list[list[str]], list[str]]:
        market = self.market.until(fields[4]) if fields[4] else self.market
        out = [[str(market.today), f"sh.{s[:6]}", s] for s in market.members()]
        return ("updateDate", "code", "code_name"), out, [fields[4]]


def _cell(row: dict[str, Any], name: str, code: str) -> str:
    halted = row["volume"] == 0
    if name == "date":
        return str(row["date"].date())
    fixed = {
        "code": code,
        "adjustflag": "3",
        "tradestatus": "0" if halted else "1",
        "isST": "0",
        "pctChg": "0.1",
    }
    if name in fixed:
        return fixed[name]
    if halted and name in ("volume", "amount", "turn"):
        return ""
    ours = {"turn": "turnover_pct", "peTTM": "pe_ttm", "pbMRQ": "pb_mrq"}.get(name, name)
    value = row.get(ours)
    if value is None or value != value:
        return ""
    return (
        f"{value:.0f}"
        if name == "volume"
        else f"{value:.6f}"
        if name in ("turn", "peTTM", "pbMRQ")
        else f"{value:.4f}"
    )


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        served: BaostockServer = self.server.baostock  # type: ignore[attr-defined]
        while line := self.rfile.readline():
            text = line.decode().rstrip("\n")
            kind, fields = text[:21].split(_SPLIT)[1], text[21:].split(_SPLIT)[:-1]
            served.asked.append(fields)
            if fields[0] in served.silent:
                served.closing.wait()
                return
            answer_kind, packed = _ANSWERS[kind]
            body = _SPLIT.join(served.answer(fields))
            raw = zlib.compress((body + _SPLIT + "0\n").encode()) if packed else f"{body}{_SPLIT}0".encode()
            head = f"{_VERSION}{_SPLIT}{answer_kind}{_SPLIT}{len(raw):010d}".encode()
            self.wfile.write(head + raw + _END)
