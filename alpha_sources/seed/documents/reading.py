"""One file in, one document out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from alpha_sources.seed.documents.dating import date_in_name, decide
from alpha_sources.seed.documents.document import DateSource, Document, Publication
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.kinds import Kind
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.media import read_media
from alpha_sources.seed.documents.parts import Parts
from alpha_sources.seed.documents.pdf import read_pdf
from alpha_sources.seed.documents.pictures import read_picture
from alpha_sources.seed.documents.sheets import read_csv, read_workbook
from alpha_sources.seed.documents.sniffing import is_misnamed, sniff
from alpha_sources.seed.documents.source import Source, open_source
from alpha_sources.seed.documents.texts import read_markdown, read_sidecar, read_text
from alpha_sources.seed.documents.web import read_html
from alpha_sources.seed.documents.word import read_docx

#: Added to a document's whole name: ``note.pdf`` is dated by ``note.pdf.meta.yaml``.
SIDECAR = ".meta.yaml"
_SIDECAR_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Named:
    """A file and the name that a document gets from it."""

    path: Path
    name: str


def read_document(path: Path | str, *, limits: Limits | None = None) -> Document:
    """Return a document with its text, tables, images and sounds.

    What it is, its bytes say, not its name. Nothing in it is run, and nothing it points to is fetched. It is
    read in this process; `read_folder` reads in another, which a damaged file may hang or end.

    Parameters
    ----------
    path : Path or str
    limits : Limits, optional

    Returns
    -------
    Document

    Raises
    ------
    DocumentError
        With the file, what is wrong and the remedy.
    """
    path = Path(path)
    return read_named([Named(path, path.name)], limits or Limits())


def read_named(files: Sequence[Named], limits: Limits) -> Document:
    """Return the one document that files of equal bytes hold.

    Parameters
    ----------
    files : sequence of Named
        The first gives the name; all give dates.
    limits : Limits

    Raises
    ------
    DocumentError
        As `read_document`.
    """
    first = files[0]
    try:
        source = open_source(first.path, limits)
        kind, parts = _parts(source, first, limits)
        stated, title = _said_beside(files)
    except DocumentError as error:
        raise DocumentError(f"{first.name}: {error}") from None
    except MemoryError:
        raise DocumentError(f"{first.name}: it needs more memory than there is: split it") from None
    document = Document(
        hash=source.hash,
        name=first.name,
        kind=kind,
        title=title or parts.title or PurePath(first.name).stem,
        publication=decide((*stated, *_in_names(files), *parts.dates)),
        pages=parts.pages,
        tables=parts.tables,
        notes=parts.notes,
        other_names=tuple(file.name for file in files[1:]),
    )
    if not document.text.strip() and not document.images and not document.sounds:
        why = "; ".join(("", *parts.notes))
        raise DocumentError(
            f"{first.name}: it has neither text nor pictures{why}: remove it, or save it anew"
        )
    if is_misnamed(kind, first.name):
        promised = PurePath(first.name).suffix.lower()
        document = replace(document, notes=(*parts.notes, f"it is named {promised} but is of kind {kind}"))
    return document


def _parts(source: Source, file: Named, limits: Limits) -> tuple[Kind, Parts]:
    data = source.data
    kind = sniff(data, file.name)
    match kind:
        case Kind.PDF:
            return kind, read_pdf(data, limits)
        case Kind.DOCX:
            return kind, read_docx(data, limits)
        case Kind.XLSX:
            return kind, read_workbook(data, limits)
        case Kind.CSV:
            return kind, read_csv(data, limits)
        case Kind.HTML:
            return kind, read_html(data, limits)
        case Kind.MARKDOWN:
            return kind, read_markdown(data, limits)
        case Kind.TEXT:
            return kind, read_text(data, limits)
        case Kind.IMAGE:
            return kind, read_picture(data, PurePath(file.name).name, limits)
        case Kind.AUDIO | Kind.VIDEO:
            return read_media(source, limits)


def _in_names(files: Sequence[Named]) -> list[Publication]:
    found = []
    for file in files:
        name = PurePath(file.name).name
        day = date_in_name(name)
        if day:
            found.append(Publication(day, DateSource.FILE_NAME, name))
    return found


def _said_beside(files: Sequence[Named]) -> tuple[list[Publication], str]:
    dates: list[Publication] = []
    titles: list[str] = []
    for file in files:
        beside = file.path.with_name(file.path.name + SIDECAR)
        if not beside.is_file():
            continue
        try:
            with beside.open("rb") as opened:
                data = opened.read(_SIDECAR_BYTES + 1)
        except OSError as error:
            raise DocumentError(f"its sidecar {beside.name} cannot be read: {error.strerror}") from None
        if len(data) > _SIDECAR_BYTES:
            raise DocumentError(f"its sidecar {beside.name} is larger than {_SIDECAR_BYTES:,} bytes")
        date, title = read_sidecar(data, beside.name)
        dates += [date] if date else []
        titles += [title] if title else []
    return dates, titles[0] if titles else ""
