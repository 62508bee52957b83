"""A list brought in: every duplicate, wrong label and doubt about units is said, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from alpha_sources.formula import Formula, FormulaError, evaluate, parse
from alpha_sources.libraries import EntryCheck, Library, LibraryEntry, Mark, MarkKind, check_library
from alpha_sources.seed.examining import own_fields_of
from alpha_sources.seed.independence import KeptRanks
from alpha_sources.seed.known import Form, KnownForms, bundled_entry, forms_of
from alpha_sources.seed.labels import mislabelled
from alpha_sources.seed.lists import ListRow, unknown_category
from alpha_sources.seed.mined import RejectedList
from alpha_sources.seed.proposal import Checks, Origin, Proposal, Provenance, Reason, Rejected, Seed, slug
from alpha_sources.seed.settings import FactorySettings
from engine.market.view import MarketView


class Fault(StrEnum):
    """What may be wrong with a row."""

    UNREADABLE = "unreadable"  # no formula
    MISSING = "missing data"  # the data lack a field
    DUPLICATE = "duplicate"  # of an earlier row, by form or by values
    CONSTANT = "constant"  # the same for all stocks
    LEVEL = "level"  # nothing but price or size
    SPARSE = "sparse"  # few values
    LABEL = "mislabelled"  # not what its name or category says
    UNITS = "units"  # mixed, or in yuan or shares
    FIGURES = "figures"  # printed numbers that cannot be
    KNOWN = "known"  # a library of ours has it


#: What costs a row its place, unless everything is kept.
_FATAL = {
    Fault.UNREADABLE: Reason.FORMULA,
    Fault.MISSING: Reason.FIELDS,
    Fault.DUPLICATE: Reason.ALIKE,
    Fault.CONSTANT: Reason.CONSTANT,
    Fault.LEVEL: Reason.LEVEL,
}
_MARKS = {
    Fault.CONSTANT: MarkKind.CONSTANT,
    Fault.LEVEL: MarkKind.LEVEL,
    Fault.SPARSE: MarkKind.SPARSE,
    Fault.LABEL: MarkKind.MISLABELLED,
    Fault.FIGURES: MarkKind.MISPRINT,
}
_UNITS = {
    "price": "in yuan a share: larger for dear shares",
    "share": "in shares: less for dear shares",
    "cny": "in yuan: larger for large companies",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a row.

    Parameters
    ----------
    row : ListRow
    fault : Fault
    text : str
    """

    row: ListRow
    fault: Fault
    text: str


@dataclass(frozen=True)
class Imported:
    """What came of a list.

    Parameters
    ----------
    seeds : tuple of Seed
    rejected : tuple of Rejected
    findings : tuple of Finding
        In the order of the rows.
    """

    seeds: tuple[Seed, ...]
    rejected: tuple[Rejected, ...]
    findings: tuple[Finding, ...]


def import_rows(
    rows: Sequence[ListRow],
    view: MarketView,
    settings: FactorySettings,
    *,
    source: str,
    today: date,
    keep_all: bool = False,
) -> Imported:
    """Check the rows of a list against each other, the libraries and the data.

    Parameters
    ----------
    rows : sequence of ListRow
        See `alpha_sources.seed.lists.read_list`.
    view : MarketView
    settings : FactorySettings
        Of which `across`, `level`, `varies` and `against` count.
    source : str
        What the list is called.
    today : date
        In Shanghai: until then its author could know the market.
    keep_all : bool
        Keep every row with a formula that the data can compute, with marks, instead of leaving out
        duplicates, constants and what is nothing but price or size.
    """
    names = _names(rows)
    own = own_fields_of(view)
    readable = [(row, name) for row, name in zip(rows, names, strict=True) if row.formula is not None]
    checks = _checks(readable, view, settings, own)
    trends = _trends([row.formula for row, _ in readable if row.formula], checks, view, settings)
    known = forms_of(settings.against)
    seeds: list[Seed] = []
    rejected, findings = RejectedList(), []
    done = iter(zip(checks, trends, strict=True))
    number_of = dict(zip(names, rows, strict=True))
    for row, name in zip(rows, names, strict=True):
        check, trend = next(done) if row.formula is not None else (None, math.nan)
        found = _findings(row, check, trend, known, own, settings, number_of)
        findings += [Finding(row, fault, text) for fault, text, _ in found]
        fatal = next(((f, text, of) for f, text, of in found if f in _FATAL), None)
        proposal = _proposal(row, source, today)
        formula = row.formula
        lost = fatal is not None and (
            not keep_all or fatal[0] in (Fault.UNREADABLE, Fault.MISSING) or formula is None
        )
        if fatal is not None and (lost or formula is None):
            canonical = formula.canonical if formula else ""
            rejected.add([Rejected(proposal, _FATAL[fatal[0]], fatal[1], fatal[2], canonical)])
        elif formula is not None and check is not None:
            marks = tuple(_marks(found))
            needs = tuple(each for each in formula.fields if each in own)
            again = parse(str(formula), "alphaloom", own)
            seeds.append(
                Seed(
                    name, replace(proposal, marks=marks), again, _figures(check, formula, trend), marks, needs
                )
            )
    return Imported(tuple(seeds), rejected.all(), tuple(findings))


def _names(rows: Sequence[ListRow]) -> list[str]:
    taken: set[str] = set()
    out = []
    for row in rows:
        plain = slug(row.name)
        name, n = plain, 1
        while name in taken:
            n += 1
            name = f"{plain}_{n}"
        taken.add(name)
        out.append(name)
    return out


def _checks(
    readable: Sequence[tuple[ListRow, str]],
    view: MarketView,
    settings: FactorySettings,
    own: tuple[str, ...],
) -> tuple[EntryCheck, ...]:
    entries = tuple(
        LibraryEntry(name, row.text, row.dialect, row.category, needs=own) for row, name in readable
    )
    if not entries:
        return ()
    return check_library(
        Library("list", "", entries),
        view,
        threshold=settings.across,
        sessions=settings.sessions,
        seed=settings.seed,
    )


def _trends(
    formulas: Sequence[Formula],
    checks: Sequence[EntryCheck],
    view: MarketView,
    settings: FactorySettings,
) -> list[float]:
    ranks = KeptRanks(view, settings.sessions, settings.seed)
    out = []
    for formula, check in zip(formulas, checks, strict=True):
        if check.lacking:
            out.append(math.nan)
            continue
        _, likeness = ranks.compare([evaluate(formula, view)[0]], settings.across)
        out.append(float(likeness.references[2, 0]))
    return out


def _findings(
    row: ListRow,
    check: EntryCheck | None,
    trend: float,
    known: KnownForms,
    own: tuple[str, ...],
    settings: FactorySettings,
    rows: dict[str, ListRow],
) -> list[tuple[Fault, str, str]]:
    """What is wrong with a row: fault, in words, and what it repeats."""
    found: list[tuple[Fault, str, str]] = []

    def say(fault: Fault, text: str, of: str = "") -> None:
        if text:
            found.append((fault, text, of))

    say(Fault.LABEL, unknown_category(row))
    if row.formula is None or check is None:
        said = row.problem
        say(Fault.UNREADABLE, f"{said.reason}; {said.hint}".rstrip("; ") if said else "there is no formula")
        return found
    if check.lacking:
        say(Fault.MISSING, f"the data have no {', '.join(check.lacking)}")
    kinds = check.found
    twin = check.twin
    if twin is not None and twin.kept is not None:
        other = rows[twin.kept]
        how = str(twin.how).replace("_", " ")
        say(Fault.DUPLICATE, f"of row {other.number}, {other.name} ({how}, {twin.signed:+.2f})", twin.kept)
    if MarkKind.CONSTANT in kinds:
        say(Fault.CONSTANT, f"the same for all stocks on {1 - check.varies:.0%} of the sessions")
    if max(check.price_abs, check.size_abs) >= settings.level:
        what = "price" if check.price_abs >= check.size_abs else "market capitalisation"
        number = max(check.price_abs, check.size_abs)
        say(Fault.LEVEL, f"it orders the stocks as their {what} does ({number:.2f})")
    if MarkKind.SPARSE in kinds:
        say(Fault.SPARSE, f"{check.coverage:.1%} of the members' cells have a value")
    say(Fault.LABEL, mislabelled(row.formula, row.category, row.name, trend))
    say(Fault.UNITS, _unit_fault(row, own))
    if row.ic_mean is not None and row.icir and abs(row.ic_mean / row.icir) > 1:
        deviation = abs(row.ic_mean / row.icir)
        say(
            Fault.FIGURES,
            f"mean over information ratio is a deviation of {deviation:.2f}; no correlation has it",
        )
    if (same := known.twin(Form.of(row.formula))) is not None:
        entry = bundled_entry(same.name)
        marks = [
            mark for mark in entry.marks if mark.kind is MarkKind.MISLABELLED and entry.title == row.title
        ]
        also = "".join(f", which says: {mark}" for mark in marks)
        say(Fault.KNOWN, f"{same}{also}")
    return found


def _unit_fault(row: ListRow, own: tuple[str, ...]) -> str:
    try:
        parse(row.text, row.dialect, own, strict=True)
    except FormulaError as error:
        return error.reason
    assert row.formula is not None
    return _UNITS.get(row.formula.units, "")


def _proposal(row: ListRow, source: str, today: date) -> Proposal:
    return Proposal(
        row.name,
        row.text,
        row.category,
        Origin.LIST,
        dialect=row.dialect,
        title=row.title,
        where=Provenance(source=f"{source}, row {row.number}", mined_on=today),
        printed=row.printed,
        ic_mean=row.ic_mean,
        icir=row.icir,
    )


def _marks(found: Sequence[tuple[Fault, str, str]]) -> list[Mark]:
    out: dict[MarkKind, Mark] = {}
    for fault, text, of in found:
        if fault is Fault.DUPLICATE:
            out.setdefault(MarkKind.DUPLICATE_OF, Mark(MarkKind.DUPLICATE_OF, text, of))
        elif fault in _MARKS:
            out.setdefault(_MARKS[fault], Mark(_MARKS[fault], text))
    return list(out.values())


def _figures(check: EntryCheck, formula: Formula, trend: float) -> Checks:
    return Checks(
        formula.lookback,
        formula.units,
        check.coverage,
        check.varies,
        check.price,
        check.size,
        trend,
        warnings=formula.warnings,
    )
