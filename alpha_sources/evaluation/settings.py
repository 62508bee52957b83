"""What an evaluation is told: horizon, quantiles, span, costs, regimes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import IntEnum
from typing import Any

from alpha_sources.evaluation.regimes import RegimeRules
from engine.errors import CalendarError, ConfigError
from engine.hashing import hash_json
from engine.market.calendar import to_session

#: raised when a measure changes its meaning: stored results of an older one are not read
MEASURES_VERSION = 1


class Lags(IntEnum):
    """Choices of Newey-West lags that are no number."""

    AUTOMATIC = -1
    #: one less than the horizon: as far as labels overlap
    OVERLAP = -2


@dataclass(frozen=True, slots=True)
class DateRange:
    """A span of days with a name, both inclusive, such as a user's own regime."""

    name: str
    start: date
    end: date

    @classmethod
    def read(cls, ranges: Mapping[str, tuple[Any, Any]] | Iterable[DateRange]) -> tuple[DateRange, ...]:
        """Read ``{"crash": ("2022-01-01", "2022-04-30")}``.

        Raises
        ------
        ConfigError
            If a day is none, a range ends before it begins, or a name stands twice.
        """
        if isinstance(ranges, Mapping):
            read = []
            for name, days in ranges.items():
                if isinstance(days, str) or len(tuple(days)) != 2:
                    raise ConfigError(f"date range {name!r}: expected a first and a last day, not {days!r}")
                first, last = days
                read.append(cls(str(name), as_day(first, f"date range {name!r}"), as_day(last, name)))
        else:
            read = list(ranges)
        for one in read:
            if one.end < one.start:
                raise ConfigError(f"date range {one.name!r}: its end {one.end} lies before {one.start}")
            if sum(other.name == one.name for other in read) > 1:
                raise ConfigError(f"date range {one.name!r} stands twice")
        return tuple(read)


@dataclass(frozen=True, slots=True)
class Settings:
    """How alphas are judged.

    Parameters
    ----------
    horizon_sessions : int
        Sessions from the fill at t+1 to the fill that ends the label.
    decay_sessions : int
        Foresight is also measured at every horizon from 1 to this one.
    quantiles : int
        Buckets of names, from the lowest values to the highest.
    min_names : int
        Sessions with fewer tradable values are left out.
    lags : int or Lags
        Of Newey-West t values.
    start, end : date or None
        Days of the first and last decision, inclusive; by default all sessions with a known universe. Nothing
        after `end` is read: labels that reach beyond it are not realised.
    commission, slippage_bps : float
        Of paper portfolios, a side: share of the amount, and basis points. Stamp duty and transfer fee are
        those of the day.
    index_symbol : str or None
        The index that regimes are read from; by default 000300.SH, else 000016.SH, else 000001.SH, else
        none.
    regimes : RegimeRules
    ranges : tuple of DateRange
        The user's own regimes.

    Raises
    ------
    ConfigError
        If a number makes no sense; it is named.
    """

    horizon_sessions: int = 1
    decay_sessions: int = 20
    quantiles: int = 5
    min_names: int = 10
    lags: int = Lags.OVERLAP
    start: date | None = None
    end: date | None = None
    commission: float = 0.00025
    slippage_bps: float = 5.0
    index_symbol: str | None = None
    regimes: RegimeRules = field(default_factory=RegimeRules)
    ranges: tuple[DateRange, ...] = ()

    def __post_init__(self) -> None:
        for name, least, most in (
            ("horizon_sessions", 1, 250),
            ("decay_sessions", 1, 250),
            ("quantiles", 2, 100),
            ("min_names", 2, 10_000),
            ("lags", Lags.OVERLAP, 250),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ConfigError(f"{name}: {value!r} is no whole number from {int(least)} to {most}")
        for name, highest in (("commission", 0.1), ("slippage_bps", 1000.0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
                raise ConfigError(f"{name}: {value!r} is no number from 0 to {highest:g}")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ConfigError(f"the span's end {self.end} lies before its start {self.start}")

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons measured, ascending: 1 to `decay_sessions`, and `horizon_sessions`."""
        return tuple(sorted({*range(1, self.decay_sessions + 1), self.horizon_sessions}))

    @property
    def hash(self) -> str:
        """Of everything that a result depends on besides the formula and the data."""
        plain = asdict(self) | {"lags": int(self.lags), "version": MEASURES_VERSION}
        return hash_json(_plain(plain))

    def lags_at(self, horizon: int) -> int:
        """Return the lags for labels of a horizon; -1 for the automatic choice."""
        return horizon - 1 if self.lags == Lags.OVERLAP else int(self.lags)


def as_day(value: Any, what: str) -> date:
    """Return a day as a date.

    Raises
    ------
    ConfigError
        If it is none; `what` is named.
    """
    try:
        day: date = to_session(value).astype(object)
    except (CalendarError, ValueError, TypeError) as problem:
        raise ConfigError(f"{what}: {problem}") from None
    return day


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
