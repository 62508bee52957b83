"""A user's folder of news, announcements, posts, reports, recordings and macro figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from alpha_sources.agents.brief.dated import DatedDocument
from alpha_sources.agents.brief.errors import BriefError
from alpha_sources.agents.brief.item import ItemKind
from alpha_sources.agents.brief.macro import MacroFigure, read_macro
from alpha_sources.agents.brief.published import closing
from alpha_sources.agents.brief.tables import read_rows
from alpha_sources.seed.documents import Limits, Skipped, each_document
from engine.hashing import hash_json
from engine.market.view import MarketView

_MACRO, _NEWS = "macro.csv", "news.csv"


@dataclass(frozen=True, slots=True)
class Archive:
    """All that a user keeps, over all time; a brief takes from it what was out by its session.

    Parameters
    ----------
    documents : tuple of DatedDocument
        In order of publication.
    figures : tuple of MacroFigure
        In order of publication.
    skipped : tuple of Skipped
        Files that could not be read, with the reason.
    """

    documents: tuple[DatedDocument, ...] = ()
    figures: tuple[MacroFigure, ...] = ()
    skipped: tuple[Skipped, ...] = field(default=())

    @property
    def hash(self) -> str:
        """Sha256 of everything that a brief can take from it; of recordings and pictures too."""
        heard_and_seen = [
            [sha256(data).hexdigest() for data in (*(s.data for s in d.sounds), *(i.data for i in d.images))]
            for d in self.documents
        ]
        return hash_json([repr(self.documents), repr(self.figures), heard_and_seen])

    def texts(self, view: MarketView, sessions: int) -> tuple[DatedDocument, ...]:
        """Return what was published in so many sessions up to 15:00 of the view's."""
        first = view.dates[max(0, view.t + 1 - sessions)].astype(object)
        end = closing(view.session)
        return tuple(
            one for one in self.documents if one.published_at <= end and one.published_at.date() >= first
        )

    def known_figures(self, view: MarketView) -> tuple[MacroFigure, ...]:
        """Return the figures that were out by 15:00 of the view's session."""
        end = closing(view.session)
        return tuple(one for one in self.figures if one.published_at <= end)


def read_archive(folder: Path | str, *, limits: Limits | None = None) -> Archive:
    """Read a folder and the folders in it.

    Parameters
    ----------
    folder : Path or str
        Files of any kind that `alpha_sources.seed.documents` reads. What lies in a folder ``news``,
        ``announcements``, ``reports`` or ``posts`` is of that kind. ``macro.csv`` and ``*.macro.csv`` hold
        macro figures (`read_macro`); ``news.csv`` and ``*.news.csv`` hold a text on each line, under
        ``published``, ``title`` and, if you like, ``body``, ``source``, ``symbol``, ``kind``.
    limits : Limits, optional
        For each document.

    Raises
    ------
    DocumentError
        If there is no such folder.
    BriefError
        If something has no date, naming it; or a table is no such table, naming the line.

    Notes
    -----
    Documents are read in a process of their own: a script that calls this has
    ``if __name__ == "__main__":`` round its call. A file that cannot be read is skipped with the reason.
    """
    top = Path(folder)
    documents: list[DatedDocument] = []
    figures: list[MacroFigure] = []
    skipped: list[Skipped] = []
    tables = set()
    if top.is_dir():
        for path in sorted(top.rglob("*.csv")):
            name = path.relative_to(top).as_posix()
            kind = _table_of(path.name)
            if kind is None or path.is_symlink() or any(part.startswith(".") for part in path.parts[-1:]):
                continue
            tables.add(name)
            if kind == _MACRO:
                figures += read_macro(path, name)
            else:
                documents += read_news(path, name)
    for each in each_document(top, limits=limits):
        if isinstance(each, Skipped):
            if each.path not in tables:
                skipped.append(each)
        elif not tables.intersection((each.name, *each.other_names)):
            documents.append(DatedDocument.of_document(each))
    documents.sort(key=lambda one: (one.published_at, one.source, one.title))
    figures.sort(key=lambda one: (one.published_at, one.name, one.period))
    return Archive(tuple(documents), tuple(figures), tuple(sorted(skipped, key=lambda one: one.path)))


def read_news(path: Path, name: str = "") -> list[DatedDocument]:
    """Read texts from a CSV file with a text on each line.

    Raises
    ------
    BriefError
        With the line at fault.
    """
    called = name or str(path)
    found = []
    for row in read_rows(path, called, ("title",), ("body", "source", "symbol", "kind")):
        kind = ItemKind.of_text(row.cells.get("kind", "news"))
        if "kind" in row.cells and kind is ItemKind.DOCUMENT and row.cells["kind"].lower() != "document":
            words = ", ".join(one.value for one in ItemKind if one.foreign and one is not ItemKind.MACRO)
            raise BriefError(f"{row.place}: {row.cells['kind']!r} is no kind of text; known: {words}")
        found.append(
            DatedDocument(
                published_at=row.published_at,
                title=row.cells["title"],
                text=row.cells.get("body", ""),
                source=row.cells.get("source", row.place),
                kind=kind,
                symbol=row.cells.get("symbol"),
            )
        )
    return found


def _table_of(name: str) -> str | None:
    small = name.lower()
    return next((end for end in (_MACRO, _NEWS) if small == end or small.endswith(f".{end}")), None)
