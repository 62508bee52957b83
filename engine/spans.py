"""The spans of research: what is learnt on, what is chosen on, and what is kept sealed for the test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from engine.errors import ConfigError, DataError
from engine.field_errors import what_is_wrong
from engine.market.panel import MarketPanel
from engine.plugins import nearest
from engine.span import SpanConfig, resolve_span


class PeriodConfig(BaseModel):
    """One span: calendar days, both inclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> PeriodConfig:
        if self.start > self.end:
            raise ValueError(f"start {self.start} lies after end {self.end}")
        return self

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


class SpansConfig(BaseModel):
    """The ``spans`` section: periods in the order of time that do not overlap.

    Parameters
    ----------
    train : PeriodConfig
        What weights and thresholds are learnt on.
    valid : PeriodConfig or None
        What is chosen on, if not on `train`.
    test : PeriodConfig
        Sealed: no choice that is made once per run sees it, and opening it is recorded.
    openings : int
        How often one configuration may open the test span; what goes beyond is said in red by
        ``alphaloom reproduce``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: PeriodConfig
    valid: PeriodConfig | None = None
    test: PeriodConfig
    openings: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> SpansConfig:
        named = self.named()
        for (earlier, before), (later, after) in pairwise(named):
            if after.start <= before.end:
                raise ValueError(
                    f"{later}.start {after.start} does not lie after {earlier}.end {before.end}; "
                    "the spans follow one another and share no day"
                )
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        if self.openings == 1:  # what nobody asked for changes no hash
            del plain["openings"]
        return plain

    def named(self) -> list[tuple[str, PeriodConfig]]:
        """The spans that are given, with their names, in the order of time."""
        all_three = (("train", self.train), ("valid", self.valid), ("test", self.test))
        return [(name, period) for name, period in all_three if period is not None]


def spans_config(**options: Any) -> SpansConfig:
    """Build a `SpansConfig` of what a Python caller wrote.

    Raises
    ------
    ConfigError
        In one line that names ``spans.<key>``.
    """
    try:
        return SpansConfig(**options)
    except ValidationError as problem:
        error = problem.errors()[0]
    key = ".".join(("spans", *map(str, error["loc"])))
    if error["type"] == "extra_forbidden":
        known = SpansConfig.model_fields if len(error["loc"]) == 1 else PeriodConfig.model_fields
        hint = nearest(str(error["loc"][-1]), known) or f"; known: {', '.join(known)}"
        raise ConfigError(f"{key}: unknown key{hint}")
    what = what_is_wrong(error)
    raise ConfigError(f"{key} {what}" if what.startswith(("must ", "is ")) else f"{key}: {what}")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows ``start`` to ``stop`` of a panel, both inclusive."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start + 1

    @property
    def slice(self) -> slice:
        """For indexing."""
        return slice(self.start, self.stop + 1)


@dataclass(frozen=True, slots=True)
class Spans:
    """The rows of a panel on which decisions of each span are judged.

    The last ``h + 1`` sessions before the next span are left out of `train` and `valid`: labels of theirs
    would be realised inside it.
    """

    train: Rows
    valid: Rows | None
    test: Rows

    @property
    def selection(self) -> Rows:
        """The rows that choices are made on: `valid` where it is given, else `train`."""
        return self.train if self.valid is None else self.valid


def label_reach(horizon_sessions: int) -> int:
    """Return how many sessions after a decision its label is known: it is filled at t+1, held to t+1+h."""
    if horizon_sessions < 1:
        raise ConfigError(f"horizon_sessions must be at least 1, not {horizon_sessions}")
    return horizon_sessions + 1


def resolve_spans(panel: MarketPanel, config: SpansConfig, horizon_sessions: int) -> Spans:
    """Find the rows of the spans, purged of labels that reach into the next one.

    Parameters
    ----------
    panel : MarketPanel
        With or without the test span: of a sealed panel the rows of `test` are those it would have.
    config : SpansConfig
    horizon_sessions : int
        Of the labels, at least 1.

    Raises
    ------
    DataError
        If the data do not cover a span, it holds no session, or purging leaves none; the span is named.
    """
    reach = label_reach(horizon_sessions)
    found = [(name, _rows(panel, name, period)) for name, period in config.named()]
    purged: dict[str, Rows] = {}
    for i, (name, rows) in enumerate(found):
        stop = rows.stop
        if i + 1 < len(found):
            # the label of row t is realised at row t + reach, which must lie before the next span
            stop = min(stop, found[i + 1][1].start - 1 - reach)
        if stop < rows.start:
            raise DataError(
                f"spans.{name} has {len(rows)} sessions, and the last {reach} before spans.{found[i + 1][0]} "
                f"are left out, since labels over {horizon_sessions} sessions reach into it; begin it earlier"
            )
        purged[name] = Rows(rows.start, stop)
    return Spans(purged["train"], purged.get("valid"), purged["test"])


def clear_of(sessions: int, held_out: Rows, horizon_sessions: int) -> NDArray[np.bool_]:
    """Mark the rows that may be learnt from while some in the middle are held out.

    Parameters
    ----------
    sessions : int
        T, the rows there are.
    held_out : Rows
        The block that is judged.
    horizon_sessions : int
        h, of the labels.

    Returns
    -------
    (T,) bool array
        False in the block, on the ``h + 1`` rows before it, whose labels reach into it (the purge), and on
        the ``h + 1`` after it, into which its own labels reach (the embargo).

    Notes
    -----
    López de Prado (2018), Advances in Financial Machine Learning, chapter 7.
    """
    reach = label_reach(horizon_sessions)
    out = np.ones(sessions, dtype=bool)
    out[max(held_out.start - reach, 0) : held_out.stop + 1 + reach] = False
    return out


def _rows(panel: MarketPanel, name: str, period: PeriodConfig) -> Rows:
    start = np.datetime64(period.start, "D")
    if panel.sealed_from is None or start < panel.sealed_from:
        span = resolve_span(panel, SpanConfig(start=period.start, end=period.end), f"spans.{name}")
        return Rows(span.start, span.stop)
    # the rows are not there, but the calendar says how many they will be
    ahead = panel.calendar.sessions[panel.calendar.sessions >= panel.sealed_from]
    lo = int(np.searchsorted(ahead, start))
    hi = int(np.searchsorted(ahead, np.datetime64(period.end, "D"), side="right")) - 1
    if lo > hi:
        raise DataError(f"spans.{name} {period} holds no session of the {panel.calendar.name} calendar")
    return Rows(len(panel.dates) + lo, len(panel.dates) + hi)
