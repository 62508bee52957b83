"""Ranks and rank correlations of many sessions at once."""

from __future__ import annotations

import torch
from torch import Tensor


def centred_ranks(values: Tensor, counted: Tensor) -> Tensor:
    """Ranks of the counted values along the last axis less their mean, ties averaged; 0 elsewhere.

    Parameters
    ----------
    values : (..., K) tensor
    counted : bool tensor that can be expanded to it
    """
    counted = counted.expand_as(values)
    filled = values.masked_fill(~counted, torch.inf).contiguous()
    ordered = filled.sort(dim=-1).values
    below = torch.searchsorted(ordered, filled, right=False)
    through = torch.searchsorted(ordered, filled, right=True)
    # the ranks of equal values are below + 1 .. through; the mean of all is (count + 1) / 2
    ranks = (below + through - counted.sum(dim=-1, keepdim=True)).to(values.dtype) / 2
    return ranks.masked_fill(~counted, 0.0)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Correlation along the last axis of what is centred already, NaN where either does not vary."""
    variances = (x * x).sum(dim=-1) * (y * y).sum(dim=-1)
    found = (x * y).sum(dim=-1) / variances.sqrt()
    return torch.where(variances > 0, found, torch.nan)
