"""What a sync has done, and what it has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.market.sources.remote.crosscheck import Difference
from engine.market.sources.remote.fall_back import Tally
from engine.market.store.intake import Taken

#: fewer stocks may well be suspended on the same day
_SEVERAL = 3


@dataclass
class SyncReport:
    """What became of a sync.

    Parameters
    ----------
    due : date
        The last complete session, up to which it looked.
    names : int
        Stocks whose bars were looked after.
    asked : int
        Of these, those about which something was missing.
    taken : Taken
        What was added, known already and set aside.
    vendors : mapping of str to Tally
        What became of the questions, by source.
    gaps : dict of str to str
        Stocks for whose bars no vendor answered, and the last one's words.
    failed : dict of str to str
        The same for other tables.
    late : list of str
        Stocks without a bar of the last complete session: suspended, or late at the vendors.
    strangers : list of str
        Of these, those without any bar at all.
    awaited : int
        Stocks whose bar of that session was asked for.
    plain : list of str
        Stocks of which new bars came without valuation ratios.
    checked : int
        Bars that a second vendor was asked for.
    differences : list of Difference
        Where it told something else.
    """

    due: date
    names: int = 0
    asked: int = 0
    taken: Taken = field(default_factory=Taken)
    vendors: Mapping[str, Tally] = field(default_factory=dict)
    gaps: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    awaited: int = 0
    plain: list[str] = field(default_factory=list)
    checked: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def vendors_are_late(self) -> bool:
        """Whether most stocks lack the last complete session: more than can be suspended at once."""
        strangers = len(self.strangers)
        late = len(self.late) - strangers
        return late >= _SEVERAL and 2 * late > self.awaited - strangers

    @property
    def complete(self) -> bool:
        """Whether somebody answered every question."""
        return not self.gaps and not self.failed
