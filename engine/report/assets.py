"""The files of the page: templates, style sheet, scripts. Read from the package, wherever it is installed."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

_TEMPLATES = (
    "report.html.j2",
    "figure.html.j2",
    "heat.html.j2",
    "candles.html.j2",
    "image.html.j2",
    "table.html.j2",
    "matrix.html.j2",
)
_SCRIPTS = ("format.js", "charts.js", "candles.js", "tables.js", "report.js")


@cache
def echarts() -> str:
    """Return the vendored chart library."""
    return _text("vendor", "echarts.min.js")


@cache
def script() -> str:
    """Return our scripts as one function, so that none of their names are global."""
    parts = "\n".join(_text("static", name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


@cache
def style() -> str:
    """Return the style sheet."""
    return _text("static", "report.css")


@cache
def environment() -> Environment:
    """Return the Jinja environment of the report's templates; everything it prints is escaped."""
    return Environment(
        loader=DictLoader({name: _text("templates", name) for name in _TEMPLATES}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _text(folder: str, name: str) -> str:
    return files("engine.report").joinpath(folder, name).read_text(encoding="utf-8")
