"""What a mining run has come to: documents, seeds, and what was rejected and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from alpha_sources.libraries.categories import Category
from alpha_sources.seed.documents import Document, Skipped
from alpha_sources.seed.proposal import Reason, Rejected, Seed


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What is kept of a document.

    Parameters
    ----------
    name, hash, kind, title, language : str
    published : date or None
    published_by : str
        What said so.
    pages : int
    summary : str
        By the model; empty without one.
    tradable : bool or None
        Whether an alpha can be made of it; None if nobody was asked.
    categories : tuple of str
        That it speaks of.
    notes : tuple of str
        What a reader should know: pictures that were not shown, questions without an answer.
    proposed, kept : int
    """

    name: str
    hash: str
    kind: str
    title: str
    language: str
    published: date | None
    published_by: str
    pages: int
    summary: str = ""
    tradable: bool | None = None
    categories: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    proposed: int = 0
    kept: int = 0

    @classmethod
    def of(cls, document: Document) -> DocumentRecord:
        """Return what is known before it is mined."""
        said = document.publication
        return cls(
            document.name,
            document.hash,
            str(document.kind),
            document.title,
            str(document.language),
            document.published,
            f"{said.source}: {said.detail}" if said else "",
            len(document.pages),
            notes=(*document.notes, *(f"the same bytes as {name}" for name in document.other_names)),
        )

    def noted(self, note: str) -> DocumentRecord:
        """Return it with a further note, said once."""
        return self if note in self.notes else replace(self, notes=(*self.notes, note))


@dataclass(frozen=True)
class Mined:
    """All that goes into a seed file.

    Parameters
    ----------
    title : str
    seeds : tuple of Seed
    rejected : tuple of Rejected
    documents : tuple of DocumentRecord
    skipped : tuple of Skipped
    models : tuple of str
    prompts : mapping of str to str
        Hash by name, of those that were asked.
    knowledge_cutoff : date or None
        Of the model, where its profile states it.
    mask : str
        Hash of the mask through which the model saw the documents; empty without one.
    data : mapping
        What formulas were tried on: hash, first and last session, number of symbols.
    settings : mapping
    unfinished : str
        Why it is not complete; empty if it is.
    """

    title: str
    seeds: tuple[Seed, ...]
    rejected: tuple[Rejected, ...]
    documents: tuple[DocumentRecord, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    models: tuple[str, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    knowledge_cutoff: date | None = None
    mask: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    unfinished: str = ""

    def counts(self) -> dict[str, int]:
        """Seeds by category, in the order of the categories."""
        have = [seed.proposal.category for seed in self.seeds]
        return {str(each): have.count(each) for each in Category if each in have}

    def reasons(self) -> dict[str, int]:
        """Rejected proposals by reason, repeated ones counted as often as they came."""
        out: dict[str, int] = {}
        for reason in Reason:
            number = sum(each.times for each in self.rejected if each.reason is reason)
            if number:
                out[str(reason)] = number
        return out


class RejectedList:
    """Rejected proposals, the same one counted instead of repeated."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Reason], Rejected] = {}

    def add(self, rejected: Sequence[Rejected]) -> None:
        """Add some."""
        for each in rejected:
            key = each.canonical or each.proposal.formula, each.reason
            before = self._found.get(key)
            self._found[key] = replace(before, times=before.times + each.times) if before else each

    def all(self) -> tuple[Rejected, ...]:
        """Return them in the order in which they first came."""
        return tuple(self._found.values())
