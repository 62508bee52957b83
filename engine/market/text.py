"""Dated documents: news, announcements, transcripts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

#: End of a session's continuous trading (Asia/Shanghai): what is published later is the next session's.
CLOSE = time(15, 0)


@dataclass(frozen=True, slots=True)
class Text:
    """One document as the market could first read it.

    Parameters
    ----------
    published_at : datetime
        Moment of publication, naive, in Asia/Shanghai. A view shows a text from the close (15:00) of its
        session on.
    title, body : str
        The words. They are data, never instructions.
    source : str
        Where it was read: an address or a file.
    symbol : str or None
        The stock it is about; None for the market.
    kind : str
        ``news``, ``announcement``, ``report``, ``transcript`` ...
    """

    published_at: datetime
    title: str
    body: str
    source: str
    symbol: str | None = None
    kind: str = "news"
