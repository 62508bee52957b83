"""`StoreMarket`: the market store as the daemon wants it, with the session to come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from pathlib import Path

from alphaloom.config import RunConfig
from alphaloom.paper.parity import compare, quotes_of
from alphaloom.paper.runs import live_run, paper_run
from engine.errors import CalendarError, ConfigError
from engine.market.calendar import Calendar
from engine.market.load import load_market
from engine.market.store import MarketStore, StoreReader
from engine.market.store.members import member_spells, universes
from live.coming import ComingMarket, coming_market
from live.daemon.market import LiveRun
from live.deputy import Learn
from live.ledger import Ledger
from live.parity import Difference
from live.past import PastSession
from live.run import PaperRun

#: Brings a store up to a session; what is left open, a sentence each. What it is handed it calls at times.
Sync = Callable[[MarketStore, date, Callable[[], None]], Sequence[str]]


class StoreMarket:
    """The market of one account.

    Parameters
    ----------
    settings : RunConfig
        Its span begins with the account's first session.
    ledger : Ledger
    account : str
    snapshots : Path
    calendar : callable
        The sessions of the exchange, as far as they are known now.
    sync : callable
    learn : callable, optional
        Makes a provider's refreshes in its place.
    """

    def __init__(
        self,
        settings: RunConfig,
        ledger: Ledger,
        account: str,
        snapshots: Path,
        *,
        calendar: Callable[[MarketStore], Calendar],
        sync: Sync,
        learn: Learn | None = None,
    ) -> None:
        self.store = store_of(settings)
        self._settings, self._ledger, self._account = settings, ledger, account
        self._snapshots, self._calendar, self._sync = snapshots, calendar, sync
        self._learn = learn
        self._stored: tuple[int, date | None] | None = None

    def calendar(self) -> Calendar:
        """The sessions of the exchange."""
        return self._calendar(self.store)

    def stored(self) -> date | None:
        """The last session with prices."""
        if not self.store.exists:
            return None
        reader = self.store.reader()
        # to look costs a millisecond, and is done at every step
        sequence = reader.manifest.sequence
        if self._stored is None or self._stored[0] != sequence:
            self._stored = sequence, self.store.read(self._last)
        return self._stored[1]

    def _last(self, reader: StoreReader) -> date | None:
        """The last session of any name of the universe; other names may have come further."""
        universe = self._settings.resolved_data().universe or next(iter(universes(reader)), "all")
        if universe == "all":
            return reader.coverage().last
        if isinstance(universe, str):
            universe = [spell.symbol for spell in member_spells(reader, universe)]
        return reader.coverage(universe).last

    def load(self, held: Collection[str]) -> LiveRun:
        """Read the market up to the session to come."""
        try:
            market = live_market(self._settings, self.store, held)
        except CalendarError:  # the last session that is known of can still be settled
            return LiveRun(paper_run(self._settings), frozenset())
        return LiveRun(live_run(self._settings, market, self._learn), frozenset(market.silent))

    def sync(self, wanted: date, stop: Callable[[], None]) -> Sequence[str]:
        """Bring the store up to a session."""
        return self._sync(self.store, wanted, stop)

    def compare(self, run: PaperRun, sessions: list[PastSession], session: date) -> list[Difference]:
        """Back-test a settled session, and hold its quotes against the settled prices."""
        found = compare(
            run, sessions, self._snapshots, session, quoted=quotes_of(self._ledger, self._account, session)
        )
        return found[session]


def store_of(settings: RunConfig) -> MarketStore:
    """The store that a configuration trades on.

    Raises
    ------
    ConfigError
        If its data come from anywhere else.
    """
    if settings.data.source != "store":
        raise ConfigError(
            f"data.source {settings.data.source} never grows; live sessions need the market store: set data: "
            "{source: store, universe: sse50}, and fill it with alphaloom data sync"
        )
    path = settings.resolved_data().path
    assert path is not None, "a store has a folder"
    return MarketStore(path)


def live_market(settings: RunConfig, store: MarketStore, held: Collection[str] = ()) -> ComingMarket:
    """Read a store up to the session after its last one."""
    return coming_market(store, load_market(settings.resolved_data()).panel, held)
