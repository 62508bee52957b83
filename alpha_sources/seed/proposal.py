"""What is proposed, what is kept of it, and what is not and why."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from alpha_sources.formula import Formula
from alpha_sources.libraries.categories import Category
from alpha_sources.libraries.marks import Mark


class Origin(StrEnum):
    """Who wrote a formula down first."""

    MODEL = "model"  # a language model, from a document
    DOCUMENT = "document"  # it stands in the document
    LIBRARY = "library"  # a library that comes with the package
    LIST = "list"  # a list that was imported


class Sign(StrEnum):
    """Whether high values are expected to earn more, or low ones."""

    HIGH = "high"
    LOW = "low"


class Reason(StrEnum):
    """Why a proposal is no seed."""

    FORMULA = "formula"  # the parser does not take it
    UNITS = "units"  # units or scales are mixed
    LOOKBACK = "lookback"  # it looks back too far
    FIELDS = "fields"  # the data lack a field
    KNOWN = "known"  # a library has it
    TRIED = "tried"  # the project has tried it
    REPEATED = "repeated"  # by its form another seed
    ALIKE = "alike"  # by its values another seed
    EMPTY = "empty"  # no values, or far too few
    CONSTANT = "constant"  # the same for all stocks
    LEVEL = "level"  # nothing but price or size
    FULL = "full"  # its category has enough


#: What a model is told and may correct; the others are no fault of the formula.
MENDABLE = frozenset(
    {
        Reason.FORMULA,
        Reason.UNITS,
        Reason.LOOKBACK,
        Reason.FIELDS,
        Reason.ALIKE,
        Reason.EMPTY,
        Reason.CONSTANT,
        Reason.LEVEL,
    }
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a proposal comes from.

    Parameters
    ----------
    document : str
        Hash of the document; empty where there is none.
    source : str
        In words, as in ``note.pdf, page 3``.
    page : int or None
    passage : str
        What the formula follows from, word for word.
    passage_found : bool
        Whether the passage stands in the document, white space and width of characters aside.
    published : date or None
        Of the document.
    knowledge_cutoff : date or None
        Of the model.
    mined_on : date or None
        Day in Shanghai on which it was written down.
    stated_until : date or None
        Until when its author could know the market, where a library says so.
    model, prompt, prompt_hash, key : str
        Of the reply that the formula stands in; empty without a model.
    sample : int
    """

    document: str = ""
    source: str = ""
    page: int | None = None
    passage: str = ""
    passage_found: bool = False
    published: date | None = None
    knowledge_cutoff: date | None = None
    mined_on: date | None = None
    stated_until: date | None = None
    model: str = ""
    prompt: str = ""
    prompt_hash: str = ""
    key: str = ""
    sample: int = 0

    @property
    def knows_until(self) -> date | None:
        """The latest of these days: what may have shaped it; None if nobody says."""
        days = (self.published, self.knowledge_cutoff, self.mined_on, self.stated_until)
        return max((day for day in days if day is not None), default=None)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A formula that somebody thinks is an alpha.

    Parameters
    ----------
    name : str
        As proposed; `slug` makes a name for a library of it.
    formula : str
        In `dialect`.
    category : Category
    origin : Origin
    dialect, title, rationale : str
    sign : Sign
    horizon_sessions : int or None
        Over which it is expected to work.
    where : Provenance
    repaired : int
        How often it was sent back.
    printed : str
        As the source prints it, where `formula` departs from that.
    published : int or None
        Year in which the factor was first published, where a library says.
    ic_mean, icir : float or None
        Figures printed beside it.
    needs : tuple of str
        Fields that it names besides those of the data and the catalogue.
    marks : tuple of Mark
        Known of it before it was examined.
    """

    name: str
    formula: str
    category: Category
    origin: Origin
    dialect: str = "alphaloom"
    title: str = ""
    rationale: str = ""
    sign: Sign = Sign.HIGH
    horizon_sessions: int | None = None
    where: Provenance = field(default_factory=Provenance)
    repaired: int = 0
    printed: str = ""
    published: int | None = None
    ic_mean: float | None = None
    icir: float | None = None
    needs: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Checks:
    """What was measured of a formula.

    Parameters
    ----------
    lookback : int
        Earlier sessions needed, the burn-in of recursive operators included.
    unit : str
    coverage : float
        Part of the members' cells that have a value.
    varies : float
        Part of the sessions with enough values on which these differ; NaN without any.
    price, size : float
        Mean rank correlation of a session with the close and with the market capitalisation.
    trend : float
        The same with the return of the past 20 sessions.
    nearest : str
        The earlier seed that it is most like; empty if there is none.
    nearest_correlation : float
        Mean rank correlation with that one; NaN if there is none.
    warnings : tuple of str
        Of the parser: doubts about units and scales.
    """

    lookback: int
    unit: str
    coverage: float = float("nan")
    varies: float = float("nan")
    price: float = float("nan")
    size: float = float("nan")
    trend: float = float("nan")
    nearest: str = ""
    nearest_correlation: float = float("nan")
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seed:
    """A proposal that passed.

    Parameters
    ----------
    name : str
        Unique in its file.
    proposal : Proposal
    formula : Formula
        High values are expected to earn more: of a proposal for low values it is the negative.
    checks : Checks
    marks : tuple of Mark
        What is to be known of it.
    needs : tuple of str
        Fields of the data that are not in the catalogue.
    """

    name: str
    proposal: Proposal
    formula: Formula
    checks: Checks
    marks: tuple[Mark, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejected:
    """A proposal that did not pass.

    Parameters
    ----------
    proposal : Proposal
    reason : Reason
    why : str
        In one or several lines; of the parser with the place at fault.
    of : str
        The seed or library entry that it repeats.
    canonical : str
        Normal form, where the parser took it.
    times : int
        How often it was proposed.
    """

    proposal: Proposal
    reason: Reason
    why: str
    of: str = ""
    canonical: str = ""
    times: int = 1

    @property
    def line(self) -> str:
        """The reason in one line."""
        return " ".join(self.why.split())


def canonical_hash(formula: Formula) -> str:
    """Return the sha256 of the normal form: one for all ways of writing a formula; as in the trial ledger."""
    return hashlib.sha256(formula.canonical.encode()).hexdigest()


def slug(name: str, most: int = 60) -> str:
    """Return a name that a library takes: small letters, digits and ``_``, beginning with a letter.

    Han characters are kept; an empty result is ``seed``.
    """
    text = unicodedata.normalize("NFKC", name).lower()
    text = re.sub(r"[^\w]+", "_", text).strip("_")[:most].strip("_")
    if not text:
        return "seed"
    return text if text[0].isalpha() else f"s_{text}"
