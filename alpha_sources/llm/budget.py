"""`Budget`: money is set aside before a call and settled after it, so that no two calls spend the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from alpha_sources.llm.charge import Charge
from alpha_sources.llm.config import BudgetConfig
from alpha_sources.llm.errors import BudgetError


@dataclass(slots=True)
class Reservation:
    """What is set aside for one call.

    Parameters
    ----------
    set_aside : Charge
    spent : Charge
        What it came to; all that was set aside until somebody knows better.
    """

    set_aside: Charge
    spent: Charge

    def settle(self, spent: Charge) -> None:
        """Say what the call came to."""
        self.spent = spent


class Budget:
    """What may be spent by all calls that share it, from any thread.

    Parameters
    ----------
    limits : BudgetConfig
    currency : str
        Of the money, for messages.
    """

    def __init__(self, limits: BudgetConfig, currency: str = "") -> None:
        self.limits, self.currency = limits, currency
        self._spent, self._reserved, self._under_way = Charge(), Charge(), 0
        self._changed = threading.Condition()

    @property
    def spent(self) -> Charge:
        """What settled calls came to."""
        with self._changed:
            return self._spent

    @contextmanager
    def reserve(self, most: Charge, what: str) -> Iterator[Reservation]:
        """Set aside the most that a call can cost while it is made.

        Where only other calls under way stand in its way, it waits for them: they usually cost less than was
        set aside for them.

        Parameters
        ----------
        most : Charge
        what : str
            Name of the prompt, for the message.

        Raises
        ------
        BudgetError
            If the call could exceed a limit. Nothing was sent.
        """
        with self._changed:
            while words := self._exceeded(self._spent + self._reserved + most):
                if not self._under_way or self._exceeded(self._spent + most):
                    raise BudgetError(self._message(words, most, what))
                self._changed.wait()
            self._reserved += most
            self._under_way += 1
        reservation = Reservation(most, most)
        try:
            yield reservation
        finally:
            with self._changed:
                self._reserved -= most
                self._under_way -= 1
                self._spent += reservation.spent
                self._changed.notify_all()

    def _exceeded(self, total: Charge) -> str:
        limits = self.limits
        if limits.calls is not None and total.calls > limits.calls:
            return "calls"
        if limits.tokens is not None and total.tokens > limits.tokens:
            return "tokens"
        if limits.money is not None and total.money > limits.money:
            return "money"
        return ""

    def _message(self, limit: str, most: Charge, what: str) -> str:
        spent, limits = self._spent, self.limits
        said = {
            "calls": f"{spent.calls} of {limits.calls} calls were made",
            "tokens": f"it may take {most.tokens:,} tokens and {spent.tokens:,} of {limits.tokens} are spent",
            "money": f"it may cost {most.money:.6f} {self.currency} and {spent.money:.6f} of "
            f"{limits.money} are spent",
        }[limit]
        return f"{what}: the budget ends before this call: {said}; raise llm.budget.{limit} to go on"
