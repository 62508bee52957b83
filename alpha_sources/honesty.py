"""What a run's numbers are worth as a test: what was learnt inside it, and what could know it beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpha_sources.libraries.entry import LibraryEntry
    from alpha_sources.llm.config import LlmConfig
    from alpha_sources.signal import Refresh

#: names given in a sentence
_NAMED = 3


class Label(StrEnum):
    """What a reader must hold against a run, or need not."""

    IN_TEST_REFRESH = "in_test_refresh"  # learnt on schedule inside the test span, from rows up to then
    CONTAMINATED = "contaminated"  # what was chosen or asked could know the test span
    MASKED = "masked"  # models saw aliases in the place of names, codes and dates
    CLEAN = "clean"  # everything that was chosen or asked ends before the test span; nothing was masked


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How much of the market one seed, or one model, could know.

    Parameters
    ----------
    name : str
    until : date or None
        Last day it could know; None where nobody says, which counts as knowing everything.
    made_on : date or None
        Day on which it was mined, where it was; what was made after a test began could be chosen by it.
    """

    name: str
    until: date | None = None
    made_on: date | None = None

    def reaches(self, day: date) -> bool:
        """Tell whether it could know the market of a day or after it."""
        return self.until is None or self.until >= day or self.mined_after(day)

    def mined_after(self, day: date) -> bool:
        """Tell whether it was mined on a day or after it."""
        return self.made_on is not None and self.made_on >= day


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where what a provider knows besides the market comes from.

    Parameters
    ----------
    seeds : tuple of Knowledge
        Formulas that somebody, or something, chose.
    models : tuple of Knowledge
        Language models that are asked, or whose recorded replies are read.
    masked : bool
        Whether the models saw aliases instead of names, codes and dates.
    """

    seeds: tuple[Knowledge, ...] = ()
    models: tuple[Knowledge, ...] = ()
    masked: bool = False

    @classmethod
    def of(
        cls,
        seeds: Iterable[LibraryEntry] = (),
        llm: LlmConfig | None = None,
        *,
        profiles: Iterable[str] | None = None,
        masked: bool = False,
        mined_on: date | None = None,
    ) -> Provenance:
        """Put together what seeds and a section ``llm`` say.

        Parameters
        ----------
        seeds : iterable of LibraryEntry
        llm : LlmConfig or None
            Offline it adds no model, since none is asked.
        profiles : iterable of str or None
            Those of its profiles that are asked; None is all of them.
        masked : bool
        mined_on : date or None
            Day on which the seeds were mined, where they were.
        """
        models: list[Knowledge] = []
        if llm is not None and llm.identity() is not None:
            for name in llm.profiles if profiles is None else profiles:
                models.append(Knowledge(llm.profiles[name].model, llm.profiles[name].knowledge_cutoff))
        return cls(
            tuple(Knowledge(each.name, each.knows_until, mined_on) for each in seeds),
            tuple(dict.fromkeys(models)),
            masked,
        )


@dataclass(frozen=True, slots=True)
class Honesty:
    """The labels of a run, and why it bears them.

    Parameters
    ----------
    test_start, test_end : date
        The test span, calendar days.
    in_test : tuple of str
        ISO dates of the refreshes inside it after which something learnt was in force.
    reasons : tuple of str
        Why it is contaminated, a sentence each.
    provenance : Provenance or None
        None where the provider does not say what it knows.
    """

    test_start: date
    test_end: date
    in_test: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    provenance: Provenance | None = None

    @classmethod
    def of(
        cls, test_start: date, test_end: date, refreshes: Sequence[Refresh], provenance: Provenance | None
    ) -> Honesty:
        """Label a run.

        Parameters
        ----------
        test_start, test_end : date
            What it is tested on, calendar days, both inclusive.
        refreshes : sequence of Refresh
            Those of the run.
        provenance : Provenance or None
            What its provider could know; None where it does not say, and nothing is claimed.
        """
        first, last = test_start.isoformat(), test_end.isoformat()
        inside = [r.session for r in refreshes if r.snapshot is not None and first <= r.session <= last]
        reasons = () if provenance is None else tuple(_reasons(provenance, test_start))
        return cls(test_start, test_end, tuple(inside), reasons, provenance)

    @property
    def labels(self) -> tuple[Label, ...]:
        """Labels in the order of `Label`; none where nothing was learnt and nobody says what was known."""
        masked = self.provenance is not None and self.provenance.masked
        held = {
            Label.IN_TEST_REFRESH: bool(self.in_test),
            Label.CONTAMINATED: bool(self.reasons),
            Label.MASKED: masked,
            Label.CLEAN: self.provenance is not None and not self.reasons and not masked,
        }
        return tuple(label for label, holds in held.items() if holds)

    def sentences(self) -> list[str]:
        """Say each label in plain words, for a report or the terminal."""
        test = f"the test span {self.test_start}..{self.test_end}"
        said = []
        if self.in_test:
            number = len(self.in_test)
            which = f"on {self.in_test[0]}" if number == 1 else f"{self.in_test[0]} to {self.in_test[-1]}"
            said.append(
                f"{Label.IN_TEST_REFRESH}: learnt {number} time{'s' if number > 1 else ''} inside {test} "
                f"({which}), each time on schedule and from sessions up to then"
            )
        said += [f"{Label.CONTAMINATED}: {reason}" for reason in self.reasons]
        if Label.MASKED in self.labels:
            said.append(
                f"{Label.MASKED}: models saw aliases instead of names, codes and dates; wording and "
                "magnitudes can still give a time away, so the run does not count as clean"
            )
        return said

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for ``run.json``."""
        return {
            "labels": [label.value for label in self.labels],
            "test": {"start": self.test_start.isoformat(), "end": self.test_end.isoformat()},
            "in_test_refreshes": {"count": len(self.in_test), "sessions": list(self.in_test)},
            "contaminated_by": list(self.reasons),
        }


def _reasons(provenance: Provenance, start: date) -> Iterable[str]:
    test = f"the test span begins on {start}"
    seeds = provenance.seeds
    groups = {
        "mined after it began": [s for s in seeds if s.mined_after(start)],
        "chosen by who could know it": [
            s for s in seeds if s.reaches(start) and s.until is not None and not s.mined_after(start)
        ],
        "of which nobody says what whoever chose them could know": [
            s for s in seeds if s.until is None and not s.mined_after(start)
        ],
    }
    for why, found in groups.items():
        if found:
            latest = max(
                (day for s in found for day in (s.until, s.made_on) if day is not None), default=None
            )
            until = f", up to {latest}" if latest else ""
            yield f"{test}, and {len(found)} of {len(seeds)} seeds are {why}{until} ({_some(found)})"
    for model in provenance.models:
        if model.until is None:
            yield f"{test}, and nobody says until when the model {model.name} has read (knowledge_cutoff)"
        elif model.reaches(start):
            yield f"{test}, and the model {model.name} has read until {model.until}"


def _some(found: Sequence[Knowledge]) -> str:
    names = ", ".join(each.name for each in found[:_NAMED])
    return f"{names}, ..." if len(found) > _NAMED else names
