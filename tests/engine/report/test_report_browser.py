"""The page in a real browser: charts are drawn, no script fails, script and server print the same text."""

import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from engine.report import Column, Figure, Format, HeatMap, Section, Series, Table, render

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is on PATH")

HOSTILE = "</script><img src=x onerror=alert(1)>"
AWKWARD = [
    0.125,
    -0.125,
    2.675,
    0.005,
    -0.001,
    0,
    1e15,
    -1e18,
    999.995,
    1234567.891,
    0.00015,
    None,
    float("nan"),
]


class Page(HTMLParser):
    """What the tests ask of a document: its cells, its charts and what the script says of itself."""

    def __init__(self, html: str):
        super().__init__()
        self.body, self.cells, self.charts, self.images, self.open = {}, [], [], 0, False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if tag == "body":
            self.body = names
        elif tag == "td":
            self.cells.append("")
            self.open = True
        elif tag == "img":
            self.images += 1
        elif "data-chart" in names:
            self.charts.append(names)

    def handle_endtag(self, tag):
        if tag == "td":
            self.open = False

    def handle_data(self, data):
        if self.open:
            self.cells[-1] += data


def loaded(html: str, folder, *, wait: int = 20000) -> Page:
    """Return the page as it stands once the browser has run it, and `wait` ms of its time have gone by."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --dump-dom"
    )
    if wait:
        flags += f" --virtual-time-budget={wait}"
    command = [BROWSER, *flags.split(), f"--user-data-dir={folder / 'profile'}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return Page(done.stdout.decode("utf-8"))


def sections() -> list[Section]:
    days = [str(day) for day in np.arange("2022-01-03", "2024-01-03", dtype="datetime64[D]")]
    value = np.cumprod(1 + np.random.default_rng(3).normal(0.0003, 0.01, len(days)))
    names = [f"alpha {n}" for n in range(30)]
    two_bars = [Series("Bought", [1.0, 2.0], "bar"), Series("Sold", [2.0, None], "bar")]
    formats = (Format.NUMBER, Format.PRECISE, Format.PERCENT, Format.MONEY, Format.INTEGER)
    return [
        Section(
            "Performance",
            1,
            cards=[("Total return", 0.1, Format.PERCENT)],
            figures=[
                Figure("Value", days, [Series("Strategy", value), Series(HOSTILE, value * 0.9)], log=True),
                Figure("Wide", days, [Series("a", 10 ** (3 * value))], log=True),
                Figure("Drawdown", days, [Series("Strategy", value - value.max(), "area")], Format.PERCENT),
                Figure(
                    "Turnover", ["2024-01", "2024-02"], two_bars, Format.PERCENT, stacked=True, width="half"
                ),
                Figure("Costs", ["Commission", HOSTILE], two_bars, Format.MONEY, width="half"),
                Figure("One point", ["2024-01-02"], [Series("a", [1.0], colour="#123456")]),
                Figure("Nothing", [], []),
                Figure("Gaps only", days[:3], [Series("a", [None] * 3)], log=True),
                HeatMap("Months", ["2024"], ["Jan", "Year"], [[0.02, -0.02]], totals=1),
                HeatMap("Correlation", names, names, np.eye(30).tolist(), Format.NUMBER),
            ],
        ),
        Section(
            "Trading",
            2,
            tables=[
                Table("Awkward", [Column(f.value, AWKWARD, f, tint=True) for f in formats], page=50),
                Table(
                    "Refused",
                    [Column("Reason", [HOSTILE, "停牌", "=1+1"] * 20), Column("N", range(60))],
                    page=7,
                ),
                Table("Warnings", [Column("What", [])]),
            ],
        ),
    ]


def test_every_chart_is_drawn_and_nothing_fails(tmp_path):
    html = render("Run", "two years", sections())
    page = loaded(html, tmp_path)
    assert page.body.get("data-errors") is None
    assert page.body.get("data-ready") == "true"
    assert len(page.charts) == 9
    assert {chart.get("data-drawn") for chart in page.charts} == {"true"}
    assert page.images == 0


def test_all_charts_are_drawn_by_the_load_event(tmp_path):
    page = loaded(render("Run", "", [Section("One", 1, figures=sections()[0].figures[:3])]), tmp_path, wait=0)
    assert page.body.get("data-ready") == "true"
    assert [chart.get("data-drawn") for chart in page.charts] == ["true"] * 3


def test_script_and_server_print_the_same_cells(tmp_path):
    html = render("Run", "two years", sections())
    assert loaded(html, tmp_path).cells == Page(html).cells


def test_a_report_without_charts_does_not_need_the_chart_library(tmp_path):
    html = render("Run", "", [Section("Only", 1, tables=[Table("T", [Column("A", ["x"])])])])
    assert len(html) < 100_000
    page = loaded(html, tmp_path)
    assert page.body.get("data-errors") is None
    assert page.body.get("data-ready") == "true"
