"""A synthetic market for the store's benchmark: seeded, on the tick, with suspensions and yearly ex-dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.market.calendar import xshg
from engine.market.sources.delivery import DailyBars
from engine.market.store import Kind
from engine.market.store.folder import StoreWriter
from engine.market.store.rows import bars_table, days, words

#: the last session of a full-size market is the last before this day
END = np.datetime64("2026-01-01")
_SUSPENDED, _EX_DATE, _DIVIDEND = 0.005, 1 / 243, 0.02


@dataclass
class Walk:
    """Prices on their way from session to session.

    Parameters
    ----------
    close, factor : (N,) float arrays
        Of the session before; moved on.
    rng : numpy.random.Generator
    steps : list of (session, (K,) names, (K,) cash, (K,) factor)
        The ex-dates so far, in CNY per share before tax.
    """

    close: np.ndarray
    factor: np.ndarray
    rng: np.random.Generator
    steps: list[tuple[np.datetime64, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    @classmethod
    def begin(cls, names: int, seed: int) -> Walk:
        rng = np.random.default_rng(seed)
        return cls(np.round(rng.uniform(5, 60, names), 2), np.ones(names), rng)

    @property
    def symbols(self) -> np.ndarray:
        return np.array([f"{600000 + n}.SH" for n in range(len(self.close))])

    def bars(self, sessions: np.ndarray, *, ex_dates: bool = True) -> DailyBars:
        """Bars of the sessions to come."""
        rng, (T, N) = self.rng, (len(sessions), len(self.close))
        before, after, factors = np.empty((T, N)), np.empty((T, N)), np.empty((T, N))
        traded = rng.random((T, N)) > _SUSPENDED
        for t in range(T):
            reference = self.close.copy()
            if ex_dates:
                self._go_ex(sessions[t], reference, np.flatnonzero(traded[t] & (rng.random(N) < _EX_DATE)))
            move = np.clip(rng.standard_t(4, N) * 0.012, -0.09, 0.09)
            price = np.maximum(np.floor(reference * (1 + move) * 100 + 0.5) / 100, 1.0)
            # within what the limit allows at the lowest prices
            np.clip(price, np.ceil(reference * 91) / 100, np.floor(reference * 109) / 100, out=price)
            before[t] = reference
            self.close = after[t] = np.where(traded[t], price, reference)
            factors[t] = self.factor
        volume = np.where(traded, np.round(np.exp(rng.normal(15, 1, (T, N)))), 0.0)
        values = {
            "open": before, "high": np.maximum(before, after), "low": np.minimum(before, after),
            "close": after, "preclose": before, "volume": volume,
            "amount": np.round(volume * (before + after) / 2, 2), "turnover": volume / 1e9,
            "trading": traded.astype(float), "is_st": np.zeros((T, N)), "adj_factor": factors,
        }  # fmt: skip
        columns = {name: cells.T.ravel() for name, cells in values.items()}
        return DailyBars(self.symbols, np.repeat(np.arange(N), T), np.tile(sessions, N), columns)

    def _go_ex(self, session: np.datetime64, reference: np.ndarray, names: np.ndarray) -> None:
        cash = np.round(reference[names] * _DIVIDEND, 2)
        after = np.floor((reference[names] - cash) * 100 + 0.5) / 100
        self.factor[names] *= reference[names] / after
        reference[names] = after
        self.steps.append((session, names, cash, self.factor[names].copy()))


def last_sessions(count: int) -> np.ndarray:
    sessions = xshg().sessions
    return sessions[: np.searchsorted(sessions, END)][-count:]


def write_store(writer: StoreWriter, sessions: np.ndarray, walk: Walk) -> None:
    """Add a market year by year, as an import does, and commit."""
    years = sessions.astype("datetime64[Y]")
    for year in np.unique(years):
        writer.add(Kind.BARS, bars_table(walk.bars(sessions[years == year])))
        writer.commit("bench")
    symbols = walk.symbols
    first = (sessions[0], np.arange(len(symbols)), np.zeros(len(symbols)), np.ones(len(symbols)))
    writer.add(Kind.FACTORS, _steps_table(symbols, "session", "adj_factor", [first, *walk.steps], 3))
    actions = _steps_table(symbols, "ex_date", "cash_per_share", walk.steps, 2)
    for name in ("bonus_ratio", "rights_ratio", "rights_price"):
        actions = actions.append_column(name, pa.array(np.zeros(len(actions))))
    actions = actions.append_column("pay_date", actions["ex_date"])
    writer.add(Kind.ACTIONS, actions)
    writer.commit("bench")


def _steps_table(symbols: np.ndarray, day: str, name: str, steps: list, part: int) -> pa.Table:
    sessions = np.concatenate([np.full(len(step[1]), step[0]) for step in steps])
    return pa.table(
        {
            "symbol": words(symbols, np.concatenate([step[1] for step in steps])),
            day: days(sessions),
            name: pa.array(np.concatenate([step[part] for step in steps])),
            "source": pa.array(["bench"] * len(sessions)),
        }
    )


def write_qlib(folder: Path, bars: DailyBars) -> None:
    """Write bars as a Qlib folder; a suspended session is NaN there."""
    sessions = np.unique(bars.session)
    (folder / "calendars").mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("\n".join(map(str, sessions)) + "\n")
    for symbol, values in _by_name(bars):
        place = folder / "features" / f"{symbol[-2:]}{symbol[:6]}".lower()
        place.mkdir(parents=True)
        factor, idle = values["adj_factor"], values["trading"] == 0.0
        features = {name: values[name] * factor for name in ("open", "high", "low", "close")}
        features |= {"volume": values["volume"] / factor, "amount": values["amount"], "factor": factor}
        for name, cells in features.items():
            known = np.where(idle, np.nan, cells)
            np.append(0.0, known).astype("<f4").tofile(place / f"{name}.day.bin")


def _by_name(bars: DailyBars) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    starts = np.searchsorted(bars.column, np.arange(len(bars.symbols) + 1))
    for n, symbol in enumerate(bars.symbols.tolist()):
        yield symbol, {name: cells[starts[n] : starts[n + 1]] for name, cells in bars.values.items()}
