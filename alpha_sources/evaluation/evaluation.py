"""`Evaluation`: what was found out about a batch of alphas, as frames one can sort, slice and save."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_sources.evaluation.batch import Judged
from alpha_sources.evaluation.groups import GroupKind, Groups
from alpha_sources.evaluation.measures import DECAY, Measured, measure_names, series_names
from alpha_sources.evaluation.settings import Settings
from engine.errors import DataError, OutputError
from engine.plugins import nearest

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AlphaDetail:
    """Everything known of one alpha, as frames."""

    judged: Judged
    settings: Settings
    dates: pd.DatetimeIndex
    groups: Groups

    @property
    def measured(self) -> Measured:
        """The numbers themselves."""
        return self.judged.measured

    @property
    def series(self) -> pd.DataFrame:
        """One row per session of the view, one column per series; see `measures.series_names`.

        Raises
        ------
        DataError
            If series were not kept.
        """
        return pd.DataFrame(
            self._kept(self.measured.series).T, self.dates, list(series_names(self.settings.quantiles))
        )

    @property
    def rank_ics(self) -> pd.DataFrame:
        """Rank IC of every session (rows) at every horizon (columns)."""
        return pd.DataFrame(self._kept(self.measured.rank_ics).T, self.dates, list(self.settings.horizons))

    @property
    def decay(self) -> pd.DataFrame:
        """Mean, standard deviation, ratio, t and p of the rank IC by horizon."""
        index = pd.Index(self.settings.horizons, name="horizon")
        return pd.DataFrame(self.measured.decay, index, list(DECAY))

    @property
    def quantile_curve(self) -> pd.Series[float]:
        """Mean label of each quantile over the span."""
        names = list(measure_names(self.settings.quantiles))
        first = names.index("quantile_1")
        values = self.measured.measures[0, first : first + self.settings.quantiles]
        return pd.Series(values, pd.RangeIndex(1, len(values) + 1, name="quantile"), name="mean_return")

    def table(self, kind: GroupKind | str = GroupKind.YEAR) -> pd.DataFrame:
        """All measures by group: ``all``, ``year``, ``regime``, ``trend``, ``stress`` or ``range``."""
        rows = self.groups.positions(GroupKind(kind))
        index = pd.Index([self.groups.names[i] for i in rows], name=str(kind))
        return pd.DataFrame(self.measured.measures[rows], index, list(measure_names(self.settings.quantiles)))

    def _kept(self, values: Array | None) -> Array:
        if values is None:
            raise DataError(f"the series of {self.judged.name!r} were not kept; judge with keep_series=True")
        return values


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The measures of a batch of alphas.

    Parameters
    ----------
    settings : Settings
    dates : (T,) DatetimeIndex
        Sessions of the view, up to the end of the span.
    groups : Groups
        Sessions of the span, its years and its regimes.
    judged : tuple of Judged
        In the order given.
    index_symbol : str or None
        The index that regimes were read from; None where the market has none.
    data_hash : str
        Of the market up to the end of the span, where a store was used.
    """

    settings: Settings
    dates: pd.DatetimeIndex
    groups: Groups
    judged: tuple[Judged, ...]
    index_symbol: str | None = None
    data_hash: str = ""

    def __len__(self) -> int:
        return len(self.judged)

    def __repr__(self) -> str:
        good = sum(one.measured.status.judged for one in self.judged)
        return f"Evaluation({len(self)} alphas, {good} judged, horizon {self.settings.horizon_sessions})"

    def __getitem__(self, name: str) -> AlphaDetail:
        for one in self.judged:
            if one.name == name:
                return AlphaDetail(one, self.settings, self.dates, self.groups)
        raise DataError(f"no alpha is called {name!r}{nearest(name, self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the alphas, in the order given."""
        return tuple(one.name for one in self.judged)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per alpha: formula, status, reason and all measures over the span; index ``alpha``."""
        return self._frame(0)

    def by(self, kind: GroupKind | str) -> pd.DataFrame:
        """All measures by alpha and group, index (``alpha``, kind).

        Parameters
        ----------
        kind : GroupKind or str
            ``year``, ``regime``, ``trend``, ``stress`` or ``range``.
        """
        kind = GroupKind(kind)
        rows = self.groups.positions(kind)
        columns = list(measure_names(self.settings.quantiles))
        keys = [(name, self.groups.names[i]) for name in self.names for i in rows]
        index = pd.MultiIndex.from_tuples(keys, names=["alpha", str(kind)])
        values = [one.measured.measures[rows] for one in self.judged]
        empty = np.empty((0, len(columns)))
        return pd.DataFrame(np.concatenate([empty, *values]), index, columns)

    def decay(self, measure: str = "mean") -> pd.DataFrame:
        """Rank IC by horizon: one row per alpha; ``mean``, ``std``, ``ir``, ``t`` or ``p``."""
        if measure not in DECAY:
            raise DataError(f"decay has no {measure!r}; it has {', '.join(DECAY)}")
        values = [one.measured.decay[:, DECAY.index(measure)] for one in self.judged]
        columns = pd.Index(self.settings.horizons, name="horizon")
        return pd.DataFrame(np.array(values).reshape(-1, len(columns)), self._index, columns)

    def rank_ic(self) -> pd.DataFrame:
        """Rank IC at the main horizon: one row per session, one column per alpha."""
        values = np.array([one.measured.rank_ic for one in self.judged]).reshape(len(self), len(self.dates))
        return pd.DataFrame(values.T, self.dates, self._index)

    def save(self, path: Path | str) -> None:
        """Write `frame` as Parquet or CSV, whole or not at all.

        Parameters
        ----------
        path : Path or str
            Ends with ``.parquet`` or ``.csv``; an existing file is replaced.

        Raises
        ------
        OutputError
            If the suffix is another, or the file cannot be written.
        """
        path = Path(path)
        if path.suffix not in (".parquet", ".csv"):
            raise OutputError(f"{path}: an evaluation is saved as .parquet or .csv")
        try:
            handle, partial = tempfile.mkstemp(prefix=f".{path.name}-", suffix=path.suffix, dir=path.parent)
            os.close(handle)
            try:
                if path.suffix == ".csv":
                    self.frame.to_csv(partial)
                else:
                    self.frame.to_parquet(partial)
                Path(partial).chmod(0o644)
                Path(partial).replace(path)
            except BaseException:
                Path(partial).unlink(missing_ok=True)
                raise
        except OSError as problem:
            raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None

    @property
    def _index(self) -> pd.Index[Any]:
        return pd.Index(self.names, name="alpha", dtype="object" if not self.judged else None)

    def _frame(self, group: int) -> pd.DataFrame:
        columns = measure_names(self.settings.quantiles)
        values = np.array([one.measured.measures[group] for one in self.judged]).reshape(-1, len(columns))
        said = {
            "formula": [one.formula for one in self.judged],
            "status": [str(one.measured.status) for one in self.judged],
            "reason": [one.measured.reason for one in self.judged],
            "canonical": [one.canonical for one in self.judged],
            "key": [one.key for one in self.judged],
            "warnings": ["; ".join(one.warnings) for one in self.judged],
        }
        numbers = pd.DataFrame(values, self._index, list(columns))
        return pd.concat([pd.DataFrame(said, self._index), numbers], axis=1)
