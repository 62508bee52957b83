"""How much of a document is read before it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from alpha_sources.seed.documents.errors import DocumentError
from engine.plugins import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what one document may cost; a document beyond one of them is refused with that bound's name.

    Parameters
    ----------
    file_bytes, media_bytes : int
        Size of a file on disk; of a sound or a film. It is checked before a byte is read.
    pages : int
        Of a PDF or a DOCX; sheets of a workbook.
    characters : int
        Of text in a document.
    cells : int
        Non-empty cells of a table file; there may be as many rows, empty ones included.
    unpacked_bytes, unpacked_ratio : int
        Size of what is packed in a DOCX or XLSX, all together, and how many times its packed size it may be.
    pixels : int
        Of an image before it is made smaller.
    image_side : int
        Pixels of the longer side of every image that is handed on; larger ones are made smaller.
    images : int
        Images kept of a document; further ones are left out with a note.
    media_seconds : int
        Duration of a sound or a film.
    part_seconds : int
        Duration of the parts a sound is cut into. Ten minutes at 16 kHz, mono, 16 bit, are 19.2 MB:
        transcription servers commonly take 25 MB.
    frames : int
        Evenly spaced pictures kept of a film.
    reading_seconds, reading_bytes : int
        Time and memory of the process that reads one document of a folder. The memory is bounded
        only where the system can (not on macOS and Windows).

    Raises
    ------
    DocumentError
        If one is below 1.
    """

    file_bytes: int = 64 * 2**20
    media_bytes: int = 512 * 2**20
    pages: int = 1_000
    characters: int = 5_000_000
    cells: int = 500_000
    unpacked_bytes: int = 256 * 2**20
    unpacked_ratio: int = 200
    pixels: int = 50_000_000
    image_side: int = 1_280
    images: int = 40
    media_seconds: int = 5_400
    part_seconds: int = 600
    frames: int = 6
    reading_seconds: int = 120
    reading_bytes: int = 3 * 2**30

    def __post_init__(self) -> None:
        for each in fields(self):
            if getattr(self, each.name) < 1:
                raise DocumentError(
                    f"limits.{each.name} is {getattr(self, each.name)}; it must be at least 1: leave it out "
                    "for the default"
                )

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Limits:
        """Build limits of what a caller wrote; what is left out has its default.

        Raises
        ------
        DocumentError
            If there is no such limit, or it is no whole number of at least 1.
        """
        known = [each.name for each in fields(cls)]
        for name, value in options.items():
            if name not in known:
                raise DocumentError(
                    f"there is no limit {name!r}{nearest(name, known)}; known: {', '.join(known)}"
                )
            if isinstance(value, bool) or not isinstance(value, int):
                raise DocumentError(f"limits.{name} is {value!r}; it must be a whole number of at least 1")
        return cls(**options)

    def plain(self) -> dict[str, int]:
        """Return those that are not as they are by default."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if getattr(self, each.name) != each.default
        }

    def check(self, name: str, number: float, what: str) -> None:
        """Refuse a number above the limit called `name`.

        Parameters
        ----------
        name : str
            Of a field of this class.
        number : float
            What was found.
        what : str
            In words, for the message, as in ``pages``.

        Raises
        ------
        DocumentError
            If it is larger.
        """
        most: int = getattr(self, name)
        if number > most:
            raise DocumentError(
                f"it has {number:,.0f} {what}, and {name} allows {most:,}: split it, or raise that limit"
            )
