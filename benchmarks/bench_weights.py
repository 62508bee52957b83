"""Time the learning of weights: one refresh of each model at each size, and how much memory it takes.

    python benchmarks/bench_weights.py --json
    python benchmarks/bench_weights.py --sizes 300x750x100 --models mlp,gated --threads 2
    python benchmarks/bench_weights.py --device cuda --sizes 5000x2500x158 --models mlp,gated --epochs 10

A size is names x sessions x alphas. Alphas are centred ranks of noise, and labels hold a weak linear signal
that turns with the first feature of an eight-feature market state. Each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from alpha_sources.weights import Fitted, TrainingSet, WeightsConfig, fit  # noqa: E402

NOTES = """
models
  mlp, gated, experts, ridge, ic   with the settings that are the default
  mlp_rows                         the mlp in batches of 32 rows, one network: the paper's to the letter

columns
  seconds   wall clock of fit(), the import of torch apart; with --device cuda the copy to the card within it
  cpu_seconds  the processor's, of all threads: what a busy machine does not disturb
  score_ms  wall clock of scoring one session
  peak_mb   the most memory the process held, its data and torch included; on Linux alone
  epochs    passes until training ended

With --device cuda a training step is timed by itself, over whole epochs and after a first one:
  step_gb_s  bytes of the inputs that a step must read, once forward and once backward, a second
  copy_gb_s  bytes a second, read and written, of a copy from one gigabyte of the card's memory to another
  fraction   the one over the other
"""

SIZES = "50x500x30,300x750x100"
MODELS = ("mlp", "mlp_rows", "gated", "experts", "ridge", "ic")
FEATURES = 8
_CHUNK = 50


@dataclass(frozen=True)
class Measurement:
    """What one refresh took. What does not apply is None."""

    model: str
    names: int
    sessions: int
    alphas: int
    device: str
    threads: int
    seconds: float
    cpu_seconds: float
    score_ms: float
    peak_mb: float
    epochs: int | None = None
    validation_rank_ic: float | None = None
    step_gb_s: float | None = None
    copy_gb_s: float | None = None
    fraction: float | None = None

    def line(self) -> str:
        """Return one JSON object, without what does not apply."""
        return json.dumps({key: value for key, value in asdict(self).items() if value is not None})


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.one:
        print(_measure(options.one[0], options.one[1], options).line())
        return 0
    failed = False
    done = []
    for size in options.sizes.split(","):
        for model in options.models.split(","):
            command = [sys.executable, __file__, "--one", model, size, "--device", options.device]
            command += ["--threads", str(options.threads), "--seed", str(options.seed)]
            command += ["--epochs", str(options.epochs)] if options.epochs else []
            ran = subprocess.run(command, capture_output=True, text=True)
            if ran.returncode:
                reason = (ran.stderr.strip() or f"ended with {ran.returncode}").splitlines()[-1]
                print(f"{model} {size}: failed: {reason}", file=sys.stderr)
                failed = True
                continue
            line = ran.stdout.strip().splitlines()[-1]
            done.append(json.loads(line))
            if options.json:
                print(line, flush=True)
    if not options.json:
        print(_table(done))
    return int(failed)


def market(names: int, sessions: int, alphas: int, seed: int) -> TrainingSet:
    """Make a training set whose right weights turn with the first feature of the market state."""
    random = np.random.default_rng(seed)
    state = random.normal(size=(sessions, FEATURES))
    right = random.normal(size=alphas)
    right /= np.linalg.norm(right)
    panel = np.empty((sessions, names, alphas), dtype=np.float32)
    labels = np.empty((sessions, names))
    for first in range(0, sessions, _CHUNK):
        part = panel[first : first + _CHUNK]
        part[:] = (random.random(part.shape, dtype=np.float32).argsort(axis=1) + 0.5) / names - 0.5
        turned = np.sign(state[first : first + _CHUNK, :1])
        signal = part @ right.astype(np.float32) * np.sqrt(12) * turned
        labels[first : first + _CHUNK] = 0.02 * (0.06 * signal + random.normal(size=signal.shape))
    labels[-2:] = np.nan
    return TrainingSet(panel, labels, state, None, tuple(f"alpha_{i}" for i in range(1, alphas + 1)))


def settings(model: str, options: argparse.Namespace) -> WeightsConfig:
    """Return the configuration of a model of `MODELS`."""
    said: dict[str, Any] = {"model": model, "device": options.device, "threads": options.threads}
    if model == "mlp_rows":
        said |= {"model": "mlp", "batch_of": "rows", "ensemble": 1}
    if options.epochs:
        said |= {"epochs": options.epochs}
    return WeightsConfig(**said)


def _measure(model: str, size: str, options: argparse.Namespace) -> Measurement:
    names, sessions, alphas = (int(part) for part in size.split("x"))
    data = market(names, sessions, alphas, options.seed)
    config = settings(model, options)
    import torch  # noqa: F401 - its import is not timed

    begun, cpu_begun = time.perf_counter(), time.process_time()
    fitted = fit(data, config, seed=options.seed)
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
    report = fitted.report
    card = _card(data, config, options.seed) if report["device"] == "cuda" else {}
    return Measurement(
        model,
        names,
        sessions,
        alphas,
        str(report["device"]),
        options.threads,
        round(seconds, 3),
        round(cpu_seconds, 3),
        round(_score_ms(fitted, data), 3),
        round(_peak_mb(), 1),
        len(report["losses"]) if "losses" in report else None,
        report.get("validation_rank_ic"),
        **card,
    )


def _score_ms(fitted: Fitted, data: TrainingSet) -> float:
    row = slice(data.sessions - 1, data.sessions)
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        fitted.scores(data.alphas[row], data.state[row])
        took.append(time.perf_counter() - begun)
    return 1e3 * min(took)


def _card(data: TrainingSet, config: WeightsConfig, seed: int) -> dict[str, float]:
    """Bytes a second of training steps and of a plain copy."""
    import torch

    from alpha_sources.weights.adam import Adam
    from alpha_sources.weights.batches import training_batches
    from alpha_sources.weights.losses import loss_of
    from alpha_sources.weights.networks import network_of
    from alpha_sources.weights.sample import gather

    if not config.model.is_network:
        return {}
    device = torch.device("cuda")
    generator = torch.Generator().manual_seed(seed)
    sample = gather(data, config, np.random.default_rng(seed))
    network = network_of(config, sample.x.shape[2], sample.state.shape[1])
    begun = {name: value.to(device) for name, value in network.begin(generator).items()}
    adam = Adam(begun, network.penalty, config.learning_rate)
    batches = training_batches(sample, config, device, generator)
    loss = loss_of(config, generator)

    def epoch() -> int:
        read = 0
        for batch in batches:
            scores = network.scores(adam.parameters(), batch.x, batch.state)
            adam.step(loss(scores, batch.target, batch.counted).sum())
            read += 2 * batch.x.nbytes
        torch.cuda.synchronize()
        return read

    epoch()
    begun = time.perf_counter()
    read = epoch() + epoch()
    step = read / (time.perf_counter() - begun)
    source = torch.empty(1 << 28, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(10):
        target.copy_(source)
    torch.cuda.synchronize()
    copied = 20 * source.nbytes / (time.perf_counter() - begun)
    return {
        "step_gb_s": round(step / 1e9, 1),
        "copy_gb_s": round(copied / 1e9, 1),
        "fraction": round(step / copied, 3),
    }


def _peak_mb() -> float:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _table(done: Sequence[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for line in done for key in line))
    cells = [columns, *([str(line.get(key, "")) for key in columns] for line in done)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in cells)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=NOTES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=SIZES, help="names x sessions x alphas, by commas")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--device", default="cpu", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="at most so many; default: that of the configuration")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--one", nargs=2, metavar=("MODEL", "SIZE"), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
