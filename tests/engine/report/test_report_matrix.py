"""Matrices, links and horizontal bars: the parts of a page that comparisons need."""

import json
import re

import pytest

from engine.errors import ShapeError
from engine.report import Column, Figure, Format, Matrix, Row, Section, Series, Table, render
from engine.report.matrix import best_of


@pytest.mark.parametrize(
    ("values", "better", "best"),
    [
        ([1.0, 3.0, 2.0], "high", [False, True, False]),
        ([1.0, 3.0, 2.0], "low", [True, False, False]),
        ([3.0, 3.0, 2.0], "high", [True, True, False]),
        ([3.0, 3.0], "high", [False, False]),
        ([None, 3.0, float("nan")], "high", [False, False, False]),
        ([None, 3.0, 2.0], "high", [False, True, False]),
        ([1.0, 3.0], None, [False, False]),
    ],
)
def test_the_best_is_known_where_one_way_is_better_and_values_differ(values, better, best):
    assert best_of(Row("R", values, Format.NUMBER, better)) == best


def test_every_row_prints_in_its_own_format():
    rows = [Row("Return", [0.1, -0.2], Format.PERCENT, "high"), Row("Fills", [1200, None], Format.INTEGER)]
    html = render("T", "", [Section("S", 1, tables=[Matrix("M", ["a", "<b>"], rows)])])
    assert "<strong>10.00%</strong>" in html
    assert [re.sub("<.*?>", "", cell) for cell in re.findall(r"<td class=.*?</td>", html)] == [
        "10.00%",
        "−20.00%",
        "1,200",
        "—",
    ]
    assert "<b>" not in re.sub(r"<script.*?</script>", "", html, flags=re.S)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ShapeError, match=r"row 'R' has 1 values for 2 columns"):
        render("T", "", [Section("S", 1, tables=[Matrix("M", ["a", "b"], [Row("R", [1.0])])])])


def test_a_cell_can_lead_to_a_file_beside_the_page():
    column = Column("Run", ["a", "b"], links=["a/report.html", ""])
    html = render("T", "", [Section("S", 1, tables=[Table("T", [column])])])
    assert '<a href="a/report.html">a</a>' in html
    assert '<a href="">' not in html


@pytest.mark.parametrize("link", ["http://x", "javascript:alert(1)", "/etc/passwd", "\\\\host\\x"])
def test_a_cell_leads_nowhere_else(link):
    column = Column("Run", ["a"], links=[link])
    with pytest.raises(ValueError, match="no path relative to the page"):
        render("T", "", [Section("S", 1, tables=[Table("T", [column])])])


def test_links_must_be_as_many_as_values():
    with pytest.raises(ShapeError, match=r"1 links for 2 values"):
        render("T", "", [Section("S", 1, tables=[Table("T", [Column("R", ["a", "b"], links=[""])])])])


def test_only_bars_can_lie_on_their_side():
    with pytest.raises(ValueError, match="only bars can be horizontal"):
        render(
            "T", "", [Section("S", 1, figures=[Figure("F", ["a"], [Series("s", [1.0])], horizontal=True)])]
        )


def test_a_figure_may_do_without_a_logarithmic_axis():
    figure = Figure("F", ["2024-01-02"], [Series("s", [1.0])], log=None)
    html = render("T", "", [Section("S", 1, figures=[figure])])
    data = json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.S)[1])
    assert data["charts"][0]["log"] is None
