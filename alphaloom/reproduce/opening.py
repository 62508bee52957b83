"""The opening of the test span: once for each configuration, written down before anything of it is seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from alpha_sources.evaluation.trials import TrialLedger
from alphaloom.config import RunConfig
from alphaloom.reproduce.folder import WorkFolder
from alphaloom.reproduce.methods import spans_of

_PLACE = "opening"


@dataclass(frozen=True, slots=True)
class Opening:
    """How often a test span has been opened.

    Parameters
    ----------
    project : str
    span : tuple of date
    opened_at : str
        ISO moment at which this work folder opened it.
    times : int
        By this configuration, this work folder included.
    by_project : int
        By any configuration of the project.
    allowed : int
        As the configuration says, ``spans.openings``.
    """

    project: str
    span: tuple[date, date]
    opened_at: str
    times: int
    by_project: int
    allowed: int = 1

    @property
    def excess(self) -> int:
        """Openings beyond what is allowed."""
        return max(0, self.times - self.allowed)

    def sentence(self) -> str:
        """Say it in words."""
        first, last = self.span
        what = f"the test span {first}..{last}"
        if self.excess:
            return (
                f"OPENED TOO OFTEN: this configuration has opened {what} {self.times} times, and "
                f"spans.openings allows {self.allowed}; whatever was changed in between was changed by who "
                "had seen the answer."
            )
        others = self.by_project - self.times
        said = (
            f"This configuration has opened {what} once, on {self.opened_at[:10]}"
            if self.times == 1
            else f"This configuration has opened {what} {self.times} times, of {self.allowed} allowed"
        )
        if others:
            said += f"; others of the project {self.project} have opened it {others} times"
        return f"{said}. The ledger of trials has it."


def open_test(
    base: RunConfig, folder: WorkFolder, ledger: Path, *, at: datetime, allowed: int = 1
) -> Opening:
    """Write down that this folder opens the test span, unless it already has.

    Parameters
    ----------
    base : RunConfig
    folder : WorkFolder
    ledger : Path
        Ledger of trials; made if there is none.
    at : datetime
        Now, with its time zone.
    allowed : int
        How often the configuration may.

    Raises
    ------
    DatabaseError
        If the ledger cannot be written.

    Notes
    -----
    The moment is written into the folder first, then into the ledger: whoever is killed in between finds
    the moment and no such line in the ledger, and adds it. Nothing is counted twice, and nothing is lost.
    """
    test, config_hash = spans_of(base).test, base.hash()
    begun = folder.read(_PLACE)
    if begun is None:
        begun = {"at": at.isoformat()}
        folder.write(_PLACE, begun)
    moment = datetime.fromisoformat(str(begun["at"]))
    span = (test.start, test.end)
    with TrialLedger.open(ledger, create=True) as trials:
        openings = _of_span(trials.openings(base.name), span)
        mine = openings[openings["config_hash"] == config_hash]
        if pd.Timestamp(moment) not in mine["opened_at"].tolist():
            trials.open_test(base.name, span, config_hash, at=moment)
            openings = _of_span(trials.openings(base.name), span)
            mine = openings[openings["config_hash"] == config_hash]
    return Opening(base.name, span, moment.isoformat(), len(mine), len(openings), allowed)


def _of_span(openings: pd.DataFrame, span: tuple[date, date]) -> pd.DataFrame:
    first, last = (pd.Timestamp(day) for day in span)
    return openings[(openings["start"] <= last) & (openings["end"] >= first)]
