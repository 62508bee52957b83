"""A market that vendors tell of, in the shapes of their answers.

::

    market = Market.sample(["600519.SH", "601318.SH"], last="2022-06-30")
    with VendorServer(market.routes) as server: ...
    server.routes = market.until("2022-07-01").routes       # the next day

Daily series are answered by Eastmoney (push2his: raw, lots), Tencent (newfqkline: lots, but shares for
688xxx, as recorded) and Sina (packed, shares); the tables of `vendors.tables` likewise. The shapes are those
that akshare's parsers take, and those of the recorded answers where there are some. Nothing is adjusted:
a question for adjusted prices is answered 404.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Any

import pandas as pd

from vendors import sina_codec
from vendors.server import Answer, Request


def code_of(symbol: str) -> str:
    """``sh600519`` of ``600519.SH``: how Tencent and Sina spell it."""
    return symbol[-2:].lower() + symbol[:6]


@dataclass(frozen=True)
class Notice:
    """An announcement that is posted for a day, on the evening before."""

    symbol: str
    day: date
    number: str
    sort: str = "董事会决议公告"

    @property
    def title(self) -> str:
        return f"{self.symbol[:6]}：{self.day}董事会决议公告"


@dataclass(frozen=True)
class Market:
    """What there is to tell.

    Parameters
    ----------
    bars : DataFrame
        symbol (house), date (datetime64), open, high, low, close, preclose, volume (shares), amount (CNY),
        turnover (a ratio), adj_factor; rows of volume 0 are suspended sessions, which vendors leave out.
    indices : DataFrame
        symbol, date, open, high, low, close, volume (shares).
    actions : DataFrame
        symbol, ex_date, cash_per_share, bonus_ratio, rights_ratio, rights_price.
    instruments : DataFrame
        symbol, name, sw_industry.
    today : date
        Nothing later is told.
    membership : DataFrame
        symbol, in_date, out_date of the SSE 50.
    reports : DataFrame
        symbol, period_end, visible_by and figures.
    updated : dict
        symbol to the day on which its reports were last updated, where that was later than they appeared.
    pays_after : int
        Days from an ex-date to its pay date.
    """

    bars: pd.DataFrame
    indices: pd.DataFrame
    actions: pd.DataFrame
    instruments: pd.DataFrame
    today: date
    membership: pd.DataFrame
    reports: pd.DataFrame
    updated: dict[str, date] = field(default_factory=dict)
    pays_after: int = 0

    @classmethod
    def sample(
        cls, symbols: Sequence[str] | None = None, *, first: str = "2019-12-31", last: str = "2023-12-29"
    ) -> Market:
        """The bundled sample, or some of its names, between two days."""
        folder = files("alphaloom") / "sample"
        bars = pd.read_parquet(str(folder / "sse50_daily.parquet"))
        bars["turnover"] = bars["turnover_pct"] / 100.0
        if symbols is not None:
            bars = bars[bars["symbol"].isin(symbols)]
        indices = pd.read_parquet(str(folder / "index_daily.parquet"))
        actions = pd.read_csv(str(folder / "corporate_actions.csv"), parse_dates=["ex_date"])
        instruments = pd.read_csv(str(folder / "instruments.csv"))
        days = ["period_end", "visible_by"]
        reports = pd.read_csv(str(folder / "reports_sse50.csv"), parse_dates=days)
        names = set(bars["symbol"])
        market = cls(
            bars[bars["date"] >= first],
            indices[indices["date"] >= first],
            actions[actions["symbol"].isin(names)],
            instruments[instruments["symbol"].isin(names)],
            date.fromisoformat(last),
            pd.read_csv(str(folder / "sse50_membership.csv"), parse_dates=["in_date", "out_date"]),
            reports[reports["symbol"].isin(names)],
        )
        return market.until(last)

    def until(self, last: str | date) -> Market:
        """The same market as it was after the close of a day."""
        day = pd.Timestamp(last)
        return replace(
            self,
            bars=self.bars[self.bars["date"] <= day],
            indices=self.indices[self.indices["date"] <= day],
            today=day.date(),
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted(self.bars["symbol"].unique()))

    @cached_property
    def _by_name(self) -> dict[str, pd.DataFrame]:
        traded = self.bars[self.bars["volume"] > 0]
        return {str(name): rows for name, rows in traded.groupby("symbol")}

    @cached_property
    def _by_index(self) -> dict[str, pd.DataFrame]:
        return {str(name): rows for name, rows in self.indices.groupby("symbol")}

    def rows(self, symbol: str, first: str | None = None, last: str | None = None) -> pd.DataFrame | None:
        """Traded rows of a stock, or rows of an index; None for what is not of this market."""
        found = self._by_name.get(symbol)
        if found is None:
            found = self._by_index.get(symbol)
        if found is None:
            return None
        if first is not None:
            found = found[found["date"] >= pd.Timestamp(first)]
        return found if last is None else found[found["date"] <= pd.Timestamp(last)]

    def name(self, symbol: str) -> str:
        found = self.instruments.loc[self.instruments["symbol"] == symbol, "name"]
        return str(found.iloc[0]) if len(found) else symbol

    def members(self) -> tuple[str, ...]:
        """Members of the SSE 50 today, whether they are in this market or not."""
        day, spells = pd.Timestamp(self.today), self.membership
        inside = (spells["in_date"] <= day) & ~(spells["out_date"] <= day)
        return tuple(sorted(spells.loc[inside, "symbol"]))

    def notices(self, code: str) -> list[Notice]:
        """Announcements of a stock: one on every fifth session, newest first."""
        rows = self.rows(next((s for s in self.symbols if s.startswith(code)), ""))
        if rows is None:
            return []
        symbol, days = str(rows["symbol"].iloc[0]), rows["date"].dt.date.tolist()[::5]
        return [Notice(symbol, day, f"AN{day:%Y%m%d}{code}") for day in reversed(days)]

    def routes(self, request: Request) -> Answer | None:
        """What the vendors say; None for what is not theirs."""
        host, path = request.host, request.path
        if host.endswith("push2his.eastmoney.com") and path == "/api/qt/stock/kline/get":
            return self._eastmoney(request)
        if path.endswith("/newfqkline/get"):
            return self._tencent(request)
        if path.endswith("/klineWeb/weekTrends"):
            return self._tencent_start(request)
        if host.endswith("sina.com.cn"):
            return self._sina(request)
        from vendors import minutes, tables  # tell of a market, so they know of this module

        return minutes.routes(self, request) or tables.routes(self, request)

    # Eastmoney ---------------------------------------------------------------------------------------------

    def _eastmoney(self, request: Request) -> Answer | None:
        q = request.query
        if q.get("fqt", "0") != "0" or q.get("klt") != "101":
            return None
        market, _, code = q["secid"].partition(".")
        index = (market == "1" and code.startswith("000")) or code.startswith("399") or market == "2"
        symbol = f"{code}.{'SH' if market == '1' else 'BJ' if code[0] in '489' else 'SZ'}"
        rows = self.rows(symbol, _day(q.get("beg")), _day(q.get("end")))
        if rows is None or index != (symbol in self._by_index):
            return Answer.of_json({"rc": 102, "rt": 17, "svr": 183641822, "lt": 1, "full": 0, "data": None})
        wanted = [int(name[1:]) - 51 for name in q["fields2"].split(",") if 51 <= int(name[1:]) <= 61]
        lines = [",".join(cells[i] for i in wanted) for cells in map(_kline, _records(rows))]
        data = {
            "code": code, "market": int(market), "name": self.name(symbol), "decimal": 2,
            "dktotal": len(lines), "preKPrice": 0.0, "klines": lines,
        }  # fmt: skip
        head = {"rc": 0, "rt": 17, "svr": 183641822, "lt": 1, "full": 0, "dlmkts": "", "dsc": "0"}
        return Answer.of_json({**head, "data": data})

    # Tencent -----------------------------------------------------------------------------------------------

    def _tencent(self, request: Request) -> Answer | None:
        code, span, first, last, count, adjust = [*request.query["param"].split(","), ""][:6]
        symbol = f"{code[2:]}.{code[:2].upper()}"
        index = symbol in self._by_index
        rows = self.rows(symbol, first or None, last or None)
        if rows is None:
            return _script(request.query.get("_var", ""), {"code": 0, "msg": "", "data": {}})
        if span != "day" or (adjust and not index):
            return None
        # 688xxx and indices are told in shares; everything else in lots
        unit = 1.0 if code.startswith("sh688") else 100.0
        lines: list[list[Any]] = []
        for r in _records(rows.tail(int(count))):
            prices = [f"{r[name]:.3f}" for name in ("open", "close", "high", "low")]
            turnover = 100.0 * r.get("turnover", 0.0)
            money = f"{r.get('amount', 0.0) / 1e4:.4f}"
            volume = f"{r['volume'] / unit:.3f}"
            lines.append([_iso(r["date"]), *prices, volume, {}, f"{turnover:.2f}", money, ""])
        said = {"day": lines, "qt": {}, "mx_price": {"mx": [], "price": []}, "prec": "0", "version": "16"}
        answer = {"code": 0, "msg": "", "data": {code: said}}
        return _script(request.query.get("_var", ""), answer)

    def _tencent_start(self, request: Request) -> Answer:
        code = request.query["code"]
        rows = self.rows(f"{code[2:]}.{code[:2].upper()}")
        lines = (
            [] if rows is None else [[_iso(r["date"]), f"{r['close']:.3f}"] for r in _records(rows.head(3))]
        )
        return _script(request.query.get("_var", ""), {"code": 0, "msg": "", "data": lines})

    # Sina --------------------------------------------------------------------------------------------------

    def _sina(self, request: Request) -> Answer | None:
        path = request.path
        if path == "/realstock/company/klc_td_sh.txt":
            from engine.market.calendar import xshg

            days = [day for day in xshg().sessions.astype(object).tolist() if day.year <= self.today.year]
            return _quoted("KLC_TD_SH", sina_codec.sessions(days))
        if path.startswith("/realstock/company/"):
            code, _, what = path.removeprefix("/realstock/company/").partition("/")
            symbol = f"{code[2:]}.{code[:2].upper()}"
            rows = self.rows(symbol)
            if rows is None:
                return _missing()
            if what == "hisdata_klc2/klc_kl.js":
                packed = sina_codec.stock_series(
                    (
                        r["date"].date(),
                        *(round(r[name] * 100) for name in ("open", "high", "low", "close")),
                        round(r["volume"]), round(r["amount"]),
                    )
                    for r in _records(rows)
                )  # fmt: skip
                return _quoted(f"KLC_K2_{code}", packed)
            if what == "hisdata/klc_kl.js":
                packed = sina_codec.index_series(
                    (
                        r["date"].date(),
                        *(round(r[name] * 1000) for name in ("open", "high", "low", "close")),
                        round(r["volume"]),
                    )
                    for r in _records(rows)
                )  # fmt: skip
                return _quoted(f"KLC_KL_{code}", packed)
            if what == "hfq.js":
                return self._hfq(code, rows)
            return None
        if "StockService.getAmountBySymbol" in path:
            code = request.query["symbol"]
            rows = self.rows(f"{code[2:]}.{code[:2].upper()}")
            return _missing() if rows is None else self._float_shares(code, rows)
        return None

    def _hfq(self, code: str, rows: pd.DataFrame) -> Answer:
        """Cumulative factors on the base of the first row, newest first, as Sina writes them."""
        factor = rows["adj_factor"] / rows["adj_factor"].iloc[0]
        steps = rows[factor.diff().abs() > 1e-9]
        data = [
            {"d": _iso(day), "f": f"{value:.16f}"}
            for day, value in zip(steps["date"], factor[steps.index], strict=True)
        ][::-1]
        data.append({"d": "1900-01-01", "f": "1.0000000000000000"})
        text = json.dumps({"total": len(data), "data": data}, separators=(",", ":"))
        return Answer(f"var {code}hfq={text}\n/* 2023 */", content_type="application/javascript")

    def _float_shares(self, code: str, rows: pd.DataFrame) -> Answer:
        shares = (rows["volume"] / rows["turnover"]).ffill().bfill()
        changes = shares[(shares.pct_change().abs() > 2e-3) | (shares.index == shares.index[0])]
        data = [
            {"date": _iso(rows.loc[i, "date"] - pd.Timedelta(days=3)), "amount": f"{value / 1e4:.4f}"}
            for i, value in changes.items()
        ]
        text = json.dumps(data)
        return Answer(
            f"/*<script>location.href='//sina.com';</script>*/\nvar KKE_ShareAmount_{code}=({text});"
        )


def _records(rows: pd.DataFrame) -> Iterable[dict[str, Any]]:
    return rows.to_dict("records")


def _kline(r: dict[str, Any]) -> list[str]:
    """Fields f51..f61 of one row of Eastmoney's series."""
    before = r.get("preclose") or r["close"]
    change = r["close"] - before
    digits = 2
    return [
        _iso(r["date"]),
        *(f"{r[name]:.{digits}f}" for name in ("open", "close", "high", "low")),
        str(round(r["volume"] / 100)),
        f"{r.get('amount', 0.0):.2f}",
        f"{100 * (r['high'] - r['low']) / before:.2f}",
        f"{100 * change / before:.2f}",
        f"{change:.2f}",
        f"{100 * r.get('turnover', 0.0):.2f}",
    ]


def _script(name: str, value: Any) -> Answer:
    text = json.dumps(value, ensure_ascii=False)
    return Answer(f"{name}={text}" if name else text, content_type="application/javascript")


def _quoted(name: str, text: str) -> Answer:
    return Answer(f'var {name}="{text}";', content_type="application/javascript")


def _missing() -> Answer:
    return Answer.html("<html><head><title>404 Not Found</title></head></html>", status=404)


def _iso(day: Any) -> str:
    return pd.Timestamp(day).date().isoformat()


def _day(text: str | None) -> str | None:
    """``20230101`` as a day; what lies beyond the range of days, as some ask for, is none."""
    if not text or len(text) != 8:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
    except ValueError:
        return None
