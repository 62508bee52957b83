"""Series of the economy, as jin10, Eastmoney and the administration of foreign exchange tell them.

The figures of 2023 are those that were published (National Bureau of Statistics, People's Bank of China);
the daily rates are made up within their range.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from vendors.server import Answer, Request

#: month of 2023, value, day of publication; None is not out yet
PMI = (
    ("2023-06", 49.0, "2023-06-30"), ("2023-07", 49.3, "2023-07-31"), ("2023-08", 49.7, "2023-08-31"),
    ("2023-09", 50.2, "2023-09-30"), ("2023-10", 49.5, "2023-10-31"), ("2023-11", 49.4, "2023-11-30"),
)  # fmt: skip
CPI = (
    ("2023-06", 0.0, "2023-07-10"), ("2023-07", -0.3, "2023-08-09"), ("2023-08", 0.1, "2023-09-09"),
    ("2023-09", 0.0, "2023-10-13"), ("2023-10", -0.2, "2023-11-09"), ("2023-11", -0.5, "2023-12-09"),
)  # fmt: skip
M2 = (
    ("2023-06", 11.3, "2023-07-11"), ("2023-07", 10.7, "2023-08-11"), ("2023-08", 10.6, "2023-09-11"),
    ("2023-09", 10.3, "2023-10-13"), ("2023-10", 10.3, "2023-11-13"), ("2023-11", 10.0, "2023-12-13"),
)  # fmt: skip
_JIN10 = {"65": PMI, "56": CPI, "59": M2}
_COLUMNS = {"RPT_ECONOMY_PMI": PMI, "RPT_ECONOMY_CPI": CPI, "RPT_ECONOMY_CURRENCY_SUPPLY": M2}
#: days of the daily series
FIRST = date(2023, 11, 1)


def routes(today: date, request: Request) -> Answer | None:
    """What is asked of the series; None for what is not theirs."""
    from vendors.centre import rows_answer

    host, query = request.host, request.query
    if host == "datacenter-api.jin10.com":
        return _jin10(today, query["attr_id"], query["max_date"])
    if query.get("reportName") in _COLUMNS:
        return rows_answer(_months(today, query["reportName"], query["columns"]), query)
    if query.get("reportName") == "RPT_IMP_INTRESTRATEN":
        return rows_answer(_shibor(today, query["columns"]), query)
    if host == "cdn.jin10.com":
        return _jin10_shibor(today)
    if query.get("type") == "RPTA_WEB_TREASURYYIELD":
        return rows_answer(_yields(today), query)
    if host == "www.safe.gov.cn":
        return _safe(today, request)
    return None


def weekdays(today: date) -> list[date]:
    """Days of the daily series, ascending."""
    days = (FIRST + timedelta(days=n) for n in range(max((today - FIRST).days + 1, 0)))
    return [day for day in days if day.weekday() < 5]


def _jin10(today: date, series: str, last: str) -> Answer:
    rows: list[list[Any]] = [
        [published, value, None, None]
        for _, value, published in reversed(_JIN10[series])
        if published <= str(today) and (not last or published <= last)
    ]
    if not last:  # the next one is announced
        rows.insert(0, [str(today + timedelta(days=9)), None, 49.0, None])
    return Answer.of_json({"status": 200, "message": "OK", "data": {"keys": [], "values": rows[:4]}})


def _months(today: date, name: str, columns: str) -> list[dict[str, Any]]:
    value_at = {"RPT_ECONOMY_PMI": "MAKE_INDEX", "RPT_ECONOMY_CPI": "NATIONAL_SAME"}.get(
        name, "BASIC_CURRENCY_SAME"
    )
    rows = []
    for month, value, published in reversed(_COLUMNS[name]):
        if published <= str(today):
            row: dict[str, Any] = dict.fromkeys(columns.split(","), 1.0)
            year, number = month.split("-")
            rows.append(
                row
                | {"REPORT_DATE": f"{month}-01 00:00:00", "TIME": f"{year}年{number}月份", value_at: value}
            )
    return rows


def _shibor(today: date, columns: str) -> list[dict[str, Any]]:
    rows = []
    for n, day in enumerate(weekdays(today)):
        row: dict[str, Any] = dict.fromkeys(columns.split(","), "")
        rows.append(
            row | {"REPORT_DATE": f"{day} 00:00:00", "IR_RATE": 1.6 + 0.01 * (n % 30), "CHANGE_RATE": 1.0}
        )
    return rows[::-1]


def _jin10_shibor(today: date) -> Answer:
    terms = ("O/N", "1W", "2W", "1M", "3M", "6M", "9M", "1Y")
    told = {
        str(day): {term: [f"{1.6 + 0.01 * (n % 30) + 0.1 * k:.4f}", "1.00"] for k, term in enumerate(terms)}
        for n, day in enumerate(weekdays(today))
    }
    return Answer.of_json({"keys": list(terms), "values": told})


def _yields(today: date) -> list[dict[str, Any]]:
    names = ("EMM00588704", "EMM00166462", "EMM00166466", "EMM00166469", "EMM01276014", "EMM00000024")
    names += ("EMG00001306", "EMG00001308", "EMG00001310", "EMG00001312", "EMG01339436", "EMG00159635")
    return [
        {
            "SOLAR_DATE": f"{day} 00:00:00",
            **{name: 2.5 + 0.01 * k + 0.001 * n for k, name in enumerate(names)},
        }
        for n, day in enumerate(weekdays(today))
    ][::-1]


def dollar(day: date) -> float:
    """CNY for 100 dollars."""
    return 708.0 + (day.toordinal() % 50) / 10.0


def _safe(today: date, request: Request) -> Answer | None:
    from vendors.tables import workbook

    days = weekdays(today)
    if request.path == "/safe/2020/1218/17833.html":
        return Answer.html('<html><a href="/safe/file/rates.xlsx">人民币汇率中间价（1994年起）</a></html>')
    if request.path == "/safe/file/rates.xlsx":
        return workbook(("日期", "美元", "欧元"), [(str(day), dollar(day), 780.0) for day in days[:10]])
    if request.path == "/AppStructured/hlw/RMBQuery.do":
        first = request.form["startDate"]
        cells = "".join(
            f"<tr><td>{day}</td><td>{dollar(day)}</td><td>780.0</td></tr>"
            for day in days[::-1]
            if str(day) >= first
        )
        head = "<tr><th>日期</th><th>美元</th><th>欧元</th></tr>"
        return Answer.html(f"<html><table><tr><td>x</td></tr></table><table>{head}{cells}</table></html>")
    return None
