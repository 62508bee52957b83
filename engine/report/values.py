"""Values as the report embeds and prints them. `static/format.js` prints the same numbers the same way."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from numbers import Integral, Real
from typing import Any, Final

import numpy as np

from engine.report.section import Format

WORDS: Final = frozenset({Format.TEXT, Format.DATE})
DASH: Final = "—"
MINUS: Final = "−"
HUGE: Final = 1e15
"""From here on numbers print with an exponent."""

Plain = str | int | float | None
"""What a value becomes: JSON without NaN."""

_DECIMALS: Final = {
    Format.INTEGER: 0,
    Format.NUMBER: 2,
    Format.PRECISE: 4,
    Format.PERCENT: 2,
    Format.MONEY: 2,
}
_DIGITS: Final = {
    Format.INTEGER: 15,
    Format.NUMBER: 10,
    Format.PRECISE: 10,
    Format.PERCENT: 8,
    Format.MONEY: 13,
}
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


def plain(value: Any, format: Format) -> Plain:
    """Return a value that JSON can hold: NaN, NaT and infinities become None, numbers lose idle digits."""
    if value is None or (type(value) is float and not math.isfinite(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if format in WORDS:
        text = str(value)
        if text in ("NaT", "nan", "<NA>") and not isinstance(value, str):
            return None
        return text[:10] if format is Format.DATE and _ISO_DATE.match(text) else text
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        return shortened(float(value), _DIGITS[format])
    text = str(value)
    return None if text in ("NaT", "<NA>") else text


def plains(values: Sequence[Any], format: Format) -> list[Plain]:
    """Return `plain` of every value; arrays are unpacked first, dates keep their ISO text."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        days = np.datetime_as_string(values, unit="D").tolist()
        return [None if day == "NaT" else day for day in days]
    if isinstance(values, np.ndarray):
        values = values.tolist()
    return [plain(value, format) for value in values]


def numbers(values: Sequence[Any]) -> list[int | float | None]:
    """Return the values of a series: numbers or None, to seven significant digits."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    return [None if value is None else shortened(float(value), 7) for value in values]


def shortened(value: float, digits: int) -> int | float | None:
    """Return `value` to so many significant digits, whole numbers as int, None where it is not finite."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < HUGE else short


def printed(value: Plain, format: Format) -> str:
    """Return the text of one cell."""
    if value is None:
        return DASH
    if isinstance(value, str):
        return value
    if format in WORDS:
        return str(value)
    if format is Format.PERCENT:
        return f"{_grouped(value * 100, 2)}%"
    return _grouped(value, _DECIMALS[format])


def headline(value: Any, format: Format) -> str:
    """Return the text of a card: as in a table, with the currency, and no fen on large sums."""
    clean = plain(value, format)
    if format is not Format.MONEY or clean is None or isinstance(clean, str):
        return printed(clean, format)
    text = _grouped(clean, 0 if abs(clean) >= 1e5 else 2)
    return f"{MINUS}¥{text[1:]}" if text.startswith(MINUS) else f"¥{text}"


def _grouped(value: float, decimals: int) -> str:
    if abs(value) >= HUGE:
        return f"{value:.2e}".replace("-", MINUS, 1) if value < 0 else f"{value:.2e}"
    # Decimal of the binary value, halves away from zero: what JavaScript's toFixed does.
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    text = f"{abs(rounded):,}"
    return f"{MINUS}{text}" if rounded < 0 else text
