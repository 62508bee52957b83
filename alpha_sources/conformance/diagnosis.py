"""Which part of the future an answer depends on, and what that way of cheating is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from alpha_sources.conformance.findings import CheckFailedError, Fault
from alpha_sources.conformance.rows import Array, alike, first_difference, somewhere_reversed
from alpha_sources.conformance.worlds import Part, disturbed, with_gaps, without_gaps
from alpha_sources.snapshot import Snapshot
from engine.market.calendar import iso
from engine.market.panel import MarketPanel

#: single sessions after the one that is scored, each looked at by itself
_ALONE = 10
#: noises tried before an answer is held to be indifferent to a part of the future
_DRAWS = 6


class Step(Enum):
    """What is asked."""

    SCORES = auto()
    PANEL = auto()
    REFRESH = auto()


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception instead of an answer."""

    message: str


#: a row of scores, what was learned, or why there is neither
Answer = Array | Snapshot | None | Raised
#: asks on some market, always for the same session
Ask = Callable[[MarketPanel], Answer]


@dataclass(frozen=True, slots=True)
class Probe:
    """One question about one session, to be asked on changed markets.

    Parameters
    ----------
    step : Step
        What is asked.
    ask : callable
        Asks it on a panel.
    row : int
        The session's row: nothing after it may matter.
    seed : int
        Of the noise.
    """

    step: Step
    ask: Ask
    row: int
    seed: int

    def answer(self, panel: MarketPanel) -> Answer:
        """Ask on `panel`; an exception is an answer too."""
        try:
            return self.ask(panel)
        except CheckFailedError as problem:
            return Raised(problem.message)

    def moved(
        self,
        panel: MarketPanel,
        first: int,
        last: int,
        part: Part = Part.ALL,
        base: Answer | None = None,
        draws: int = _DRAWS,
    ) -> bool:
        """Whether the answer changes with one of some noises in the rows `first` .. `last`."""
        if first > last:
            return False
        before = self.answer(panel) if base is None else base
        noises = _noises(panel, first, last, self.seed, draws, part)
        return any(not same(self.answer(noise), before) for noise in noises)


def _noises(
    panel: MarketPanel,
    first: int,
    last: int,
    seed: int,
    draws: int,
    part: Part,
    columns: np.ndarray | None = None,
) -> Iterator[MarketPanel]:
    """Yield other futures: who only asks for ups and downs gives the same answer to half of them."""
    for n in range(draws):
        yield disturbed(panel, first, last, seed + n, part=part, columns=columns, drifting=n % 2 == 1)


def same(a: Answer, b: Answer) -> bool:
    """Whether two answers are the same, bit for bit; two exceptions are."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=True)
    if isinstance(a, Raised) or isinstance(b, Raised):
        return isinstance(a, Raised) and isinstance(b, Raised)
    return a is b or (isinstance(a, Snapshot) and isinstance(b, Snapshot) and a == b)


def changed_market(probe: Probe, panel: MarketPanel) -> tuple[MarketPanel, MarketPanel] | None:
    """Find a market and a copy of it with another future on which the answers differ, or None.

    The market is the real one, then one in which some names lack their latest numbers, so that filling them
    from later ones shows. Another future is none at all, or noise.
    """
    end = panel.shape[0] - 1
    for market in (panel, with_gaps(panel, probe.row, probe.seed)):
        before = probe.answer(market)
        for other in _other_futures(market, probe, end):
            if not same(probe.answer(other), before):
                return market, other
    return None


def _other_futures(market: MarketPanel, probe: Probe, end: int) -> Iterator[MarketPanel]:
    if probe.row < end:
        yield market.truncate(probe.row)
        yield disturbed(market, probe.row + 1, end, probe.seed)


def name_the_way(probe: Probe, panel: MarketPanel, market: MarketPanel) -> tuple[Fault, str]:
    """Find out how an answer comes to depend on the future, and call it by its name.

    Parameters
    ----------
    probe : Probe
        What was asked.
    panel : MarketPanel
        The real market.
    market : MarketPanel
        That, or one with gaps, where the answer was seen to depend on the future.

    Returns
    -------
    fault : Fault
        The way.
    words : str
        What was found and what to do.
    """
    row, end = probe.row, panel.shape[0] - 1
    base = probe.answer(market)
    if not probe.moved(market, row + 1, end, base=base):
        return Fault.SAMPLE_LENGTH, (
            "it depends on how many sessions come later, not on what they hold: count from the session that "
            "is scored, never from the end of the sample"
        )
    whole = without_gaps(panel)
    if not probe.moved(whole, row + 1, end, Part.VALUES):
        if probe.moved(whole, row + 1, end, Part.PRESENCE):
            return Fault.SURVIVORSHIP, (
                "it depends on which names are still there, or members, at later sessions: take the universe "
                "and the prices of the session that is scored"
            )
        return Fault.BACKWARD_FILL, (
            "where a number is missing, a later one is filled in: fill forward (ffill) or leave NaN"
        )
    if not probe.moved(market, row + 1, end, Part.VALUES, base):
        market, base = whole, probe.answer(whole)
    # a statistic over everything feels the last sessions, a shift only those it reaches
    if probe.moved(market, max(row + 1, end - (end - row) // 3), end, Part.VALUES, base):
        return _far(probe, market, end, base)
    return _near(probe, market, end, base)


def _far(probe: Probe, market: MarketPanel, end: int, base: Answer) -> tuple[Fault, str]:
    far = max(probe.row + 1, end - (end - probe.row) // 3)
    since = iso(market.dates[far])
    if probe.step is Step.REFRESH:
        return Fault.REFIT, (
            f"what is learned depends on sessions as late as {since} and after: it is fitted on all data; "
            "fit on the rows of the view alone"
        )
    if _ranked_by_others(probe, market, far, end, base):
        return Fault.REFIT, (
            f"numbers of some names from {since} on change how other names are ranked: a model or "
            "coefficient is fitted on all data; fit it in refresh(), on the rows of the view alone"
        )
    return Fault.FULL_SAMPLE, (
        f"it depends on sessions as late as {since} and after: a mean, deviation, rank or extreme is "
        "taken over the whole sample; take it over the rows up to the session that is scored"
    )


def _ranked_by_others(probe: Probe, market: MarketPanel, first: int, last: int, base: Answer) -> bool:
    """Whether noise in the numbers of half the names turns round the order of two of the other half."""
    half = np.arange(market.shape[1]) % 2 == 0
    for noise in _noises(market, first, last, probe.seed, _DRAWS, Part.VALUES, half):
        other = probe.answer(noise)
        if not (isinstance(base, np.ndarray) and isinstance(other, np.ndarray)):
            return False
        if somewhere_reversed(base[~half], other[~half]):
            return True
    return False


def _near(probe: Probe, market: MarketPanel, end: int, base: Answer) -> tuple[Fault, str]:
    row = probe.row
    blocks = [(row + k, row + k) for k in range(1, _ALONE + 1)]
    width = _ALONE
    while blocks[-1][1] < end:
        blocks.append((blocks[-1][1] + 1, blocks[-1][1] + width))
        width *= 2
    blocks = [(first, min(last, end)) for first, last in blocks if first <= end]
    felt = [block for block in blocks if probe.moved(market, *block, Part.VALUES, base, draws=1)]
    felt = felt or [block for block in blocks if probe.moved(market, *block, Part.VALUES, base)]
    reach = _reach(felt, row)
    if probe.step is Step.REFRESH:
        return Fault.LABEL_LEAKAGE, (
            f"what is learned depends on {reach}: labels are used that were not realised when the refresh "
            "ran; a label of h sessions is known h+1 sessions later, so leave out the last h+1 rows"
        )
    return Fault.NEGATIVE_SHIFT, (
        f"it depends on {reach}: a shift by a negative number, or a centred window; shift forward only"
    )


def _reach(felt: list[tuple[int, int]], row: int) -> str:
    if not felt:
        return "sessions soon after"
    first, last = felt[0][0] - row, felt[-1][1] - row
    if first == last:
        return "the next session (t+1)" if first == 1 else f"the session {first} later (t+{first})"
    exact = felt[-1][0] == felt[-1][1] and felt[0][0] == felt[0][1]
    return f"sessions t+{first} .. t+{last}" if exact else f"sessions within t+{first} .. t+{last}"


def where_they_differ(a: Answer, b: Answer, symbols: np.ndarray) -> tuple[str | None, str]:
    """Return the first symbol that differs, and what differs in words: of the view's answer and the other."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        symbol, values = first_difference(a, b, symbols)
        return symbol, f"{symbol} has {values} (as it is, then)"
    if isinstance(a, Raised) or isinstance(b, Raised):
        raised = a if isinstance(a, Raised) else b
        assert isinstance(raised, Raised)
        return None, raised.message
    if a is None or b is None:
        return None, "it learns something in one case and nothing in the other"
    assert isinstance(a, Snapshot)
    assert isinstance(b, Snapshot)
    for name in sorted({*a.arrays, *b.arrays}):
        x, y = a.arrays.get(name), b.arrays.get(name)
        if (
            x is None
            or y is None
            or x.shape != y.shape
            or not alike(np.asarray(x, float), np.asarray(y, float), 0.0)
        ):
            return None, f"the array {name!r} differs"
    keys = [key for key in sorted({*a.payload, *b.payload}) if a.payload.get(key) != b.payload.get(key)]
    return None, f"{keys[0]!r} of the payload differs" if keys else "the snapshots differ"
