"""What was asked for, what is trusted of it, and why the rest is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from live.feeds.quote import LiveQuote
from live.feeds.stages import Stage


class Doubt(StrEnum):
    """Why a name's quote is not traded on."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"
    OTHER_SYMBOL = "other_symbol"
    OTHER_SESSION = "other_session"
    BEFORE_AUCTION = "before_auction"
    STALE = "stale"
    AHEAD = "ahead"
    BEYOND_LIMIT = "beyond_limit"
    ONE_SOURCE = "one_source"
    DISAGREE = "disagree"
    LIMITS_DISAGREE = "limits_disagree"
    REFERENCE = "reference"


#: What a vendor's next update may end: it is late, or was asked a moment before another.
_PASSING = frozenset({Doubt.BEFORE_AUCTION, Doubt.STALE, Doubt.ONE_SOURCE, Doubt.DISAGREE})


class Verdict(StrEnum):
    """Whether a session may be traded on the quotes as a whole."""

    TRUSTED = "trusted"
    NO_QUOTES = "no_quotes"
    OTHER_SESSION = "other_session"
    CLOCK_SKEW = "clock_skew"
    TOO_FEW = "too_few"


class Refused(NamedTuple):
    """A name that is not traded, with the reason in a word and in a sentence."""

    symbol: str
    reason: Doubt
    why: str

    def __str__(self) -> str:
        return f"{self.symbol} is not traded ({self.reason.value}): {self.why}"


class SourceReport(NamedTuple):
    """How one source did.

    `came` names it sent, `fresh` of them to be believed on their own; `newest` is the time of its newest
    quote, `ahead_s` by how much that lies after this machine's clock. `trouble` is why it sent no quote,
    `doubt` why the first of its quotes is not believed, where none of them is.
    """

    name: str
    host: str
    came: int
    fresh: int
    newest: datetime | None
    ahead_s: float | None
    trouble: str = ""
    doubt: str = ""

    def __str__(self) -> str:
        if self.trouble:
            return f"{self.name} sent no quotes: {self.trouble}"
        return f"{self.name} is not believed: {self.doubt}" if self.doubt else ""


@dataclass(frozen=True, slots=True)
class QuotesReport:
    """The quotes of one moment.

    Parameters
    ----------
    session : date
    at : datetime
        By this machine's clock, once all answers were in; Asia/Shanghai.
    stage : Stage
    asked : tuple of str
    agreed : mapping of str to LiveQuote
        Quotes that independent sources agree on, those of suspended names among them.
    witnesses : mapping of str to tuple of LiveQuote
        The quotes that agree, of each such name.
    refused : mapping of str to Refused
        All other names.
    sources : tuple of SourceReport
    verdict : Verdict
    why : str
        The verdict in a sentence; empty where it is `TRUSTED`.
    """

    session: date
    at: datetime
    stage: Stage
    asked: tuple[str, ...]
    agreed: Mapping[str, LiveQuote]
    witnesses: Mapping[str, tuple[LiveQuote, ...]]
    refused: Mapping[str, Refused]
    sources: tuple[SourceReport, ...]
    verdict: Verdict
    why: str = ""

    @property
    def trusted(self) -> bool:
        """Whether the session may be traded on them."""
        return self.verdict is Verdict.TRUSTED

    @property
    def passing(self) -> tuple[str, ...]:
        """Names worth asking for again while there is time.

        Those refused for a reason that may be gone in a moment, and at 9:25 those without an open: it is not
        said whether nobody traded or the vendors are a moment late.
        """
        late = [each.symbol for each in self.refused.values() if each.reason in _PASSING]
        if self.stage is Stage.OPENED:
            late += [s for s, quote in self.agreed.items() if not quote.traded and not quote.suspended]
        return tuple(late)

    @property
    def source(self) -> str:
        """Who sent what is trusted, ``tencent+sina``, for the ledger."""
        seen = {quote.source for quotes in self.witnesses.values() for quote in quotes}
        return "+".join(source.name for source in self.sources if source.name in seen)

    def notes(self) -> list[str]:
        """Say what is not as it should be, a line each: the verdict, sources that failed, names refused."""
        verdict = [self.why] if self.why else []
        return [*verdict, *self.source_notes(), *map(str, self.refused.values())]

    def source_notes(self) -> list[str]:
        """Say which sources sent nothing, or nothing to be believed, a line each."""
        return [line for line in map(str, self.sources) if line]
