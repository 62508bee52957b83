from __future__ import annotations

import re
from pathlib import Path

from alpha_sources.weights import WeightsConfig

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "weights.md").read_text(encoding="utf-8")


def test_the_example_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    scope = {}
    exec(code, scope)
    assert scope["fitted"].weights(scope["data"].state[-1:]).shape == (1, 4)
    assert scope["again"].payload == scope["fitted"].payload


def test_every_setting_is_explained_with_its_default():
    learning = PAGE.split("## Learning")[1].split("\n## ")[0]
    rows = [line for line in learning.splitlines() if line.startswith("| `")]
    for name, field in WeightsConfig.model_fields.items():
        if name == "model":
            assert f"`{WeightsConfig().model}`" in PAGE
            continue
        said = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        assert len(said) == 1, name
        if field.default is None:
            continue
        default = (
            str(field.default).lower()
            if isinstance(field.default, bool)
            else f"{field.default:g}"
            if isinstance(field.default, float)
            else str(field.default)
        )
        assert default in said[0].split("|")[2], name
