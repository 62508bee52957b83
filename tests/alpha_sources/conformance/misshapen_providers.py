"""Providers that give something else than a row of scores, or nothing ever."""

from __future__ import annotations

import os
import time

import numpy as np
import pandas as pd

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot


class Saying(AlphaProvider):
    """Gives the closes, in the form that `kind` names."""

    def __init__(self, kind: str = "float") -> None:
        self.kind = kind

    def scores(self, view, snapshot):
        close = view.field("close")[-1]
        forms = {
            "float": lambda: close,
            "float32": lambda: close.astype(np.float32),
            "list": lambda: list(close),
            "series": lambda: pd.Series(close, index=view.symbols),
            "int": lambda: np.nan_to_num(close).astype(int),
            "other order": lambda: pd.Series(close, index=view.symbols).sort_values(),
            "members": lambda: close[view.universe[-1]],
            "column": lambda: close[:, None],
            "text": lambda: close.astype(str),
            "bool": lambda: close > 10,
            "dict": lambda: dict(zip(view.symbols, close, strict=True)),
            "none": lambda: None,
            "masked": lambda: np.ma.masked_less(close, 20),
            "infinite": lambda: np.where(view.universe[-1], np.inf, close),
            "nan": lambda: np.full(len(close), np.nan),
            "same": lambda: np.zeros(len(close)),
            "ragged": lambda: [[1.0], [2.0, 3.0]],
            "object": lambda: close.astype(object),
            "frame": lambda: pd.DataFrame({"score": close}, index=view.symbols),
            "too many": lambda: np.append(close, 1.0),
            "three": lambda: np.where(np.cumsum(view.universe[-1]) <= 3, close, np.nan),
        }
        return forms[self.kind]()


class Raising(AlphaProvider):
    def scores(self, view, snapshot):
        raise KeyError("close_adj")


class RaisesOnShortViews(AlphaProvider):
    history = 20

    def scores(self, view, snapshot):
        return view.field("close")[-21]


class Leaving(AlphaProvider):
    def scores(self, view, snapshot):
        raise SystemExit(3)


class Odd(BaseException):
    """No Exception, so that whoever catches those does not see it."""


class Interrupting(AlphaProvider):
    def scores(self, view, snapshot):
        raise KeyboardInterrupt


class OddWhenMade(AlphaProvider):
    def __init__(self) -> None:
        raise Odd("not me")

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class OddHistory(AlphaProvider):
    @property
    def history(self):
        raise Odd("not now")

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class EndlessPanel(AlphaProvider):
    def scores(self, view, snapshot):
        return view.field("close")[-1]

    def scores_panel(self, view, snapshot, start):
        return np.full((view.t + 1 - start, len(view.symbols)), np.inf)


class Hanging(AlphaProvider):
    def scores(self, view, snapshot):
        while True:
            time.sleep(0.01)


class HangingRefresh(AlphaProvider):
    def refresh(self, view, previous):
        time.sleep(3600)

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class HangingWhenMade(AlphaProvider):
    def __init__(self) -> None:
        time.sleep(3600)

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class Dying(AlphaProvider):
    def scores(self, view, snapshot):
        os._exit(7)


class LearnsADict(AlphaProvider):
    def refresh(self, view, previous):
        return {"weights": [1, 2]}

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class LearnsAnObject(AlphaProvider):
    def refresh(self, view, previous):
        return Snapshot(payload={"model": object()})

    def scores(self, view, snapshot):
        return view.field("close")[-1]
