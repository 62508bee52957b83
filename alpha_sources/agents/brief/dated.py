"""What others published, and when it could first be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone

from alpha_sources.agents.brief.errors import BriefError, FutureItemError
from alpha_sources.agents.brief.item import ItemKind
from alpha_sources.seed.documents import Document, Image, Kind, Sound
from engine.market.calendar import Session
from engine.market.text import CLOSE, Text

#: China has kept no summer time since 1991.
_SHANGHAI = timezone(timedelta(hours=8))


def checked_moment(value: object, what: str) -> datetime:
    """Return a moment in Shanghai, naive; a day alone is its first moment.

    Raises
    ------
    BriefError
        If there is none, naming `what`.
    """
    # NaT is a datetime that is not even itself
    if not isinstance(value, date) or value != value:
        raise BriefError(
            f"{what} has no date: a brief takes only what says when it was published; give its publication "
            "date, or leave it out"
        )
    if not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    return value.astimezone(_SHANGHAI).replace(tzinfo=None) if value.tzinfo else value


def closing(session: Session) -> datetime:
    """Return the moment up to which a session's brief may know things."""
    return datetime.combine(session.astype(object), CLOSE)


@dataclass(frozen=True, slots=True)
class DatedDocument:
    """A text of others, as the market could first read it.

    Parameters
    ----------
    published_at : datetime
        In Shanghai, naive; of a document that names a day alone, the day's first moment, so that it counts
        for the session of that day.
    title, text : str
        Data, never instructions.
    source : str
        A file, an address.
    kind : ItemKind
        One of those that others wrote.
    symbol : str or None
        The stock it is about; None for the market.
    sounds : tuple of Sound
        What is still to be heard: the text is what is said in it.
    images : tuple of Image

    Raises
    ------
    BriefError
        If it has no date, naming title and source.
    """

    published_at: datetime
    title: str
    text: str
    source: str
    kind: ItemKind = ItemKind.DOCUMENT
    symbol: str | None = None
    sounds: tuple[Sound, ...] = field(default=(), repr=False)
    images: tuple[Image, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        moment = checked_moment(self.published_at, f"the {self.kind} {self.title!r} ({self.source})")
        object.__setattr__(self, "published_at", moment)

    @classmethod
    def of_text(cls, text: Text) -> DatedDocument:
        """Return a text of a market."""
        kind = ItemKind.of_text(text.kind)
        return cls(text.published_at, text.title, text.body, text.source, kind, text.symbol)

    @classmethod
    def of_document(cls, document: Document) -> DatedDocument:
        """Return a document that was read from a file.

        Raises
        ------
        BriefError
            If nothing says when it was published.
        """
        if document.published is None:
            raise BriefError(
                f"{document.name} has no date: a brief takes only what says when it was published; write "
                f"'published: YYYY-MM-DD' into {document.name}.meta.yaml, or take it out of the folder"
            )
        folder, slash, _ = document.name.partition("/")
        kind = ItemKind.of_text(folder) if slash else ItemKind.DOCUMENT
        heard = document.kind in (Kind.AUDIO, Kind.VIDEO)
        return cls(
            published_at=datetime.combine(document.published, time.min),
            title=document.title,
            text=document.text,
            source=document.name,
            kind=ItemKind.TRANSCRIPT if heard else kind,
            sounds=document.sounds,
            images=document.images,
        )

    @property
    def day(self) -> date:
        """On which it was published."""
        return self.published_at.date()

    def refuse_after(self, session: Session) -> None:
        """Raise unless it was out by 15:00 of a session.

        Raises
        ------
        FutureItemError
            Naming it and its date.
        """
        if self.published_at > closing(session):
            raise FutureItemError(
                f"the {self.kind} {self.title!r} ({self.source}) was published at "
                f"{self.published_at:%Y-%m-%d %H:%M}, after the close of {session}: leave it out, or make "
                "the brief of a later session"
            )
