"""Adam on one long vector. torch's own brings in its compiler, which takes seconds to import."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Parameters = dict[str, Tensor]

#: decay of the mean of gradients and of squared gradients, and what keeps a step from dividing by 0
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


class Adam:
    """Steps of Kingma and Ba (2015), algorithm 1, with penalties added to the gradient.

    Parameters
    ----------
    parameters : dict of str to tensor
        Where it begins; copied.
    penalty : callable
        Of a parameter's name: what is added to its gradient for every unit of it.
    learning_rate : float
    """

    def __init__(self, parameters: Parameters, penalty: Callable[[str], float], learning_rate: float) -> None:
        self._shapes = {name: value.shape for name, value in parameters.items()}
        self._lengths = [value.numel() for value in parameters.values()]
        self._flat = torch.cat([value.detach().reshape(-1) for value in parameters.values()])
        self._flat.requires_grad_(True)
        self._bound = torch.cat([torch.full_like(v.reshape(-1), penalty(n)) for n, v in parameters.items()])
        self._mean = torch.zeros_like(self._flat)
        self._square = torch.zeros_like(self._flat)
        self._learning_rate, self._steps = learning_rate, 0

    def parameters(self) -> Parameters:
        """Return the parameters as they are now; what is computed from them can be handed to `step`."""
        parts = self._flat.split_with_sizes(self._lengths)
        return {
            name: part.view(shape) for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)
        }

    def step(self, loss: Tensor) -> None:
        """Move against the gradient of a number that was computed from `parameters`."""
        (gradient,) = torch.autograd.grad(loss, self._flat)
        self._steps += 1
        with torch.no_grad():
            gradient.addcmul_(self._bound, self._flat)
            self._mean.lerp_(gradient, 1 - _FIRST)
            self._square.mul_(_SECOND).addcmul_(gradient, gradient, value=1 - _SECOND)
            spread = self._square.sqrt().div_(math.sqrt(1 - _SECOND**self._steps)).add_(_TINY)
            pace = self._learning_rate / (1 - _FIRST**self._steps)
            self._flat.addcdiv_(self._mean, spread, value=-pace)
