"""What Kou et al. print, to be set beside what we find and never tuned to; and what they leave open.

Source of every number: "Automate Strategy Finding with LLM in Quant Investment", arXiv 2409.06289.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from alpha_sources.llm.config import Mode
from alphaloom.config import RunConfig
from alphaloom.reproduce.methods import spans_of

SOURCE = "Kou et al., arXiv 2409.06289"

#: Cumulative return of 2023 on the SSE 50, by what is called what here; the price index itself lost 11.73 %.
RETURNS: Mapping[str, float] = MappingProxyType(
    {
        "index": -0.1173,
        "woven": 0.5317,
        "lightgbm": 0.071,
        "mlp": 0.031,
    }
)

#: what the returns are of
INDEX, START, END = "000016.SH", date(2023, 1, 1), date(2023, 12, 31)


def comparable(base: RunConfig) -> bool:
    """Whether a configuration is tested on the market and in the year that the paper prints returns of."""
    test = spans_of(base).test
    return base.index == INDEX and (test.start, test.end) == (START, END)


def return_of(key: str, base: RunConfig) -> float | None:
    """What the paper prints of the same market and year; None where it prints nothing.

    Parameters
    ----------
    key : str
        Of `RETURNS`; any other is nothing.
    base : RunConfig
    """
    return RETURNS.get(key) if comparable(base) else None


#: Printed and not run here: another framework of agents, another library of trees, reinforcement learning.
NOT_RUN: Mapping[str, float] = MappingProxyType({"FinCon": 0.225, "XGBoost": 0.095, "PPO": 0.029})


@dataclass(frozen=True, slots=True)
class CategoryIc:
    """Mean IC of a category's seeds: of all of them, and of those that were kept."""

    all: float
    kept: float


CATEGORY_IC: Mapping[str, CategoryIc] = MappingProxyType(
    {
        "momentum": CategoryIc(0.0092, 0.0208),
        "mean_reversion": CategoryIc(0.0135, 0.0187),
        "volatility": CategoryIc(0.0177, 0.0258),
        "fundamental": CategoryIc(0.0118, 0.0192),
        "growth": CategoryIc(0.0146, 0.0217),
    }
)

#: Out-of-sample IC of the whole signal, and without one of the agents.
SIGNAL_IC: Mapping[str, float] = MappingProxyType(
    {"woven_mlp": 0.047, "without_confidence": 0.032, "without_risk": 0.039}
)


@dataclass(frozen=True, slots=True)
class Case:
    """A window of which the paper shows what was selected; both days inclusive."""

    title: str
    start: date
    end: date
    selected: str


#: The second window is printed without an end: here it ends with the training span.
CASES: tuple[Case, ...] = (
    Case(
        "case 1",
        date(2021, 12, 31),
        date(2022, 9, 30),
        "momentum and volume: RSI, MACD, moving averages",
    ),
    Case(
        "case 2",
        date(2022, 10, 1),
        date(2022, 12, 31),
        "volatility and economic: ATR, Bollinger width, gross profit, operating income ratio",
    ),
)


def left_open(base: RunConfig) -> tuple[tuple[str, str], ...]:
    """What a reader cannot take from the paper, and what a configuration does in its place."""
    fill, agents = base.broker.fill, dict(base.alpha.params.get("agents") or {})
    at = (
        fill.buy.value
        if fill.buy is fill.sell
        else f"{fill.sell.value} (sales), {fill.buy.value} (purchases)"
    )
    threshold = agents.get("threshold")
    horizon = int(base.alpha.params.get("horizon_sessions", 1))
    asked = "none is asked here: the committee goes by rules"
    if base.llm.mode is not Mode.OFFLINE:
        asked = f"see the labels of the runs, which ask one ({base.llm.mode.value}); sittings go by rules"
    return (
        ("Costs", "the configuration's fees and slippage, as the third question says them"),
        ("Fill price", f"the {at} of the session after the decision"),
        ("Price limits and suspensions", "an order that a limit or a suspension forbids is refused"),
        (
            "T+1",
            "what was bought is sold the next session at the earliest; a daily exchange never asks for more",
        ),
        ("Random seeds", "several, with median and range"),
        ("Threshold of the score", "0.5, the house's default" if threshold is None else f"{threshold:g}"),
        ("Formula of the risk score", "a utility of return, volatility, drawdown, tail, cost and capacity"),
        ("Definition of the regimes", "trend of the index and breadth, calm or stressed, read causally"),
        (
            "Horizon of the IC",
            f"{horizon} session{'s' if horizon > 1 else ''}, from open to open, rank correlation",
        ),
        ("Linear weights out of an MLP", "scores come from the network; its read-out is only shown"),
        ("Seed formulas", "37 are released, most without a formula that can be computed as printed"),
        ("Which language model saw what", asked),
        ("Rhythm of learning", f"anew at {base.alpha.refresh.replace('_', ' ')}"),
    )


#: Said of methods that are `Method.late`.
LATE = (
    "† added after the test span of the bundled data had been opened, to see where the rest comes from: it "
    "explains a result and is none."
)
