"""`Fabric`: what a refresh has woven, as it stands in a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alpha_sources.snapshot import Snapshot
from alpha_sources.weights import Fitted
from alpha_sources.woven.alphas import WovenAlpha
from engine.errors import AlphaloomError, ProviderError

#: parts of an opinion that nobody looks up later, left empty
_OF_ITS_DAY: dict[str, Any] = {
    "by_regime": {},
    "book": None,
    "utilities": {},
    "overall": None,
    "like_today": None,
    "because": "",
    "formula": "",
    "canonical": "",
}
#: raised when snapshots are written otherwise than before
_VERSION = 2


@dataclass(frozen=True, eq=False)
class Strand:
    """Alphas and the weights learned for them at one refresh.

    Parameters
    ----------
    as_of : str
        ISO date of the session at which the weights were learned.
    alphas : tuple of WovenAlpha
        In the order of the weights.
    fitted : Fitted
    """

    as_of: str
    alphas: tuple[WovenAlpha, ...]
    fitted: Fitted

    @property
    def names(self) -> tuple[str, ...]:
        """Of the alphas."""
        return tuple(alpha.name for alpha in self.alphas)


@dataclass(frozen=True, eq=False)
class Fabric:
    """All that scores need.

    Parameters
    ----------
    strands : tuple of Strand
        The newest first; the signal is their mean.
    alphas_as_of : str
        ISO date of the session at which the newest strand's alphas were chosen.
    decision : mapping
        The committee's decision of that session, see `alpha_sources.agents.Decision`: whole in that
        session's snapshot, in short in those after it.
    earlier : tuple of mapping
        What is kept of its decisions before, the oldest first.
    record : mapping
        What happened at this refresh: ``session``, ``learned_from`` (first session, or null where it failed),
        ``alphas_chosen``, ``trouble`` (text or null), ``unasked`` (whether rules decided where a model was to
        be asked and could not be) and ``fit`` (numbers of the training, or null).
    """

    strands: tuple[Strand, ...]
    alphas_as_of: str
    decision: Mapping[str, Any]
    earlier: tuple[Mapping[str, Any], ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    def snapshot(self) -> Snapshot:
        """As a snapshot: texts and numbers in the payload, weights in the arrays."""
        arrays = {
            f"{i}.{name}": values
            for i, strand in enumerate(self.strands)
            for name, values in strand.fitted.arrays.items()
        }
        payload = {
            "version": _VERSION,
            "strands": [
                {
                    "as_of": strand.as_of,
                    "alphas": [alpha.plain() for alpha in strand.alphas],
                    "fitted": strand.fitted.payload,
                }
                for strand in self.strands
            ],
            "alphas_as_of": self.alphas_as_of,
            "decision": self.decision,
            "earlier": list(self.earlier),
            "record": self.record,
        }
        return Snapshot(payload=payload, arrays=arrays)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Fabric:
        """Read a snapshot.

        Raises
        ------
        ProviderError
            If it is none of ours, of another version, or its formulas or weights cannot be read any more.
        """
        payload, which = snapshot.payload, snapshot.hash[:12]
        if payload.get("version") != _VERSION or "strands" not in payload:
            raise ProviderError(
                f"snapshot {which} is not of this version of the woven provider; refresh anew"
            )
        try:
            strands = tuple(
                _strand(plain, _arrays_of(snapshot, i)) for i, plain in enumerate(payload["strands"])
            )
        except AlphaloomError as problem:
            raise ProviderError(f"snapshot {which}: {problem}") from None
        return cls(
            strands, payload["alphas_as_of"], payload["decision"], payload["earlier"], payload["record"]
        )


def in_short(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision without what only its own day asks for: brief, evidence, books and words.

    What the committee's memory needs is left: who gave which seed what mark, and what became of it.
    """
    opinions = [
        {**opinion, **_OF_ITS_DAY}
        | {
            "marks": {
                agent: {"prior": mark["prior"], "value": mark["value"]}
                for agent, mark in opinion["marks"].items()
            }
        }
        for opinion in decision["opinions"]
    ]
    return {**decision, "opinions": opinions, "brief": None, "questions": [], "refused": [], "brief_calls": 0}


def _strand(plain: Mapping[str, Any], arrays: Mapping[str, Any]) -> Strand:
    alphas: Sequence[WovenAlpha] = [WovenAlpha.read(alpha) for alpha in plain["alphas"]]
    for alpha in alphas:
        _ = alpha.parsed  # what no longer parses is said now, not in the middle of a session
    return Strand(plain["as_of"], tuple(alphas), Fitted.from_parts(plain["fitted"], arrays))


def _arrays_of(snapshot: Snapshot, strand: int) -> dict[str, Any]:
    prefix = f"{strand}."
    return {
        name.removeprefix(prefix): values
        for name, values in snapshot.arrays.items()
        if name.startswith(prefix)
    }
