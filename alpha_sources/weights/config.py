"""The `weights` section of a woven provider: which model, what it minimises, and how it is trained."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.errors import ConfigError
from engine.field_errors import what_is_wrong
from engine.plugins import nearest


class Model(StrEnum):
    """How scores come from alphas."""

    MLP = "mlp"  # one hidden layer, as in the paper; weights are read out
    GATED = "gated"  # a network from the market state to the weights
    EXPERTS = "experts"  # K fixed weightings, mixed by the market state
    RIDGE = "ridge"  # least squares with a penalty, in closed form
    IC = "ic"  # mean rank IC over its deviation, shrunk
    EQUAL = "equal"  # the same for every alpha

    @property
    def is_network(self) -> bool:
        """True if it is trained step by step."""
        return self in (Model.MLP, Model.GATED, Model.EXPERTS)

    @property
    def sees_state(self) -> bool:
        """True if its weights follow the market state."""
        return self in (Model.GATED, Model.EXPERTS)


class Loss(StrEnum):
    """What a network minimises."""

    MSE = "mse"  # squared distance to the label
    RANK_IC = "rank_ic"  # 1 less the correlation with the ranks of the labels, session by session
    PAIRWISE = "pairwise"  # logistic loss on sampled pairs of names of a session


class Labels(StrEnum):
    """What becomes of the labels of a session, after their mean has been taken off."""

    DEMEANED = "demeaned"
    ZSCORE = "zscore"
    RANK = "rank"


class Inputs(StrEnum):
    """What a model sees of a name."""

    ALPHAS = "alphas"
    ALPHAS_AND_PRICES = "alphas+prices"


class Missing(StrEnum):
    """What a model is told of an alpha that is unknown for a name. It is neutral (0) in any case."""

    NEUTRAL = "neutral"
    MASK = "mask"  # a further input for every alpha: 1 where it is unknown


class BatchOf(StrEnum):
    """What a batch is counted in."""

    SESSIONS = "sessions"  # whole cross-sections
    ROWS = "rows"  # names on sessions


class Device(StrEnum):
    """Where networks are trained."""

    AUTO = "auto"  # CUDA where there is a card, else the processor
    CPU = "cpu"
    CUDA = "cuda"


#: epochs and patience where the configuration names none: an epoch in rows has as many times more steps as
#: a session has names
_EPOCHS = {BatchOf.SESSIONS: 200, BatchOf.ROWS: 10}
_PATIENCE = {BatchOf.SESSIONS: 20, BatchOf.ROWS: 3}

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class WeightsConfig(BaseModel):
    """How weights are learned.

    Parameters
    ----------
    model : {"mlp", "gated", "experts", "ridge", "ic", "equal"}
    loss : {"mse", "rank_ic", "pairwise"}
        Of the networks (mlp, gated, experts); ridge is least squares.
    inputs : {"alphas", "alphas+prices"}
        Whether the block of past prices is seen besides the alphas.
    labels : {"demeaned", "zscore", "rank"}
        What networks and ridge are fitted to; see `Labels`.
    missing : {"neutral", "mask"}
        The latter for the mlp alone.
    hidden : int
        Units of the mlp's hidden layer.
    gate_hidden : int
        Units of the gated network's hidden layer.
    experts : int
        Number of experts.
    learning_rate : float
        Of Adam.
    l2 : float
        Added to the gradient of every weight, times that weight; biases are free.
    gate_l2 : float
        Of the gated network, the same for what carries weights away from their base: with more of it weights
        move less with the market.
    batch, batch_of : int, {"sessions", "rows"}
        Size of a batch, and of what. Rows are for the mlp with the loss mse.
    epochs, patience : int, optional
        At most so many passes, and so many without a better validation rank IC before training ends. 200 and
        20 in batches of sessions, 10 and 3 in batches of rows.
    validation : float
        Share of the sessions, the latest, that training stops by and ridge's penalty is chosen on. With 0
        networks run all epochs, and a penalty must be given.
    ensemble : int
        Networks that differ in where they begin; weights and scores are their means.
    warm_start : bool
        Networks begin where the previous fit ended, if it was of the same kind.
    penalty : float, optional
        Ridge's, for inputs of unit variance and per row; without one the best of 0.001, 0.01, 0.1, 1 and 10
        on the validation sessions.
    shrinkage : float
        Of the model ic: at a t-value whose square is this, the weight is halved.
    non_negative : bool
        The model ic sets weights below 0 to 0.
    pairs : int
        Of the loss pairwise: pairs drawn for every name in every step.
    min_names : int
        Sessions with fewer names that have a label and an alpha are left out.
    min_sessions : int
        Sessions that training needs at least.
    state_clip : float
        Standard deviations at which the market state is clipped.
    device : {"auto", "cpu", "cuda"}
    threads : int
        Threads of the processor that training uses; results depend on their number in the last digits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Model = Model.MLP
    loss: Loss = Loss.MSE
    inputs: Inputs = Inputs.ALPHAS
    labels: Labels = Labels.DEMEANED
    missing: Missing = Missing.NEUTRAL
    hidden: Annotated[int, Field(ge=1, le=1024)] = 10
    gate_hidden: Annotated[int, Field(ge=1, le=1024)] = 2
    experts: Annotated[int, Field(ge=2, le=64)] = 3
    learning_rate: Positive = 1e-3
    l2: Penalty = 1e-3
    gate_l2: Penalty = 0.1
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 32
    batch_of: BatchOf = BatchOf.SESSIONS
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    patience: Annotated[int, Field(ge=1, le=100_000)] | None = None
    validation: Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)] = 0.2
    ensemble: Annotated[int, Field(ge=1, le=100)] = 5
    warm_start: bool = True
    penalty: Penalty | None = None
    shrinkage: Penalty = 1.0
    non_negative: bool = False
    pairs: Annotated[int, Field(ge=1, le=1000)] = 4
    min_names: Annotated[int, Field(ge=2, le=100_000)] = 10
    min_sessions: Annotated[int, Field(ge=2, le=100_000)] = 60
    state_clip: Positive = 3.0
    device: Device = Device.AUTO
    threads: Annotated[int, Field(ge=1, le=256)] = 1

    @model_validator(mode="after")
    def _fit_together(self) -> WeightsConfig:
        if self.loss is not Loss.MSE and not self.model.is_network:
            raise ValueError(f"loss: {self.loss} is for networks; model is {self.model}")
        if self.missing is Missing.MASK and self.model is not Model.MLP:
            raise ValueError(f"missing: mask is for model mlp; with {self.model} scores are sums of alphas")
        if self.batch_of is BatchOf.ROWS and (self.model is not Model.MLP or self.loss is not Loss.MSE):
            raise ValueError("batch_of: rows is for model mlp with loss mse; all else needs whole sessions")
        if self.non_negative and self.model is not Model.IC:
            raise ValueError(f"non_negative: is for model ic; model is {self.model}")
        if self.model is Model.RIDGE and self.validation == 0 and self.penalty is None:
            raise ValueError("penalty: give one, since validation is 0 and none can be chosen")
        if self.inputs is Inputs.ALPHAS_AND_PRICES and self.model in (Model.IC, Model.EQUAL):
            raise ValueError(f"inputs: alphas+prices is for mlp, gated, experts and ridge, not {self.model}")
        return self

    @property
    def most_epochs(self) -> int:
        """Passes after which training ends in any case."""
        return self.epochs or _EPOCHS[self.batch_of]

    @property
    def longest_wait(self) -> int:
        """Passes without a better validation rank IC after which training ends."""
        return self.patience or _PATIENCE[self.batch_of]


def weights_config(**options: Any) -> WeightsConfig:
    """Build a `WeightsConfig` of what stands in a configuration.

    Raises
    ------
    ConfigError
        In one line that names ``alpha.params.weights.<key>``.
    """
    try:
        return WeightsConfig(**options)
    except ValidationError as problem:
        error = problem.errors()[0]
    key = ".".join(("alpha.params.weights", *map(str, error["loc"][:1])))
    if error["type"] == "extra_forbidden":
        known = WeightsConfig.model_fields
        hint = nearest(str(error["loc"][0]), known) or f"; known: {', '.join(known)}"
        raise ConfigError(f"{key}: unknown key{hint}")
    what = what_is_wrong(error)
    # what parts say of one another names its key itself
    mark = "." if not error["loc"] else " " if what.startswith(("must ", "is ")) else ": "
    raise ConfigError(f"{key}{mark}{what}")
