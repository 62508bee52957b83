"""What others published, and when it could first be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time

from alpha_sources.agents.brief.errors import BriefError
from alpha_sources.agents.brief.item import ItemKind
from alpha_sources.agents.brief.published import Published, checked_moment
from alpha_sources.seed.documents import Document, Image, Kind, Sound
from engine.market.text import Text


@dataclass(frozen=True, slots=True)
class DatedDocument(Published):
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
        moment = checked_moment(self.published_at, self.called)
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
    def called(self) -> str:
        """Kind, title and source."""
        return f"the {self.kind} {self.title!r} ({self.source})"
