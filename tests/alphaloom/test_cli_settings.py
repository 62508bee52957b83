"""docs/configuration.md against the models, and every key of it against the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_helpers import ROOT, Cli

from alpha_sources.llm.config import Profile, Retries
from alphaloom.config import RunConfig
from engine.errors import AlphaloomError
from engine.market.config import DataConfig
from live.config import LiveConfig
from strategies.benchmarks import BuyAndHoldSettings, EqualWeightSettings
from strategies.topk_dropn import TopkDropnSettings

SECTIONS = {
    name: f.annotation for name, f in RunConfig.model_fields.items() if hasattr(f.annotation, "model_fields")
}
STRATEGIES = {
    "topk_dropn": TopkDropnSettings,
    "equal_weight": EqualWeightSettings,
    "buy_and_hold": BuyAndHoldSettings,
}


def documented() -> Iterator[tuple[str, str, str]]:
    """(table, key, default cell) of every row; a table is a section or a strategy."""
    table = ""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for line in text.split("## What is in a run folder")[0].splitlines():
        if heading := re.fullmatch(r"## (.+)|Of `(\w+)`:", line):
            table = heading[1] or heading[2]
        elif row := re.fullmatch(r"\| `(\w+)` \| (.*?) ?\| .*\|", line):
            yield table, row[1], row[2]


ROWS = list(documented())


def keys_of(table: str) -> list[str]:
    return [key for name, key, _ in ROWS if name == table]


def model_of(table: str) -> Any:
    return RunConfig if table == "Top level" else SECTIONS.get(table) or STRATEGIES[table]


@pytest.mark.parametrize("table", ["Top level", *SECTIONS, *STRATEGIES])
def test_the_documentation_lists_exactly_the_keys_there_are(table: str) -> None:
    known = [key for key in model_of(table).model_fields if key not in SECTIONS or table != "Top level"]
    assert sorted(keys_of(table)) == sorted(known)


def test_the_documentation_has_no_other_table() -> None:
    assert {table for table, _, _ in ROWS} == {"Top level", *SECTIONS, *STRATEGIES}


@pytest.mark.parametrize(("table", "key", "cell"), ROWS, ids=[f"{table}.{key}" for table, key, _ in ROWS])
def test_the_documented_default_is_the_default(table: str, key: str, cell: str) -> None:
    model = model_of(table)
    default = getattr(model(), key)
    plain = re.fullmatch(r"`([^`]*)`|([\d.,]+)|(true|false)", cell)
    if plain is None:
        # in words: nothing, or what is worked out from the rest
        assert default in (None, {}), cell
        return
    said = yaml.safe_load(plain[1] or cell.replace(",", ""))
    assert getattr(model(**{key: said}), key) == default


def test_the_described_defaults_are_what_is_worked_out() -> None:
    assert RunConfig().index == "000016.SH"
    assert RunConfig(data=DataConfig(source="file", path=Path("x"))).index is None
    assert RunConfig().resolved_data().universe == "sse50"


_CHANNELS = "[{name: a, url_env: A_URL}]"
_PROFILES = "{a: {base_url: http://h/v1, model: m}}"
#: A value other than the default for every key, as written after --set, and what it becomes.
CHANGES: dict[str, tuple[str, Any]] = {
    "name": ("other", "other"),
    "seed": ("7", 7),
    "benchmark": ("000300.SH", "000300.SH"),
    "spans": (
        "{train: {start: 2021-01-04, end: 2021-12-31}, test: {start: 2022-01-04, end: 2022-12-30}}",
        {
            "train": {"start": date(2021, 1, 4), "end": date(2021, 12, 31)},
            "valid": None,
            "test": {"start": date(2022, 1, 4), "end": date(2022, 12, 30)},
        },
    ),
    "data.source": ("file", "file"),
    "data.path": ("bars.csv", "HERE/bars.csv"),
    "data.universe": ("[600519.SH, 000001]", ["600519.SH", "000001"]),
    "data.membership": ("m.csv", "HERE/m.csv"),
    "data.instruments": ("/i.csv", "/i.csv"),
    "data.actions": ("a.csv", "HERE/a.csv"),
    "data.fundamentals": ("[f.csv, g.csv]", ["HERE/f.csv", "HERE/g.csv"]),
    "data.index": ("../i.csv", "HERE/../i.csv"),
    "data.special_sessions": ("s.csv", "HERE/s.csv"),
    "data.code_changes": ("c.csv", "HERE/c.csv"),
    "data.macro": ("macro.csv", "HERE/macro.csv"),
    "data.texts": ("texts.csv", "HERE/texts.csv"),
    "data.calendar_extra": ("sessions.csv", "HERE/sessions.csv"),
    "data.columns": ("{open: 开盘}", {"open": "开盘"}),
    "data.columns.close": ("收盘", "收盘"),
    "data.units": ("lots", "lots"),
    "data.calendar": ("data", "data"),
    "data.tick": ("0.001", 0.001),
    "span.start": ("2022-01-04", date(2022, 1, 4)),
    "span.end": ("2022-12-30", date(2022, 12, 30)),
    "alpha.provider": ("scores_file", "scores_file"),
    "alpha.params": ("{formulas: [close]}", {"formulas": ["close"], "normalise": "rank"}),
    "alpha.params.formulas": ("[close, open]", ["close", "open"]),
    "alpha.params.normalise": ("zscore", "zscore"),
    "alpha.refresh": ("every 20", "every 20"),
    "strategy.name": ("mine.py:Mine", "HERE/mine.py:Mine"),
    "strategy.params": ("{topk: 3}", {"topk": 3, "n_drop": 5}),
    "broker.cash": ("1e6", 1e6),
    "broker.fill": ("{sell: close, buy: vwap}", {"sell": "close", "buy": "vwap"}),
    "broker.fill.buy": ("close", "close"),
    "broker.fees": ("{buy: 0.001, sell: 0.002}", {"buy": 0.001, "sell": 0.002, "minimum": 0}),
    "broker.fees.commission": ("0.0003", 0.0003),
    "broker.slippage_bps": ("0", 0),
    "broker.sizing": ("at_decision", "at_decision"),
    "broker.participation": ("0.1", 0.1),
    "broker.order_sessions": ("3", 3),
    "broker.lot": ("1", 1),
    "broker.dividend_tax": ("true", True),
    "broker.rights": ("lapse", "lapse"),
    "broker.compat": ("qlib", "qlib"),
    "broker.limit_threshold": ("0.2", 0.2),
    "llm.mode": ("replay", "replay"),
    "llm.profiles": (_PROFILES, {"a": Profile(base_url="http://h/v1", model="m").model_dump()}),
    "llm.profiles.a.model": ("other", "other"),
    "llm.profile": ("a", "a"),
    "llm.cassette": ("c.db", "HERE/c.db"),
    "llm.budget": ("{calls: 3}", {"calls": 3, "tokens": None, "money": None}),
    "llm.repairs": ("0", 0),
    "llm.retries": ("{attempts: 2}", Retries(attempts=2).model_dump()),
    **{f"strategy.params.{key}": ("3", 3) for key in TopkDropnSettings.model_fields},
    "live.sync_at": ("'17:30'", time(17, 30)),
    "live.sync_tables": ("[texts]", ["texts"]),
    **{f"live.{key}": ("20", 20) for key in LiveConfig.model_fields if not key.startswith("sync")},
    "quotes.sources": ("[sina, tencent]", ["sina", "tencent"]),
    "quotes.allow_one_source": ("true", True),
    **{f"quotes.{key}": ("0.5", 0.5) for key in ("max_age_s", "clock_tolerance_s", "least_coverage")},
    **{f"quotes.{key}": ("2", 2) for key in ("tolerance_ticks", "connect_s", "read_s", "deadline_s")},
    **{f"protections.{key}": ("0.2", 0.2) for key in ("max_weight", "daily_loss_stop", "turnover_cap")},
    "protections.stale_data_stop": ("1", 1),
    "protections.block_list": ("[600519.SH]", ["600519.SH"]),
    "protections.block_sales": ("true", True),
    "protections.kill_switch": ("/stop", "/stop"),
    "protections.kill_switch_sales": ("true", True),
    "notify.enabled": ("true", True),
    "notify.channels": (_CHANNELS, [{"name": "a", "url_env": "A_URL", "kinds": [], "level": "info"}]),
    **{f"notify.{key}": ("7", 7) for key in ("repeat_after_s", "most_per_hour", "deadline_s")},
}  # fmt: skip


_LIKE_QLIB = ["broker.fees={buy: 0, sell: 0}", "broker.slippage_bps=0"]
#: What else must be set for a change to make sense.
NEEDS = {
    "broker.compat": _LIKE_QLIB,
    "broker.limit_threshold": ["broker.compat=qlib", *_LIKE_QLIB],
    "protections.block_sales": ["protections.block_list=[600519.SH]"],
    "protections.kill_switch_sales": ["protections.kill_switch=/stop"],
    "notify.enabled": [f"notify.channels={_CHANNELS}"],
    **{key: [f"llm.profiles={_PROFILES}"] for key in ("llm.mode", "llm.profile", "llm.profiles.a.model")},
}


def test_every_documented_key_has_a_change_to_try() -> None:
    prefix = {"Top level": "", "topk_dropn": "strategy.params."}
    wanted = {
        prefix.get(table, f"{table}.") + key
        for table, key, _ in ROWS
        if table not in ("equal_weight", "buy_and_hold")
    }
    assert wanted <= CHANGES.keys()


class _SeenError(AlphaloomError):
    """The run would have begun."""


@pytest.mark.parametrize("key", CHANGES)
def test_set_reaches_the_run(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    seen: list[RunConfig] = []

    def run(settings: RunConfig, **_: Any) -> None:
        seen.append(settings)
        raise _SeenError

    monkeypatch.setattr("alphaloom.api.backtest", run)
    text, expected = CHANGES[key]
    needs = [word for need in NEEDS.get(key, []) for word in ("--set", need)]
    cli("backtest", *needs, "--set", f"{key}={text}")
    value: Any = seen[0].model_dump()
    for part in key.split("."):
        value = value[part]
    assert comparable(value) == comparable(expected, tmp_path)


def comparable(value: Any, here: Path | None = None) -> Any:
    if isinstance(value, dict):
        return {key: comparable(item, here) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(item, here) for item in value]
    if isinstance(value, Path | str):
        text = str(value)
        return text.replace("HERE", str(here)) if here else text
    return value
