"""Bars: what a K-line is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_LINES = ("open", "high", "low", "close", "traded")


@dataclass(frozen=True, eq=False, slots=True)
class Bars:
    """Bars of sessions in a row; NaN where there is none.

    Parameters
    ----------
    open, high, low, close : (n,) arrays
        Levels.
    traded : (n,) array
        What was traded, in `traded_unit`; NaN where unknown.
    traded_unit : str
        ``CNY`` or ``shares``.
    """

    open: Array
    high: Array
    low: Array
    close: Array
    traded: Array
    traded_unit: str = "shares"

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in _LINES}
        if len(lengths) != 1:
            raise ValueError(f"bars of different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.close)

    def to_payload(self) -> dict[str, Any]:
        """Return plain values for JSON, to seven significant digits: a chart shows no more."""
        return {name: _plain(getattr(self, name)) for name in _LINES} | {"traded_unit": self.traded_unit}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Bars:
        """Return the bars that `to_payload` wrote down."""
        lines = {
            name: np.array([np.nan if x is None else x for x in payload[name]], dtype=np.float64)
            for name in _LINES
        }
        return cls(**lines, traded_unit=payload["traded_unit"])


def _plain(values: Array) -> list[float | None]:
    return [float(f"{x:.7g}") if np.isfinite(x) else None for x in values.tolist()]
