"""`Momentum`: what rose over the last year but for its last month, the oldest of all baselines."""

from __future__ import annotations

from datetime import date

from alpha_sources.formula_provider import FormulaProvider
from alpha_sources.honesty import Knowledge, Provenance
from engine.errors import ConfigError

#: the month in which Jegadeesh & Titman (1993) appeared
_PUBLISHED = date(1993, 3, 31)
_MOST = 1000


class Momentum(FormulaProvider):
    """What rose most over the last year, its last month left out, scores best.

    The 12-1 momentum of Jegadeesh & Titman, "Returns to Buying Winners and Selling Losers" (Journal of
    Finance 48, 1993): the last month is left out because it tends to be made good. Nothing is learned.

    Parameters
    ----------
    lookback_sessions : int
        Sessions from where the rise is counted; 252 are a year.
    skip_sessions : int
        Sessions at the end that are left out; 0 for none.

    Raises
    ------
    ConfigError
        If the two leave no session.
    """

    def __init__(self, lookback_sessions: int = 252, skip_sessions: int = 21) -> None:
        for name, value, least in (
            ("lookback_sessions", lookback_sessions, 1),
            ("skip_sessions", skip_sessions, 0),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
                raise ConfigError(
                    f"alpha.params.{name} must be a whole number from {least} to {_MOST}, not {value!r}"
                )
        if skip_sessions >= lookback_sessions:
            raise ConfigError(
                f"alpha.params.skip_sessions: {skip_sessions} leaves nothing of lookback_sessions "
                f"{lookback_sessions}"
            )
        super().__init__(f"delay(close, {skip_sessions}) / delay(close, {lookback_sessions}) - 1")

    def provenance(self) -> Provenance:
        """Known since 1993."""
        return Provenance(seeds=(Knowledge("12-1 momentum", _PUBLISHED),))
