"""Replays for the tests: accounts played over recorded days, and the back-tests they must equal."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import alphaloom
from alphaloom import paper
from alphaloom.config import RunConfig, load_config
from engine.span import SpanConfig

#: June 2023 has dividends and a bonus issue, November and December are quiet
JUNE = date(2023, 6, 1), date(2023, 6, 30)


def settings_of(config: Any = "reversal", *sets: str) -> RunConfig:
    return load_config(config, sets=list(sets))


def play(settings: RunConfig, days: tuple[date, date], url: str, out: Path | None = None, **told: Any) -> Any:
    return paper.replay(settings, *days, url=url, account="demo", out=out, **told)


def back_test(settings: RunConfig, days: tuple[date, date], folder: Path) -> Path:
    """Write the back-test of the same days."""
    spanning = settings.model_copy(update={"span": SpanConfig(start=days[0], end=days[1])})
    return alphaloom.backtest(spanning).save(folder)


def assert_same_files(ours: Path, theirs: Path, names: tuple[str, ...] = ("equity", "fills")) -> None:
    for name in names:
        file = f"{name}.parquet"
        assert (ours / file).read_bytes() == (theirs / file).read_bytes(), name
