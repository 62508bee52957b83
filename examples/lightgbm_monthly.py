"""Gradient-boosted trees on prices and turnover, learned anew at every month's end.

pip install 'alphaloom[boost]'
alphaloom backtest examples/lightgbm_monthly.yaml
"""

from functools import lru_cache

import lightgbm
import numpy as np

from alphaloom import AlphaProvider, Snapshot

LOOKBACK = 120
LEARNING = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 200,
    "verbosity": -1,
    # the same data must give the same trees
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}


def features(view):
    """What is known of every stock at the view's close, (stocks, features)."""
    close = view.adjusted("close")[-1 - LOOKBACK :]
    turnover = view.field("turnover")[-LOOKBACK:]
    returns = close[1:] / close[:-1] - 1
    columns = [
        close[-1] / close[-6] - 1,
        close[-1] / close[-21] - 1,
        close[-1] / close[-61] - 1,
        close[-1] / close.max(axis=0),
        returns[-20:].std(axis=0),
        returns[-60:].std(axis=0),
        turnover[-5:].mean(axis=0) / turnover.mean(axis=0),
    ]
    return np.column_stack(columns)


@lru_cache(maxsize=2)
def read_trees(text):
    """Trees from their text; the same text gives the same trees, so they may be kept."""
    return lightgbm.Booster(model_str=text)


class LightGBMMonthly(AlphaProvider):
    """Predicts the return of the next `horizon` sessions, relative to the universe."""

    def __init__(self, horizon: int = 10, window: int = 480, trees: int = 100) -> None:
        self.horizon, self.window, self.trees = horizon, window, trees
        self.history = LOOKBACK

    def labelled_rows(self, t):
        """Sessions to learn from at the close of `t`: those whose label is realised by then.

        A decision at the close of s buys at the open of s + 1 and is judged at the open of s + 1 + horizon.
        """
        last = t - 1 - self.horizon
        return range(max(LOOKBACK, last + 1 - self.window), last + 1)

    def refresh(self, view, previous):
        """Learn from the last `window` sessions; the snapshot holds the trees as text."""
        opens = view.adjusted("open")
        known, outcome = [], []
        for row in self.labelled_rows(view.t):
            forward = opens[row + 1 + self.horizon] / opens[row + 1] - 1
            members = view.universe[row] & np.isfinite(forward)
            if members.any():
                known.append(features(view.view(row))[members])
                outcome.append(forward[members] - forward[members].mean())
        if len(known) < 60:
            return None  # too little to learn from: no opinion yet
        data = lightgbm.Dataset(np.concatenate(known), np.concatenate(outcome))
        trees = lightgbm.train(LEARNING, data, num_boost_round=self.trees)
        return Snapshot(payload={"trees": trees.model_to_string(), "sessions": len(known)})

    def scores(self, view, snapshot):
        """What the trees of the last refresh predict, (stocks,)."""
        if snapshot is None or len(view) <= LOOKBACK:
            return np.full(len(view.symbols), np.nan)
        known = features(view)
        predicted = read_trees(snapshot.payload["trees"]).predict(known)
        return np.where(np.isfinite(known).all(axis=1), predicted, np.nan)
