"""Reports: sections as data, and `render`, which draws them as one self-contained HTML page.

The drawing knows nothing of back-tests. `values` prints numbers, `chart` and `table` turn what a section
holds into what `static/` and `templates/` draw, `render` puts the page together.
"""

from engine.report.render import render
from engine.report.section import (
    Band,
    Bars,
    Candles,
    Column,
    Figure,
    Format,
    HeatMap,
    Image,
    Matrix,
    Row,
    Section,
    Series,
    Table,
    Trade,
)

__all__ = [
    "Band",
    "Bars",
    "Candles",
    "Column",
    "Figure",
    "Format",
    "HeatMap",
    "Image",
    "Matrix",
    "Row",
    "Section",
    "Series",
    "Table",
    "Trade",
    "render",
]
