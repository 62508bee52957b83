"""A small experiment on the bundled data, and a script that runs it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from alphaloom.config import RunConfig, load_config
from alphaloom.reproduce import Experiment, Reproduction, reproduce
from alphaloom.reproduce.methods import METHODS, Group, Method, Placebo

HERE = Path(__file__).parent
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_PROVIDERS = f"{HERE / 'reproduce_provider.py'}"
SLOPE = Method(
    "slope",
    "Slope",
    Group.BASELINE,
    f"{_PROVIDERS}:Slope",
    placebo=Placebo(f"{_PROVIDERS}:Slope", dealt_by="shuffle_labels"),
)
BOOSTED = Method("boosted", "Boosted", Group.BASELINE, f"{_PROVIDERS}:Boosted")


def method(key: str) -> Method:
    return next(one for one in METHODS if one.key == key)


#: Two months of test, and too short a training span for the committee to sit.
SMALL_SETS = (
    "spans={train: {start: 2022-10-08, end: 2023-10-31}, test: {start: 2023-11-01, end: 2023-12-31}}",
    "alpha.params.agents={least_sessions: 2000}",
    "alpha.refresh=month_end",
)


def small_config(*sets: str) -> RunConfig:
    return load_config("paper_sse50", sets=[*SMALL_SETS, *sets])


def small(*sets: str, null: int = 3) -> Experiment:
    methods = (SLOPE, BOOSTED, method("momentum"), method("equal_weight"))
    return Experiment(
        small_config(*sets), methods, seeds=2, null=null, shuffles=2, libraries=("paper_released",)
    )


def run(folder: Path, ledger: Path, *sets: str, null: int = 3, jobs: int = 1) -> Reproduction:
    return reproduce(small(*sets, null=null), at=AT, out=folder, ledger=ledger, jobs=jobs)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
