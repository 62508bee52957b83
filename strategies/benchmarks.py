"""What a signal must beat: holding everything, and holding everything equally."""

from __future__ import annotations

from pydantic import Field

from engine.broker.orders import Basket, Side
from strategies.base import PanelStrategy, Settings, parameters


class BuyAndHoldSettings(Settings):
    """``invested``: share of the cash put into the universe's members at the start."""

    rebalance: str = "once"
    invested: float = Field(0.98, gt=0, le=1)


class BuyAndHold(PanelStrategy):
    """Buys the members of the universe at the first decision in equal parts and never trades again."""

    settings = BuyAndHoldSettings
    params = parameters(BuyAndHoldSettings)

    def decide(self, row: int) -> None:
        """Spread the cash over the members."""
        members = self.members(row)
        if len(members):
            each = int(self.broker.account.cash_fen * self.config.invested / len(members))
            buys = tuple(self.broker.request(int(c), Side.BUY, value_fen=each) for c in members)
            self.broker.send(self, Basket(buys))


class EqualWeightSettings(Settings):
    """``invested``: share of the account held in stocks; ``rebalance``: when it is made equal again."""

    rebalance: str = "monthly"
    invested: float = Field(0.98, gt=0, le=1)


class EqualWeight(PanelStrategy):
    """Holds every member of the universe at the same weight; leavers are sold at the next rebalancing."""

    settings = EqualWeightSettings
    params = parameters(EqualWeightSettings)

    def decide(self, row: int) -> None:
        """Send one order per name whose weight is off by a lot or more."""
        broker = self.broker
        members = [int(c) for c in self.members(row)]
        if not members:
            return
        each = int(broker.equity_fen * self.config.invested / len(members))
        orders = []
        for column in sorted({*members, *self.held_columns()}):
            symbol = str(self.panel.symbols[column])
            held = broker.account.shares(symbol)
            if column not in members:
                orders.append(broker.request(column, Side.SELL, target_fen=0))
                continue
            quote = broker.prices.quote(symbol)
            if quote is None or quote.close is None:
                continue
            excess = held * quote.close - each
            if held and abs(excess) < quote.lot.minimum * quote.close:
                continue
            side = Side.SELL if excess > 0 else Side.BUY
            orders.append(broker.request(column, side, target_fen=each))
        broker.send(self, Basket(tuple(orders)))
