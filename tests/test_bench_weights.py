"""The benchmark of weights measures what it says, and what fails is said."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_weights

    return bench_weights


def test_the_market_has_a_signal_that_turns_with_its_state(bench: ModuleType) -> None:
    data = bench.market(40, 120, 3, seed=2)
    assert data.alphas.shape == (120, 40, 3)
    turned = np.where(data.state[:-2, 0] > 0, 1.0, -1.0)
    each = [[np.corrcoef(data.alphas[t, :, a], data.labels[t])[0, 1] for a in range(3)] for t in range(118)]
    assert np.abs((turned[:, None] * each).mean(axis=0)).max() > 3 / np.sqrt(118 * 40)


def test_a_model_at_a_size_is_one_line_of_json(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    for model in ("mlp_rows", "gated", "ridge"):
        assert bench.main(["--one", model, "15x120x3", "--epochs", "2"]) == 0
        line = json.loads(capsys.readouterr().out)
        assert (line["model"], line["names"], line["sessions"], line["alphas"]) == (model, 15, 120, 3)
        assert line["seconds"] > 0
        assert line.get("epochs") == (None if model == "ridge" else 2)


def test_a_run_that_fails_is_named(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--models", "ridge", "--sizes", "15x40x3", "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "ridge 15x40x3: failed: " in said.err
    assert "sessions for training" in said.err
