"""The networks: parameters and forward passes of a whole ensemble at once."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from alpha_sources.weights.config import Model, WeightsConfig
from alpha_sources.weights.forms import FormKind

Parameters = dict[str, Tensor]

#: standard deviation at which weightings begin: small beside what labels of unit variance lead to
_SMALL = 0.01


class Network(ABC):
    """A model that is trained step by step. Its parameters are those of the form of the same name.

    Parameters
    ----------
    config : WeightsConfig
    inputs, features : int
        D and M.
    """

    kind: FormKind
    #: names of parameters that the penalty leaves alone
    biases: frozenset[str]

    def __init__(self, config: WeightsConfig, inputs: int, features: int) -> None:
        self.config, self.inputs, self.features = config, inputs, features

    def penalty(self, name: str) -> float:
        """What is added to the gradient of a parameter for every unit of it."""
        return 0.0 if name in self.biases else self.config.l2

    @abstractmethod
    def begin(self, generator: torch.Generator) -> Parameters:
        """Draw parameters to begin with, all of them with the members of the ensemble first."""

    @abstractmethod
    def scores(self, parameters: Parameters, x: Tensor, state: Tensor) -> Tensor:
        """Score sessions: x (B, K, D) and state (B, M) give (E, B, K)."""


class MlpNetwork(Network):
    """D inputs, one hidden layer of rectified units, one output."""

    kind = FormKind.MLP
    biases = frozenset({"hidden_bias", "out_bias"})

    def begin(self, generator: torch.Generator) -> Parameters:
        """Draw evenly within one over the root of the number of inputs of each unit."""
        E, D, H = self.config.ensemble, self.inputs, self.config.hidden
        of_inputs, of_hidden = 1 / math.sqrt(D), 1 / math.sqrt(H)
        return {
            "hidden_in": _evenly((E, D, H), of_inputs, generator),
            "hidden_bias": _evenly((E, H), of_inputs, generator),
            "out": _evenly((E, H), of_hidden, generator),
            "out_bias": torch.zeros(E),
        }

    def hidden(self, parameters: Parameters, x: Tensor) -> Tensor:
        """Outputs of the hidden units, (rows, E, H), of inputs (rows, D)."""
        hidden_in = parameters["hidden_in"]
        E, D, H = hidden_in.shape
        wide = hidden_in.permute(1, 0, 2).reshape(D, E * H)
        return torch.addmm(parameters["hidden_bias"].reshape(-1), x, wide).relu().view(-1, E, H)

    def scores(self, parameters: Parameters, x: Tensor, state: Tensor) -> Tensor:
        """Score sessions; the state is not looked at."""
        B, K, D = x.shape
        hidden = self.hidden(parameters, x.reshape(B * K, D))
        out = (hidden * parameters["out"]).sum(dim=2) + parameters["out_bias"]
        return out.view(B, K, -1).permute(2, 0, 1)


class LinearNetwork(Network):
    """Scores are sums of inputs, with weights that a network gives out."""

    @abstractmethod
    def weights(self, parameters: Parameters, state: Tensor) -> Tensor:
        """Return the weights at market states, (B, E, D)."""

    def scores(self, parameters: Parameters, x: Tensor, state: Tensor) -> Tensor:
        """Score sessions by weights that depend on the state alone."""
        return torch.bmm(self.weights(parameters, state), x.transpose(1, 2)).permute(1, 0, 2)


class GatedNetwork(LinearNetwork):
    """From the market state by a hidden layer to how far weights depart from a base."""

    kind = FormKind.GATED
    biases = frozenset({"gate_bias"})

    def penalty(self, name: str) -> float:
        """Hold what moves weights away from their base by itself."""
        return self.config.gate_l2 if name == "gate_out" else super().penalty(name)

    def begin(self, generator: torch.Generator) -> Parameters:
        """Draw a gate that is open to every feature, and weights near 0."""
        E, D, M, H = self.config.ensemble, self.inputs, self.features, self.config.gate_hidden
        return {
            "base": _normal((E, D), _SMALL, generator),
            "gate_in": _normal((E, M, H), 1 / math.sqrt(M), generator),
            "gate_bias": _normal((E, H), 0.1, generator),
            "gate_out": _normal((E, H, D), _SMALL, generator),
        }

    def weights(self, parameters: Parameters, state: Tensor) -> Tensor:
        """Return the base and what the gate adds."""
        opened = torch.einsum("bm,emh->beh", state, parameters["gate_in"]) + parameters["gate_bias"]
        return parameters["base"] + torch.einsum("beh,ehd->bed", opened.tanh(), parameters["gate_out"])


class ExpertsNetwork(LinearNetwork):
    """Experts with weights of their own, mixed by a softmax of the market state."""

    kind = FormKind.EXPERTS
    biases = frozenset({"gate_bias"})

    def begin(self, generator: torch.Generator) -> Parameters:
        """Draw a gate that divides the states among the experts, and weights near 0."""
        E, D, M, H = self.config.ensemble, self.inputs, self.features, self.config.experts
        return {
            "experts": _normal((E, H, D), _SMALL, generator),
            "gate_in": _normal((E, M, H), 1 / math.sqrt(M), generator),
            "gate_bias": torch.zeros(E, H),
        }

    def weights(self, parameters: Parameters, state: Tensor) -> Tensor:
        """Return the mixture of the experts' weights."""
        logits = torch.einsum("bm,emh->beh", state, parameters["gate_in"]) + parameters["gate_bias"]
        return torch.einsum("beh,ehd->bed", logits.softmax(dim=2), parameters["experts"])


def network_of(config: WeightsConfig, inputs: int, features: int) -> Network:
    """Return the network of a configuration that has one."""
    kinds: dict[Model, type[Network]] = {
        Model.MLP: MlpNetwork,
        Model.GATED: GatedNetwork,
        Model.EXPERTS: ExpertsNetwork,
    }
    return kinds[config.model](config, inputs, features)


def _evenly(shape: tuple[int, ...], within: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(shape, generator=generator) * 2 - 1) * within


def _normal(shape: tuple[int, ...], deviation: float, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator) * deviation
