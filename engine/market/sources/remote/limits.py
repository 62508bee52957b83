"""How often a host may be asked, kept by all processes of a machine together, and when it is left alone.

A call is let through if fewer than the rate's number of calls were let through within its window; the times
of calls lie in a small SQLite file. A host that refuses is not asked at all until its pause is over; then one
call tries it, and the pause doubles if that fails too.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engine.market.sources.remote.failure import NotAskable, Trouble, VendorError
from engine.wal import use_wal


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many calls in any span of so many seconds."""

    calls: int
    per_s: float

    def __post_init__(self) -> None:
        if self.calls < 1 or not self.per_s >= 0.0:
            raise ValueError(f"no rate: {self.calls} calls in {self.per_s} s")


#: Suffixes of hosts and how often they may be asked, written 2026-11; the empty one is for every other host.
#: Eastmoney's push2 hosts ban an address for hours after some tens of quick calls (reported by many users of
#: akshare), so they are asked once in two seconds; Sina bans with status 456. Tencent answers a name by a
#: request for each year, from two hosts. cninfo's hosts refuse together. Exchanges, csindex, jin10 and SAFE
#: are asked so seldom that the common rate will do. Nobody publishes a number.
DEFAULT_RATES: Mapping[str, Rate] = MappingProxyType(
    {
        "push2.eastmoney.com": Rate(1, 2.0),
        "push2his.eastmoney.com": Rate(1, 2.0),
        "eastmoney.com": Rate(1, 1.0),
        "gtimg.cn": Rate(3, 1.0),
        "qq.com": Rate(3, 1.0),
        "sinajs.cn": Rate(1, 1.0),
        "sina.com.cn": Rate(1, 1.0),
        "cninfo.com.cn": Rate(1, 1.0),
        "baostock.com": Rate(5, 1.0),
        "": Rate(1, 1.0),
    }
)
#: without a limit: for hosts of one's own, and for tests
NO_RATES: Mapping[str, Rate] = MappingProxyType({"": Rate(1, 0.0)})
#: failures in a row after which a host is left alone, and for how long at first and at most
_FAILURES, _PAUSE_S, _REFUSED_PAUSE_S, _LONGEST_PAUSE_S = 5, 60.0, 900.0, 4 * 3600.0
#: how long the one call that tries a host again may take before another may try
_TRIAL_S = 120.0
#: how much later at most whoever has just come looks again
_COURTESY_S = 0.05
#: how long to wait for another process that writes
_PATIENCE_S = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS calls (rule TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_rule ON calls (rule, at);
CREATE TABLE IF NOT EXISTS breakers (
    rule TEXT PRIMARY KEY, failures INTEGER NOT NULL, pause REAL NOT NULL, until REAL NOT NULL,
    trial_until REAL NOT NULL, trouble TEXT NOT NULL
);
"""


class HostLimits:
    """Rates and breakers of hosts.

    Parameters
    ----------
    path : Path or None
        The file that processes share, made when missing; None: this object only.
    clock : callable
        Seconds since any fixed moment, the same for all processes that share the file (``time.time``).
    sleep : callable
        ``time.sleep``.
    rates : mapping of str to Rate
        By suffix of host names, the longest that fits; the empty suffix fits all.

    Raises
    ------
    NotAskable
        By any call, if the file cannot be used.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        rates: Mapping[str, Rate] = DEFAULT_RATES,
    ) -> None:
        self.path, self.rates = path, rates
        self._clock, self._sleep = clock, sleep
        self._mutex = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def wait(self, host: str, *, vendor: str = "", about: str = "") -> None:
        """Return once the host may be asked one more time; the call counts from now.

        Raises
        ------
        VendorError
            At once, while the host is left alone; `vendor` and `about` are for its message.
        """
        rule = self.rule(host)
        rate = self._rate(rule)
        # who comes just now wakes a little later than who waits already: no process takes every turn
        courtesy = 0.0 if self.path is None else min(_COURTESY_S, rate.per_s / 10.0)
        while True:
            with self._transaction() as db:
                now = self._clock()
                self._refuse_open(db, rule, now, host, vendor, about)
                pause = _earliest(db, rule, rate, now) - now
                if pause <= 0.0:
                    db.execute("INSERT INTO calls VALUES (?, ?)", (rule, now))
                    self._begin_trial(db, rule, now)
                    return
            self._sleep(pause + courtesy)
            courtesy = 0.0

    def succeeded(self, host: str) -> None:
        """Note that the host has answered."""
        with self._transaction() as db:
            db.execute("DELETE FROM breakers WHERE rule = ?", (self.rule(host),))

    def failed(self, host: str, trouble: Trouble) -> None:
        """Note that it has not; what is wrong with an answer alone does not count against the host."""
        if not trouble.of_the_host:
            self.succeeded(host)
            return
        rule = self.rule(host)
        with self._transaction() as db:
            row = db.execute("SELECT failures, pause, until FROM breakers WHERE rule = ?", (rule,)).fetchone()
            failures, pause, until = (row[0] + 1, row[1], row[2]) if row else (1, 0.0, 0.0)
            first = _REFUSED_PAUSE_S if trouble is Trouble.REFUSED else _PAUSE_S
            now = self._clock()
            tried_in_vain = 0.0 < until <= now
            opens = trouble is Trouble.REFUSED or failures >= _FAILURES or tried_in_vain
            if opens and until <= now:
                pause = min(max(first, 2.0 * pause), _LONGEST_PAUSE_S)
                until = now + pause
            db.execute(
                "INSERT OR REPLACE INTO breakers VALUES (?, ?, ?, ?, 0.0, ?)",
                (rule, failures, pause, until, trouble.value),
            )

    def rule(self, host: str) -> str:
        """Return the suffix whose rate and breaker a host shares; the host itself where none is named."""
        host = host.lower().rstrip(".")
        labels = host.split(".")
        for i in range(len(labels)):
            suffix = ".".join(labels[i:])
            if suffix in self.rates:
                return suffix
        return host

    def close(self) -> None:
        """Close the file."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rate(self, rule: str) -> Rate:
        return self.rates.get(rule) or self.rates.get("") or DEFAULT_RATES[""]

    def _refuse_open(
        self, db: sqlite3.Connection, rule: str, now: float, host: str, vendor: str, about: str
    ) -> None:
        row = db.execute(
            "SELECT until, trial_until, trouble, pause FROM breakers WHERE rule = ?", (rule,)
        ).fetchone()
        if row is None:
            return
        until, trial_until, trouble, pause = row
        # what lies much farther ahead than it was meant to is from before the clock was set back
        if 0.0 < until - now <= 2.0 * pause or 0.0 < trial_until - now <= 2.0 * _TRIAL_S:
            minutes = max(1, round((max(until, trial_until) - now) / 60.0))
            raise VendorError(
                vendor or rule, host, about, Trouble.REFUSED,
                f"it is left alone after {Trouble(trouble).value}",
                f"it is tried again in about {minutes} min; ask another vendor meanwhile",
                "not asked",
            )  # fmt: skip

    def _begin_trial(self, db: sqlite3.Connection, rule: str, now: float) -> None:
        db.execute("UPDATE breakers SET trial_until = ? WHERE rule = ? AND until > 0", (now + _TRIAL_S, rule))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                db = self._connection or self._open()
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
            except (sqlite3.Error, OSError) as problem:
                raise NotAskable(
                    f"{self.path}: the file that keeps the rates of calls cannot be used: {problem}; see "
                    "that its disk is not full and its folder can be written to, or delete it"
                ) from problem

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(
            self.path or ":memory:", timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        use_wal(db, _PATIENCE_S)
        # losing the last calls with the machine's power does no harm
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(_TABLES)
        self._connection = db
        return db


def _earliest(db: sqlite3.Connection, rule: str, rate: Rate, now: float) -> float:
    """When the next call may be made; forgets calls that no longer count."""
    # those after now are from before the clock was set back
    db.execute("DELETE FROM calls WHERE rule = ? AND (at <= ? OR at > ?)", (rule, now - rate.per_s, now))
    times = db.execute("SELECT at FROM calls WHERE rule = ? ORDER BY at DESC", (rule,)).fetchall()
    return float(times[rate.calls - 1][0]) + rate.per_s if len(times) >= rate.calls else now
