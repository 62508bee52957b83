"""`Chart`: bars with a caption; its picture is drawn when it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_sources.agents.charts.bars import Bars
from alpha_sources.agents.charts.drawing import STYLE, Caption, draw
from engine.hashing import hash_json

if TYPE_CHECKING:
    from alpha_sources.llm.attachment import Attachment


@dataclass(frozen=True, eq=False)
class Chart:
    """A K-line and what was traded.

    What is written down is the numbers, not the picture: the same numbers give the same picture on one
    machine, and on another one that differs by a version of a font library in a few pixels.

    Parameters
    ----------
    id : str
        ``C1`` and so on: what a reason cites.
    title : str
        What it shows, in words.
    date : date
        Of its last bar.
    source : str
    bars : Bars
    caption : Caption
    """

    id: str
    title: str
    date: date
    source: str
    bars: Bars
    caption: Caption

    @cached_property
    def png(self) -> bytes:
        """The picture, 800 × 500 pixels.

        Raises
        ------
        ChartError
            If there are too few bars.
        """
        # drawn from what is written down, so that a stored chart gives the same picture
        return draw(Bars.from_payload(self.bars.to_payload()), self.caption)

    @cached_property
    def sha256(self) -> str:
        """Of the picture's bytes, on this machine."""
        return hashlib.sha256(self.png).hexdigest()

    @cached_property
    def data_hash(self) -> str:
        """Of the numbers, the caption and the way of drawing: the same on every machine."""
        plain = self.to_payload()
        return hash_json({"style": STYLE, **{key: plain[key] for key in ("bars", "caption")}})

    def attachment(self) -> Attachment:
        """Return the picture as a question takes it; its numbers stand for it in the key of a reply."""
        from alpha_sources.llm.attachment import Attachment

        return Attachment("image/png", self.png, drawn_from=self.data_hash)

    def to_payload(self) -> dict[str, Any]:
        """Return plain values for JSON, from which the picture can be drawn again."""
        caption = self.caption
        return {
            "id": self.id,
            "title": self.title,
            "date": self.date.isoformat(),
            "source": self.source,
            "bars": self.bars.to_payload(),
            "caption": {
                "label": caption.label,
                "name": caption.name,
                "level_unit": caption.level_unit,
                "sessions": list(caption.sessions),
                "relative": caption.relative,
            },
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Chart:
        """Return the chart that `to_payload` wrote down."""
        caption = payload["caption"]
        return cls(
            id=payload["id"],
            title=payload["title"],
            date=date.fromisoformat(payload["date"]),
            source=payload["source"],
            bars=Bars.from_payload(payload["bars"]),
            caption=Caption(**{**caption, "sessions": tuple(caption["sessions"])}),
        )


def rebased(bars: Bars) -> Bars:
    """Return bars that tell no market by its numbers: first close 100, traded over its own mean."""
    known = np.flatnonzero(np.isfinite(bars.close))
    level = 100.0 / bars.close[known[0]] if len(known) else np.nan
    counted = bars.traded[np.isfinite(bars.traded)]
    mean = counted.mean() if len(counted) else np.nan
    return Bars(
        bars.open * level,
        bars.high * level,
        bars.low * level,
        bars.close * level,
        traded=bars.traded / mean if mean > 0 else np.full(len(bars), np.nan),
        traded_unit="times its mean",
    )
