"""The daemon and its vendors, over TLS: unmodified clients against local hosts that answer as recorded."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from simulation import World, moment, states
from vendors.market import Market
from vendors.quotes import Fault, Kind, QuoteServices
from vendors.server import Answer, Request, VendorServer, chain

from alphaloom.paper.sync import vendors_sync
from engine.market.sources.remote.limits import DEFAULT_RATES, NO_RATES, HostLimits
from live.feeds import quote_feeds
from live.ledger import Ledger, QuotesUsed, Task, TaskState

FIRST, SECOND, THIRD = date(2023, 6, 12), date(2023, 6, 13), date(2023, 6, 14)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.sample(first="2022-11-01", last="2023-07-07")


@pytest.fixture
def server(market: Market, monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    with VendorServer(market.routes) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def test_orders_meet_the_quotes_of_real_feeds_and_no_host_is_asked_too_often(
    world: World, server: VendorServer, market: Market, tmp_path: Path
) -> None:
    """A captcha, a silence, a vendor that is off: one session is missed, the others are traded."""
    url = str(tmp_path / "paper.db")
    services = QuoteServices(market, world.clock.now)
    # the second session: a page with status 200 from two of them, so that one is left, which is not enough
    morning = {"since": moment("2023-06-13T09:00"), "until": moment("2023-06-13T10:00")}
    services.faults += [Fault(Kind.HTML, vendor, **morning) for vendor in ("tencent", "sina")]
    # the third: one vendor is off by some fen, the two others agree
    services.faults.append(Fault(Kind.PRICE, "sina", since=moment("2023-06-14T09:00")))
    server.routes = services.routes
    settings = world.settings(live={"quotes_retry_s": 120})
    limits = HostLimits(tmp_path / "hosts.db", clock=time.time, sleep=time.sleep)
    world.feeds = quote_feeds(settings.quotes, limits)  # type: ignore[assignment]
    messages = world.run(url, settings, "2023-06-14T20:00")
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        found = ledger.entries(kinds=("quotes",))
    used = {day: entry for day, entry in found if isinstance(entry, QuotesUsed)}
    assert [states(url, day)[Task.EXECUTE] for day in (FIRST, SECOND, THIRD)] == [
        TaskState.DONE,
        TaskState.MISSED,
        TaskState.DONE,
    ]
    assert used[FIRST].source == "tencent+sina+eastmoney"
    assert used[THIRD].source == "tencent+eastmoney"
    settled = next(each for each in messages if each.title.startswith(f"{FIRST} settled"))
    assert "differences" not in settled.body
    said = next(each for each in messages if each.kind == "quotes")
    assert said.at == moment("2023-06-13T09:25:05")
    asked: defaultdict[str, list[float]] = defaultdict(list)
    for request in server.log:
        asked[request.host].append(request.at)
    assert asked.keys() == {"qt.gtimg.cn", "hq.sinajs.cn", "push2.eastmoney.com"}
    for host, rate in (("qt.gtimg.cn", "gtimg.cn"), ("hq.sinajs.cn", "sinajs.cn")):
        within(asked[host], DEFAULT_RATES[rate].calls, DEFAULT_RATES[rate].per_s)
    rate = DEFAULT_RATES["push2.eastmoney.com"]
    within(asked["push2.eastmoney.com"], rate.calls, rate.per_s)


def within(times: list[float], calls: int, per_s: float) -> None:
    """In no span of three times the rate's seconds were there more calls than it allows in it.

    These are the moments at which requests arrived: on a busy machine one may be late, and the next in time.
    """
    assert len(times) >= 5
    for n in range(len(times) - 3 * calls):
        assert times[n + 3 * calls] - times[n] >= 2.25 * per_s


def test_an_evening_with_the_vendors_settles_what_a_morning_with_them_sent(
    world: World, server: VendorServer, market: Market, tmp_path: Path
) -> None:
    """Quotes at 9:25, akshare at 16:00, both from the same local hosts: sent, stored, settled.

    With the valuation ratios, which a provider may score on: what the store has is kept up to date.
    """
    url = str(tmp_path / "paper.db")
    names = ["600519.SH", "601318.SH", "600036.SH", "601166.SH", "600887.SH", "600276.SH", "601888.SH"]
    data = {"source": "store", "path": str(world.store.folder), "universe": names}
    strategy = {"name": "topk_dropn", "params": {"topk": 3, "n_drop": 1}}
    settings = world.settings(data=data, strategy=strategy, live={"sync_tables": ["ratios"]})
    limits = HostLimits(None, clock=time.time, sleep=time.sleep, rates=NO_RATES)
    said: list[str] = []
    services = QuoteServices(market, world.clock.now)

    def routes(request: Request) -> Answer | None:
        day = world.clock.now()
        known = day.date() if day.hour >= 15 else date.fromordinal(day.date().toordinal() - 1)
        return chain(services.routes, market.until(known.isoformat()).routes)(request)

    server.routes = routes
    world.feeds = quote_feeds(settings.quotes, limits)  # type: ignore[assignment]
    world.sync = vendors_sync(settings, limits, world.clock.now, said.append)  # type: ignore[method-assign]
    messages = world.run(url, settings, "2023-06-13T20:00")
    assert set(states(url, FIRST).values()) == {TaskState.DONE}
    assert set(states(url, SECOND).values()) == {TaskState.DONE}
    settled = [each for each in messages if " settled: " in each.title]
    assert [each.session for each in settled] == [FIRST, SECOND]
    assert not [each for each in settled if "differences" in each.body]
    assert "3 fills" in settled[0].title
    panel = world.store.panel(names).panel
    assert np.isfinite(panel.field("pe_ttm")[[panel.row(FIRST), panel.row(SECOND)]]).all()
