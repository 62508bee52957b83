"""What Kou et al. print, to be set beside what we find and never tuned to; and what they leave open.

Source of every number: "Automate Strategy Finding with LLM in Quant Investment", arXiv 2409.06289.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

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

#: What a reader cannot take from the paper, and what is done here in its place.
LEFT_OPEN: tuple[tuple[str, str], ...] = (
    ("Costs", "the configuration's commission and slippage, stamp duty and transfer fee by date"),
    ("Fill price", "the open of the session after the decision"),
    ("Price limits and suspensions", "an order that a limit or a suspension forbids is refused"),
    ("T+1", "what was bought is sold the next session at the earliest; a daily exchange never asks for more"),
    ("Random seeds", "several, with median and range"),
    ("Threshold of the score", "0.5, the house's default"),
    ("Formula of the risk score", "a utility of return, volatility, drawdown, tail, cost and capacity"),
    ("Definition of the regimes", "trend of the index and breadth, calm or stressed, read causally"),
    ("Horizon of the IC", "1 session, from open to open, rank correlation"),
    ("Linear weights out of an MLP", "scores come from the network; its read-out is only shown"),
    ("Seed formulas", "37 are released, most without a formula that can be computed as printed"),
    ("Which language model saw what", "none is asked here: the committee goes by rules"),
)

#: Said of methods that are `Method.late`.
LATE = (
    "† added after the test span of the bundled data had been opened, to see where the rest comes from: it "
    "explains a result and is none."
)
