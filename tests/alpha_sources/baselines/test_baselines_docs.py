"""The page on baselines says what is so."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import alpha_sources.baselines as baselines

PAGE = (Path(__file__).parents[3] / "docs" / "baselines.md").read_text(encoding="utf-8")
CLASSES = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE))
COMMON = re.findall(r"`(\w+)=([^`]*)`", PAGE.split("Those of all that learn:")[1].split("Besides")[0])


def defaults(name: str) -> dict[str, str]:
    parameters = inspect.signature(getattr(baselines, CLASSES[name])).parameters.values()
    return {parameter.name: str(parameter.default) for parameter in parameters}


def test_every_baseline_is_on_the_page():
    assert set(CLASSES.values()) == set(baselines.__all__) - {"MissingExtraError"}


def test_the_page_lists_every_parameter_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| (`\w+=.*) \|$", PAGE, re.MULTILINE))
    assert set(rows) == set(CLASSES) - {"momentum"}
    for name, row in rows.items():
        assert dict(COMMON) | dict(re.findall(r"`(\w+)=([^`]*)`", row)) == defaults(name)
    assert dict(re.findall(r"`(\w+)=([^`]*)`", PAGE.split("`momentum` learns nothing:")[1])) == defaults(
        "momentum"
    )
