"""What a feed of live quotes is, and the part that all of ours share: batches, limits, one kind of error."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from engine.market.sources.remote.failure import Trouble, VendorError
from live.feeds.quote import LiveQuote, Unreadable
from live.feeds.web import Page, Web

#: What a vendor's answer says of each symbol that it is labelled with.
Quotes = Mapping[str, LiveQuote | Unreadable]


class QuoteFeed(Protocol):
    """One vendor of live quotes."""

    @property
    def name(self) -> str:
        """What notes and the ledger call it: ``tencent``."""

    @property
    def host(self) -> str:
        """Whom it asks. Two feeds are independent where their hosts are."""

    def fetch(self, symbols: Sequence[str]) -> Quotes:
        """Ask for some symbols, in the house spelling.

        Returns
        -------
        mapping of str to LiveQuote or Unreadable
            By the symbol that a line is labelled with. What the vendor does not answer is missing; what it
            adds is there too.

        Raises
        ------
        VendorError
            If no answer came, or it is none.
        """


class FeedAnswer(NamedTuple):
    """What one feed sent, or why it did not."""

    name: str
    host: str
    quotes: Quotes
    trouble: VendorError | None = None


def in_short(problem: VendorError) -> str:
    """What happened and what was seen, without the vendor's name and what to do."""
    return f"{problem.words or problem.trouble.words}{f' ({problem.detail})' if problem.detail else ''}"


class WebFeed(ABC):
    """Asks in batches, one request each, until all are answered or the time for all of them is up.

    If a later batch fails, what came before it stands, and the names that are left say why.

    Parameters
    ----------
    web : Web
        The way out; its limits and deadlines are the feed's.
    """

    name: str
    host: str
    #: symbols asked for with one request
    batch: int

    def __init__(self, web: Web) -> None:
        self._web = web
        # whoever did not wait for an answer may ask again while it is still to come
        self._one_at_a_time = threading.Lock()

    def fetch(self, symbols: Sequence[str]) -> Quotes:
        """Ask for some symbols; see `QuoteFeed.fetch`."""
        out: dict[str, LiveQuote | Unreadable] = {}
        with self._one_at_a_time:
            self._web.begin(self.name)
            for start in range(0, len(symbols), self.batch):
                part = symbols[start : start + self.batch]
                try:
                    out.update(self._web.read(self._page(part), partial(self._read, symbols=part)))
                except VendorError as problem:
                    if not out:
                        raise
                    why = in_short(problem)
                    out.update({name: Unreadable(name, why, self.name) for name in symbols[start:]})
                    break
        return out

    def close(self) -> None:
        """Close its connections."""
        self._web.close()

    @abstractmethod
    def _page(self, symbols: Sequence[str]) -> Page:
        """What to ask for."""

    @abstractmethod
    def _read(self, text: str, symbols: Sequence[str]) -> Quotes:
        """What the answer says."""

    def _refuse(self, why: str) -> VendorError:
        """Return the error of an answer that is not of the vendor's form."""
        now = "the other sources are asked meanwhile; if it stays so, the vendor has changed its form"
        return VendorError(self.name, self.host, "quotes", Trouble.COLUMNS, why, now)

    def _turned_away(self, why: str) -> VendorError:
        """Return the error of an answer by which the vendor sends us away, with status 200."""
        now = "the other sources are asked meanwhile"
        return VendorError(self.name, self.host, "quotes", Trouble.REFUSED, why, now)
