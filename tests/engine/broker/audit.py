"""An auditor: replays fills and ex-dates over the bars of a random market with arithmetic of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor

from random_market import BOARDS, Bar, RandomMarket, half_up

from engine.broker.ex_date import RightsPolicy
from engine.broker.orders import ExDate, Fill, Side
from engine.broker.shell import Journal


def _share(amount: int, rate: str) -> int:
    return int((amount * Decimal(rate)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def fees_due(fill: Fill, date: str) -> tuple[int, int, int]:
    """Commission 0.025 % with a minimum of 5 CNY, stamp duty and transfer fee of the date, in fen."""
    stamp = "0.0005" if date >= "2023-08-28" else "0.001"
    return (
        max(500, _share(fill.amount_fen, "0.00025")),
        _share(fill.amount_fen, stamp) if fill.side is Side.SELL else 0,
        _share(fill.amount_fen, "0.00001"),
    )


@dataclass
class Auditor:
    """Books of one run, kept apart from the broker's."""

    market: RandomMarket
    cash: int
    policy: RightsPolicy
    participation: float | None
    fill_at: dict[Side, str]
    shares: dict[str, int] = field(default_factory=dict)
    sellable: dict[str, int] = field(default_factory=dict)
    close: dict[str, int] = field(default_factory=dict)

    def audit(self, journal: Journal) -> None:
        """Check every session of a journal; an assertion names what does not hold."""
        for record in journal.sessions:
            row = record.row
            self.sellable = dict(self.shares)
            seen = {e.symbol: e for r, e in journal.ex_dates if r == row}
            for symbol in sorted(self.shares):
                self._go_ex(symbol, row, seen.pop(symbol, None))
            assert not seen, f"ex-dates of names that are not held: {seen}"
            for r, event in journal.trades:
                if r == row and isinstance(event, Fill):
                    self._check_fill(event, row)
                    self._book(event)
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

    def _check_fill(self, fill: Fill, row: int) -> None:
        symbol = fill.request.symbol
        bar = self.market.bars[symbol, row]
        assert bar.trading, "a suspended stock was traded"
        assert isinstance(fill.price_fen, int), "a fill off the tick"
        assert bar.low <= fill.price_fen <= bar.high
        if bar.limits is not None:
            down, up = bar.limits
            assert down <= fill.price_fen <= up
            base = self._undisturbed(bar, fill.side)
            if fill.side is Side.BUY:
                assert bar.low < up, "bought while sealed at the upper limit"
                assert base < up, "bought at the upper limit"
            else:
                assert bar.high > down, "sold while sealed at the lower limit"
                assert base > down, "sold at the lower limit"
        assert fill.amount_fen == fill.price_fen * fill.shares
        assert tuple(fill.fees) == fees_due(fill, str(self.market.panel.dates[row]))
        assert 0 < fill.shares <= fill.requested
        assert (fill.reason is None) == (fill.shares == fill.requested)
        self._check_lots(fill)
        if self.participation is not None:
            self._check_participation(fill, row)
        if fill.side is Side.SELL:
            assert fill.shares <= self.sellable.get(symbol, 0), "shares of today were sold"

    def _undisturbed(self, bar: Bar, side: Side) -> Fraction:
        at = self.fill_at[side]
        return Fraction(bar.amount, bar.volume) if at == "vwap" else Fraction(getattr(bar, at))

    def _check_lots(self, fill: Fill) -> None:
        _, least, step = BOARDS[fill.request.symbol]
        if fill.side is Side.BUY:
            assert fill.shares >= least
            assert (fill.shares - least) % step == 0
            return
        held = self.shares[fill.request.symbol]
        if fill.shares < held:
            assert fill.shares % step in {0, held % step}
            assert fill.shares >= least or (step > 1 and fill.shares % step == held % step)

    def _check_participation(self, fill: Fill, row: int) -> None:
        # decided a session ago, on the volumes known then; rows that the file lacks count as suspended
        symbol = fill.request.symbol
        known = [self.market.bars.get((symbol, r)) for r in range(max(0, row - 20), row)]
        volumes = [bar.volume for bar in known if bar is not None]
        assert fill.shares <= self.participation * sum(volumes) / len(volumes)

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
