"""`Fitted`: weights that were learned, as a value that can be stored, restored and scored with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights.cross_section import known_names
from alpha_sources.weights.forms import FORMS, Experts, Form, FormKind, weighed
from alpha_sources.weights.market import MarketScale
from alpha_sources.weights.parts import checked_arrays, checked_payload
from alpha_sources.weights.sample import assembled
from engine.errors import ShapeError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What `fit` learned. `payload` and `arrays` are all of it.

    Parameters
    ----------
    payload : dict
        JSON: ``model``, ``form``, names, units and a ``report`` of the fit.
    arrays : dict of str to float64 ndarray
        See `alpha_sources.weights.forms`.

    Notes
    -----
    Weights are in units in which the sizes of all weights of a session (those of the alphas, and of the
    prices where there are any) add up to 1 on average over the training sessions, so that those of one fit
    can be averaged with those of another.
    """

    payload: Mapping[str, Any]
    arrays: Mapping[str, Array]

    @classmethod
    def from_parts(cls, payload: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Fitted:
        """Restore what was fitted from what was stored.

        Raises
        ------
        WeightsError
            If something is missing, of another shape than the rest says, or no finite number.
        """
        plain = checked_payload(payload)
        return cls(plain, checked_arrays(plain, arrays))

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.payload["model"])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the alphas, (A,)."""
        return tuple(self.payload["names"])

    @property
    def state_names(self) -> tuple[str, ...]:
        """Of the features of the market state, (M,)."""
        return tuple(self.payload["state_names"])

    @property
    def sees_state(self) -> bool:
        """Whether the weights follow the market state; else it is not looked at."""
        return "state_mean" in self.arrays

    @property
    def price_names(self) -> tuple[str, ...]:
        """Of the prices that are scored by, (P,); none where the model sees alphas alone."""
        return tuple(self.payload["price_names"])

    @property
    def report(self) -> Mapping[str, Any]:
        """Numbers of the fit: sessions, epochs, loss curves, validation rank IC, warnings."""
        report: Mapping[str, Any] = self.payload["report"]
        return report

    def weights(self, state: NDArray[Any]) -> Array:
        """Weights of the alphas at market states.

        Parameters
        ----------
        state : (R, M) float array
            NaN counts as the mean of the training sessions.

        Returns
        -------
        (R, A) float64 array
            For the mlp, whose scores are not linear, the mean gradient: see docs/weights.md.
        """
        return self._all_weights(state)[:, : len(self.names)]

    def price_weights(self, state: NDArray[Any]) -> Array:
        """Weights of the prices at market states, (R, P); prices count as `comparable` makes them."""
        count = len(self.price_names)
        every = self._all_weights(state)
        return every[:, every.shape[1] - count :]

    def mixture(self, state: NDArray[Any]) -> Array:
        """Shares of the experts at market states, (R, E, K); without experts K is 1 and shares are 1.

        Experts of different members of an ensemble have nothing to do with one another.
        """
        form = self._form
        if isinstance(form, Experts):
            return np.array([form.mixture(z) for z in self._scaled(state)])
        return np.ones((len(state), int(self.payload["ensemble"]), 1))

    def scores(self, alphas: NDArray[Any], state: NDArray[Any], prices: NDArray[Any] | None = None) -> Array:
        """Score sessions, each by itself.

        Parameters
        ----------
        alphas : (R, N, A) float array
            As in training; NaN where unknown, which counts as neutral (0).
        state : (R, M) float array
        prices : (R, N, P) float array, optional
            Needed where the model was fitted with prices, and not looked at otherwise.

        Returns
        -------
        (R, N) float64 array
            Higher is better; NaN for a name none of whose alphas is known.

        Raises
        ------
        ShapeError
            If the arrays are not those of the training set.
        """
        needed = len(self.price_names)
        if alphas.ndim != 3 or alphas.shape[2] != len(self.names):
            raise ShapeError(f"alphas are {alphas.shape}; these weights are for (R, N, {len(self.names)})")
        if needed and (prices is None or prices.shape != (*alphas.shape[:2], needed)):
            shape = None if prices is None else prices.shape
            raise ShapeError(f"prices are {shape}; these weights need {(*alphas.shape[:2], needed)}")
        scaled = self._scaled(state)
        if len(scaled) != len(alphas):
            raise ShapeError(f"{len(alphas)} sessions of alphas and {len(scaled)} of the market state")
        out = np.full(alphas.shape[:2], np.nan)
        for row, z in enumerate(scaled):
            known = known_names(alphas[row])
            block = prices[row] if needed and prices is not None else None
            x = assembled(alphas[row], block, bool(self.payload["mask"]))
            out[row, known] = self._form.scores(x, z)[known]
        return out

    def linear_scores(self, alphas: NDArray[Any], weights: NDArray[Any]) -> Array:
        """Score sessions by weights that somebody gives, say smoothed ones, (R, N).

        Parameters
        ----------
        alphas : (R, N, A) float array
        weights : (R, A) float array
        """
        out = np.full(alphas.shape[:2], np.nan)
        for row, values in enumerate(weights.astype(np.float64)):
            known = known_names(alphas[row])
            out[row, known] = weighed(assembled(alphas[row], None, False), values)[known]
        return out

    @cached_property
    def _form(self) -> Form:
        return FORMS[FormKind(self.payload["form"])](self.arrays)

    def _scaled(self, state: NDArray[Any]) -> Array:
        if state.ndim != 2 or state.shape[1] != len(self.state_names):
            names: Sequence[str] = self.state_names
            raise ShapeError(f"the market state is {state.shape}; these weights are for (R, {len(names)})")
        if "state_mean" not in self.arrays:
            return np.zeros((len(state), 0))
        clip = float(self.payload["state_clip"])
        return MarketScale(self.arrays["state_mean"], self.arrays["state_inverse"], clip).scaled(state)

    def _all_weights(self, state: NDArray[Any]) -> Array:
        form = self._form
        inputs = int(self.payload["inputs"])
        return np.array([form.weights(z).mean(axis=0) for z in self._scaled(state)]).reshape(-1, inputs)
