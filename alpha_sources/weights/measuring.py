"""Rank ICs of scores and of alphas on a sample."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from alpha_sources.weights.batches import Batch, Batches
from alpha_sources.weights.ranks import centred_ranks, correlation


def rank_ics(batches: Batches, scores: Callable[[Batch], Tensor]) -> Tensor:
    """Rank IC of every session, (E, S); NaN where scores are all the same.

    Parameters
    ----------
    batches : Batches
        Whose targets are ranks.
    scores : callable
        Of a batch, (E, B, K).
    """
    found = []
    with torch.no_grad():
        for batch in batches:
            ranks = centred_ranks(scores(batch), batch.counted)
            found.append(correlation(ranks, batch.target))
    return torch.cat(found, dim=1)


def input_rank_ics(batches: Batches) -> Tensor:
    """Rank IC of every input on every session, (D, S)."""
    return rank_ics(batches, lambda batch: batch.x.permute(2, 0, 1))


def mean_known(values: Tensor) -> Tensor:
    """Mean along the last axis of what is not NaN; NaN where all is."""
    return values.nanmean(dim=-1)
