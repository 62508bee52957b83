"""Checks of where scores come from: the view, or data that the provider brought along."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from alpha_sources.conformance.findings import CheckFailedError, Fault, Finding, noted, passed
from alpha_sources.conformance.rows import Array, equal
from alpha_sources.conformance.subject import Subject
from alpha_sources.conformance.worlds import exchanged
from engine.market.panel import MarketPanel
from engine.metrics import mean_and_ir, rank_ic

#: our own doors to whole market data, by module and function
_LOADERS = frozenset({("engine.market.load", "load_market"), ("engine.market.load", "panel_from_frames")})
#: packages that read files, and how their functions for it are called
_READERS = ("pandas.io.", "pyarrow.", "polars.io.", "numpy.lib.")
_READING = ("read_", "scan_", "load", "memmap", "genfromtxt")
_ARGUMENTS = ("path", "path_or_buf", "filepath_or_buffer", "source", "file", "io", "fname", "filename")
#: what `watching` reports a loader as
_WHOLE_MARKET = "load_market"

#: horizons in sessions over which scores are compared with what came
_HORIZONS = (1, 5, 20)
#: no honest score is correlated so highly with returns to come
_TOO_GOOD = 0.5
#: nor so significantly: the mean correlation over its standard error
_CERTAIN = 6.0
_MIN_NAMES = 10


@contextmanager
def watching(files: list[str]) -> Iterator[None]:
    """Write down in `files` what is read while the block runs: file names, or ``load_market``."""
    before = sys.getprofile()

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            found = _read_by(frame)
            if found is not None and found not in files:
                files.append(found)

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def check_own_data(subject: Subject) -> Finding:
    """Scores come from the view; what else they come from is named, and must not know the future."""
    read = list(subject.files)
    row = subject.rows[0]
    with watching(read):
        provider = subject.fresh()
        snapshot = subject.refresh(provider, subject.panel.view(row), subject.before(row))
        subject.scores(provider, subject.panel.view(row), snapshot)
    foresight = _foresight(subject)
    blind = _ignores_the_view(subject)
    if _WHOLE_MARKET in read:
        raise CheckFailedError(
            Fault.OWN_DATA,
            "it loads a market of its own, in which nothing ends at the session that "
            "is scored; take numbers from the view only",
            subject.session(row),
        )
    if foresight is not None and foresight.proves:
        fault = Fault.OWN_DATA if blind else Fault.FORESIGHT
        where = "It does not read the view: data of its own know the future" if blind else "It looks ahead"
        raise CheckFailedError(
            fault,
            f"{foresight}. {where}; a score dated t may use what was known at the close of t, no more",
            subject.session(subject.rows[0]),
        )
    files = [name for name in read if name != _WHOLE_MARKET]
    named = f" ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})" if files else ""
    if blind:
        return noted(
            "own_data",
            f"{blind} when all numbers in the view are exchanged: it scores by data of its own{named}. "
            "What is dated t must have been known at the close of t: that cannot be seen from here. Its "
            "scores do not go with later returns better than honest ones can",
        )
    if files:
        return noted(
            "own_data",
            f"besides the view it reads files{named}; what is in them must have been known at each session",
        )
    return passed("own_data", "scores come from the view, and do not go with later returns too well")


class Foresight:
    """How scores go with the returns that followed."""

    def __init__(self, horizon: int, mean: float, certainty: float, sessions: int) -> None:
        self.horizon, self.mean, self.certainty, self.sessions = horizon, mean, certainty, sessions

    @property
    def proves(self) -> bool:
        """Whether it is too good for anybody who does not know the future."""
        return abs(self.mean) >= _TOO_GOOD and self.certainty >= _CERTAIN

    def __str__(self) -> str:
        plural = "s" if self.horizon > 1 else ""
        return (
            f"the rank correlation of scores with the return of the next {self.horizon} session{plural} is "
            f"{self.mean:+.2f} over {self.sessions} sessions"
        )


def _foresight(subject: Subject) -> Foresight | None:
    """Return the horizon on which scores go best with what came."""
    rows = np.array(subject.rows)
    scores = np.stack([subject.honest(int(row)) for row in rows])
    found = []
    for horizon in _HORIZONS:
        returns = _forward(subject.panel, rows, horizon)
        correlations = rank_ic(scores, returns, min_names=_MIN_NAMES)
        known = np.isfinite(correlations)
        if not known.any():
            continue
        names = np.count_nonzero(np.isfinite(scores) & np.isfinite(returns), axis=1)[known]
        mean = mean_and_ir(correlations[known])[0]
        certainty = abs(mean) * float(np.sqrt((names - 1).sum()))
        found.append(Foresight(horizon, mean, certainty, int(known.sum())))
    return max(found, key=lambda one: abs(one.mean), default=None)


def _forward(panel: MarketPanel, rows: np.ndarray, horizon: int) -> Array:
    """Return (rows, N) returns of the adjusted close over the sessions after each row; NaN past the end."""
    close = panel.adjusted("close") if "adj_factor" in panel.fields else panel.field("close")
    out = np.full((len(rows), close.shape[1]), np.nan)
    there = rows + horizon < len(close)
    out[there] = close[rows[there] + horizon] / close[rows[there]] - 1.0
    out[~panel.universe[rows]] = np.nan
    return out


def _ignores_the_view(subject: Subject) -> str:
    """Say what stays the same when every number in the view is another name's; nothing if nothing does."""
    other = exchanged(subject.panel)
    rows = [row for row in subject.rows if len(np.unique(_finite(subject.honest(row)))) > 1]
    learned = []
    for row in subject.learning_rows:
        snapshot = subject.snapshot(row)
        if snapshot is None or not (snapshot.arrays or snapshot.payload):
            continue
        again = subject.refresh(subject.fresh(), other.view(row), subject.before(row))
        learned.append(again == snapshot)
    same = [
        equal(subject.scores(subject.fresh(), other.view(row), subject.snapshot(row)), subject.honest(row))
        for row in rows
    ]
    if same and all(same) and (all(learned) or not learned):
        return "scores stay the same"
    distinct = {subject.snapshot(row) for row in subject.learning_rows}
    if learned and all(learned) and len(distinct) > 1 and _differ_in_content(subject):
        return "what it learns stays the same"
    return ""


def _differ_in_content(subject: Subject) -> bool:
    """Whether what is learned at one session is not what is learned at another, its date aside."""
    contents = []
    for row in subject.learning_rows:
        snapshot = subject.snapshot(row)
        if snapshot is not None:
            contents.append(snapshot.stamped(provider="", params_hash="", as_of="", parent=None))
    return any(one != contents[0] for one in contents[1:])


def _read_by(frame: FrameType) -> str | None:
    module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
    if (module, function) in _LOADERS:
        return _WHOLE_MARKET
    if module.startswith("pathlib") and function in ("open", "read_text", "read_bytes"):
        return None if _is_loading_code(frame) else _name_of(frame.f_locals.get("self"))
    if not module.startswith(_READERS) or not function.startswith(_READING):
        return None
    for name in _ARGUMENTS:
        if name in frame.f_locals:
            return _name_of(frame.f_locals[name])
    return None


def _is_loading_code(frame: FrameType | None) -> bool:
    """Whether a file is read to find or import a plug-in."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith("pathlib"):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__", "").startswith(
        ("importlib", "engine.plugins")
    )


def _name_of(path: Any) -> str | None:
    return Path(path).name if isinstance(path, str | Path) and len(str(path)) < 1000 else None


def _finite(values: Array) -> Array:
    finite: Array = values[np.isfinite(values)]
    return finite
