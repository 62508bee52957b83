"""Weights without training: ridge and IC-weighted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from alpha_sources.weights.batches import Batches
from alpha_sources.weights.measuring import mean_known

#: tried, smallest first, where the configuration gives no penalty
PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Second moments of inputs and labels over rows: (D, D) and (D,), float64, and the number of rows."""

    inputs: Tensor
    products: Tensor
    rows: int


def moments(batches: Batches) -> Moments:
    """Add up the second moments of batches whose targets are labels."""
    inputs = products = torch.zeros((), dtype=torch.float64)
    for batch in batches:
        # places without a name are 0
        x = batch.x.reshape(-1, batch.x.shape[2]).double()
        inputs = inputs.to(x.device) + x.T @ x
        products = products.to(x.device) + x.T @ batch.target.reshape(-1).double()
    return Moments(inputs.cpu(), products.cpu(), batches.names)


def ridge(of: Moments, penalty: float) -> Tensor:
    """Minimise the mean squared error plus the penalty times the sum of squared weights.

    Parameters
    ----------
    of : Moments
    penalty : float
        At 0 the least squares solution of least size.

    Returns
    -------
    (D,) float64 tensor
        (X'X / n + penalty I)⁻¹ X'y / n: Hoerl and Kennard (1970).
    """
    gram = of.inputs / of.rows
    wanted = of.products / of.rows
    if penalty > 0:
        bound = gram + penalty * torch.eye(len(gram), dtype=gram.dtype)
        solved: Tensor = torch.linalg.solve(bound, wanted)
        return solved
    least: Tensor = torch.linalg.pinv(gram, hermitian=True) @ wanted
    return least


def ic_weights(ics: Tensor, horizon_sessions: int, shrinkage: float, non_negative: bool) -> Tensor:
    """Weight inputs by what their rank ICs say for certain.

    Parameters
    ----------
    ics : (D, S) tensor
        Rank IC of each input on every session; NaN where there is none.
    horizon_sessions : int
        h: ICs of neighbouring sessions share h - 1 of their sessions, so that S / h count.
    shrinkage : float
    non_negative : bool
        Set what is below 0 to 0.

    Returns
    -------
    (D,) float64 tensor
        (mean / deviation) · t² / (t² + shrinkage), with t = mean / deviation · √(S / h); 0 for an input with
        fewer than two ICs, or whose ICs are all the same.
    """
    values = ics.double()
    known = values.isfinite()
    count = known.sum(dim=1)
    mean = mean_known(values)
    apart = torch.where(known, values - mean[:, None], 0.0)
    deviation = ((apart * apart).sum(dim=1) / (count - 1).clamp(min=1)).sqrt()
    usable = (count > 1) & (deviation > 0)
    ratio = torch.where(usable, mean / deviation, 0.0)
    t_squared = ratio * ratio * count / horizon_sessions
    weights = ratio * t_squared / (t_squared + shrinkage).clamp(min=1e-300)
    return weights.clamp(min=0.0) if non_negative else weights
