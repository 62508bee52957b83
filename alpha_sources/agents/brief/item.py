"""One thing that a brief says, with its date and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from alpha_sources.llm.fencing import DataKind


class ItemKind(StrEnum):
    """What an item is about."""

    REGIME = "regime"
    INDEX = "index"
    BREADTH = "breadth"
    SECTOR = "sector"
    FUNDAMENTAL = "fundamental"
    REPORTED = "reported"
    SENTIMENT = "sentiment"
    # from here on others wrote it
    MACRO = "macro"
    NEWS = "news"
    ANNOUNCEMENT = "announcement"
    REPORT = "report"
    POST = "post"
    TRANSCRIPT = "transcript"
    DOCUMENT = "document"

    @classmethod
    def of_text(cls, name: str) -> ItemKind:
        """Return the kind that a text's own word stands for; a document where it is no such kind."""
        word = name.strip().lower()
        if word in ("notice", "notices"):
            # an exchange announces like a company
            return cls.ANNOUNCEMENT
        texts = [kind for kind in cls if kind.foreign and kind is not cls.MACRO]
        return next((kind for kind in texts if word in (kind.value, f"{kind.value}s")), cls.DOCUMENT)

    @property
    def foreign(self) -> bool:
        """Whether it holds words that others wrote, which reach a prompt only inside a fence."""
        return self in _FOREIGN

    @property
    def fenced_as(self) -> DataKind:
        """What the fence calls it."""
        if self is ItemKind.MACRO:
            return DataKind.TABLE
        if self is ItemKind.TRANSCRIPT:
            return DataKind.TRANSCRIPT
        return DataKind.NEWS if self in (ItemKind.NEWS, ItemKind.POST) else DataKind.DOCUMENT


_FOREIGN = frozenset(
    {
        ItemKind.MACRO,
        ItemKind.NEWS,
        ItemKind.ANNOUNCEMENT,
        ItemKind.REPORT,
        ItemKind.POST,
        ItemKind.TRANSCRIPT,
        ItemKind.DOCUMENT,
    }
)


@dataclass(frozen=True, slots=True)
class BriefItem:
    """One thing that was known.

    Parameters
    ----------
    id : str
        ``B1`` and so on, in order: what a reason cites.
    kind : ItemKind
    date : date
        From which it was known, in Shanghai.
    source : str
        Fields of the panel, a file, an address.
    text : str
        What it says, on one line.
    values : mapping of str to float or None
        The numbers in it, by name; ratios, not per cent.
    symbol : str or None
        The index or stock it is about.
    """

    id: str
    kind: ItemKind
    date: date
    source: str
    text: str
    values: Mapping[str, float | None] = field(default_factory=dict)
    symbol: str | None = None

    def to_payload(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "date": self.date.isoformat(),
            "source": self.source,
            "text": self.text,
            "values": dict(self.values),
            "symbol": self.symbol,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> BriefItem:
        """Return the item that `to_payload` wrote down."""
        return cls(
            id=payload["id"],
            kind=ItemKind(payload["kind"]),
            date=date.fromisoformat(payload["date"]),
            source=payload["source"],
            text=payload["text"],
            values=dict(payload["values"]),
            symbol=payload["symbol"],
        )
