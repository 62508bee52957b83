"""A sample on the device, batch by batch. What the device cannot hold comes over as it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from alpha_sources.weights.config import BatchOf, Loss, WeightsConfig
from alpha_sources.weights.devices import fits
from alpha_sources.weights.losses import targets_of
from alpha_sources.weights.sample import Sample


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """Some sessions: x (B, K, D), target (B, K), counted (B, K), state (B, M).

    In batches of rows these are one session of B names.
    """

    x: Tensor
    target: Tensor
    counted: Tensor
    state: Tensor


class Batches:
    """Neighbouring sessions of a sample, or neighbouring rows.

    Nothing is gathered for a batch: it is a stretch of memory, read where it lies. Only the order of batches
    changes from epoch to epoch; what shares a batch was drawn once.

    Parameters
    ----------
    sample : Sample
    first, stop : int
        Places of the sessions.
    loss : Loss
        Whose targets are wanted.
    size : int
        Sessions, or rows, of a batch.
    device : torch.device
    generator : torch.Generator, optional
        Cuts sessions up: batches are of rows, in an order drawn here.
    """

    def __init__(
        self,
        sample: Sample,
        first: int,
        stop: int,
        loss: Loss,
        size: int,
        device: torch.device,
        generator: torch.Generator | None = None,
    ) -> None:
        x = torch.from_numpy(sample.x[first:stop])
        counted = torch.from_numpy(sample.counted[first:stop])
        state = torch.from_numpy(sample.state[first:stop])
        y = targets_of(loss, torch.from_numpy(sample.y[first:stop]), counted)
        if generator is not None:
            order = torch.randperm(int(counted.sum()), generator=generator)
            x, y = x[counted][order], y[counted][order]
            counted = torch.ones(len(order), dtype=torch.bool)
        self._rows = generator is not None
        self._size, self._device = size, device
        self.names = int(counted.sum())
        resident = fits(x.nbytes, device)
        if device.type != "cpu" and not resident:
            x = x.pin_memory()
        self._x = x.to(device) if resident else x
        self._y, self._counted, self._state = (part.to(device) for part in (y, counted, state))

    def __len__(self) -> int:
        return -(-len(self._x) // self._size)

    def __getitem__(self, place: int) -> Batch:
        part = slice(place * self._size, (place + 1) * self._size)
        x = self._x[part].to(self._device, non_blocking=True)
        if self._rows:
            return Batch(x[None], self._y[part][None], self._counted[part][None], self._state[:1])
        return Batch(x, self._y[part], self._counted[part], self._state[part])

    def __iter__(self) -> Iterator[Batch]:
        return (self[place] for place in range(len(self)))


def training_batches(
    sample: Sample, config: WeightsConfig, device: torch.device, generator: torch.Generator
) -> Batches:
    """Return the batches that a network learns from."""
    rows = generator if config.batch_of is BatchOf.ROWS else None
    return Batches(sample, 0, sample.split.train, config.loss, config.batch, device, rows)


def ranked_batches(sample: Sample, first: int, stop: int, device: torch.device) -> Batches:
    """Return sessions to measure rank ICs on: their targets are ranks."""
    return Batches(sample, first, stop, Loss.RANK_IC, 32, device)
