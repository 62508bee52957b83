"""What a conformance check says: a verdict, in words, with the place and the name of the fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import AlphaloomError


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    #: conforming, but somebody should read this
    NOTED = "note"
    #: nothing to check, or an earlier failure makes it meaningless
    SKIPPED = "skipped"


class Fault(StrEnum):
    """What a provider does wrong. The first ones are ways of knowing the future."""

    NEGATIVE_SHIFT = "negative shift"
    FULL_SAMPLE = "full-sample normalisation"
    BACKWARD_FILL = "backward fill"
    REFIT = "refit on all data"
    LABEL_LEAKAGE = "label leakage"
    SURVIVORSHIP = "survivorship"
    SAMPLE_LENGTH = "length of the sample"
    FORESIGHT = "knows the future"
    OWN_DATA = "market data of its own"

    RAISES = "raises"
    HANGS = "hangs"
    DIES = "kills its process"
    NOT_A_ROW = "no row of scores"
    OTHER_ORDER = "another order"
    INFINITE = "infinite score"
    EMPTY = "no scores"
    RANDOM = "draws without a seed"
    HIDDEN_STATE = "hidden state"
    SHORT_HISTORY = "history too short"
    PANEL_DIFFERS = "scores_panel differs"
    COLUMN_PLACES = "places of columns"
    NOT_A_SNAPSHOT = "no snapshot"
    NOT_PORTABLE = "not portable"


#: ways of knowing what comes after the session that is scored
CHEATS = frozenset(
    {
        Fault.NEGATIVE_SHIFT,
        Fault.FULL_SAMPLE,
        Fault.BACKWARD_FILL,
        Fault.REFIT,
        Fault.LABEL_LEAKAGE,
        Fault.SURVIVORSHIP,
        Fault.SAMPLE_LENGTH,
        Fault.FORESIGHT,
        Fault.OWN_DATA,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Parameters
    ----------
    check : str
        Name of the check, such as ``future_in_scores``.
    verdict : Verdict
        How it ended.
    message : str
        In words; of a failure, with the first failing session and symbol and what to do.
    fault : Fault or None
        The name of what is wrong.
    session : str or None
        First failing session, ISO date.
    symbol : str or None
        First failing symbol there.
    """

    check: str
    verdict: Verdict
    message: str
    fault: Fault | None = None
    session: str | None = None
    symbol: str | None = None

    @property
    def text(self) -> str:
        """The message, with the name of the fault before it."""
        return self.message if self.fault is None else f"{self.fault}: {self.message}"


@dataclass(frozen=True, slots=True)
class Conformance:
    """The findings on one provider, in the order of the checks.

    Parameters
    ----------
    provider : str
        Its name.
    market : str
        What it was checked on, in words.
    findings : sequence of Finding
        One per check.
    seconds : float
        How long it took.
    """

    provider: str
    market: str
    findings: Sequence[Finding]
    seconds: float

    @property
    def conforms(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> list[Finding]:
        """Findings of failed checks."""
        return [finding for finding in self.findings if finding.verdict is Verdict.FAILED]

    @property
    def faults(self) -> set[Fault]:
        """Names of what is wrong."""
        return {finding.fault for finding in self.failures if finding.fault is not None}

    def finding(self, check: str) -> Finding:
        """Return the finding of a check by its name."""
        for finding in self.findings:
            if finding.check == check:
                return finding
        raise KeyError(check)

    def sentence(self) -> str:
        """Return the verdict on all of it, in one sentence."""
        failed, notes = len(self.failures), sum(f.verdict is Verdict.NOTED for f in self.findings)
        noted = f", with {notes} note{'s' if notes > 1 else ''}" if notes else ""
        if not failed:
            return f"{self.provider} conforms{noted}"
        checks = sum(f.verdict is not Verdict.SKIPPED for f in self.findings)
        named = ", ".join(dict.fromkeys(f.fault.value for f in self.failures if f.fault is not None))
        return f"{self.provider} does not conform: {failed} of {checks} checks failed ({named}){noted}"

    def __str__(self) -> str:
        width = max((len(finding.check) for finding in self.findings), default=0)
        lines = [f"{f.verdict:<7}  {f.check:<{width}}  {f.text}" for f in self.findings]
        return "\n".join([*lines, self.sentence()])


class CheckFailedError(AlphaloomError):
    """A check fails. What it knows of the place goes into the finding."""

    def __init__(
        self, fault: Fault, message: str, session: str | None = None, symbol: str | None = None
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.session = session
        self.symbol = symbol

    def finding(self, check: str) -> Finding:
        """Return the finding it comes to."""
        return Finding(check, Verdict.FAILED, self.message, self.fault, self.session, self.symbol)


def passed(check: str, message: str) -> Finding:
    """Say that all is well."""
    return Finding(check, Verdict.PASSED, message)


def noted(check: str, message: str) -> Finding:
    """Say what somebody should know, though the provider conforms."""
    return Finding(check, Verdict.NOTED, message)


def skipped(check: str, message: str) -> Finding:
    """Say why there was nothing to check."""
    return Finding(check, Verdict.SKIPPED, message)
