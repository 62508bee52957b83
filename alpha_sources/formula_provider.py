"""`FormulaProvider`: formulas with fixed weights, made comparable across the members and added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula import (
    Formula,
    FormulaError,
    SessionStream,
    evaluate,
    evaluate_stream,
    parse,
)
from alpha_sources.formula.evaluator import check_output, evaluate_last
from alpha_sources.formula_alphas import Alpha, Reading, read_alphas
from alpha_sources.formula_section import formulas_section
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from alpha_sources.treatment import Array, Clip, Neutralize, Normalise, Treatment
from engine.errors import ConfigError, ProviderError
from engine.market.view import MarketView

if TYPE_CHECKING:
    from engine.report.section import Section

#: sessions on which a formula might have had a value before silence is held against it
_PATIENCE = 20
_SIZE = "log(market_cap)"
E = TypeVar("E", bound=StrEnum)


class FormulaProvider(AlphaProvider):
    """Scores stocks by a weighted sum of formulas.

    On every session each formula is clipped, neutralised and normalised among the members of the universe,
    in this order; the score is the sum of what comes out, times the weights, over the sum of their sizes.

    Parameters
    ----------
    formulas : text, list or mapping
        One formula; several; or by name. Instead of a text may stand ``{formula, weight, name, dialect}``;
        null leaves a name out.
    weights : list or mapping, optional
        In the order of the formulas, or by name; 1 where nothing is said. Negative where low values are good.
    normalise : {"rank", "zscore"}
        Percentile less its mean, within -0.5 .. 0.5, or standard deviations from the mean.
    winsorize : number or mapping, optional
        Standard deviations from the mean beyond which values are clipped, ``{quantile: 0.01}`` for the
        tails of that size. Ranks that are not neutralised need no clipping and get none.
    neutralize : {"none", "industry", "size", "industry+size"}
        Take out the mean of every industry, what the logarithm of the market capitalisation explains, or
        both at once by regression.
    dialect : str
        The spelling of the formulas: ``alphaloom``, ``alpha101``, ``gtja191`` or ``qlib``.
    strict : bool
        Mixed units are errors.
    fields : list of str
        Names of the data's own columns that formulas use, besides the catalogue's.

    Raises
    ------
    ConfigError, FormulaError
        If a parameter is not one of those allowed or a text is no formula, before anything runs.

    Notes
    -----
    *Unknown values.* An alpha that is NaN for a name, or that is the same for every member, counts as
    neutral (0) for it; a name for which every alpha is NaN has no score. Names whose industry is unknown are
    an industry of their own; without the market capitalisation by which it is to be neutralised an alpha
    counts as NaN.

    *Look-back.* `scores` evaluates the last session from as many sessions as the formulas look back, so that
    a score does not depend on where the data begin, once there are that many. `scores_panel` evaluates
    formulas without a recursion all at once, and recursive ones session by session: row for row the same.

    *Silence.* A formula that has had no value on any session, or the same for every member on each, is
    refused once there were 20 sessions on which it might have had one.
    """

    def __init__(
        self,
        formulas: str | Sequence[Any] | Mapping[str, Any],
        weights: Sequence[float] | Mapping[str, float] | None = None,
        normalise: str = "rank",
        winsorize: float | Mapping[str, float] | None = None,
        neutralize: str = "none",
        dialect: str = "alphaloom",
        strict: bool = False,
        fields: Sequence[str] = (),
    ) -> None:
        if not isinstance(strict, bool):
            raise ConfigError(f"alpha.params.strict: {strict!r} is neither true nor false")
        if isinstance(fields, str) or not all(isinstance(name, str) for name in fields):
            raise ConfigError(f"alpha.params.fields: expected a list of names, not {fields!r}")
        self.alphas = read_alphas(formulas, weights, Reading(dialect, strict, tuple(fields)))
        self.treatment = Treatment(
            _one_of(Normalise, "normalise", normalise),
            Clip.read(winsorize),
            _one_of(Neutralize, "neutralize", neutralize),
        )
        self.history = max(alpha.formula.lookback for alpha in self.alphas)
        self._weighing = [alpha for alpha in self.alphas if alpha.weight]
        self._size = parse(_SIZE) if self.treatment.neutralize.by_size else None

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """Score the view's session from the look-back window alone, (N,)."""
        with self._naming(view):
            found = evaluate_last([formula for _, formula in self._named], view)[:, None]
        size = None if self._size is None else found[-1]
        row: Array = self._weighed(view, view.t, iter(found[: len(self._weighing)]), size)[0]
        return row

    def scores_panel(self, view: MarketView, snapshot: Snapshot | None, start: int) -> NDArray[np.float64]:
        """Score the rows `start` .. ``view.t``, (view.t + 1 - start, N)."""
        with self._naming(view):
            size = None if self._size is None else evaluate(self._size, view, start=start)[0]
            return self._weighed(view, start, self._panels(view, start), size)

    def _panels(self, view: MarketView, start: int) -> Iterator[NDArray[Any]]:
        bounded = [alpha.formula for alpha in self._weighing if not alpha.formula.unbounded]
        at_once = evaluate_stream(bounded, view, start=start)
        for alpha in self._weighing:
            if not alpha.formula.unbounded:
                yield next(at_once)[1]
            else:
                # a recursion is started anew for every session, as in scores()
                stream, rows = SessionStream(alpha.formula), range(start, view.t + 1)
                yield np.stack([stream.advance(view.view(row))[0] for row in rows])

    def sections(self, snapshots: Sequence[Snapshot]) -> list[Section]:
        """Return a page with the formulas, how far each looks back and what it weighs."""
        return [formulas_section(self.alphas, self.treatment)]

    def _weighed(
        self, view: MarketView, start: int, panels: Iterator[NDArray[Any]], size: Array | None
    ) -> Array:
        universe = view.universe[start:]
        total, known = np.zeros(universe.shape), np.zeros(universe.shape, dtype=np.bool_)
        industry = self._industry(view)
        for alpha, values in zip(self._weighing, panels, strict=True):
            made = self.treatment.apply(universe, values, industry, size)
            has = np.isfinite(made)
            self._refuse_silence(alpha, view, start, has)
            total += np.where(has, alpha.weight * made, 0.0)
            known |= has
        total /= sum(abs(alpha.weight) for alpha in self._weighing)
        total[~known] = np.nan
        return total

    def _industry(self, view: MarketView) -> Array:
        labels = view.instruments.industries
        if not self.treatment.neutralize.by_industry:
            return np.zeros(len(labels))
        if not (labels != "").any():
            raise ProviderError("neutralize: the industry of no stock is known; set data.instruments")
        # those without a label are a group of their own
        return np.unique(labels, return_inverse=True)[1].astype(np.float64)

    def _refuse_silence(self, alpha: Alpha, view: MarketView, start: int, has: NDArray[np.bool_]) -> None:
        reach = alpha.formula.lookback
        for row in start + np.flatnonzero(~has.any(axis=1)):
            if np.count_nonzero(view.universe[reach : row + 1].any(axis=1)) < _PATIENCE:
                continue
            until = view.view(int(row))
            try:
                check_output(alpha.formula, evaluate(alpha.formula, until)[0], until.universe)
            except FormulaError as problem:
                raise ProviderError(f"{alpha.name} ({alpha.formula.text}): {one_line(problem)}") from None
            return  # what has spoken once is not silent

    @contextmanager
    def _naming(self, view: MarketView) -> Iterator[None]:
        """Say which formula cannot be evaluated."""
        try:
            yield
        except FormulaError:
            for name, formula in self._named:
                try:
                    evaluate_last(formula, view)
                except FormulaError as problem:
                    raise ProviderError(f"{name} ({formula.text}): {one_line(problem)}") from None
            raise

    @property
    def _named(self) -> list[tuple[str, Formula]]:
        sized = [] if self._size is None else [("neutralize: size", self._size)]
        return [*((alpha.name, alpha.formula) for alpha in self._weighing), *sized]


def one_line(problem: FormulaError) -> str:
    """Return the reason and the hint of an error, without the formula."""
    return f"{problem.reason}; {problem.hint}" if problem.hint else problem.reason


def _one_of(kind: type[E], name: str, value: Any) -> E:
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"alpha.params.{name}: {value!r} is none of {', '.join(kind)}") from None
