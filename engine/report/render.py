"""`render`: sections in, one self-contained HTML page out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from engine.report import assets
from engine.report.candles import candles_chart
from engine.report.chart import Chart, figure_chart, heat_chart
from engine.report.image import Picture, picture
from engine.report.matrix import Printed, printed_matrix
from engine.report.section import Candles, Figure, HeatMap, Image, Matrix, Section, Table
from engine.report.table import Grid, Sheet, grid, sheet
from engine.report.values import headline

COLOUR_NOTE: Final = "Red marks gains and green marks losses, as on mainland Chinese exchanges."


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A figure or a table with what its template and the script need of it; `number` finds its data."""

    template: str
    title: str
    note: str
    half: bool
    number: int
    body: Chart | Grid | Sheet | Printed | Picture


@dataclass(slots=True)
class _Page:
    """The data that the page's script reads, gathered while the sections are drawn."""

    axes: list[list[str]] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    places: dict[tuple[str, ...], int] = field(default_factory=dict)
    tinted: bool = False

    def axis(self, labels: Sequence[str]) -> int:
        key = tuple(str(label) for label in labels)
        if key not in self.places:
            self.places[key] = len(self.axes)
            self.axes.append(list(key))
        return self.places[key]

    def figure(self, figure: Figure | HeatMap | Candles | Image, group: str) -> _Drawn:
        half, template = False, "figure"
        if isinstance(figure, Image):
            shown = picture(figure)
            return _Drawn("image.html.j2", figure.title, figure.note, figure.width == "half", -1, shown)
        if isinstance(figure, HeatMap):
            self.tinted = True
            cells = grid(figure)
            if cells is not None:
                return _Drawn("heat.html.j2", figure.title, figure.note, False, -1, cells)
            chart = heat_chart(figure)
        elif isinstance(figure, Candles):
            self.tinted = True
            chart, template = candles_chart(figure, self.axis(figure.x)), "candles"
        else:
            chart, half = figure_chart(figure, self.axis(figure.x)), figure.width == "half"
        self.charts.append(chart.data | {"group": group})
        return _Drawn(f"{template}.html.j2", figure.title, figure.note, half, len(self.charts) - 1, chart)

    def table(self, table: Table | Matrix) -> _Drawn:
        if isinstance(table, Matrix):
            return _Drawn("matrix.html.j2", table.title, table.note, False, -1, printed_matrix(table))
        self.tinted = self.tinted or any(column.tint for column in table.columns)
        drawn = sheet(table)
        self.tables.append(drawn.data)
        return _Drawn("table.html.j2", table.title, table.note, False, len(self.tables) - 1, drawn)


def render(
    title: str, subtitle: str, sections: Sequence[Section], *, about: str = "", footer: Sequence[str] = ()
) -> str:
    """Draw a report as one HTML file that needs no network and opens by double-click.

    Parameters
    ----------
    title, subtitle : str
        The heading of the page and the line under it.
    sections : sequence of Section
        In any order: they are shown by `order`, then by title.
    about : str
        A further line of the heading, such as what was run.
    footer : sequence of str
        Lines at the end, such as the version, the hash of the configuration and the disclaimer.

    Returns
    -------
    str
        The page, a function of the arguments alone: write it as UTF-8.

    Raises
    ------
    ShapeError
        If a series, a heat map or a column does not have the length it must.
    ValueError
        If a colour is none of ours, a table's page is empty, or a picture is no PNG.

    Notes
    -----
    A Content-Security-Policy lets run only our scripts, by their hash, and nothing load from anywhere.
    """
    page = _Page()
    parts = []
    for anchor, section in _anchored(sections):
        parts.append(
            {
                "anchor": anchor,
                "section": section,
                "cards": [(label, headline(value, format)) for label, value, format in section.cards],
                "figures": [page.figure(figure, anchor) for figure in section.figures],
                "tables": [page.table(table) for table in section.tables],
            }
        )
    html = (
        assets.environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            subtitle=subtitle,
            about=about,
            parts=parts,
            footer=[*footer, COLOUR_NOTE] if page.tinted else list(footer),
            style=Markup(assets.style()),
            echarts=Markup(assets.echarts()) if page.charts else None,
            script=Markup(assets.script()),
            hashes=[_hash(assets.echarts()), _hash(assets.script())],
            data=Markup(_json({"axes": page.axes, "charts": page.charts, "tables": page.tables})),
        )
    )
    # A lone surrogate, from a badly read file, would make the page impossible to write.
    return html.encode("utf-8", "replace").decode("utf-8")


def _anchored(sections: Sequence[Section]) -> list[tuple[str, Section]]:
    """Sort the sections and give each a name for links that is stable and unique."""
    found: list[tuple[str, Section]] = []
    taken: set[str] = set()
    for position, section in enumerate(sorted(sections, key=lambda one: (one.order, one.title)), start=1):
        slug = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")[:40]
        anchor = f"s-{slug}" if slug and f"s-{slug}" not in taken else f"s-{slug or 'section'}-{position}"
        taken.add(anchor)
        found.append((anchor, section))
    return found


def _json(data: Any) -> str:
    """Return JSON that cannot end the script element it stands in, and that has no NaN."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
