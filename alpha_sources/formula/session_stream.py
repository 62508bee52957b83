"""Formulas from session to session: what a session shares with the one before is not computed anew."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from alpha_sources.formula._session import Session
from alpha_sources.formula.evaluator import checked_dtype, one_by_one, read_formulas
from alpha_sources.formula.formula import Formula
from alpha_sources.formula.panel_fields import PanelFields
from engine.market.view import MarketView


class SessionStream:
    """The values of formulas on session after session, each from what the session before left behind.

    It remembers earlier rows of what windows look back on, so that of everything else a new session costs
    its own row, and windows of the same values are read together. It remembers nothing that it could not
    compute from the view: a view that does not continue the last one, in its dates, names, members or a
    single number, is evaluated from its own rows, and whatever was asked before makes no difference.

    Parameters
    ----------
    formulas : str or Formula, or several
        Texts are read in the default dialect, with the fields of the first view known.
    dtype : float64 or float32
        Of the values; sums inside windows are carried in float64 either way.

    Examples
    --------
    >>> stream = SessionStream(["rank(ts_mean(close, 20))", "ts_corr(close, volume, 60)"])
    >>> for t in range(500, 520):
    ...     values = stream.advance(panel.view(t))  # (2, N)

    Notes
    -----
    Memory is that of the rows that are looked back on, of each value that a window reads, once or twice over,
    and of one row of every operation. A stream serves one caller at a time.
    """

    def __init__(
        self, formulas: str | Formula | Iterable[str | Formula], dtype: DTypeLike = "float64"
    ) -> None:
        self._texts = list(one_by_one(formulas))
        self._dtype = checked_dtype(dtype)
        self._formulas: list[Formula] = []
        self._session: Session | None = None

    def advance(self, view: MarketView) -> NDArray[np.floating]:
        """Return the values of the last session of a view.

        Parameters
        ----------
        view : MarketView
            It may end one session later than the last one; any other is evaluated from the start.

        Returns
        -------
        (A, N) float array
            To the last digit those of `evaluate_last`, and, but for recursive operators, the last row of
            `evaluate`. The array is the caller's own.

        Raises
        ------
        FormulaError
            As `evaluate` does; what was remembered is then forgotten.
        """
        fields = PanelFields(view, self._dtype)
        # kept again when all has gone well
        session, self._session = self._session, None
        if session is not None and session.is_before(fields):
            session.go_on(fields)
        else:
            session = Session(self._read(view), fields, goes_on=True)
        self._session = session
        return session.values

    def forget(self) -> None:
        """Give back the memory; the next session is evaluated from the start."""
        self._session = None

    def _read(self, view: MarketView) -> list[Formula]:
        if not self._formulas:
            self._formulas = read_formulas(self._texts, view)
        return self._formulas
