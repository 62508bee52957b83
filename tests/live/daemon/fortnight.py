"""A fortnight in which everything happens once; what it does to the daemon is in the golden text."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sample_store import cut, edited, opening_at_the_limit, suspended, whole_store
from simulation import Time, World, moment

from alpha_sources.snapshot import Snapshot
from alphaloom.config import RunConfig
from alphaloom.paper.refresh import learnt
from engine.errors import AlphaloomError
from engine.market.store import MarketStore
from engine.market.view import MarketView
from engine.span import SpanConfig
from live.deputy import Learn, Lesson
from live.snapshots import recall

BEGINS, ENDS = "2023-06-11T12:00", "2023-06-28T20:00"
FIRST = date(2023, 6, 12)
#: the daemon dies in this session without a word, and is started again two hours later
CRASH, AGAIN = "2023-06-15T12:00", "2023-06-15T14:00"
#: no vendor has a quote all morning
NO_QUOTES = date(2023, 6, 20)
#: a session whose prices no vendor has before the next one is half over
NO_DATA, UNTIL = date(2023, 6, 26), "2023-06-27T11:40"


def market(folder: Path) -> MarketStore:
    """The sample, in which one stock opens at its limit and another does not trade for two sessions."""
    whole = whole_store(folder / "sample", date(2022, 11, 1), date(2023, 7, 21))

    def happen(bars: Any) -> Any:
        bars = opening_at_the_limit(bars, "601225.SH", "2023-06-14")
        return suspended(bars, "601888.SH", "2023-06-16", "2023-06-19")

    return edited(whole, folder / "whole", happen)


def world(whole: MarketStore, folder: Path, begins: str = BEGINS) -> World:
    store = folder / "store"
    known = MarketStore(store) if store.exists() else cut(whole, store, date(2023, 6, 9))
    made = World(whole, known, Time(moment(begins)), folder, no_data={NO_DATA: moment(UNTIL)})
    for feed in made.feeds:
        feed.bend = lambda quote: None if quote.time.date() == NO_QUOTES else quote
    return made


def settings_of(made: World, *, fails_on: tuple[str, ...] = ("2023-06-21",)) -> RunConfig:
    """Reversal that learns its look-back every fourth session; one of the refreshes fails."""
    provider = f"{Path(__file__).with_name('learning_alpha.py')}:Learning"
    alpha = {"provider": provider, "params": {"fails_on": list(fails_on)}, "refresh": "every 4"}
    return made.settings(alpha=alpha)


def here(settings: RunConfig, folder: Path) -> Learn:
    """Refreshes in this process, which is quicker than one of their own, and the same otherwise."""
    spanning = settings.model_copy(update={"span": SpanConfig(start=FIRST)})

    def learn(view: MarketView, previous: Snapshot | None) -> Lesson:
        try:
            told = learnt(spanning, view.session.astype(object), previous, folder)
        except AlphaloomError as problem:
            return Lesson(failed=str(problem))
        digest = told.pop("snapshot")
        return Lesson(None if digest is None else recall(folder, digest), **told)

    return learn
