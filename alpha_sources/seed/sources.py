"""Proposals by where they come from: a model's reply, the text of a document, a library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from alpha_sources.formula import FormulaError, parse
from alpha_sources.libraries import Library
from alpha_sources.libraries.categories import Category
from alpha_sources.llm import Consultation
from alpha_sources.seed.documents import Document
from alpha_sources.seed.extraction import FoundFormula, find_formulas, find_refused
from alpha_sources.seed.labels import theme_of
from alpha_sources.seed.pieces import Piece, page_at, place_of
from alpha_sources.seed.proposal import Origin, Proposal, Provenance

_LONGEST_PASSAGE = 600


def from_reply(
    came: Consultation[Any], document: Document, part: Sequence[Piece], day: date
) -> list[Proposal]:
    """Return what a model proposed, with the place of each passage.

    Parameters
    ----------
    came : Consultation
        Of `questions.Ideas`.
    document : Document
    part : sequence of Piece
        What the model was shown.
    day : date
        Of the reply.
    """
    made = []
    for idea in came.answer.ideas:
        piece, page, found = place_of(idea.passage, part)
        where = Provenance(
            document=document.hash,
            source=f"{document.name}, page {page}" if page else piece.place,
            page=page,
            passage=idea.passage,
            passage_found=found,
            published=document.published,
            knowledge_cutoff=came.knowledge_cutoff,
            mined_on=day,
            model=came.model,
            prompt=came.prompt,
            prompt_hash=came.prompt_hash,
            key=came.key,
            sample=came.sample,
        )
        made.append(
            Proposal(
                idea.name,
                idea.formula,
                idea.category.category,
                Origin.MODEL,
                title=idea.name,
                rationale=idea.rationale,
                sign=idea.sign,
                horizon_sessions=idea.horizon_sessions,
                where=where,
            )
        )
    return made


def from_text(document: Document, day: date, own_fields: tuple[str, ...]) -> Iterator[Proposal]:
    """Yield the formulas that stand in a document as such; then what stands there as one and is none.

    The latter are for the examiner, who says why.

    Parameters
    ----------
    document : Document
    day : date
        Of mining.
    own_fields : tuple of str
        Fields of the data that are not in the catalogue.
    """
    for found in find_formulas(document.text, own_fields):
        try:
            formula = parse(found.text, found.dialect, own_fields)
        except FormulaError:  # it was read a moment ago
            continue
        name = found.name or _name_of(str(formula))
        yield _as_found(document, found, name, theme_of(formula), day)
    for found in find_refused(document.text, own_fields):
        yield _as_found(document, found, found.name or found.text, Category.OTHER, day)


def _as_found(document: Document, found: FoundFormula, name: str, category: Category, day: date) -> Proposal:
    page = page_at(document, found.start)
    return Proposal(
        name,
        found.text,
        category,
        Origin.DOCUMENT,
        dialect=found.dialect,
        title=found.name,
        printed=found.text,
        where=Provenance(
            document=document.hash,
            source=f"{document.name}, page {page}" if page else document.name,
            page=page,
            passage=found.line[:_LONGEST_PASSAGE],
            passage_found=True,
            published=document.published,
            mined_on=day,
        ),
    )


def from_library(library: Library) -> list[Proposal]:
    """Return the computable entries of a library as they stand there."""
    return [
        Proposal(
            entry.name,
            entry.formula,
            entry.category,
            Origin.LIBRARY,
            dialect=entry.dialect,
            title=entry.title,
            where=Provenance(source=entry.source or library.title, stated_until=entry.knows_until),
            printed=entry.printed,
            published=entry.published,
            ic_mean=entry.ic_mean,
            icir=entry.icir,
            needs=entry.needs,
            marks=entry.marks,
        )
        for entry in library
        if entry.computable
    ]


def _name_of(formula: str) -> str:
    """A name for a formula that has none: its words."""
    return formula.replace("-", "minus ", 1) if formula.startswith("-") else formula
