"""Compare models and inputs on the bundled sample, inside its training span: no session of 2023 is read.

    python benchmarks/weights_inputs.py --json

Alphas are the seeds of ``paper_seeds`` that have values, as centred ranks. Every 20 sessions weights are
learned from all member-sessions before, as in a back-test, and score the 20 sessions that follow; the first
time after 250. `rank_ic` is the mean over those sessions and models' seeds, `error` its standard error over
sessions (neighbouring labels do not overlap at a horizon of one session).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from alpha_sources.evaluation import forward_returns  # noqa: E402
from alpha_sources.formula import FormulaError, evaluate  # noqa: E402
from alpha_sources.libraries import load_library  # noqa: E402
from alpha_sources.market_state import market_state  # noqa: E402
from alpha_sources.treatment import Treatment  # noqa: E402
from alpha_sources.weights import TrainingSet, WeightsConfig, fit  # noqa: E402
from alphaloom import load_panel  # noqa: E402
from engine.metrics import rank_ic  # noqa: E402

END = np.datetime64("2022-12-31")
EVERY, FIRST = 20, 250
PRICES = {
    "return_1": "close / delay(close, 1) - 1",
    "return_5": "close / delay(close, 5) - 1",
    "return_20": "close / delay(close, 20) - 1",
    "volatility_20": "ts_std(returns, 20)",
}
MODELS = ("equal", "ic", "ridge", "mlp", "gated", "experts")


def whole() -> TrainingSet:
    """All sessions with a known universe up to the end of 2022; labels that lie later are NaN."""
    panel = load_panel("sse50")
    view = panel.view(int(np.searchsorted(panel.dates, END)) - 1)
    labels = forward_returns(view)
    treatment, nobody = Treatment(), np.zeros(len(view.symbols))
    names, alphas = [], []
    for entry in load_library("paper_seeds"):
        try:
            values = evaluate(entry.parsed, view)[0]
        except FormulaError:
            continue
        treated = treatment.apply(view.universe, values, nobody, None)
        if np.isfinite(treated).any():
            names.append(entry.name)
            alphas.append(treated.astype(np.float32))
    prices = np.stack([evaluate(text, view)[0] for text in PRICES.values()], axis=2)
    state = market_state(view, "000016.SH")
    first = int(np.argmax(view.universe.any(axis=1)))
    return TrainingSet(
        np.stack(alphas, axis=2)[first:],
        labels[first:],
        state.values[first:],
        prices[first:],
        tuple(names),
        1,
        state.names,
        tuple(PRICES),
    )


def until(data: TrainingSet, stop: int) -> TrainingSet:
    """The rows before `stop`, with the labels that their last one knows."""
    labels = data.labels[:stop].copy()
    labels[-data.purge :] = np.nan
    prices = None if data.prices is None else data.prices[:stop]
    return TrainingSet(
        data.alphas[:stop],
        labels,
        data.state[:stop],
        prices,
        data.names,
        data.horizon_sessions,
        data.state_names,
        data.price_names,
    )


def walked(data: TrainingSet, config: WeightsConfig, seed: int) -> np.ndarray:
    """Rank IC of every session that follows a refresh."""
    fitted, found = None, []
    for stop in range(FIRST, data.sessions - data.purge, EVERY):
        fitted = fit(until(data, stop), config, seed=seed, previous=fitted)
        rows = slice(stop, min(stop + EVERY, data.sessions - data.purge))
        prices = None if data.prices is None else data.prices[rows]
        found.append(rank_ic(fitted.scores(data.alphas[rows], data.state[rows], prices), data.labels[rows]))
    return np.concatenate(found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args(arguments)
    data = whole()
    for model in options.models.split(","):
        for inputs in ("alphas",) if model in ("equal", "ic") else ("alphas", "alphas+prices"):
            config = WeightsConfig(model=model, inputs=inputs, device="cpu")
            seeds = options.seeds if config.model.is_network else 1
            ics = np.mean([walked(data, config, seed) for seed in range(seeds)], axis=0)
            known = ics[np.isfinite(ics)]
            line = {
                "model": model,
                "inputs": inputs,
                "alphas": len(data.names),
                "sessions": len(known),
                "rank_ic": round(float(known.mean()), 4),
                "error": round(float(known.std(ddof=1) / np.sqrt(len(known))), 4),
            }
            text = json.dumps(line) if options.json else "  ".join(f"{v!s:>14}" for v in line.values())
            print(text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
