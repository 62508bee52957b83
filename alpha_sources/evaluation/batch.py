"""Many alphas, one after the other, in bounded memory: read, looked up, evaluated, measured, stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.ground import Ground
from alpha_sources.evaluation.measures import Measured, Measurer
from alpha_sources.evaluation.store import ResultStore, result_key
from alpha_sources.formula import Formula, FormulaError, evaluate_stream, parse
from engine.errors import ShapeError
from engine.hashing import hash_arrays

Values = NDArray[Any]
#: an alpha as it may be given: a formula, its text, or what it is worth on every session
Given = str | Formula | Values
Progress = Callable[[int, int], None]

#: alphas whose common parts are computed once; fewer where their values would not fit
_BLOCK = 32
_BLOCK_BYTES = 512 * 2**20


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """One alpha and its measures.

    Parameters
    ----------
    name : str
    formula : str
        Text; empty for an alpha given as values.
    key : str
        Equal for formulas that compute the same; for values, their hash. Empty where unreadable.
    canonical : str
        Normal form of the formula.
    warnings : tuple of str
        Doubts about the formula's units and scale.
    measured : Measured
    reused : bool
        True if it came out of the store.
    """

    name: str
    formula: str
    key: str
    canonical: str
    warnings: tuple[str, ...]
    measured: Measured
    reused: bool


@dataclass(frozen=True, eq=False, slots=True)
class _Item:
    """One alpha as read."""

    name: str
    text: str
    key: str
    formula: Formula | None
    values: Values | None
    problem: str


def judge_stream(
    alphas: Iterable[tuple[str, Given]],
    ground: Ground,
    *,
    store: ResultStore | None = None,
    threads: int = 1,
    keep_series: bool = False,
    progress: Progress | None = None,
) -> Iterator[Judged]:
    """Judge alphas in the order given; memory does not grow with their number.

    Parameters
    ----------
    alphas : iterable of (name, alpha)
        May be a generator. An alpha is a formula, its text, or a (T, N) array.
    ground : Ground
        See `ground.prepare`.
    store : ResultStore, optional
        Looked up first, and told of every result: an interrupted batch goes on where it was.
    threads : int
        Threads at work: one evaluates formulas, the others measure. Results do not depend on it.
    keep_series : bool
        Whether results carry their series, some 8 x T x (horizons + 20) bytes each.
    progress : callable, optional
        Called after each block with the alphas done, and how many of them were in the store.

    Yields
    ------
    Judged

    Raises
    ------
    ShapeError
        If an array does not fit the market.
    DatabaseError
        If the store cannot be read or written.
    """
    data = ground.view.panel().data_hash if store is not None else ""
    T, N = ground.fills.members.shape
    size = max(1, min(_BLOCK, _BLOCK_BYTES // max(1, 8 * T * N)))
    done = reused = 0
    source = iter(alphas)
    with ExitStack() as stack:
        workers = _Workers(ground, keep_series, threads, stack)
        while block := [
            _read(name, given, ground, store is not None) for name, given in islice(source, size)
        ]:
            parts = {item.key: (item.key, data, ground.settings.hash) for item in block if item.key}
            keys = {key: result_key(*three) for key, three in parts.items()}
            known: dict[str, Measured] = {}
            if store is not None:
                found = store.find(list(keys.values()), with_series=keep_series)
                known = {key: found[stored] for key, stored in keys.items() if stored in found}
            fresh = _measured(block, set(known), ground, workers)
            if store is not None:
                store.add((keys[key], parts[key], one) for key, one in fresh.items() if key)
            for item in block:
                done += 1
                reused += item.key in known
                if item.problem:
                    measured = workers.first.unreadable(item.problem)
                else:
                    measured = known.get(item.key) or fresh[item.key]
                formula = item.formula
                yield Judged(
                    item.name,
                    item.text,
                    item.key,
                    formula.canonical if formula else "",
                    formula.warnings if formula else (),
                    measured,
                    item.key in known,
                )
            if progress is not None:
                progress(done, reused)


class _Workers:
    """Measurers, each at work in one thread at a time; with one thread, in the caller's."""

    def __init__(self, ground: Ground, keep_series: bool, threads: int, stack: ExitStack) -> None:
        self.first = Measurer(ground, keep_series=keep_series)
        self._pool: ThreadPoolExecutor | None = None
        self._free: SimpleQueue[Measurer] = SimpleQueue()
        if threads > 1:
            self._pool = stack.enter_context(ThreadPoolExecutor(threads - 1))
            for _ in range(threads - 1):
                self._free.put(Measurer(ground, keep_series=keep_series))

    def measure(self, alphas: Iterable[tuple[str, Values]], into: dict[str, Measured]) -> None:
        """Measure alphas as they come; what was measured before an error is kept."""
        running: list[tuple[list[str], Future[list[Measured]]]] = []
        waiting: dict[str, Values] = {}

        def start() -> None:
            keys, values = list(waiting), list(waiting.values())
            waiting.clear()
            if self._pool is None:
                into.update(zip(keys, self.first.measure_all(values), strict=True))
            else:
                running.append((keys, self._pool.submit(self._some, values)))

        try:
            for key, values in alphas:
                waiting[key] = values
                if len(waiting) == self.first.slots:
                    start()
        finally:
            start()
            for keys, future in running:
                into.update(zip(keys, future.result(), strict=True))

    def _some(self, values: list[Values]) -> list[Measured]:
        measurer = self._free.get()
        try:
            return measurer.measure_all(values)
        finally:
            self._free.put(measurer)


def _measured(
    block: Sequence[_Item], known: set[str], ground: Ground, workers: _Workers
) -> dict[str, Measured]:
    """Measure what of a block is neither known nor unreadable, by key."""
    wanted = {item.key: item for item in block if not item.problem and item.key not in known}
    given = [(key, item.values) for key, item in wanted.items() if item.values is not None]
    formulas = {key: item.formula for key, item in wanted.items() if item.formula is not None}
    fresh: dict[str, Measured] = {}
    workers.measure(((key, values) for key, values in given if values is not None), fresh)
    try:
        workers.measure(_values(formulas, ground), fresh)
    except FormulaError:
        # one of them asks for what the market lacks: which one, the rest say one by one
        for key in [key for key in formulas if key not in fresh]:
            try:
                workers.measure(_values({key: formulas[key]}, ground), fresh)
            except FormulaError as problem:
                fresh[key] = workers.first.unreadable(_in_one_line(problem))
    return fresh


def _values(formulas: Mapping[str, Formula], ground: Ground) -> Iterator[tuple[str, Values]]:
    stream = evaluate_stream(formulas.values(), ground.view)
    for key, (_, values) in zip(formulas, stream, strict=True):
        yield key, values


def _read(name: str, given: Given, ground: Ground, hashed: bool) -> _Item:
    if isinstance(given, np.ndarray):
        return _Item(name, "", _key_of(name, given, hashed), None, _cut(name, given, ground), "")
    try:
        formula = given if isinstance(given, Formula) else parse(given, fields=ground.view.field_names)
    except FormulaError as problem:
        return _Item(name, str(given), "", None, None, _in_one_line(problem))
    return _Item(name, str(formula), formula.key, formula, None, "")


def _key_of(name: str, values: Values, hashed: bool) -> str:
    # without a store the name will do: it is unique, and hashing takes as long as ranking
    return hash_arrays([("values", values.astype(np.float64, copy=False))]) if hashed else f"values {name}"


def _cut(name: str, values: Values, ground: Ground) -> Values:
    """Rows of the span's view: an array may go on to the end of the view that was handed in."""
    T, N = ground.fills.members.shape
    if values.ndim != 2 or values.shape[1] != N or len(values) < T:
        raise ShapeError(f"alpha {name!r} has shape {values.shape}, the market ({T}, {N})")
    if values.dtype.kind not in "fiub":
        raise ShapeError(f"alpha {name!r} holds {values.dtype}, not numbers")
    return values[:T]


def _in_one_line(problem: FormulaError) -> str:
    return f"{problem.reason}; {problem.hint}" if problem.hint else problem.reason
