"""What `AlphaProvider.scores` may return: one row of numbers, read with the same strictness everywhere."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market.view import MarketView


class RowFlaw(Enum):
    """What keeps something from being a row of scores."""

    NO_ARRAY = auto()
    SHAPE = auto()
    KIND = auto()
    ORDER = auto()
    INFINITE = auto()


class ScoreRowError(Exception):
    """Something is no row of scores.

    Parameters
    ----------
    flaw : RowFlaw
        What is wrong.
    message : str
        The same in words; the session is for the caller to say.
    symbol : str or None
        The first symbol on which it shows.
    """

    def __init__(self, flaw: RowFlaw, message: str, symbol: str | None = None) -> None:
        super().__init__(message)
        self.flaw = flaw
        self.symbol = symbol


def read_score_row(raw: Any, view: MarketView) -> NDArray[np.float64]:
    """Read what a provider gave for the session of a view.

    Parameters
    ----------
    raw : array_like
        (N,) floats or integers in the order of ``view.symbols``; a Series must be labelled by them, or by
        place.
    view : MarketView
        What it was asked on.

    Returns
    -------
    (N,) float array
        Finite or NaN; the provider's own array where that is one already.

    Raises
    ------
    ScoreRowError
        If it is anything else.
    """
    try:
        scores = np.asarray(raw)
    except (TypeError, ValueError) as exc:
        raise ScoreRowError(RowFlaw.NO_ARRAY, f"{type(raw).__name__} is no array: {exc}") from exc
    expected = (len(view.symbols),)
    if scores.shape != expected:
        raise ScoreRowError(RowFlaw.SHAPE, f"expected shape {expected}, got {scores.shape}")
    if scores.dtype.kind not in "fiu":
        raise ScoreRowError(RowFlaw.KIND, f"expected floats, got dtype {scores.dtype}")
    _check_labels(raw, view)
    if scores.dtype.kind == "f" and np.isinf(scores).any():
        symbol = str(view.symbols[np.isinf(scores).argmax()])
        raise ScoreRowError(RowFlaw.INFINITE, f"the score of {symbol} is infinite; NaN is no opinion", symbol)
    return scores.astype(np.float64, copy=False)


def _check_labels(raw: Any, view: MarketView) -> None:
    # a pandas Series in another order would be misread without a word
    labels = getattr(raw, "index", None)
    if labels is None or callable(labels):
        return
    labels = np.asarray(labels)
    if labels.dtype.kind in "iu":
        return
    wrong = labels.astype(str) != view.symbols
    if wrong.any():
        raise ScoreRowError(
            RowFlaw.ORDER,
            "the labels of the Series are not view.symbols; return series.reindex(view.symbols)",
            str(view.symbols[wrong.argmax()]),
        )
