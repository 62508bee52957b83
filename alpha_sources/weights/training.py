"""The training of networks: Adam on batches, until the validation rank IC no longer gets better."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from alpha_sources.weights.adam import Adam
from alpha_sources.weights.batches import Batches, ranked_batches, training_batches
from alpha_sources.weights.config import WeightsConfig
from alpha_sources.weights.errors import WeightsError
from alpha_sources.weights.losses import loss_of
from alpha_sources.weights.measuring import mean_known, rank_ics
from alpha_sources.weights.networks import Network, Parameters
from alpha_sources.weights.sample import Sample


@dataclass(frozen=True, eq=False, slots=True)
class Trained:
    """The best parameters of each member, and how training went.

    Parameters
    ----------
    parameters : dict of str to tensor
    best_epochs : tuple of int
        Of each member: the pass after which it was best, from 1; 0 where that was where it began.
    losses, validation : tuple of float
        After each pass, over all members: the mean of its losses, and the mean validation rank IC (None
        where there is no validation, or no scores that vary).
    """

    parameters: Parameters
    best_epochs: tuple[int, ...]
    losses: tuple[float, ...]
    validation: tuple[float | None, ...]


def train(
    network: Network,
    sample: Sample,
    config: WeightsConfig,
    device: torch.device,
    generator: torch.Generator,
    start: Parameters | None,
) -> Trained:
    """Train an ensemble.

    Parameters
    ----------
    network : Network
    sample : Sample
        Its training sessions in the order in which batches take them.
    config : WeightsConfig
    device : torch.device
    generator : torch.Generator
        Of the processor: what begins, and the order of batches, are the same on every device.
    start : dict of str to tensor, optional
        Parameters to begin with. Where nothing gets better than these, they are the result.

    Raises
    ------
    WeightsError
        If parameters are no longer finite.
    """
    drawn = network.begin(generator)
    begun = {name: (drawn if start is None else start)[name].to(device, torch.float32) for name in drawn}
    batches = training_batches(sample, config, device, generator)
    held_back = ranked_batches(sample, sample.split.validate, len(sample.split.rows), device)
    loss = loss_of(config, generator)
    adam = Adam(begun, network.penalty, config.learning_rate)
    best = _Best(begun, config.ensemble)
    if start is not None and len(held_back):
        best.offer(begun, _validated(network, begun, held_back), 0)
    losses: list[float] = []
    validation: list[float | None] = []
    for epoch in range(1, config.most_epochs + 1):
        total = torch.zeros(config.ensemble, device=device)
        for place in torch.randperm(len(batches), generator=generator).tolist():
            batch = batches[place]
            scores = network.scores(adam.parameters(), batch.x, batch.state)
            each = loss(scores, batch.target, batch.counted)
            # members share no parameter: the gradient of the sum is that of each
            adam.step(each.sum())
            total += each.detach()
        losses.append(float(total.mean()) / len(batches))
        now = {name: value.detach() for name, value in adam.parameters().items()}
        if not all(bool(value.isfinite().all()) for value in now.values()):
            raise WeightsError(f"training diverged in epoch {epoch}; lower weights.learning_rate")
        if not len(held_back):
            best.take(now, epoch)
            validation.append(None)
            continue
        ics = _validated(network, now, held_back)
        best.offer(now, ics, epoch)
        mean = float(mean_known(ics))
        validation.append(mean if mean == mean else None)
        if best.waited(epoch, config.longest_wait):
            break
    if not best.ever.all():
        # members whose scores never varied on the validation sessions
        best.take(now, epoch, ~best.ever)
    return Trained(best.parameters, tuple(best.epochs.tolist()), tuple(losses), tuple(validation))


class _Best:
    """The best parameters of each member so far."""

    def __init__(self, begun: Parameters, members: int) -> None:
        self.parameters = {name: value.clone() for name, value in begun.items()}
        self.epochs = torch.zeros(members, dtype=torch.int64)
        self.value = torch.full((members,), -torch.inf)
        self.ever = torch.zeros(members, dtype=torch.bool)

    def offer(self, parameters: Parameters, values: Tensor, epoch: int) -> None:
        values = values.cpu()
        better = values > self.value
        self.value = torch.where(better, values, self.value)
        self.take(parameters, epoch, better)

    def take(self, parameters: Parameters, epoch: int, which: Tensor | None = None) -> None:
        chosen = torch.ones_like(self.ever) if which is None else which
        if not chosen.any():
            return
        self.ever |= chosen
        self.epochs[chosen] = epoch
        for name, kept in self.parameters.items():
            shape = (-1, *[1] * (kept.ndim - 1))
            self.parameters[name] = torch.where(chosen.to(kept.device).view(shape), parameters[name], kept)

    def waited(self, epoch: int, patience: int) -> bool:
        return bool((epoch - self.epochs >= patience).all())


def _validated(network: Network, parameters: Parameters, batches: Batches) -> Tensor:
    return mean_known(rank_ics(batches, lambda b: network.scores(parameters, b.x, b.state)))
