"""K-line charts of indices and sectors, drawn for a person and for a model that sees.

`Chart` holds bars and a caption and draws itself; `drawing` places everything by pixel, `ticks` and `fonts`
help. Nothing here knows a market.
"""

from __future__ import annotations

from alpha_sources.agents.charts.bars import Bars
from alpha_sources.agents.charts.chart import Chart, rebased
from alpha_sources.agents.charts.drawing import STYLE, Caption, draw
from alpha_sources.agents.charts.errors import ChartError

__all__ = ["STYLE", "Bars", "Caption", "Chart", "ChartError", "draw", "rebased"]
