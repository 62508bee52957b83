"""`TopkDropn`: hold the k best names, exchange at most n of them in a session."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from engine.broker.orders import Basket, OrderRequest, Side, SlotBuys
from engine.errors import ConfigError
from strategies.base import PanelStrategy, Settings, parameters
from strategies.selection import select


class TopkDropnSettings(Settings):
    """Parameters of Top-k/Drop-n.

    Parameters
    ----------
    topk, n_drop : int
        Names to hold, and how many may be exchanged in one session.
    risk_degree : float
        Share of the cash, after the sales of the session, that its buys may spend.
    hold_thresh : int
        Sessions a name is held at least before it may be sold.
    only_tradable : bool
        Choose only among names that traded in the session of the decision.
    weighting : str
        How the money is split among the buys of a session: ``equal``, or ``score``: in proportion to how far
        a score stands above the lowest in the universe.
    max_weight : float or None
        Largest share of the account that one buy may take.
    cash_buffer : float
        Share of the account that buys leave in cash.
    substitute : bool
        Whether the next candidate takes the slot of a buy that was refused.
    method_sell, method_buy : str
        ``bottom`` and ``top`` follow the scores; ``random`` draws, from `seed` and the day.
    forbid_all_trade_at_limit : bool or None
        Whether a stock at either limit can be neither bought nor sold; None: yes under ``compat: qlib``,
        else each side for itself.
    rebalance : str
        ``every_session``, ``every N``, ``weekly``, ``monthly``.
    """

    topk: int = Field(13, ge=1)
    n_drop: int = Field(5, ge=0)
    risk_degree: float = Field(0.95, gt=0, le=1)
    hold_thresh: int = Field(1, ge=1)
    only_tradable: bool = False
    weighting: Literal["equal", "score"] = "equal"
    max_weight: float | None = Field(None, gt=0, le=1)
    cash_buffer: float = Field(0.0, ge=0, lt=1)
    substitute: bool = False
    method_sell: Literal["bottom", "random"] = "bottom"
    method_buy: Literal["top", "random"] = "top"
    forbid_all_trade_at_limit: bool | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _drops_fewer_than_it_holds(self) -> TopkDropnSettings:
        if self.n_drop > self.topk:
            raise ValueError(f"n_drop {self.n_drop} is larger than topk {self.topk}")
        return self


class TopkDropn(PanelStrategy):
    """Top-k/Drop-n on a signal.

    At a close it chooses names to sell and ranked candidates to buy. In the next session the sales go first;
    the slots that are then really free are filled with equal shares of the cash. A refused buy leaves its
    slot empty and says why. A session on which the provider scores nothing is no decision.
    """

    settings = TopkDropnSettings
    params = parameters(TopkDropnSettings, signal=True)

    def start(self) -> None:
        """Refuse a portfolio that the universe can never fill."""
        if self.p.signal is None:
            raise ConfigError("topk_dropn needs a signal; set alpha.provider")
        largest = int(self.panel.universe[self.broker.origin : self.broker.last + 1].sum(axis=1).max())
        self._refuse_what_qlib_has_not()
        if self.config.topk > largest:
            raise ConfigError(
                f"strategy.params.topk: {self.config.topk} names cannot be held out of a universe of "
                f"{largest}; set it to {largest} or less"
            )

    def _refuse_what_qlib_has_not(self) -> None:
        """Under ``compat: qlib`` an option of ours that would do nothing is an error."""
        ours = ("weighting", "max_weight", "cash_buffer", "substitute")
        fields = self.settings.model_fields
        said = [key for key in ours if getattr(self.config, key) != fields[key].default]
        if self._like_qlib and said:
            raise ConfigError(
                f"strategy.params.{said[0]} has no counterpart in broker.compat qlib; leave it out"
            )

    def decide(self, row: int) -> None:
        """Write the session's basket from the scores at the close of `row`."""
        config, broker = self.config, self.broker
        scores = self.p.signal.scores_at(row)
        if not (scores == scores).any():
            return  # no opinion on anything is no reason to sell
        held = broker.held_columns
        chosen = select(
            scores,
            held,
            topk=config.topk,
            n_drop=config.n_drop,
            tradable=self._tradable(row) if config.only_tradable else None,
            method_sell=config.method_sell,
            method_buy=config.method_buy,
            rng=np.random.default_rng([config.seed, broker.prices.day]) if self._draws else None,
        )
        ripe = self._latest_ripe(row)
        symbols, bought_on = broker.prices.symbols, broker.account.bought_on
        ripened = [column for column in chosen.sell if (bought_on(symbols[column]) or 0) <= ripe]
        sells = broker.requests(ripened, Side.SELL, target_fen=0)
        # Qlib has no reserves: a buy that fails leaves its place, and its money, alone
        candidates = chosen.candidates[: chosen.wanted] if self._like_qlib else chosen.candidates
        buys = broker.requests(candidates, Side.BUY, value_fen=0)
        if sells or buys:
            broker.send(self, Basket(sells, self._slots(buys, chosen.wanted, scores), self._both_sides))

    @property
    def _like_qlib(self) -> bool:
        return self.broker.config.compat == "qlib"

    @property
    def _draws(self) -> bool:
        return "random" in (self.config.method_sell, self.config.method_buy)

    @property
    def _both_sides(self) -> bool:
        said: bool | None = self.config.forbid_all_trade_at_limit
        return self._like_qlib if said is None else said

    def _tradable(self, row: int) -> NDArray[np.bool_]:
        """Names that traded in the session of the decision; Qlib looks at the session to come."""
        if self._like_qlib:
            return self.broker.qlib_tradable()
        traded: NDArray[np.bool_] = self.panel.field("trading")[row] > 0
        return traded

    def _latest_ripe(self, row: int) -> int:
        """Day on which a name must have been bought to have been held long enough at the next session.

        Held for `hold_thresh` sessions, that is, when the sale is matched; −1 if that is none.
        """
        first = row + 1 - self.config.hold_thresh
        return self.broker.prices.days[first] if first >= 0 else -1

    def _slots(self, buys: tuple[OrderRequest, ...], wanted: int, scores: Any) -> SlotBuys | None:
        if not buys:
            return None
        config, equity = self.config, self.broker.equity_fen
        return SlotBuys(
            candidates=buys,
            slots=config.topk,
            wanted=wanted,
            risk_degree=config.risk_degree,
            weights=self._weights(buys, scores) if config.weighting == "score" else None,
            max_value_fen=None if config.max_weight is None else int(equity * config.max_weight),
            reserve_fen=int(equity * config.cash_buffer),
            substitute=config.substitute,
        )

    def _weights(self, buys: tuple[OrderRequest, ...], scores: Any) -> tuple[float, ...] | None:
        above = np.array([scores[self.broker.prices.column(buy.symbol)] for buy in buys]) - np.nanmin(scores)
        # the lowest scores of the universe still get a sliver: a weight of zero is no order
        weights = np.maximum(above, 1e-6 * max(above.max(), 1e-300))
        return tuple(float(w) for w in weights)
