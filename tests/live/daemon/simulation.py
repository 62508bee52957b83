"""The daemon in a simulated market: its clock jumps, its store grows by a day an evening.

Nothing of the daemon is replaced: ledger, store, machine, and the judging of quotes are the real ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from alphaloom.config import RunConfig, load_config
from alphaloom.paper.daemon import Outfit, Surroundings, outfitted
from engine.errors import DataError
from engine.market.calendar import xshg
from engine.market.panel import MarketPanel
from engine.market.phases import SHANGHAI
from engine.market.store import Kind, MarketStore
from engine.rules.limits import Limits, price_limits
from live.deputy import Learn
from live.feeds import LiveQuote
from live.ledger import Ledger, Posted, Task, TaskState
from live.notify import Level

sys.path.insert(0, str(Path(__file__).parents[1]))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@dataclass
class Time:
    """The only clock there is."""

    at: datetime

    def now(self) -> datetime:
        return self.at


Bend = Callable[[LiveQuote], LiveQuote | None]


@dataclass
class PanelFeed:
    """A vendor that quotes the days of a panel, at the clock's moment; `bend` may spoil its quotes."""

    name: str
    host: str
    panel: MarketPanel
    clock: Time
    bend: Bend = field(default=lambda quote: quote)
    asked: list[tuple[datetime, int]] = field(default_factory=list)

    def fetch(self, symbols: Sequence[str]) -> dict[str, LiveQuote]:
        now = self.clock.now().astimezone(SHANGHAI)
        self.asked.append((now, len(symbols)))
        quotes = {symbol: self._quote(symbol, now) for symbol in symbols}
        bent = {symbol: None if quote is None else self.bend(quote) for symbol, quote in quotes.items()}
        return {symbol: quote for symbol, quote in bent.items() if quote is not None}

    def _quote(self, symbol: str, now: datetime) -> LiveQuote | None:
        panel, day = self.panel, np.datetime64(now.date(), "D")
        row, n = int(np.searchsorted(panel.dates, day)), panel.column(symbol)
        if panel.dates[row] != day or now.time() < time(9, 25):
            return None
        fields = {name: panel.field(name)[row, n] for name in ("open", "close", "high", "low", "preclose")}
        if np.isnan(fields["preclose"]):
            return None
        fen = {name: round(value * 100) for name, value in fields.items() if value == value}
        trades, over = panel.field("trading")[row, n] > 0, now.time() >= time(15, 0)
        limits = self._limits(row, n, fen["preclose"])
        shown = (fen["open"], fen["close"], fen["high"], fen["low"]) if over else (fen["open"],) * 4
        opened, last, high, low = shown if trades else (None,) * 4
        volume = 1000 if trades else 0
        stamp = now if now.time() >= time(9, 30) else now.replace(hour=9, minute=25, second=2)
        return LiveQuote(
            symbol, "", stamp, fen["preclose"], opened, last, high, low, volume,
            0.0 if opened is None else volume * opened / 100, limits.up, limits.down, not trades, self.name,
        )  # fmt: skip

    def _limits(self, row: int, n: int, reference: int) -> Limits:
        panel = self.panel
        st = panel.field("is_st")[row, n] > 0
        day = int(panel.dates[row].astype(np.int64))
        return price_limits(panel.instruments.boards[n], bool(st), reference, day, None, 0)


@dataclass
class World:
    """A market to come, a store that has come so far, and what goes wrong in it.

    Parameters
    ----------
    whole : MarketStore
        Everything, the days to come included.
    store : MarketStore
        The account's.
    no_data : mapping of date to datetime
        Sessions whose prices nobody has before a moment.
    gaps : mapping of date to collection of str
        Names whose row of a session comes an evening late.
    never : collection of (str, date)
        Rows that never come.
    """

    whole: MarketStore
    store: MarketStore
    clock: Time
    folder: Path
    no_data: Mapping[date, datetime] = field(default_factory=dict)
    gaps: Mapping[date, Collection[str]] = field(default_factory=dict)
    never: Collection[tuple[str, date]] = ()
    feeds: list[PanelFeed] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    defects: list[BaseException] = field(default_factory=list)
    syncs: list[tuple[datetime, date]] = field(default_factory=list)

    def __post_init__(self) -> None:
        panel = self.whole.panel("sse50").panel
        self.panel = panel
        self.feeds = [
            PanelFeed("tencent", "qt.gtimg.cn", panel, self.clock),
            PanelFeed("sina", "hq.sinajs.cn", panel, self.clock),
        ]

    def settings(self, *sets: str, **sections: Any) -> RunConfig:
        config: dict[str, Any] = {
            "name": "live",
            "benchmark": "000016.SH",
            "data": {"source": "store", "path": str(self.store.folder), "universe": "sse50"},
            "alpha": {"provider": "reversal", "params": {"lookback": 20}},
            "strategy": {"name": "topk_dropn", "params": {"topk": 5, "n_drop": 1}},
            "broker": {"cash": 1_000_000},
            **sections,
        }
        return load_config(config, sets=list(sets))

    def sync(self, store: MarketStore, wanted: date, stop: Callable[[], None]) -> list[str]:
        """What an evening brings: rows up to the session, but for those that are withheld."""
        stop()
        now = self.clock.now()
        self.syncs.append((now, wanted))
        if wanted in self.no_data and now < self.no_data[wanted]:
            raise DataError(f"no vendor has the session of {wanted} yet")
        late = self.gaps if now.date() == wanted else {}
        missing = {*self.never, *((symbol, day) for day, names in late.items() for symbol in names)}
        grow(store, self.whole, wanted, missing, now)
        return []

    def surroundings(self, learn: Learn | None = None) -> Surroundings:
        return Surroundings(
            now=self.clock.now,
            sync=self.sync,
            feeds=self.feeds,
            calendar=lambda store: xshg(),
            log=lambda level, line: self.log.append(f"{level.value}: {line}"),
            defect=self.defects.append,
            learn=learn,
            environ={},
        )

    @contextmanager
    def daemon(self, url: str, settings: RunConfig, learn: Learn | None = None, **options: Any) -> Any:
        with outfitted(settings, url, "live", self.surroundings(learn), **options) as outfit:
            yield outfit

    def drive(self, outfit: Outfit, until: datetime) -> None:
        """Jump from wake to wake."""
        while True:
            again = outfit.daemon.wake()
            assert again > self.clock.at, "a daemon that wants to be woken at once never sleeps"
            if again >= until:
                self.clock.at = until
                return
            self.clock.at = again

    def run(
        self, url: str, settings: RunConfig, until: str, learn: Learn | None = None, **options: Any
    ) -> list[Posted]:
        """Let a daemon live until a moment, then stop it; what was told."""
        with self.daemon(url, settings, learn, **options) as outfit:
            outfit.daemon.start()
            self.drive(outfit, moment(until))
            outfit.daemon.close("the test is over")
        assert not self.defects, self.defects
        return told(url)


def told(url: str) -> list[Posted]:
    with Ledger.open(url, read_only=True) as ledger:
        return ledger.service().messages()


def as_text(messages: Sequence[Posted]) -> str:
    """Messages as a person reads them."""
    lines = []
    for each in messages:
        lines.append(f"{each.at:%m-%d %H:%M:%S} [{each.kind}] {each.title}")
        lines += [f"    {line}" for line in each.body.splitlines()]
    return "\n".join(lines) + "\n"


def grow(
    store: MarketStore,
    whole: MarketStore,
    wanted: date,
    missing: Collection[tuple[str, date]],
    now: datetime,
) -> None:
    """Copy what is missing of the bars up to a session."""
    with store.writing(lambda: now.replace(tzinfo=None)) as writer:
        for kind in (Kind.BARS, Kind.INDEX_BARS, Kind.FACTORS):
            lately = wanted - timedelta(days=20)
            there, rows = writer.rows(kind), whole.reader().rows(kind)
            rows = rows.filter(pc.less_equal(rows["session"], wanted))
            rows, there = (part.filter(pc.greater(part["session"], lately)) for part in (rows, there))
            known = set(zip(there["symbol"].to_pylist(), there["session"].to_pylist(), strict=True))
            keys = list(zip(rows["symbol"].to_pylist(), rows["session"].to_pylist(), strict=True))
            new = [key not in known and key not in missing for key in keys]
            if any(new):
                writer.add(kind, rows.filter(new))
        writer.commit("tonight")


def later(text: str, **span: int) -> datetime:
    return moment(text) + timedelta(**span)


def levels(log: Sequence[str]) -> set[Level]:
    return {Level(line.split(":")[0]) for line in log}


def states(url: str, session: date) -> dict[Task, TaskState]:
    """Where the tasks of a session stand in a ledger that is sound."""
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        return {record.task: record.state for record in ledger.tasks(session)}
