"""An auditor: replays fills and ex-dates over the bars of a random market with arithmetic of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor

from asked import Asked, Record, SlotsAsked
from random_market import (
    BOARDS,
    ORDER_CAPS,
    SPECIAL_TREATMENT,
    ST_DAILY_CAP,
    Bar,
    RandomMarket,
    half_up,
)

from engine.broker.ex_date import RightsPolicy
from engine.broker.orders import ExDate, Fill, Side
from engine.broker.shell import Journal


def _share(amount: int, rate: str) -> int:
    return int((amount * Decimal(rate)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def commission_due(amount: int) -> int:
    """Commission of a whole order, 0.025 % with a minimum of 5 CNY, in fen."""
    return max(500, _share(amount, "0.00025"))


def duties_due(fill: Fill, date: str) -> tuple[int, int]:
    """Stamp duty and transfer fee of the date, in fen."""
    stamp = "0.0005" if date >= "2023-08-28" else "0.001"
    return (
        _share(fill.amount_fen, stamp) if fill.side is Side.SELL else 0,
        _share(fill.amount_fen, "0.00001"),
    )


@dataclass
class Done:
    """What became of one order so far."""

    shares: int = 0
    amount: int = 0
    commission: int = 0
    first_requested: int | None = None


@dataclass
class Auditor:
    """Books of one run, kept apart from the broker's."""

    market: RandomMarket
    cash: int
    policy: RightsPolicy
    participation: float | None
    fill_at: dict[Side, str]
    record: Record
    at_decision: bool
    shares: dict[str, int] = field(default_factory=dict)
    sellable: dict[str, int] = field(default_factory=dict)
    close: dict[str, int] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)

    def audit(self, journal: Journal) -> None:
        """Check every session of a journal; an assertion names what does not hold."""
        for record in journal.sessions:
            row = record.row
            self.sellable = dict(self.shares)
            seen = {e.symbol: e for r, e in journal.ex_dates if r == row}
            for symbol in sorted(self.shares):
                self._go_ex(symbol, row, seen.pop(symbol, None))
            assert not seen, f"ex-dates of names that are not held: {seen}"
            fills = [event for r, event in journal.trades if r == row and isinstance(event, Fill)]
            self._trade(fills, row)
            for symbol in self.shares:
                if (symbol, row) in self.market.bars:
                    self.close[symbol] = self.market.bars[symbol, row].close
            value = self.cash + sum(n * self.close[s] for s, n in self.shares.items())
            assert record.cash_fen == self.cash >= 0
            assert record.value_fen == value
            held = {h.symbol: h.shares for h in journal.holdings if h.row == row}
            assert held == self.shares
        for symbol, row in journal.ended.items():
            assert row > self.market.last_row[symbol]

    def _go_ex(self, symbol: str, row: int, event: ExDate | None) -> None:
        bar = self.market.bars.get((symbol, row))
        if (
            bar is None
            or bar.action is None
            or (bar.previous_close == bar.reference and not self.market.with_table)
        ):
            assert event is None
            return
        assert event is not None, f"{symbol} went ex in row {row}"
        held, before = self.shares[symbol], self.cash
        worth = held * bar.previous_close + before
        if self.market.with_table:
            gone = self._apply_terms(symbol, bar, held)
            tolerance = self._tolerance(bar, held)
        else:
            self.cash += held * (bar.previous_close - bar.reference)
            gone = tolerance = 0
        now = self.shares[symbol] * bar.reference + self.cash
        assert abs(now + gone - worth) <= tolerance
        assert event.rounding_fen == now + gone - worth
        assert event.cash_fen - event.rights_cost_fen == self.cash - before
        assert (event.shares_before, event.shares_after) == (held, self.shares[symbol])
        assert not event.beyond_tolerance

    def _apply_terms(self, symbol: str, bar: Bar, held: int) -> int:
        """Book the terms; returns the worth of rights that lapse."""
        terms = bar.action
        assert terms is not None
        self.cash += half_up(held * terms.cash)
        bonus = floor(held * terms.bonus)
        self.cash += half_up((held * terms.bonus - bonus) * bar.reference)
        self.shares[symbol] += bonus
        self.sellable[symbol] += bonus
        rights = floor(held * terms.rights)
        cost = half_up(rights * terms.rights_price)
        if rights and self.policy is RightsPolicy.SUBSCRIBE and cost <= self.cash:
            self.cash -= cost
            self.shares[symbol] += rights
        elif self.policy is RightsPolicy.SELL_AT_REFERENCE:
            self.cash += max(0, rights * bar.reference - cost)
        else:
            return rights * bar.reference - cost
        return 0

    @staticmethod
    def _tolerance(bar: Bar, held: int) -> Fraction:
        """Half a tick × (1 + bonus + rights) + 0.2 % of the last close a share; one share for the floors."""
        terms = bar.action
        assert terms is not None
        a_share = Fraction(1, 2) * (1 + terms.bonus + terms.rights) + Fraction(2, 1000) * bar.previous_close
        return held * a_share + bar.reference

    def _trade(self, fills: Sequence[Fill], row: int) -> None:
        slots = self.record.slots.get(row - 1)
        bought: dict[str, int] = {}
        of_slots: list[Fill] = []
        for key, pieces in itertools.groupby(fills, key=lambda fill: fill.request.order_id):
            group, asked = list(pieces), self.record.asked[key]
            fresh = asked.row == row - 1
            if asked.of_slot and fresh:
                if not of_slots:
                    cash, names = self.cash, len(self.shares)
                of_slots += group
            self._check_order(group, key, asked, row)
            for fill in group:
                self._check_fill(fill, asked, row)
                self._book(fill)
                if fill.side is Side.BUY:
                    bought[asked.symbol] = bought.get(asked.symbol, 0) + fill.shares
            self._check_size(group, key, asked)
        assert bought.get(SPECIAL_TREATMENT, 0) <= ST_DAILY_CAP
        if of_slots:
            assert slots is not None
            self._check_slots(of_slots, slots, cash, names)

    def _check_order(self, group: Sequence[Fill], key: str, asked: Asked, row: int) -> None:
        """The pieces of one order in one session: its life, its caps, its lots, its commission."""
        assert asked.row < row <= asked.row + asked.sessions, "an order outlived its validity"
        assert row <= self.record.cancelled.get(key, row), "a cancelled order was filled"
        total, requested = sum(fill.shares for fill in group), group[0].requested
        assert {(f.request.symbol, f.side, f.requested) for f in group} == {
            (asked.symbol, asked.side, requested)
        }
        assert all(fill.reason is None for fill in group[:-1])
        assert 0 < total <= requested
        assert (group[-1].reason is None) == (total == requested)
        cap = ORDER_CAPS.get(asked.symbol[:3], 1_000_000)
        assert len(group) == -(-total // cap), "more pieces than the cap makes necessary"
        assert all(0 < fill.shares <= cap for fill in group)
        if asked.side is Side.BUY and asked.symbol[:3] == "688":
            assert all(fill.shares >= 200 for fill in group)
        self._check_lots(asked, total)
        if self.participation is not None:
            self._check_participation(asked, total)
        if asked.side is Side.SELL:
            assert total <= self.sellable.get(asked.symbol, 0), "shares of today were sold"
        done = self.done.setdefault(key, Done())
        if done.first_requested is None:
            done.first_requested = requested
        for fill in group:
            done.shares += fill.shares
            done.amount += fill.amount_fen
            done.commission += fill.fees.commission
            assert done.commission == commission_due(done.amount), "not one least commission an order"

    def _check_size(self, group: Sequence[Fill], key: str, asked: Asked) -> None:
        """Never more than was asked, over all pieces and sessions; called when the group is booked."""
        done, price = self.done[key], group[0].price_fen
        sizing: float = price
        if self.at_decision and (decided := self.market.bars.get((asked.symbol, asked.row))):
            sizing = decided.close
        if asked.how == "shares":
            assert done.shares <= asked.amount
            return
        if asked.how == "value":
            assert done.first_requested is not None
            assert done.shares <= done.first_requested
            if not asked.of_slot and done.shares == sum(fill.shares for fill in group):
                assert done.shares * sizing <= asked.amount
            return
        after = self.shares.get(asked.symbol, 0)
        if asked.side is Side.BUY:
            assert after * sizing <= asked.amount
        else:
            wanted = int(asked.amount / sizing)
            _, least, step = BOARDS[asked.symbol]
            assert after >= (0 if wanted < least else least + (wanted - least) // step * step)

    def _check_slots(self, fills: Sequence[Fill], slots: SlotsAsked, cash: int, names: int) -> None:
        free = max(0, slots.slots - names)
        keys = list(dict.fromkeys(fill.request.order_id for fill in fills))
        assert len(keys) <= free
        places = [slots.candidates.index(key) for key in keys]
        assert places == sorted(places), "the worse candidate was bought first"
        if not slots.substitute:
            assert all(place < free for place in places)
        if self.at_decision:
            return  # sized at another price than it was paid
        spent = {key: self.done[key].amount for key in keys}
        budget = min(cash * slots.risk_degree, cash - slots.reserve)
        assert sum(spent.values()) <= budget
        if slots.most is not None:
            assert max(spent.values()) <= slots.most
        if slots.weights is not None and not slots.substitute:
            chosen = slots.weights[: min(free, len(slots.candidates))]
            for key, place in zip(keys, places, strict=True):
                assert spent[key] <= budget * slots.weights[place] / sum(chosen) + 1

    def _check_fill(self, fill: Fill, asked: Asked, row: int) -> None:
        symbol = fill.request.symbol
        bar = self.market.bars[symbol, row]
        assert bar.trading, "a suspended stock was traded"
        assert isinstance(fill.price_fen, int), "a fill off the tick"
        assert bar.low <= fill.price_fen <= bar.high
        if bar.limits is not None:
            down, up = bar.limits
            assert down <= fill.price_fen <= up
            base = self._met_at(bar, fill, asked)
            if fill.side is Side.BUY:
                assert bar.low < up, "bought while sealed at the upper limit"
                assert base < up, "bought at the upper limit"
            else:
                assert bar.high > down, "sold while sealed at the lower limit"
                assert base > down, "sold at the lower limit"
        assert fill.amount_fen == fill.price_fen * fill.shares
        assert tuple(fill.fees)[1:] == duties_due(fill, str(self.market.panel.dates[row]))

    def _met_at(self, bar: Bar, fill: Fill, asked: Asked) -> Fraction:
        """The price at which the market met an order before slippage; a limit order may wait for its own."""
        base, limit = self._undisturbed(bar, fill.side), asked.limit
        if limit is None:
            return base
        assert bar.limits is None or bar.limits[0] <= limit <= bar.limits[1], "a limit outside the limits"
        if fill.side is Side.BUY:
            assert fill.price_fen <= limit, "bought through the limit price"
            good = base <= limit
        else:
            assert fill.price_fen >= limit, "sold through the limit price"
            good = base >= limit
        if good:
            return base
        assert self.fill_at[fill.side] != "close", "the close is one price only"
        assert fill.price_fen == limit
        return Fraction(limit)

    def _undisturbed(self, bar: Bar, side: Side) -> Fraction:
        at = self.fill_at[side]
        return Fraction(bar.amount, bar.volume) if at == "vwap" else Fraction(getattr(bar, at))

    def _check_lots(self, asked: Asked, shares: int) -> None:
        _, least, step = BOARDS[asked.symbol]
        if asked.side is Side.BUY:
            assert shares >= least
            assert (shares - least) % step == 0
            return
        held = self.shares[asked.symbol]
        if shares < held:
            assert shares % step in {0, held % step}
            assert shares >= least or (step > 1 and shares % step == held % step)

    def _check_participation(self, asked: Asked, shares: int) -> None:
        # on the volumes known at the decision; rows that the file lacks count as suspended
        assert self.participation is not None
        rows = range(max(0, asked.row - 19), asked.row + 1)
        known = [self.market.bars.get((asked.symbol, row)) for row in rows]
        volumes = [bar.volume for bar in known if bar is not None]
        assert shares <= self.participation * sum(volumes) / len(volumes)

    def _book(self, fill: Fill) -> None:
        symbol = fill.request.symbol
        if fill.side is Side.BUY:
            self.cash -= fill.amount_fen + fill.fees.total
            self.shares[symbol] = self.shares.get(symbol, 0) + fill.shares
            return
        self.cash += fill.amount_fen - fill.fees.total - fill.tax_fen
        self.shares[symbol] -= fill.shares
        self.sellable[symbol] -= fill.shares
        if not self.shares[symbol]:
            del self.shares[symbol]
