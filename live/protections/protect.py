"""`protect`: a basket within the limits of a configuration, and what was taken out of it and why."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.broker.account import Account
from engine.broker.orders import Basket, OrderRequest, Side, SlotBuys
from engine.broker.prices import SessionPrices
from live.protections.config import ProtectionsConfig
from live.protections.outcome import Action, Cut, Protected, Protection, ProtectionState


def protect(
    basket: Basket,
    account: Account,
    prices: SessionPrices,
    state: ProtectionState,
    config: ProtectionsConfig,
) -> Protected:
    """Cut and drop the orders of a basket until no limit is passed. Pure.

    Sales lower risk: only the kill switch and the block list stop them, where so configured. Buys are cut in
    the order in which they would be matched; the slot buys share what is left. Order ids stay.

    Parameters
    ----------
    basket : Basket
        What would be sent.
    account : Account
        Before it; after the ex-dates of the session, where they are known.
    prices : SessionPrices
        What weights and money are counted at: the close where it is known, else the open, else the ex-right
        reference. Slippage and fees come on top.
    state : ProtectionState
    config : ProtectionsConfig

    Returns
    -------
    Protected
        With the very same basket, where nothing had to be changed. Protected once more, it stays as it is.
    """
    work = _Work(account, prices, state, config)
    if not basket or not (config.any or state.killed is not None):
        return Protected(basket, (), work.equity_fen, work.unpriced)
    sells = [r for r in basket.orders if r.side is Side.SELL]
    buys = [r for r in basket.orders if r.side is Side.BUY]
    kept_sells = work.allowed(sells)
    kept_buys = work.sized(work.bought_at_all(work.allowed(buys)), kept_sells)
    slots = work.slots(basket.slot_buys, kept_sells, kept_buys)
    kept = {request.order_id: request for request in (*kept_sells, *kept_buys)}
    orders = tuple(kept[r.order_id] for r in basket.orders if r.order_id in kept)
    if orders == basket.orders and slots == basket.slot_buys:
        return Protected(basket, tuple(work.cuts), work.equity_fen, work.unpriced)
    protected = basket._replace(orders=orders, slot_buys=slots)
    return Protected(protected, tuple(work.cuts), work.equity_fen, work.unpriced)


@dataclass
class _Work:
    """A basket being protected."""

    account: Account
    prices: SessionPrices
    state: ProtectionState
    config: ProtectionsConfig
    cuts: list[Cut] = field(default_factory=list)
    #: value by name that the basket may bring each position to, so far
    values: dict[str, int] = field(default_factory=dict)
    #: what buys may still spend under the turnover cap; None for no cap
    budget: int | None = None
    #: what the buys so far spend
    spent: int = 0

    def __post_init__(self) -> None:
        unpriced = []
        for symbol in self.account.lots:
            price = self.price(symbol)
            if price is None:
                unpriced.append(symbol)
            self.values[symbol] = math.floor(self.account.shares(symbol) * (price or 0) + 0.5)
        self.unpriced = tuple(unpriced)
        # dividends between ex-date and payment are no loss
        own = self.account.cash_fen + self.account.receivable_fen
        self.equity_fen = own + sum(self.values.values())

    def price(self, symbol: str) -> float | None:
        """Fen, or None where the name has no price."""
        quote = self.prices.quote(symbol)
        if quote is not None:
            for known in (quote.close, quote.open, quote.reference):
                if known:
                    return known
        return self.state.marks_fen.get(symbol)

    # -- orders that are sent or not

    def allowed(self, requests: Iterable[OrderRequest]) -> list[OrderRequest]:
        """Those that neither the kill switch nor the block list stops."""
        return [request for request in requests if not self._stopped(request)]

    def bought_at_all(self, requests: Iterable[OrderRequest]) -> list[OrderRequest]:
        """Those buys that no stop holds back."""
        stop = self._stop()
        if stop is None:
            return list(requests)
        for request in requests:
            self._drop(request, *stop)
        return []

    def _stopped(self, request: OrderRequest) -> bool:
        config, sells = self.config, request.side is Side.SELL
        if self.state.killed is not None and not (sells and config.kill_switch_sales):
            self._drop(request, Protection.KILL_SWITCH, f"the kill switch says: {self.state.killed}")
            return True
        if request.symbol in config.block_list and (config.block_sales or not sells):
            self._drop(request, Protection.BLOCK_LIST, "it is on the block list")
            return True
        return False

    def _stop(self) -> tuple[Protection, str] | None:
        config, state = self.config, self.state
        allowed = config.stale_data_stop
        if allowed is not None and state.sessions_behind > allowed:
            return (
                Protection.STALE_DATA,
                f"what is decided on lags {_counted(state.sessions_behind, 'session')} behind; tolerated: "
                f"{allowed}",
            )
        why = self._loss()
        return (Protection.DAILY_LOSS, why) if why else None

    def _loss(self) -> str:
        """Say which loss is too large: since the last close, or in the session that ended there."""
        stop, last, before = (
            self.config.daily_loss_stop,
            self.state.previous_equity_fen,
            self.state.equity_before_fen,
        )
        if stop is None:
            return ""
        if last is not None and last > 0:
            if self.unpriced:
                names = ", ".join(self.unpriced[:5])
                has = "has" if len(self.unpriced) == 1 else "have"
                return f"the loss of the day is unknown: {names} {has} no price"
            if _lost(last, self.equity_fen, stop):
                loss = 1.0 - self.equity_fen / last
                return f"the account has lost {loss:.2%} since the last close, {stop:.2%} are tolerated"
        if before is not None and before > 0 and last is not None and _lost(before, last, stop):
            return f"the account lost {1.0 - last / before:.2%} in the last session, {stop:.2%} are tolerated"
        return ""

    # -- buys that have a size

    def sized(self, buys: list[OrderRequest], sells: list[OrderRequest]) -> list[OrderRequest]:
        """Cut explicit buys to the room that weights and turnover leave."""
        cap = self.config.turnover_cap
        if cap is not None:
            base = self.state.previous_equity_fen or self.equity_fen
            sold = sum(self._worth(request) or 0 for request in sells)
            self.budget = max(0, _share(2 * cap, base) - self.state.traded_fen - sold)
        return [kept for kept in map(self._cut, buys) if kept is not None]

    def _cut(self, request: OrderRequest) -> OrderRequest | None:
        symbol = request.symbol
        room, protection, why = self._room(symbol)
        worth = self._worth(request)
        if protection is not None and worth is None:
            self._drop(request, protection, "it has no price to weigh it at")
            return None
        worth = worth or 0
        if protection is not None and worth > room:
            smaller = self._smaller(request, room)
            if smaller is None:
                self._drop(request, protection, why)
                return None
            note = f"{why}; {_cny(worth)} becomes {_cny(self._worth(smaller) or 0)}"
            self._note(request, protection, Action.CUT, note)
            request, worth = smaller, self._worth(smaller) or 0
        self.values[symbol] = self.values.get(symbol, 0) + worth
        self.spent += worth
        if self.budget is not None:
            self.budget = max(0, self.budget - worth)
        return request

    def _room(self, symbol: str) -> tuple[int, Protection | None, str]:
        """Money that may still go into a name, and which limit says so."""
        room, protection, why = 0, None, ""
        if self.config.max_weight is not None:
            room, protection = max(0, self._largest() - self.values.get(symbol, 0)), Protection.MAX_WEIGHT
            why = self._about_weight(symbol)
        if self.budget is not None and (protection is None or self.budget < room):
            room, protection, why = self.budget, Protection.TURNOVER, self._about_turnover()
        return room, protection, why

    def _worth(self, request: OrderRequest) -> int | None:
        """What an order moves at the price of the moment, rounded up; None without one."""
        price = self.price(request.symbol)
        if price is None:
            return None
        held = self.account.shares(request.symbol)
        scale = price / (request.sizing_price_fen or price)
        if request.value_fen is not None:
            worth = request.value_fen * scale
        elif request.target_fen is not None:
            worth = abs(request.target_fen * scale - held * price)
            if request.side is Side.BUY:
                worth = max(0.0, request.target_fen * scale - held * price)
        else:
            worth = (request.shares or 0) * price
        if request.cap_shares is not None:
            worth = min(worth, request.cap_shares * price)
        return math.ceil(worth - 1e-6)

    def _smaller(self, request: OrderRequest, room: int) -> OrderRequest | None:
        """The order for no more than that money; None if nothing is left of it."""
        price = self.price(request.symbol) or 0.0
        scale = (request.sizing_price_fen or price) / price
        if request.value_fen is not None:
            value = math.floor(room * scale)
            return request._replace(value_fen=value) if value > 0 else None
        if request.target_fen is not None:
            held = self.account.shares(request.symbol)
            target = math.floor((held * price + room) * scale)
            return request._replace(target_fen=target) if room > 0 else None
        shares = math.floor(room / price)
        quote = self.prices.quote(request.symbol)
        if quote is not None:
            shares = quote.lot.buyable(shares)
        return request._replace(shares=shares) if shares > 0 else None

    # -- slot buys

    def slots(
        self, slots: SlotBuys | None, sells: list[OrderRequest], buys: list[OrderRequest]
    ) -> SlotBuys | None:
        """Take blocked names out of the candidates, and limit the money of each slot and of all of them."""
        if slots is None:
            return None
        places = [n for n, each in enumerate(slots.candidates) if not self._stopped(each)]
        stop = self._stop()
        if stop is not None:
            for n in places:
                self._drop(slots.candidates[n], *stop)
            places = []
        if places and self.budget is not None and self.budget < 1:
            for n in places:
                self._drop(slots.candidates[n], Protection.TURNOVER, self._about_turnover())
            places = []
        cap = self._slot_cap(slots)
        if cap is not None:
            places = [n for n in places if self._fits(slots.candidates[n], cap)]
        if not places:
            return None
        kept = tuple(slots.candidates[n] for n in places)
        weights = slots.weights
        if weights is not None:
            weights = tuple(weights[n] for n in places if n < len(weights))
        changed = slots._replace(candidates=kept, weights=weights, wanted=min(slots.wanted, len(kept)))
        cash = self._most_cash(sells)
        free = min(len(kept), max(0, slots.slots - self._fewest_held(sells)))
        changed = self._limit_all(changed, cash, free)
        if cap is None or (slots.max_value_fen is not None and slots.max_value_fen <= cap):
            return changed
        spendable = max(0, min(int(cash * changed.risk_degree), cash - changed.reserve_fen))
        shares = changed.weights[:free] if changed.weights else (1.0,) * free
        total = sum(shares) or 1.0
        for request, share in zip(kept[:free], shares, strict=False):
            money = int(spendable * share / total)
            money = money if slots.max_value_fen is None else min(money, slots.max_value_fen)
            if money > cap:
                why = f"{self._about_weight(request.symbol)}; {_cny(money)} becomes {_cny(cap)}"
                self._note(request, Protection.MAX_WEIGHT, Action.CUT, why)
        return changed._replace(max_value_fen=cap)

    def _slot_cap(self, slots: SlotBuys) -> int | None:
        """Money that a slot may have at most, for a name that is not held yet; None for no limit."""
        if self.config.max_weight is None:
            return None
        return math.floor(self._largest() / self._stretch(slots.candidates))

    def _fits(self, request: OrderRequest, cap: int) -> bool:
        """Whether a candidate may have a whole slot: it is not held, and has a price."""
        symbol = request.symbol
        if self.price(symbol) is None and request.sizing_price_fen is not None:
            self._drop(request, Protection.MAX_WEIGHT, "it has no price to weigh it at")
            return False
        if self.values.get(symbol, 0) > 0 or cap <= 0:
            self._drop(request, Protection.MAX_WEIGHT, self._about_weight(symbol))
            return False
        return True

    def _limit_all(self, slots: SlotBuys, cash: int, free: int) -> SlotBuys:
        """Lower the share of the cash that slots spend, so that all of them stay within the turnover."""
        if self.budget is None:
            return slots
        budget = self.budget / self._stretch(slots.candidates)
        spendable = max(0, min(int(cash * slots.risk_degree), cash - slots.reserve_fen))
        if spendable <= budget or not cash:
            return slots
        degree = math.nextafter(budget / cash, 0.0)
        why = f"{self._about_turnover()}; {_cny(spendable)} for all slots become {_cny(budget)}"
        for request in slots.candidates[: max(free, slots.wanted)]:
            self._note(request, Protection.TURNOVER, Action.CUT, why)
        return slots._replace(risk_degree=degree)

    def _stretch(self, candidates: Iterable[OrderRequest]) -> float:
        """How much more than its money a slot may spend, sized at another price than it is filled at."""
        ratios = [1.0]
        for request in candidates:
            price = self.price(request.symbol)
            if request.sizing_price_fen and price is not None:
                ratios.append(price / request.sizing_price_fen)
        return max(ratios)

    def _most_cash(self, sells: list[OrderRequest]) -> int:
        """Cash that slots share, if every sale succeeds."""
        proceeds = sum(self._worth(request) or 0 for request in sells)
        return max(0, self.account.cash_fen + proceeds - self.spent)

    def _fewest_held(self, sells: list[OrderRequest]) -> int:
        """Names held when slots are counted, if every sale succeeds and no buy does."""
        gone = {
            r.symbol
            for r in sells
            if r.target_fen == 0 or (r.shares or 0) >= self.account.shares(r.symbol) > 0
        }
        return len(self.account.lots.keys() - gone)

    # -- words

    def _largest(self) -> int:
        return max(0, _share(self.config.max_weight or 0.0, self.equity_fen))

    def _about_weight(self, symbol: str) -> str:
        held = self.values.get(symbol, 0)
        weight = f"{held / self.equity_fen:.2%}" if self.equity_fen > 0 else "all"
        own = f", of which it has {weight}" if held else ""
        return f"a position may have {self.config.max_weight:.2%} of {_cny(self.equity_fen)}{own}"

    def _about_turnover(self) -> str:
        return f"a session may turn over {self.config.turnover_cap:.2%} of the account, sales included"

    def _drop(self, request: OrderRequest, protection: Protection, why: str) -> None:
        self._note(request, protection, Action.DROPPED, why)

    def _note(self, request: OrderRequest, protection: Protection, action: Action, why: str) -> None:
        self.cuts.append(Cut(request.order_id, request.symbol, request.side, protection, action, why))


def _share(part: float, fen: int) -> int:
    """Part of some money, exact where floats are a hair below a whole number: 0.29 of 1 CNY are 29 fen."""
    return math.floor(part * fen + 1e-6)


def _lost(before: int, after: int, stop: float) -> bool:
    """Whether a loss reaches the stop, at the very boundary too: 10 % lost of 10 % are too much."""
    return before - after >= stop * before - 1e-6


def _cny(fen: float) -> str:
    return f"{fen / 100:,.0f} CNY"


def _counted(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
