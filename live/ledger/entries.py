"""What may be written into a ledger: the values that the tasks of a session hand over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from engine.broker.account import Lots, Receivable
from engine.broker.journal import Holding, SessionRecord
from engine.broker.orders import Basket, ExDate, Fill, Refusal
from engine.broker.prices import Quote


class Task(StrEnum):
    """The tasks of a session, in their order."""

    PREPARE = "prepare"
    REFRESH = "refresh"
    PLAN = "plan"
    EXECUTE = "execute"
    SETTLE = "settle"


class TaskState(StrEnum):
    """Where a task stands. Done and missed are final; a failed one may be started again."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user, for instance why nothing traded."""

    text: str


@dataclass(frozen=True, slots=True)
class Planned:
    """The basket of a session, as it will be matched.

    Parameters
    ----------
    basket : Basket
        Orders and slot buys.
    reasons : mapping of order id to str
        Why each order is there.
    target : tuple of str
        Names that should be held after it, best first.
    scores : mapping of symbol to float
        What was decided upon; names without a score are left out.
    """

    basket: Basket
    reasons: Mapping[str, str] = field(default_factory=dict)
    target: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExDated:
    """An ex-date event, and the lots of the symbol after it.

    The event alone does not say how new shares and dividends were spread over the lots.
    """

    event: ExDate
    lots: Lots


class QuoteUsed(NamedTuple):
    """One stock as it was quoted; prices in fen, None where not known (yet). The vwap lies off the tick."""

    symbol: str
    trading: bool
    previous_close_fen: int | None = None
    reference_fen: int | None = None
    open_fen: int | None = None
    high_fen: int | None = None
    low_fen: int | None = None
    close_fen: int | None = None
    up_fen: int | None = None
    down_fen: int | None = None
    vwap: float | None = None


@dataclass(frozen=True, slots=True)
class QuotesUsed:
    """The quotes that orders of a session met, with their source and the moment they were taken."""

    source: str
    quoted_at: datetime
    quotes: tuple[QuoteUsed, ...]

    @classmethod
    def of(cls, source: str, quoted_at: datetime, quotes: Mapping[str, Quote]) -> QuotesUsed:
        """Take down quotes of the broker's kind."""
        return cls(source, quoted_at, tuple(_used(symbol, quote) for symbol, quote in quotes.items()))


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The snapshot in force after a refresh; `changed` is False where the provider kept the one before."""

    provider: str
    snapshot_hash: str | None
    as_of: date | None
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """The orders of a session as they went out, where these are not simply the plan's.

    Parameters
    ----------
    basket : Basket
        What was sent, orders of earlier sessions included.
    unquoted : mapping of symbol to str
        Names of which no quote was trusted, and why: their orders meet no price.
    reasons : mapping of order id to str
        Why an order was cut, or not sent.
    """

    basket: Basket
    unquoted: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a refresh was like: what language models have cost, how honest a test on it can be.

    Parameters
    ----------
    costs : mapping
        As ``run.json`` has it under ``llm``; empty where no model was asked.
    labels : tuple of str
        ``contaminated``, ``masked``, ``clean`` and the like.
    notes : tuple of str
        What a reader must know of it.
    failed : str
        Why nothing was learned; empty where nothing failed.
    """

    costs: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failed: str = ""


class HeldMark(NamedTuple):
    """One position at the close of a session."""

    symbol: str
    shares: int
    sellable: int
    close_fen: int
    value_fen: int


@dataclass(frozen=True, slots=True)
class SessionMark:
    """The account at the close of a session; `benchmark` is the level of the index, if there is one."""

    cash_fen: int
    value_fen: int
    fees_fen: int
    bought_fen: int
    sold_fen: int
    holdings: tuple[HeldMark, ...] = ()
    benchmark: float | None = None

    @classmethod
    def of(
        cls, record: SessionRecord, holdings: Iterable[Holding], benchmark: float | None = None
    ) -> SessionMark:
        """Take down a session of the broker's journal."""
        # the types allow the exact floats of compat qlib; the columns refuse them
        held = tuple(HeldMark(h.symbol, h.shares, h.sellable, h.close_fen, h.value_fen) for h in holdings)  # type: ignore[arg-type]
        return cls(*record[1:], held, benchmark)


Entry = (
    Note
    | Planned
    | ExDated
    | Receivable
    | QuotesUsed
    | Sent
    | Refreshed
    | Learned
    | SessionMark
    | Fill
    | Refusal
)


def _used(symbol: str, q: Quote) -> QuoteUsed:
    up, down = q.limits.up, q.limits.down
    # as above: a float that is no whole fen is refused when it is stored
    prices = q.previous_close, q.reference, q.open, q.high, q.low, q.close, up, down
    return QuoteUsed(symbol, q.trading, *prices, q.vwap)  # type: ignore[arg-type]
