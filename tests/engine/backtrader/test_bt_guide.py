"""What docs/backtrader.md says is run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from bt_runs import ours, plain
from test_bt_same_as_plain import END, START, SYMBOL

GUIDE = (Path(__file__).parents[3] / "docs" / "backtrader.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    call, strategy = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    (tmp_path / "cross.py").write_text(f"import backtrader as bt\n{strategy}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(call.replace("path/to/", ""), {})
    assert "Result of" in capsys.readouterr().out


class One(bt.Strategy):
    params = (("kind", None),)

    def __init__(self) -> None:
        self.made = self.p.kind(self.getdatabyname(SYMBOL))
        self.seen: list[list[float]] = []

    def next(self) -> None:
        self.seen.append([line[0] for line in self.made.lines.lines])


KINDS = {
    kind
    for kind in vars(bt.indicators).values()
    if inspect.isclass(kind) and issubclass(kind, bt.Indicator) and not vars(kind).get("aliased")
}
SKIPPED = {"Ichimoku"}  # its chikou shows the future on plain backtrader


@pytest.mark.slow
def test_every_indicator_of_backtraders_has_the_same_values(sample: Any) -> None:
    """Those that need more than a feed to be made fail on both sides alike."""
    compared = 0
    for kind in sorted(KINDS, key=lambda kind: kind.__name__):
        if kind.__name__ in SKIPPED:
            continue
        mine = seen(lambda kind=kind: ours(sample, One, START, END, params={"kind": kind}).strategy)
        theirs = seen(lambda kind=kind: plain(sample, One, [SYMBOL], START, END, params={"kind": kind}))
        assert (mine is None) == (theirs is None), kind
        if mine is not None and theirs is not None:
            np.testing.assert_allclose(mine, theirs, err_msg=kind.__name__)
            compared += 1
    assert compared > 100


def seen(run: Any) -> np.ndarray | None:
    try:
        return np.array(run().seen)
    except Exception:
        return None
