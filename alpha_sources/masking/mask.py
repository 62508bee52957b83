"""`Mask`: names, codes and dates of a text replaced by aliases, the same in every text of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from alpha_sources.masking.aliases import numbered
from alpha_sources.masking.codes import Codes
from alpha_sources.masking.dates import Dates
from alpha_sources.masking.indices import INDEX_NAMES, TWINS
from alpha_sources.masking.names import names_rule
from alpha_sources.masking.rules import Rule, Rules
from alpha_sources.masking.timeline import Timeline
from engine.errors import ConfigError
from engine.hashing import hash_json
from engine.market.calendar import Calendar, iso, xshg

if TYPE_CHECKING:
    from engine.market.view import MarketView

#: raised when the same text would be masked otherwise than before
_VERSION = 1

Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Mask:
    """What stands for which stock, index and date, and the text in which it does.

    Make one with `of` or `of_view`. It holds no state: the same text is masked in the same way, in any order
    and process.

    Parameters
    ----------
    stocks, indices : mapping of str to tuple of str
        Names by symbol (``600519.SH``), in any language.
    timeline : Timeline
        Sessions and years are counted from its reference day.
    salt : str
        Decides which alias a stock has; whoever does not know it cannot find out. Never put it in a prompt.
    """

    stocks: Names
    indices: Names
    timeline: Timeline
    salt: str = field(repr=False)

    @classmethod
    def of(
        cls,
        stocks: Mapping[str, Iterable[str]],
        reference_day: date,
        salt: str,
        *,
        indices: Mapping[str, Iterable[str]] = INDEX_NAMES,
        calendar: Calendar | None = None,
    ) -> Mask:
        """Make a mask.

        Parameters
        ----------
        stocks : mapping of str to names
            Those whose aliases are ``S001`` and so on: names by symbol, short and full, Chinese and English.
        reference_day : date
            The day of session 0 and of year 0, such as that of the decision.
        salt : str
            One for a whole run, so that aliases agree across its texts.
        indices : mapping of str to names
            The usual ones of the mainland.
        calendar : Calendar or None
            None is that of the Shanghai exchange.

        Raises
        ------
        ConfigError
            If the salt is empty, or the reference day lies outside the calendar.
        """
        if not salt:
            raise ConfigError("a mask needs a salt: without one anybody can work out its aliases")
        calendar = calendar or xshg()
        first, last = iso(calendar.first), iso(calendar.last)
        if not first <= reference_day.isoformat() <= last:
            raise ConfigError(
                f"a mask counts sessions from {reference_day}, which the {calendar.name} calendar "
                f"({first}..{last}) does not cover"
            )
        return cls(_tidy(stocks), _tidy(indices), Timeline(calendar, reference_day), salt)

    @classmethod
    def of_view(
        cls, view: MarketView, salt: str, *, further: Mapping[str, Iterable[str]] | None = None
    ) -> Mask:
        """Make the mask of a market's stocks and indices, with its session as session 0.

        Parameters
        ----------
        view : MarketView
        salt : str
        further : mapping of str to names, optional
            Names besides those the instruments have, by symbol: English ones, full ones, nicknames.
        """
        short = {str(s): (str(n),) for s, n in zip(view.symbols, view.instruments.names, strict=True)}
        more = {symbol: tuple(names) for symbol, names in (further or {}).items()}
        indices = {**INDEX_NAMES, **{symbol: INDEX_NAMES.get(symbol, ()) for symbol in view.index_symbols}}
        stocks = {
            symbol: short.get(symbol, ()) + more.get(symbol, ())
            for symbol in {**short, **more}
            if symbol not in indices
        }
        indices |= {symbol: tuple(indices[symbol]) + more.get(symbol, ()) for symbol in indices}
        day = date.fromisoformat(iso(view.session))
        return cls.of(stocks, day, salt, indices=indices, calendar=view.calendar)

    def apply(self, text: str, dated: date | None = None) -> str:
        """Return the text with an alias for every known name, every code and every date.

        Parameters
        ----------
        text : str
        dated : date or None
            When it was written, which tells the year of a day without one; None is the reference day.

        Returns
        -------
        str
            All else is as it was, to the character. Masking it again changes nothing.
        """
        while (masked := self._rules.replace(text, dated)) != text:
            # two spellings that run into one another come apart when the first is gone; each turn takes some
            text = masked
        return text

    def apply_rows(
        self, rows: Iterable[Sequence[str]], dated: date | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Return the cells of a table, or its headings, each masked by itself."""
        return tuple(tuple(self.apply(cell, dated) for cell in row) for row in rows)

    def symbol(self, symbol: str) -> str:
        """Return the alias of a stock or an index, such as for the title of a chart.

        Raises
        ------
        KeyError
            If the mask does not know it.
        """
        return self._aliases[symbol]

    def day(self, day: date) -> str:
        """Return the alias of a day, such as for the axis of a chart."""
        return self.timeline.day(day)

    @cached_property
    def hash(self) -> str:
        """Sha256 of all that determines what a text becomes; the salt cannot be read from it."""
        sessions = self.timeline.calendar.sessions
        return hash_json(
            {
                "version": _VERSION,
                "stocks": {symbol: list(names) for symbol, names in self.stocks.items()},
                "indices": {symbol: list(names) for symbol, names in self.indices.items()},
                "reference_day": self.timeline.reference_day.isoformat(),
                "calendar": hashlib.sha256(sessions.astype("datetime64[D]").tobytes()).hexdigest(),
                "salt": hashlib.sha256(self.salt.encode()).hexdigest(),
            }
        )

    @cached_property
    def _aliases(self) -> dict[str, str]:
        known = numbered("S", self.stocks, self.salt, 3)
        # an index that is quoted under two codes is one
        own = {symbol for symbol in self.indices if symbol not in self.stocks}
        known |= numbered("I", {TWINS.get(symbol, symbol) for symbol in own}, self.salt, 2)
        twins = {twin: known[first] for twin, first in TWINS.items() if first in known and twin not in known}
        return known | twins

    @cached_property
    def _rules(self) -> Rules:
        """First aliases, which stay; then names, codes and dates."""
        stock, index = (len(self._sample(letter)) - 1 for letter in "SI")
        standing = (
            r"(?<![a-z0-9])(?:(?:(?:after )?session|month|year) (?:0|[+-][1-9]\d*)|"
            rf"(?-i:S\d{{{stock}}}|I\d{{{index}}}|U[A-Z2-7]{{6}}))(?![a-z0-9])"
        )
        named = names_rule(self._aliases, {**self.stocks, **self.indices})
        return Rules(
            (
                Rule(standing, lambda match, _: match[0]),
                *([named] if named else []),
                *Codes(self._aliases, self.salt).rules(),
                *Dates(self.timeline).rules(),
            )
        )

    def _sample(self, letter: str) -> str:
        return next((a for a in self._aliases.values() if a[0] == letter), f"{letter}000")


def _tidy(names: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {symbol: tuple(dict.fromkeys(n for n in names[symbol] if n)) for symbol in sorted(names)}
