"""Honest providers that learn little: a sign, a count, a date, the state of the market, who is a member."""

from __future__ import annotations

import numpy as np
from peeking_providers import Momentum

from alpha_sources.snapshot import Snapshot


class Coarse(Momentum):
    """Yesterday's move, as it is or turned round."""

    def __init__(self) -> None:
        super().__init__(1)

    def learned(self, view):
        raise NotImplementedError

    def refresh(self, view, previous):
        return Snapshot(payload={"learned": self.learned(view)})

    def up(self, learned):
        return learned > 0

    def scores(self, view, snapshot):
        move = super().scores(view, None)
        return move if self.up(snapshot.payload["learned"]) else -move


class Sign(Coarse):
    """Whether yesterday's winners won today, over the last sessions."""

    def learned(self, view):
        close = view.field("close")[-61:]
        move = close[1:] / close[:-1] - 1
        known = np.isfinite(move[1:]) & np.isfinite(move[:-1])
        return int(np.sign(np.corrcoef(move[1:][known], move[:-1][known])[0, 1]))


class Count(Coarse):
    def learned(self, view):
        return view.t

    def up(self, learned):
        return learned % 2 == 0


class DatesItsModel(Coarse):
    """The date is learned and never used."""

    def learned(self, view):
        return str(view.session)

    def up(self, learned):
        return True


class StateOfTheIndex(Coarse):
    def learned(self, view):
        index = view.index("000016.SH")
        return float(index[-1] / index[-60:].mean() - 1)


class StateOfTheMarket(Coarse):
    """The same whichever name has which number."""

    def learned(self, view):
        return float(np.nanmedian(view.field("turnover")[-20:]) - np.nanmedian(view.field("turnover")))


class WhoIsAMember(Coarse):
    def learned(self, view):
        return [str(symbol) for symbol in view.symbols[view.universe[-1]]]

    def scores(self, view, snapshot):
        return np.where(np.isin(view.symbols, snapshot.payload["learned"]), view.field("close")[-1], np.nan)


class ByBoard(Momentum):
    """Nothing but a fact of each name."""

    def scores(self, view, snapshot):
        return np.array([sum(map(ord, str(name))) for name in view.instruments.names], float)
