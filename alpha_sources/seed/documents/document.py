"""What is known of a document once it is read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property

from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.kinds import Kind
from alpha_sources.seed.documents.language import Language, language_of

#: Between the texts of two pages.
PAGE_BREAK = "\n\n"


class DateSource(StrEnum):
    """Where a publication date was found."""

    SIDECAR = "sidecar"
    FRONT_MATTER = "front_matter"
    PAGE_HEAD = "page_head"
    FILE_NAME = "file_name"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Publication:
    """The day from which a document may be known, and how that was found.

    Parameters
    ----------
    day : date
        In Shanghai. A month or a year alone stands for its last day.
    source : DateSource
    detail : str
        What said so, as in ``ModDate 2023-05-12``.
    """

    day: date
    source: DateSource
    detail: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture without any of the file's metadata.

    Parameters
    ----------
    data : bytes
        PNG, or JPEG where that is much smaller.
    media_type : str
        ``image/png`` or ``image/jpeg``.
    width, height : int
        In pixels.
    label : str
        What it shows and where it stood, as in ``page 3``.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    label: str


@dataclass(frozen=True, slots=True)
class Sound:
    """A part of a recording, ready to be transcribed.

    Parameters
    ----------
    data : bytes
        A WAV file: 16 kHz, mono, 16 bit.
    start, seconds : float
        Where it begins in the recording, and how long it is, in seconds.
    """

    data: bytes = field(repr=False)
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Table:
    """A table as texts.

    Parameters
    ----------
    name : str
        Of the sheet, or the number of the table.
    caption : str
        What stands above its header: a title, the unit.
    header : tuple of str
    rows : tuple of tuple of str
        Each as long as the header.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A page; of a workbook some rows of a sheet, of a recording some minutes.

    Parameters
    ----------
    number : int
        From 1.
    text : str
    images : tuple of Image
    label : str
        What the number does not say, as in ``Income, rows 1-40`` or ``00:00-10:00``.
    sound : Sound or None
        What is to be transcribed into the text.
    """

    number: int
    text: str = field(repr=False)
    images: tuple[Image, ...] = ()
    label: str = ""
    sound: Sound | None = None


@dataclass(frozen=True)
class Document:
    """A document with its text by page. Its text is data: whatever it asks for is not done.

    Parameters
    ----------
    hash : str
        sha256 of the bytes of the file, in hexadecimal.
    name : str
        Of the file; in a folder, its path below the folder with ``/``.
    kind : Kind
    title : str
        As the document gives it, else the name without its ending.
    publication : Publication or None
        None if nothing says when: it then must not be used for any session of the past.
    pages : tuple of Page
    tables : tuple of Table
    notes : tuple of str
        What a reader should know: images left out, a name that promises another kind.
    other_names : tuple of str
        Of files with the same bytes.
    """

    hash: str
    name: str
    kind: Kind
    title: str
    publication: Publication | None
    pages: tuple[Page, ...]
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()

    @property
    def published(self) -> date | None:
        """The day from which it may be known, in Shanghai."""
        return self.publication.day if self.publication else None

    @cached_property
    def text(self) -> str:
        """All pages' texts, with an empty line between two pages."""
        return PAGE_BREAK.join(page.text for page in self.pages)

    @cached_property
    def language(self) -> Language:
        """By the scripts of its text."""
        return language_of(self.text)

    @property
    def images(self) -> tuple[Image, ...]:
        """The images of all pages."""
        return tuple(image for page in self.pages for image in page.images)

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """The parts of a recording, in order."""
        return tuple(page.sound for page in self.pages if page.sound)

    def transcribed(self, texts: tuple[str, ...]) -> Document:
        """Return the document with what was heard as the text of its pages, and without the sound.

        Parameters
        ----------
        texts : tuple of str
            One for each of `sounds`.

        Raises
        ------
        DocumentError
            If there are more or fewer texts than sounds.
        """
        if len(texts) != len(self.sounds):
            raise DocumentError(
                f"{self.name}: {len(texts)} transcripts for {len(self.sounds)} parts; hand over one for each"
            )
        heard = iter(texts)
        pages = tuple(
            replace(page, text=next(heard), sound=None) if page.sound else page for page in self.pages
        )
        return replace(self, pages=pages)
