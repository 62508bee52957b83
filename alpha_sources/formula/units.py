"""Units of measurement: CNY and shares, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers of CNY and shares; a price is CNY per share, a ratio has neither.

    An unknown unit (`NONE`: a field of the user's own, index points) agrees with every other.
    """

    cny: Fraction = Fraction(0)
    share: Fraction = Fraction(0)
    known: bool = True

    def __str__(self) -> str:
        if not self.known:
            return "none"
        return _NAMES.get((self.cny, self.share)) or _spell(self)

    @property
    def is_ratio(self) -> bool:
        """True of a number without a unit."""
        return self.known and not self.cny and not self.share

    @property
    def is_plain(self) -> bool:
        """True of the units people name: price, share, cny, ratio."""
        return not self.known or (self.cny, self.share) in _NAMES

    def agrees(self, other: Unit) -> bool:
        """True if the two may be added or compared."""
        return not self.known or not other.known or self == other

    def times(self, other: Unit) -> Unit:
        """Unit of a product."""
        if not (self.known and other.known):
            return NONE
        return Unit(self.cny + other.cny, self.share + other.share)

    def power(self, exponent: Fraction) -> Unit:
        """Unit of a power."""
        return Unit(self.cny * exponent, self.share * exponent) if self.known else NONE

    def over(self, other: Unit) -> Unit:
        """Unit of a quotient."""
        return self.times(other.power(Fraction(-1)))


def _spell(unit: Unit) -> str:
    if unit.cny == -unit.share:
        return _factor("price", unit.cny)
    parts = [_factor(n, e) for n, e in (("cny", unit.cny), ("share", unit.share)) if e]
    return "·".join(parts)


def _factor(name: str, exponent: Fraction) -> str:
    return name if exponent == 1 else f"{name}^{float(exponent):g}"


NONE = Unit(known=False)
RATIO = Unit()
CNY = Unit(cny=Fraction(1))
SHARE = Unit(share=Fraction(1))
PRICE = Unit(cny=Fraction(1), share=Fraction(-1))

_NAMES = {
    (Fraction(0), Fraction(0)): "ratio",
    (Fraction(1), Fraction(0)): "cny",
    (Fraction(0), Fraction(1)): "share",
    (Fraction(1), Fraction(-1)): "price",
}
