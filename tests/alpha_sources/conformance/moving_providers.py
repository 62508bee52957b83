"""Providers that something is lost of on the way into another process."""

from __future__ import annotations

import numpy as np

from alpha_sources.provider import AlphaProvider


class HoldsALock(AlphaProvider):
    def __init__(self) -> None:
        import threading

        self.lock = threading.Lock()

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class ForgetsOnPickling(AlphaProvider):
    def __init__(self) -> None:
        self.factor = 2.0

    def __getstate__(self):
        return {"factor": 1.0}

    def scores(self, view, snapshot):
        return view.field("close")[-1] * self.factor


class ByHash(AlphaProvider):
    """Strings hash differently in every process."""

    def scores(self, view, snapshot):
        return (
            np.array([hash(str(symbol)) % 1000 for symbol in view.symbols], float) + view.field("close")[-1]
        )
