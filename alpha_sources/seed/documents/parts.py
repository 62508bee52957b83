"""What a reader of one kind hands back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alpha_sources.seed.documents.document import Image, Page, Publication, Table
from alpha_sources.seed.documents.limits import Limits


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a document that its bytes alone decide.

    Parameters
    ----------
    pages : tuple of Page
    title : str
        Empty if the document has none.
    dates : tuple of Publication
        All that say when it came out.
    tables : tuple of Table
    notes : tuple of str
    """

    pages: tuple[Page, ...]
    title: str = ""
    dates: tuple[Publication, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


class Album:
    """The images kept of one document, up to the limit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._kept = 0
        self._left_out = 0

    @property
    def is_full(self) -> bool:
        """Whether no further image is kept."""
        return self._kept >= self.limits.images

    def add(self, images: Iterable[Image]) -> tuple[Image, ...]:
        """Return those that are kept."""
        given = tuple(images)
        kept = given[: self.limits.images - self._kept]
        self._kept += len(kept)
        self._left_out += len(given) - len(kept)
        return kept

    def leave_out(self) -> None:
        """Count an image that was not even made."""
        self._left_out += 1

    def notes(self) -> tuple[str, ...]:
        """Return what was left out, in words."""
        if not self._left_out:
            return ()
        return (f"{self._left_out} images beyond the first {self._kept} were left out (limit images)",)
