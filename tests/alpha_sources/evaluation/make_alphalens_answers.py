"""Write the answer file of alphalens-reloaded: its IC, quantile means and rank autocorrelation.

    python tests/alpha_sources/evaluation/make_alphalens_answers.py PYTHON_WITH_ALPHALENS

``alphalens_answers.npz`` holds the inputs too, so that no random generator has to stay as it is.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ANSWERS = Path(__file__).with_name("alphalens_answers.npz")
RUNNER = Path(__file__).resolve().parents[3] / "benchmarks" / "peers" / "run_alphalens.py"
HORIZONS = (1, 5)
SESSIONS, NAMES = 60, 23


def main(python: str) -> None:
    random = np.random.default_rng(11)
    prices = np.round(20 * np.exp(np.cumsum(random.normal(0, 0.02, (SESSIONS, NAMES)), axis=0)), 2)
    alphas = random.normal(size=(2, SESSIONS, NAMES))
    alphas[1] = np.cumsum(alphas[1], axis=0)
    alphas[1][random.random(alphas[1].shape) < 0.1] = np.nan
    # sessions of one quarter without a holiday: alphalens guesses the calendar
    dates = np.busday_offset("2023-07-03", np.arange(SESSIONS))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, array in (("alphas", alphas), ("prices", prices), ("dates", dates)):
            np.save(folder / f"{name}.npy", array)
        horizons = ",".join(map(str, HORIZONS))
        subprocess.run([python, str(RUNNER), str(folder), "--horizons", horizons], check=True)
        with np.load(folder / "alphalens.npz") as answers:
            np.savez_compressed(ANSWERS, alphas=alphas, prices=prices, dates=dates, **answers)


if __name__ == "__main__":
    main(sys.argv[1])
