"""`Teller`: makes of events the orders that strategies are told of, for those who listen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from engine.broker.bt_books import Audience, Books
from engine.broker.bt_order import AShareOrder, FillSession
from engine.broker.orders import Fill, OrderRequest, Refusal, Trade

if TYPE_CHECKING:
    from engine.broker.shell import AShareBroker


class Teller:
    """Keeps the notices that have not been taken yet.

    A strategy hears of its own orders. Those of baskets exist as requests alone; they become backtrader's
    orders here, once something has happened to them.
    """

    def __init__(self, broker: AShareBroker) -> None:
        self._broker = broker
        self.books = Books()
        self._notices: list[AShareOrder] = []
        #: orders of baskets that have been told and go on living
        self._told: dict[str, AShareOrder] = {}

    def take(self) -> list[AShareOrder]:
        """All orders whose status changed since they were last taken."""
        taken, self._notices = self._notices, []
        return taken

    def take_one(self) -> AShareOrder | None:
        """The first of them."""
        return self._notices.pop(0) if self._notices else None

    def add(self, order: AShareOrder) -> None:
        """Note that the status of an order changed."""
        self._notices.append(order)

    def add_passing(self, order: AShareOrder) -> None:
        """Note a status that the order will not keep, for those who listen to orders."""
        if self.books.of(order.owner).orders:
            self._notices.append(order.clone())

    def tell(
        self,
        events: list[Trade],
        orders: Mapping[str, AShareOrder],
        owner: Any,
        carried: Collection[OrderRequest],
    ) -> dict[str, AShareOrder]:
        """Tell of the events of a session; return those of `orders` that live on.

        `orders` were sent one by one, all others came in a basket of `owner`; `carried` go on to the next
        session.
        """
        audience = self.books.of(owner)
        if not (orders or self._told or audience.orders or audience.trades):
            return {}
        going_on = {request.order_id for request in carried}
        latest = {event.request.order_id: event for event in events}
        if not (orders or self._told or going_on) and len(latest) == len(events):
            self._tell_basket(events, owner, audience)
            self._told = {}
            return {}
        for event in events:
            key = event.request.order_id
            sent = orders.get(key) or self._told.get(key)
            if sent is not None or audience.orders or (audience.trades and isinstance(event, Fill)):
                self._tell_one(event, sent, owner, latest[key] is event and key not in going_on)
        self._told = {key: order for key, order in self._told.items() if key in going_on}
        return {key: order for key, order in orders.items() if key in going_on}

    def _tell_basket(self, events: list[Trade], owner: Any, audience: Audience) -> None:
        """Tell of a basket each of whose orders met its fate at once, as nearly all do."""
        broker, notices = self._broker, self._notices
        session = FillSession(
            broker.account, broker.moments[broker.row], broker.closes, broker.row, broker.comminfo[None]
        )
        column, lights = broker.prices.column, broker.lights
        for event in events:
            if isinstance(event, Fill) and event.shares == event.requested:
                data = lights[column(event.request.symbol)]
                notices.append(AShareOrder.filled(event, owner, data, session))
            elif audience.orders or isinstance(event, Fill):
                self._tell_one(event, None, owner, True)

    def _tell_one(self, event: Trade, order: AShareOrder | None, owner: Any, ends: bool) -> None:
        """Tell of an event; `ends` if it is the last of its order."""
        if isinstance(event, Refusal) and not ends:
            return
        broker, symbol = self._broker, event.request.symbol
        now = broker.moments[broker.row]
        if order is None:
            order = broker.make_order(event.request, owner, broker.lights[broker.prices.column(symbol)], 0)
            self._told[event.request.order_id] = order
        if isinstance(event, Refusal):
            order.refuse(event.reason, now)
        else:
            position = broker.position_of(symbol)
            order.fill(event, now, position.size, position.price)
            if order.status == order.Partial:
                self._notices.append(order.clone())
                if not ends:
                    return
                order.expire_rest()
        self._notices.append(order)
