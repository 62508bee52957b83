"""Sweeps: one back-test for every point of a grid of configuration values, in parallel, resumable.

>>> from alphaloom.sweep import sweep
>>> found = sweep("quickstart", {"strategy.params.topk": [10, 13, 20]}, out="runs/topk")
>>> found.frame

`grid` reads and multiplies values, `workers` runs points over processes, `folder` keeps what was done,
`report` draws it.
"""

from alphaloom.sweep.grid import parse_grid
from alphaloom.sweep.results import Point, Sweep
from alphaloom.sweep.run import sweep

__all__ = ["Point", "Sweep", "parse_grid", "sweep"]
