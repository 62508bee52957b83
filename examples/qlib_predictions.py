"""Predictions made in Qlib, as a file that `scores_file` trades.

python qlib_predictions.py mlruns/1/RUN/artifacts/pred.pkl predictions.parquet
alphaloom backtest qlib_predictions.yaml

Qlib's pred.pkl is a frame indexed by (datetime, instrument), SH600519 and the like, with a column score. A
prediction dated t is made from bars up to t and traded in t + 1, in Qlib as here: nothing has to be shifted.
A pickle can run anything when it is opened, so alphaloom opens none; open your own only.
"""

import sys

import pandas as pd


def export(source, target):
    """Write the predictions in `source`, a pickled Series or frame, to the Parquet file `target`."""
    predictions = pd.read_pickle(source)
    if isinstance(predictions, pd.Series):
        predictions = predictions.to_frame("score")
    predictions[["score"]].dropna().to_parquet(target)


if __name__ == "__main__":
    export(*sys.argv[1:])
