"""alphalens-reloaded on alphas and prices in plain arrays; needs nothing but the peer.

    PYTHON run_alphalens.py FOLDER --horizons 1,5,10,20 --quantiles 5

FOLDER holds ``alphas.npy`` (A, T, N), NaN where a name does not count, ``prices.npy`` (T, N), the price at
which a decision of each session is filled, and ``dates.npy``. Writes ``alphalens.npz`` into it: rank IC,
quantile means and rank autocorrelation, NaN where alphalens has nothing; prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from alphalens import performance, utils

warnings.simplefilter("ignore")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--horizons", required=True)
    parser.add_argument("--quantiles", type=int, default=5)
    options = parser.parse_args()
    horizons = [int(part) for part in options.horizons.split(",")]
    alphas, prices, dates = (np.load(options.folder / f"{n}.npy") for n in ("alphas", "prices", "dates"))
    days = pd.DatetimeIndex(dates.astype("datetime64[ns]"), name="date")
    names = pd.Index([f"s{i:05d}" for i in range(prices.shape[1])], name="asset")
    frame = pd.DataFrame(prices, days, names)
    shape = len(alphas), len(days)
    out = {
        "rank_ic": np.full((*shape, len(horizons)), np.nan),
        "quantiles": np.full((*shape, len(horizons), options.quantiles), np.nan),
        "autocorrelation": np.full(shape, np.nan),
    }
    seconds = []
    for a, values in enumerate(alphas):
        factor = pd.DataFrame(values, days, names).stack().dropna()
        clock = time.perf_counter()
        data = utils.get_clean_factor_and_forward_returns(
            factor,
            frame,
            quantiles=options.quantiles,
            periods=horizons,
            filter_zscore=None,
            max_loss=1.0,
        )
        ic = performance.factor_information_coefficient(data)
        means, _ = performance.mean_return_by_quantile(data, by_date=True, demeaned=False)
        autocorrelation = performance.factor_rank_autocorrelation(data, period=1)
        performance.quantile_turnover(data["factor_quantile"], options.quantiles, period=1)
        seconds.append(time.perf_counter() - clock)
        out["rank_ic"][a] = ic.reindex(days).to_numpy()
        for q in range(options.quantiles):
            out["quantiles"][a, :, :, q] = means.xs(q + 1, level=0).reindex(days).to_numpy()
        out["autocorrelation"][a] = autocorrelation.reindex(days).to_numpy()
    np.savez(options.folder / "alphalens.npz", **out)
    print(json.dumps({"seconds_per_alpha": seconds}))


if __name__ == "__main__":
    main()
