"""Checks of where scores come from: the view, or data that the provider brought along."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from alpha_sources.conformance.findings import CheckFailedError, Fault, Finding, noted, passed
from alpha_sources.conformance.reading import WHOLE_MARKET, of_their_own, watching
from alpha_sources.conformance.rows import Array, equal, somewhere_reversed
from alpha_sources.conformance.subject import Subject
from alpha_sources.conformance.worlds import Part, between, disturbed, exchanged, exchanged_whole
from engine.market.panel import MarketPanel
from engine.market.view import MarketView
from engine.metrics import mean_and_ir, rank_ic

#: horizons in sessions over which scores are compared with what came
_HORIZONS = (1, 5, 20)
#: no honest score is correlated so highly with returns to come
_TOO_GOOD = 0.5
#: nor so significantly: the mean correlation over its standard error
_CERTAIN = 6.0
_MIN_NAMES = 10
#: other markets on which what is learned may change
_OTHERS = 4


def check_own_data(subject: Subject) -> Finding:
    """Scores come from the view; what else they come from is named, and must not know the future."""
    row = subject.rows[-1]
    with watching(subject.read):
        provider = subject.fresh()
        snapshot = subject.refresh(provider, subject.panel.view(row), subject.before(row))
        subject.scores(provider, subject.panel.view(row), snapshot)
    if WHOLE_MARKET in subject.read:
        raise CheckFailedError(
            Fault.OWN_DATA,
            "it loads a market of its own, in which nothing ends at the session that "
            "is scored; take numbers from the view only",
            subject.session(row),
        )
    foresight, blind = _foresight(subject), _ignores_the_view(subject)
    if foresight is not None and foresight.proves:
        fault = Fault.OWN_DATA if blind else Fault.FORESIGHT
        where = "It does not read the view: data of its own know the future" if blind else "It looks ahead"
        raise CheckFailedError(
            fault,
            f"{foresight}. {where}; a score dated t may use what was known at the close of t, no more",
            subject.session(subject.rows[0]),
        )
    files = of_their_own(subject.read, type(provider))
    named = f" ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})" if files else ""
    if blind:
        return noted(
            "own_data",
            f"{blind} when all that the view shows is exchanged: it scores by data of its own{named}. "
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
    """Say what stays the same whatever the view shows; nothing if nothing does."""
    if _learns_from_the_view(subject):
        return ""
    if _scores_regardless_of_the_view(subject):
        return "scores stay the same"
    return "what it learns stays the same" if _what_it_learned_matters(subject) else ""


def _learns_from_the_view(subject: Subject) -> bool:
    """Whether anything of what is learned changes with the market; there may be nothing."""
    for row in subject.learning_rows:
        snapshot = subject.snapshot(row)
        if snapshot is None or not (snapshot.arrays or snapshot.payload):
            continue
        for view in _other_views(subject, row):
            try:
                again = subject.refresh(subject.fresh(), view, subject.before(row))
            except CheckFailedError:
                return True
            if again != snapshot:
                return True
    return False


def _other_views(subject: Subject, row: int) -> Iterator[MarketView]:
    """Yield views of other markets: what is learned may be as coarse as a sign, or a count of sessions."""
    other, end = exchanged_whole(subject.panel), subject.panel.shape[0] - 1
    for n in range(_OTHERS):
        seed, drifting = subject.options.seed + n, n % 2 == 1
        yield disturbed(other, 0, end, seed, part=Part.VALUES, drifting=drifting).view(row)
    first = (row + 1) // 3
    yield between(subject.panel, first, row).view(row - first)


def _scores_regardless_of_the_view(subject: Subject) -> bool:
    """Whether scores stay with other numbers, and their order with other members and industries too."""
    numbers, whole = exchanged(subject.panel), exchanged_whole(subject.panel)
    rows = [row for row in subject.rows if len(np.unique(_finite(subject.honest(row)))) > 1]
    return bool(rows) and all(
        equal(_asked(subject, numbers, row), subject.honest(row))
        and not somewhere_reversed(_asked(subject, whole, row), subject.honest(row))
        for row in rows
    )


def _what_it_learned_matters(subject: Subject) -> bool:
    """Whether what was learned at one session scores other than what was learned at another."""
    view = subject.panel.view(subject.rows[-1])
    scores = [
        subject.scores(subject.fresh(), view, subject.snapshot(row))
        for row in subject.learning_rows
        if subject.snapshot(row) is not None
    ]
    return any(not equal(one, scores[0]) for one in scores[1:])


def _asked(subject: Subject, panel: MarketPanel, row: int) -> Array:
    return subject.scores(subject.fresh(), panel.view(row), subject.snapshot(row))


def _finite(values: Array) -> Array:
    finite: Array = values[np.isfinite(values)]
    return finite
