"""The training of the networks of the baselines: Adam, until the validation rank IC no longer gets better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alpha_sources.weights.devices import steady
from engine.errors import ProviderError
from engine.metrics import mean_and_ir, rank_ic

#: names on sessions that are scored together
_TOGETHER = 8192


@dataclass(frozen=True, eq=False, slots=True)
class Examples:
    """Names on sessions: what a network sees of each, and what it is to say.

    Parameters
    ----------
    inputs : callable
        Of places among the cells, (B,) int tensor: what the network sees, (B, ...) float32 tensor.
    cells : (S, 2) int array
        Row of the targets, and column, of each.
    targets : (R, N) float array
    train : int
        The first so many train, the others validate.
    """

    inputs: Callable[[Tensor], Tensor]
    cells: NDArray[np.int64]
    targets: NDArray[np.float64]
    train: int


@dataclass(frozen=True, slots=True)
class Schooling:
    """How a network is trained; see `NetworkSettings`."""

    epochs: int
    patience: int
    batch: int
    learning_rate: float
    l2: float
    ensemble: int
    threads: int
    seed: int


@dataclass(frozen=True, eq=False, slots=True)
class Trained:
    """One member of an ensemble, at its best.

    Parameters
    ----------
    arrays : dict of str to float32 array
        As torch calls them.
    losses : tuple of float
        Mean squared error after each pass.
    validation : tuple of float or None
        Mean validation rank IC after each pass; None where its scores did not vary.
    best_epoch : int
        The pass after which it was best, from 1.
    """

    arrays: dict[str, NDArray[np.float32]]
    losses: tuple[float, ...]
    validation: tuple[float | None, ...]
    best_epoch: int


class LastState(nn.Module):
    """One LSTM layer over sequences (B, L, D), and a linear read-out of its last state, (B,)."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Score sequences."""
        states, _ = self.lstm(x)
        read: Tensor = self.out(states[:, -1])[:, 0]
        return read


def trained(make: Callable[[], nn.Module], examples: Examples, schooling: Schooling) -> list[Trained]:
    """Train an ensemble whose members differ in where they begin and in the order of what they see.

    Parameters
    ----------
    make : callable
        Makes a network of inputs (B, ...) and outputs (B,).
    examples : Examples
    schooling : Schooling

    Returns
    -------
    list of Trained
        The same bytes for the same seed; torch's own random numbers are left as they were.

    Raises
    ------
    ProviderError
        If training diverges.
    """
    with steady(torch.device("cpu"), schooling.threads), torch.random.fork_rng(devices=[]):
        return [_member(make, examples, schooling, number) for number in range(schooling.ensemble)]


def _member(make: Callable[[], nn.Module], examples: Examples, schooling: Schooling, number: int) -> Trained:
    # the k-th member of a seed is the same whatever their number
    seed = int(np.random.SeedSequence([schooling.seed, number]).generate_state(1, np.uint64)[0] >> 1)
    # of the processor alone: nothing else is drawn from
    torch.default_generator.manual_seed(seed)
    network = make()
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=schooling.learning_rate, weight_decay=schooling.l2)
    target = torch.from_numpy(examples.targets[examples.cells[:, 0], examples.cells[:, 1]].astype(np.float32))
    best, best_value, best_epoch = _copied(network), -np.inf, 0
    losses: list[float] = []
    validation: list[float | None] = []
    for epoch in range(1, schooling.epochs + 1):
        total = 0.0
        for places in torch.split(torch.randperm(examples.train, generator=order), schooling.batch):
            error = network(examples.inputs(places)) - target[places]
            loss = (error * error).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(places)
        losses.append(total / examples.train)
        if not np.isfinite(losses[-1]):
            raise ProviderError(f"training diverged in epoch {epoch}; lower alpha.params.learning_rate")
        value = _validated(network, examples)
        validation.append(None if np.isnan(value) else value)
        if value > best_value:
            best, best_value, best_epoch = _copied(network), value, epoch
        if epoch - best_epoch >= schooling.patience:
            break
    if not best_epoch:  # scores that never varied
        best, best_epoch = _copied(network), epoch
    return Trained(best, tuple(losses), tuple(validation), best_epoch)


def _copied(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    return {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}


def _validated(network: nn.Module, examples: Examples) -> float:
    places = torch.arange(examples.train, len(examples.cells))
    with torch.no_grad():
        said: Sequence[Tensor] = [network(examples.inputs(part)) for part in torch.split(places, _TOGETHER)]
    rows, columns = examples.cells[examples.train :].T
    scores = np.full(examples.targets.shape, np.nan)
    scores[rows, columns] = torch.cat(list(said)).numpy()
    inside = np.unique(rows)
    return mean_and_ir(rank_ic(scores[inside], examples.targets[inside]))[0]
