"""What a trade costs: commission, stamp duty, transfer fee, in whole fen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from engine.rules.table import shipped

_SCALE = 10**9
_TWO_SCALES = 2 * _SCALE


class Fees(NamedTuple):
    """Costs of one trade in fen."""

    commission: int
    stamp_duty: int
    transfer_fee: int

    @property
    def total(self) -> int:
        """Sum of the three."""
        return self.commission + self.stamp_duty + self.transfer_fee


class Rates(NamedTuple):
    """Rates of one side in billionths of the amount, and the least commission in fen.

    They hold from the day `start`, before `end`.
    """

    start: float
    end: float
    commission: int
    minimum: int
    stamp_duty: int
    transfer_fee: int


class FeeSchedule(Protocol):
    """Anything that prices a trade."""

    def charge(self, symbol: str, is_buy: bool, amount_fen: int, day: int) -> Fees:
        """Fees of a trade of `amount_fen` on `day` (days since 1970-01-01)."""
        ...

    def rates(self, exchange: str, is_buy: bool, day: int) -> Rates:
        """What `charge` computes with, for an exchange (``SH``) on `day`."""
        ...


def _scaled(rate: float | str | Decimal) -> int:
    # rates become integers so that every fee is exact: 0.00025 -> 250_000
    return int((Decimal(str(rate)) * _SCALE).to_integral_value())


def _half_up(amount_fen: int, scaled_rate: int) -> int:
    return (2 * amount_fen * scaled_rate + _SCALE) // _TWO_SCALES


@dataclass(frozen=True, slots=True)
class PlainFees:
    """A flat rate a side with a minimum, booked as commission.

    Parameters
    ----------
    buy, sell : float
        Share of the amount, e.g. 0.0005.
    minimum : float
        CNY an order.
    """

    buy: float
    sell: float
    minimum: float = 0.0

    def rates(self, exchange: str, is_buy: bool, day: int) -> Rates:
        """Return the rates of a side; the same on every day and exchange."""
        rate = _scaled(self.buy if is_buy else self.sell)
        return Rates(-math.inf, math.inf, rate, round(self.minimum * 100), 0, 0)

    def charge(self, symbol: str, is_buy: bool, amount_fen: int, day: int) -> Fees:
        """Fees of a trade; the same on every day and exchange."""
        _, _, rate, minimum, _, _ = self.rates(symbol[-2:], is_buy, day)
        return Fees(max(_half_up(amount_fen, rate), minimum), 0, 0)


class AShareFees:
    """Commission of the broker house, stamp duty and transfer fee by date.

    Parameters
    ----------
    commission : float
        Share of the amount; at most 0.003 by law.
    minimum : float
        Least commission an order, CNY.

    Notes
    -----
    Stamp duty and transfer fee come from ``engine/rules/tables``. Every fee rounds half up to a fen.
    """

    __slots__ = ("_buys", "_minimum", "_rate", "_sales")

    def __init__(self, commission: float = 0.00025, minimum: float = 5.0) -> None:
        self._rate = _scaled(commission)
        self._minimum = round(minimum * 100)
        #: rates of the spell last asked for, by exchange
        self._buys: dict[str, Rates] = {}
        self._sales: dict[str, Rates] = {}

    def rates(self, exchange: str, is_buy: bool, day: int) -> Rates:
        """Rates of a side on an exchange on `day`."""
        known = self._buys if is_buy else self._sales
        rates = known.get(exchange)
        if rates is None or not rates[0] <= day < rates[1]:
            rates = known[exchange] = self._statutory(exchange, is_buy, day)
        return rates

    def charge(self, symbol: str, is_buy: bool, amount_fen: int, day: int) -> Fees:
        """Fees of a trade on `day`."""
        _, _, rate, minimum, stamp, transfer = self.rates(symbol[-2:], is_buy, day)
        commission = _half_up(amount_fen, rate)
        return Fees(
            commission if commission > minimum else minimum,
            _half_up(amount_fen, stamp) if stamp else 0,
            _half_up(amount_fen, transfer),
        )

    def _statutory(self, exchange: str, is_buy: bool, day: int) -> Rates:
        spells = [shipped("transfer_fee", ("exchange",)).get((exchange,), day)]
        if not is_buy:
            spells.append(shipped("stamp_duty", ("side",)).get(("sell",), day))
        rates = [_scaled(Decimal(spell.values["percent"]) / 100) for spell in spells]
        return Rates(
            max(spell.start for spell in spells),
            min(math.inf if spell.end is None else spell.end for spell in spells),
            self._rate,
            self._minimum,
            0 if is_buy else rates[1],
            rates[0],
        )
