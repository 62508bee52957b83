"""The page as text: what it holds, what it must never hold."""

import json
import math
import re
import time
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from engine.errors import ShapeError
from engine.report import Column, Figure, Format, HeatMap, Section, Series, Table, render

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
DAYS = ["2024-01-02", "2024-01-03", "2024-01-04"]


def section(**parts):
    return Section("Performance", 1, **parts)


def data_of(html: str):
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.S)[1])


def without_scripts(html: str) -> str:
    return re.sub(r"<script.*?</script>|<style>.*?</style>", "", html, flags=re.S)


def a_bit_of_everything() -> list[Section]:
    return [
        section(
            notes=["One note."],
            cards=[("Total return", 0.1234, Format.PERCENT), ("Equity", 10_482_331.5, Format.MONEY)],
            figures=[
                Figure("Value", DAYS, [Series("Strategy", [1.0, 1.1, 1.2])], log=True),
                HeatMap("Months", ["2024"], ["Jan", "Year"], [[0.02, 0.02]], totals=1),
            ],
            tables=[Table("Fills", [Column("Date", DAYS, Format.DATE), Column("P&L", [1.0, -2.0, None])])],
        )
    ]


def test_the_same_sections_give_the_same_bytes():
    first = render("T", "S", a_bit_of_everything(), footer=["f"])
    assert first == render("T", "S", a_bit_of_everything(), footer=["f"])


def test_sections_stand_by_order_then_title():
    sections = [Section("Zeta", 1), Section("Late", 2), Section("Alpha", 1)]
    html = render("T", "", sections)
    assert re.findall(r"<h2[^>]*>(\w+)</h2>", html) == ["Alpha", "Zeta", "Late"]
    assert html == render("T", "", sections[::-1])


def test_sections_of_one_name_have_links_of_their_own():
    html = render("T", "", [Section("绩效", 1), Section("绩效", 2), Section("Costs", 3), Section("Costs", 4)])
    anchors = re.findall(r'<section id="([^"]+)"', html)
    assert len(set(anchors)) == 4
    assert re.findall(r'<li><a href="#([^"]+)"', html) == anchors


def test_an_alarm_stands_in_red_before_the_notes():
    page = render("t", "", [section(alarms=["opened <twice>"], notes=["a note"])])
    alarm = page.index('<p class="alarm" role="alert">opened &lt;twice&gt;</p>')
    assert alarm < page.index("a note")
    assert re.search(r"\.alarm \{[^}]*color: var\(--alarm\)", page)
    # the light theme's and the dark one's, each a red: far more red than green and blue
    reds = re.findall(r"--alarm: #([0-9a-f]{6})", page)
    assert len(reds) == 2
    for colour in reds:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (0, 2, 4))
        assert red > 1.7 * max(green, blue) or red == 255
    assert 'class="alarm"' not in render("t", "", [section()])


def test_hostile_text_stays_text_wherever_it_stands():
    html = render(
        HOSTILE,
        HOSTILE,
        [
            Section(
                HOSTILE,
                0,
                notes=[HOSTILE, HOSTILE],
                cards=[(HOSTILE, HOSTILE, Format.TEXT)],
                figures=[
                    Figure(HOSTILE, [HOSTILE], [Series(HOSTILE, [1.0]), Series("b", [2.0])], note=HOSTILE),
                    HeatMap(HOSTILE, [HOSTILE], [HOSTILE], [[1.0]], note=HOSTILE),
                    HeatMap(HOSTILE, [HOSTILE] * 70, [HOSTILE], [[1.0]] * 70),
                ],
                tables=[Table(HOSTILE, [Column(HOSTILE, [HOSTILE] * 30)], note=HOSTILE)],
            )
        ],
        footer=[HOSTILE],
    )
    assert "<img" not in html
    assert html.count("</script>") == 3  # data, ECharts, ours
    data = data_of(html)
    assert data["tables"][0]["columns"][0]["distinct"] == [HOSTILE]
    assert data["charts"][0]["series"][0]["name"] == HOSTILE


def test_nothing_is_loaded_from_a_network():
    html = render("T", "S", a_bit_of_everything())
    markup = without_scripts(html)
    assert not re.search(r"https?:|\"//", markup)
    assert re.findall(r'(?:src|href)="([^#"][^"]*)"', markup) == ["data:,"]
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    assert not re.search(r"@import|url\(|https?:", style)
    assert "<script src" not in html
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1])
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_nan_and_infinity_become_null():
    bad = [math.nan, math.inf, -math.inf]
    html = render(
        "T",
        "",
        [
            section(
                cards=[("Sharpe", math.nan, Format.NUMBER)],
                figures=[
                    Figure("F", DAYS, [Series("a", bad), Series("b", np.array(bad))]),
                    HeatMap("H", ["r"], ["a", "b", "c"], [bad]),
                ],
                tables=[
                    Table(
                        "T", [Column(f.value, bad, f) for f in (Format.NUMBER, Format.PERCENT, Format.MONEY)]
                    )
                ],
            )
        ],
    )
    data = data_of(html)
    assert [series["values"] for series in data["charts"][0]["series"]] == [[None] * 3] * 2
    assert [column["values"] for column in data["tables"][0]["columns"]] == [[None] * 3] * 3
    assert not re.search(r"\bnan\b|\binf\b|NaN|Infinity", without_scripts(html))
    assert "<dd>—</dd>" in html


def test_without_a_script_the_first_page_and_its_extent_are_there():
    table = Table("Fills", [Column("N", list(range(1, 61)), Format.INTEGER)], page=25)
    html = render("T", "", [section(tables=[table])])
    assert re.findall(r'<td class="number">(\d+)</td>', html) == [str(n) for n in range(1, 26)]
    assert "1–25 of 60" in html


def test_an_empty_table_says_so():
    assert '<p class="empty">None.</p>' in render(
        "T", "", [section(tables=[Table("Refusals", [Column("Why", [])])])]
    )


def test_figures_over_the_same_dates_share_one_axis():
    figures = [Figure(name, DAYS, [Series("a", [1.0, 2.0, 3.0])]) for name in "ab"]
    data = data_of(render("T", "", [section(figures=figures)]))
    assert data["axes"] == [DAYS]
    assert [chart["x"] for chart in data["charts"]] == [0, 0]


@pytest.mark.parametrize(
    ("change", "log"),
    [
        ({}, True),
        ({"log": False}, False),
        ({"series": [Series("a", [1.0, 0.0, 2.0])]}, None),
        ({"series": [Series("a", [1.0, 2.0, 3.0], "bar")]}, None),
        ({"stacked": True}, None),
    ],
)
def test_only_positive_lines_can_have_a_logarithmic_axis(change, log):
    figure = replace(Figure("F", DAYS, [Series("a", [1.0, 2.0, 3.0])], log=True), **change)
    html = render("T", "", [section(figures=[figure])])
    assert data_of(html)["charts"][0]["log"] is log
    assert ('data-scale="log"' in without_scripts(html)) == (log is not None)


def test_a_large_heat_map_is_drawn_and_a_small_one_printed():
    small = HeatMap("H", ["r"], ["c"], [[0.5]])
    names = [str(n) for n in range(40)]
    large = HeatMap("H", names, names, np.eye(40).tolist(), Format.NUMBER)
    data = data_of(render("T", "", [section(figures=[small, large])]))
    assert [chart["kind"] for chart in data["charts"]] == ["heat"]


def test_what_does_not_fit_together_is_refused_with_its_name():
    with pytest.raises(ShapeError, match=r"figure 'Value': series 'a' has 2 values for 3 points"):
        render("T", "", [section(figures=[Figure("Value", DAYS, [Series("a", [1.0, 2.0])])])])
    with pytest.raises(ShapeError, match=r"table 'Fills': columns differ in length: 'A' 1, 'B' 2"):
        render("T", "", [section(tables=[Table("Fills", [Column("A", [1]), Column("B", [1, 2])])])])
    with pytest.raises(ShapeError, match=r"heat map 'H'"):
        render("T", "", [section(figures=[HeatMap("H", ["r"], ["c"], [[1.0, 2.0]])])])
    with pytest.raises(ValueError, match=r"colour 'url\(x\)'"):
        render("T", "", [section(figures=[Figure("F", DAYS, [Series("a", [1.0] * 3, colour="url(x)")])])])


def test_a_lone_surrogate_does_not_stop_the_page_from_being_written():
    render("T", "", [section(tables=[Table("T", [Column("Name", ["\ud800"])])])]).encode("utf-8")


def test_a_long_run_is_drawn_within_a_second_and_three_megabytes():
    rows = 20_000
    random = np.random.default_rng(1)
    days = np.arange("2020-01-01", "2023-01-01", dtype="datetime64[D]")
    fills = Table(
        "Fills",
        [
            Column("Date", days[np.sort(random.integers(0, len(days), rows))], Format.DATE),
            Column("Symbol", [f"SH{600000 + n % 300}" for n in range(rows)]),
            Column("Shares", random.integers(1, 90, rows) * 100, Format.INTEGER),
            Column("Price", random.lognormal(3, 1, rows), Format.NUMBER),
            Column("Amount", random.lognormal(9, 1, rows).round(2), Format.MONEY),
            Column("P&L", random.normal(0, 900, rows), Format.MONEY, tint=True),
        ],
    )
    axis = [str(day) for day in days]
    lines = [Figure(f"F{n}", axis, [Series("a", random.random(len(axis)))]) for n in range(60)]
    sections = [Section(f"S{n}", n, figures=[figure]) for n, figure in enumerate(lines)]
    render("T", "", [])  # the package's files are read once
    start = time.perf_counter()
    html = render("T", "", [*sections, Section("Fills", 99, tables=[fills])])
    assert (
        time.perf_counter() - start < 20
    )  # under 1 s on a quiet machine; this only catches what grows out of hand
    assert len(html.encode()) < 4_000_000
