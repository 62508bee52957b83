"""What the calls of a run came to: counted as they happen, and said in one line."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from alpha_sources.llm.charge import Charge


class Event(StrEnum):
    """What is counted, besides what is spent."""

    REPLAYED = "replayed"  # a reply came from the cassette
    RETRIED = "retried"  # a call failed and was made again
    REPAIRED = "repaired"  # an answer was sent back with what is wrong with it
    ENLARGED = "enlarged"  # a reply did not fit and was asked for again with more room
    REFUSED = "refused"  # the model declined
    ESTIMATED = "estimated"  # nobody said what a call cost: the most it can was taken
    INTERRUPTED = (
        "interrupted"  # an earlier process ended between sending and storing: it may have paid as well
    )


class Tally:
    """Counts events, from any thread."""

    def __init__(self) -> None:
        self._counts: Counter[Event] = Counter()
        self._models: dict[str, None] = {}
        self._lock = threading.Lock()

    def count(self, event: Event) -> None:
        """Count one."""
        with self._lock:
            self._counts[event] += 1

    def asked(self, model: str) -> None:
        """Remember that a model was asked, or its recorded reply read."""
        with self._lock:
            self._models[model] = None

    def read(self) -> tuple[dict[Event, int], tuple[str, ...]]:
        """Return the counts so far, and the models' names, sorted."""
        with self._lock:
            return dict(self._counts), tuple(sorted(self._models))


@dataclass(frozen=True, slots=True)
class Costs:
    """What the language models of a run cost.

    It belongs to ``run.json`` and the report, not to ``result.json``: a replay costs nothing and gives the
    same result.

    Parameters
    ----------
    mode : str
    calls : int
        Sent in this run, those that failed included.
    input_tokens, output_tokens : int
    money : Decimal
    currency : str
        Empty without a price table.
    models : tuple of str
    replayed, retried, repaired, enlarged, refused, estimated, interrupted : int
        See `Event`.
    """

    mode: str
    calls: int
    input_tokens: int
    output_tokens: int
    money: Decimal
    currency: str
    models: tuple[str, ...] = ()
    replayed: int = 0
    retried: int = 0
    repaired: int = 0
    enlarged: int = 0
    refused: int = 0
    estimated: int = 0
    interrupted: int = 0

    @classmethod
    def of(cls, mode: str, spent: Charge, currency: str, tally: Tally) -> Costs:
        """Put together what was spent and what was counted."""
        counts, models = tally.read()
        named = {event.value: number for event, number in counts.items()}
        return cls(
            mode,
            spent.calls,
            spent.input_tokens,
            spent.output_tokens,
            spent.money,
            currency,
            models,
            **named,
        )

    def plain(self) -> dict[str, Any]:
        """Return it as plain values; money as text, exactly."""
        return asdict(self) | {"money": str(self.money), "models": list(self.models)}

    def line(self) -> str:
        """Return it in one line, for a report or the terminal."""
        if self.mode == "offline":
            return "Language model: none was asked (offline)"
        money = f"{self.money:.4f} {self.currency}" if self.currency else "no prices known"
        parts = [
            _number(self.calls, "call"),
            f"{self.input_tokens:,} + {self.output_tokens:,} tokens",
            money,
        ]
        notes = [
            (self.replayed, "from the cassette"),
            (self.retried, "repeated after a failure"),
            (self.repaired, "repaired"),
            (self.enlarged, "asked again with more room"),
            (self.refused, "refused"),
            (self.estimated, "at the most they can cost, since the server did not say"),
            (self.interrupted, "perhaps paid twice after an interruption"),
        ]
        parts += [f"{count:,} {words}" for count, words in notes if count]
        return f"Language model ({self.mode}): {'; '.join(parts)}{_with(self.models)}"


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _with(models: Sequence[str]) -> str:
    return f"; {', '.join(models)}" if models else ""
