"""Ex-dates that fall into a suspension, and the adjustment factor of files that have none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from engine.errors import DataError
from engine.market.checks import FACTOR_STEP
from engine.market.corporate import CorporateAction
from engine.market.grid import Bools, Floats, shifted, to_tick

Cell = tuple[int, int]


class SuspendedExDates:
    """Moves the flat bar of a suspension to the ex-right reference. Works on the arrays in place.

    Parameters
    ----------
    close : (T, N) float array
        Flat at the last close over suspensions; corrected from each ex-date on.
    factor : (T, N) float array
        Adjustment factor, carried over sessions without a row; stepped where only the table knows.
    traded, inside : (T, N) bool arrays
    tick : float or None
    """

    def __init__(
        self, close: Floats, factor: Floats, traded: Bools, inside: Bools, tick: float | None
    ) -> None:
        self.close, self.factor, self.traded, self.inside, self.tick = close, factor, traded, inside, tick
        self.continues = inside & shifted(inside)
        self.stepped = np.zeros_like(inside)
        with np.errstate(invalid="ignore"):
            self.stepped[1:] = np.abs(factor[1:] / factor[:-1] - 1.0) > FACTOR_STEP

    def settle(
        self,
        actions: Mapping[Cell, CorporateAction],
        *,
        derive_factor: bool,
        label: Callable[[int, int], str],
    ) -> None:
        """Take the few ex-dates in question in order of time, since each rests on the one before.

        With `derive_factor` (the file has no factor) every action of the table steps it, traded or not.
        `label` names a cell in messages.

        Raises
        ------
        DataError
            If an action's terms leave no price above zero.
        """
        halted = {(int(t), int(n)) for t, n in np.argwhere(self.stepped & self.continues & ~self.traded)}
        for t, n in sorted(halted | set(actions)):
            if not self.continues[t, n] or (self.traded[t, n] and not derive_factor):
                continue
            before = self.close[t - 1, n]
            # an action settled earlier in this suspension may have taken the vendor's step already
            step = self.factor[t, n] / self.factor[t - 1, n]
            if abs(step - 1.0) > FACTOR_STEP:
                reference = to_tick(before / step, self.tick)
            elif (t, n) in actions:
                reference = to_tick(actions[t, n].reference(before), self.tick)
                if not reference > 0.0:
                    raise DataError(
                        f"corporate action {label(t, n)}: its terms turn a close of {before:g} into "
                        f"{reference:g}; correct the table"
                    )
                end = len(self.factor) if derive_factor else self._next_step(t, n)
                self.factor[t:end, n] *= before / reference
            else:
                continue
            if not self.traded[t, n]:
                self.close[t : self._resumption(t, n), n] = reference

    def _resumption(self, t: int, n: int) -> int:
        return t + _first(self.traded[t:, n] | ~self.inside[t:, n])

    def _next_step(self, t: int, n: int) -> int:
        """Row at which the vendor's own factor takes the ex-date in, at the latest when trading resumes."""
        after = slice(t + 1, None)
        return t + 1 + _first(self.stepped[after, n] | self.traded[after, n] | ~self.inside[after, n])


def _first(mask: Bools) -> int:
    """Index of the first True, or the length."""
    return int(mask.argmax()) if mask.any() else len(mask)
