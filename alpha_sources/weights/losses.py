"""What networks minimise: one number for each member of the ensemble."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from alpha_sources.weights.config import Loss, WeightsConfig
from alpha_sources.weights.ranks import centred_ranks

#: of scores (E, B, K), targets (B, K) and the places that count (B, K)
LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]

#: keeps a session whose scores are all the same from dividing by 0
_TINY = 1e-12


def loss_of(config: WeightsConfig, generator: torch.Generator) -> LossFunction:
    """Return the loss of a configuration; `generator` draws the pairs of the pairwise one."""
    if config.loss is Loss.MSE:
        return squared_error
    if config.loss is Loss.RANK_IC:
        return rank_correlation_loss

    def sampled(scores: Tensor, y: Tensor, counted: Tensor) -> Tensor:
        most = y.shape[1]
        shifts = torch.randint(1, most, (config.pairs,), generator=generator).tolist()
        return pairwise_loss(scores, y, counted, shifts)

    return sampled


def targets_of(loss: Loss, y: Tensor, counted: Tensor) -> Tensor:
    """Return what a loss holds scores against, (B, K): labels, or their centred ranks."""
    return centred_ranks(y, counted) if loss is Loss.RANK_IC else y


def squared_error(scores: Tensor, y: Tensor, counted: Tensor) -> Tensor:
    """Mean of (score - label)² over all places that count, (E,)."""
    apart = (scores - y) * counted
    return (apart * apart).sum(dim=(1, 2)) / counted.sum()


def rank_correlation_loss(scores: Tensor, ranks: Tensor, counted: Tensor) -> Tensor:
    """1 less the mean over sessions of the correlation of scores with the ranks of labels, (E,).

    The scores enter as they are and not as ranks, so that the loss has a gradient everywhere: it is the rank
    IC with one of the two rankings relaxed.
    """
    names = counted.sum(dim=1, keepdim=True)
    centred = (scores - (scores * counted).sum(dim=2, keepdim=True) / names) * counted
    size = ((centred * centred).sum(dim=2) * (ranks * ranks).sum(dim=1) + _TINY).sqrt()
    return 1.0 - ((centred * ranks).sum(dim=2) / size).mean(dim=1)


def pairwise_loss(scores: Tensor, y: Tensor, counted: Tensor, shifts: list[int]) -> Tensor:
    """Mean of log(1 + exp(-d)), with d by how much the better name of a pair is scored above the worse, (E,).

    Parameters
    ----------
    scores, y, counted : tensors
    shifts : list of int
        The partner of the name in place i is the one in place (i + shift) mod K, for each of them. Pairs with
        equal labels, or a place without a name, do not count.
    """
    total = torch.zeros(len(scores), device=scores.device, dtype=scores.dtype)
    pairs = torch.zeros((), device=scores.device, dtype=scores.dtype)
    for shift in shifts:
        better = torch.sign(y - y.roll(shift, dims=1))
        usable = (better != 0) & counted & counted.roll(shift, dims=1)
        distance = (scores - scores.roll(shift, dims=2)) * better
        total = total + (softplus(-distance) * usable).sum(dim=(1, 2))
        pairs = pairs + usable.sum()
    return total / pairs.clamp(min=1)
