"""Synthetic markets for the benchmark: made once, written as plain arrays, read by every engine.

Prices are random walks on the tick, each session within the ±10 % limits of the main board, with fat tails;
one name in two hundred is suspended at any time, and now and then a name is sealed at a limit all session.
Scores follow an AR(1) per stock and know nothing of the prices.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

#: Persistence of the scores: as high as it can be with about n sales in every session of 300×1250.
SCORE_MEMORY = 0.95
#: The last session, before the stamp duty was halved: the bare loop knows one rate only.
LAST_SESSION = "2023-06-30"

_FIELDS = ("open", "high", "low", "close", "volume", "amount", "scores")
_FLOOR_FEN = 100


@dataclass(frozen=True)
class Size:
    """How large a run is. Sizes without an entry in ``_PORTFOLIOS`` hold a sixth of the names, 50 at most."""

    stocks: int
    sessions: int
    topk: int
    n_drop: int

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read ``50x750``: stocks by sessions."""
        try:
            stocks, sessions = (int(part) for part in text.lower().replace("×", "x").split("x"))
        except ValueError:
            raise ValueError(f"{text!r} is no size; write stocks by sessions, like 300x1250") from None
        if stocks < 2 or sessions < 3:
            raise ValueError(f"{text}: at least 2 stocks and 3 sessions")
        if stocks > 10_000:
            raise ValueError(f"{text}: at most 10000 stocks, the codes of the main board")
        topk = min(50, max(1, stocks // 6))
        topk, n_drop = _PORTFOLIOS.get((stocks, sessions), (topk, max(1, topk // 10)))
        return cls(stocks, sessions, topk, n_drop)

    def __str__(self) -> str:
        return f"{self.stocks}×{self.sessions}"


_PORTFOLIOS = {(50, 750): (10, 2)}


@dataclass(frozen=True)
class Panel:
    """(T, N) arrays: prices and amount in CNY, volume in shares; a suspended bar is flat, its volume 0."""

    size: Size
    dates: np.ndarray
    symbols: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    amount: np.ndarray
    scores: np.ndarray

    def write(self, folder: Path) -> None:
        """Write one .npy file per array and the size."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("dates", "symbols", *_FIELDS):
            np.save(folder / f"{name}.npy", getattr(self, name))
        (folder / "size.json").write_text(json.dumps(asdict(self.size)), encoding="utf-8")


def make_panel(size: Size, *, seed: int = 7, events: bool = True) -> Panel:
    """Make a market; without `events` nothing is ever suspended or at a limit."""
    rng = np.random.default_rng((seed, size.stocks, size.sessions))
    shape = size.sessions, size.stocks
    fen = {name: np.empty(shape, dtype=np.int64) for name in ("open", "high", "low", "close")}
    suspended = _suspensions(rng, shape) if events else np.zeros(shape, dtype=bool)
    before = np.round(100 * rng.lognormal(3.0, 0.6, size.stocks)).astype(np.int64).clip(300)
    for t in range(size.sessions):
        bar = _session(rng, before, events)
        for name, values in bar.items():
            fen[name][t] = np.where(suspended[t], before, values)
        before = fen["close"][t]
    volume = np.where(suspended, 0.0, 100.0 * rng.integers(5_000, 500_000, shape))
    vwap = sum(fen.values()) / 400
    return Panel(
        size=size,
        dates=_dates(size.sessions),
        symbols=_symbols(size.stocks),
        **{name: values / 100 for name, values in fen.items()},
        volume=volume,
        amount=volume * vwap,
        scores=_scores(rng, shape),
    )


def _session(rng: np.random.Generator, before: np.ndarray, events: bool) -> dict[str, np.ndarray]:
    """Bars of one session in fen: a move overnight, a larger one by day, both within the limits."""
    up, down = (before * 110 + 50) // 100, (before * 90 + 50) // 100
    if not events:
        up, down = up - 1, down + 1
    down = np.maximum(down, _FLOOR_FEN)
    overnight, by_day = (rng.standard_t(4, len(before)).clip(-6, 6) * scale for scale in (0.006, 0.012))
    first = np.rint(before * np.exp(overnight)).astype(np.int64).clip(down, up)
    last = np.rint(first * np.exp(by_day)).astype(np.int64).clip(down, up)
    reach = np.exp(np.abs(rng.normal(0.0, 0.006, (2, len(before)))))
    high = np.rint(np.maximum(first, last) * reach[0]).astype(np.int64).clip(down, up)
    low = np.rint(np.minimum(first, last) / reach[1]).astype(np.int64).clip(down, up)
    bar = {"open": first, "high": high, "low": low, "close": last}
    if events:
        draw = rng.random(len(before))
        for sealed, at in ((draw < 0.001, up), (draw > 0.999, down)):
            bar = {name: np.where(sealed, at, values) for name, values in bar.items()}
    return bar


def _suspensions(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """One start in a thousand sessions, five sessions each."""
    out = np.zeros(shape, dtype=bool)
    for t, n in zip(*np.nonzero(rng.random(shape) < 0.001), strict=True):
        out[max(1, t) : t + 5, n] = True
    return out


def _scores(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    out = rng.normal(size=shape)
    noise = np.sqrt(1.0 - SCORE_MEMORY**2)
    for t in range(1, len(out)):
        out[t] = SCORE_MEMORY * out[t - 1] + noise * out[t]
    return out


def _dates(sessions: int) -> np.ndarray:
    from engine.market.calendar import xshg

    known = xshg().sessions
    known = known[known <= np.datetime64(LAST_SESSION)]
    if sessions > len(known):
        raise ValueError(f"{sessions} sessions: the calendar has {len(known)} up to {LAST_SESSION}")
    return known[-sessions:]


def _symbols(stocks: int) -> np.ndarray:
    """Codes of both exchanges' main boards, ascending; none that has ever been changed."""
    shenzhen = min(stocks // 2, 2999)
    codes = [f"{i + 2001:06d}.SZ" for i in range(shenzhen)]
    return np.array(codes + [f"{600000 + i:06d}.SH" for i in range(stocks - shenzhen)])
