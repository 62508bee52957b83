"""The bare loop: see bench_loop."""

from __future__ import annotations

from functools import partial

from bench_loop import in_fen, run_loop
from bench_peer import Folder, measure


def load(folder: Folder) -> partial:
    opens, closes = in_fen(folder.array("open")), in_fen(folder.array("close"))
    return partial(run_loop, opens, closes, folder.array("scores"), folder.topk, folder.n_drop)


def run(loop: partial) -> int:
    trades, _ = loop()
    return len(trades)


if __name__ == "__main__":
    measure(load, run)
