"""Which store is meant, the time in Shanghai, and options that several commands share."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from engine.market.store import MarketStore

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="The store; by default store/market in ALPHALOOM_HOME."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def store_at(folder: Path | None) -> MarketStore:
    """The store in a folder, or the user's own."""
    from alphaloom.home import home
    from engine.market.store import MarketStore

    return MarketStore(folder if folder is not None else home() / "store" / "market")


def shanghai_now() -> datetime:
    """The time where the exchange is, naive."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)


def day(text: str | None) -> date | None:
    """A day written like 2023-01-03."""
    from engine.market.calendar import to_session

    found: date | None = None if text is None else to_session(text).astype(object)
    return found
