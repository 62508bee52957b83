"""What is to be known of an entry before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MarkKind(StrEnum):
    """Why an entry is not simply what its name says; also the key under which a file says so."""

    #: orders the names as another entry does, or in the opposite order; written ``OTHER: reason``
    DUPLICATE_OF = "duplicate_of"
    #: its name or category says something else than its formula
    MISLABELLED = "mislabelled"
    #: what is printed cannot be read, or cannot be meant; `formula` is the reading chosen
    MISPRINT = "misprint"
    #: read in words or operators of ours that differ from the publication's
    ADAPTED = "adapted"
    #: the reading is a guess
    UNCERTAIN = "uncertain"
    #: on every session the same for all stocks, or on nearly every one
    CONSTANT = "constant"
    #: orders the names much as their price or size does
    LEVEL = "level"
    #: has no value for most of the members of the bundled sample
    SPARSE = "sparse"
    #: the bundled sample lacks what it needs
    NOT_ON_SAMPLE = "not_on_sample"
    #: no formula over daily data computes it
    NOT_COMPUTABLE = "not_computable"


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing to be known of an entry.

    Parameters
    ----------
    kind : MarkKind
    reason : str
        In a sentence.
    of : str
        With `MarkKind.DUPLICATE_OF`, the entry that it repeats.
    """

    kind: MarkKind
    reason: str
    of: str = ""

    def __str__(self) -> str:
        named = str(self.kind).replace("_", " ")
        return f"{named} {self.of}: {self.reason}" if self.of else f"{named}: {self.reason}"
