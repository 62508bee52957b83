"""The real feeds against local hosts, over TLS: a day of the market, and everything that can go wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from vendors.market import Market
from vendors.quotes import Fault, Kind, QuoteServices
from vendors.server import Answer, Request, VendorServer, chain

from engine.market.phases import SHANGHAI
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.limits import NO_RATES, HostLimits, Rate
from live.feeds import (
    Doubt,
    EastmoneyFeed,
    LiveQuote,
    Page,
    QuoteFeed,
    QuotesConfig,
    QuotesReport,
    SinaFeed,
    TencentFeed,
    Verdict,
    Web,
    ask,
    quote_feeds,
)

NAMES = ["600519.SH", "601318.SH", "600036.SH", "601166.SH", "600887.SH", "600276.SH"]
SESSION = date(2023, 6, 1)


class Clock:
    """The exchange's clock, at 9:25:20 until it is told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2023, 6, 1, 9, 25, 20, tzinfo=SHANGHAI)

    def __call__(self) -> datetime:
        return self.now

    def at(self, clock: str) -> Clock:
        hour, minute, second = map(int, clock.split(":"))
        self.now = self.now.replace(hour=hour, minute=minute, second=second)
        return self


class Exchange:
    """A market day behind a local server, and the feeds that ask it."""

    def __init__(self, market: Market, server: VendorServer) -> None:
        self.clock, self.server = Clock(), server
        self.services = QuoteServices(market, self.clock)
        server.routes = self.services.routes
        server.log.clear()
        self.limits = HostLimits(None, clock=time.monotonic, sleep=time.sleep, rates=NO_RATES)
        self.feeds = quote_feeds(QuotesConfig(), self.limits)

    def fails(self, kind: Kind, vendor: str = "", *symbols: str, **more: object) -> None:
        self.services.faults.append(Fault(kind, vendor, symbols, **more))  # type: ignore[arg-type]

    def ask(self, symbols: list[str] | None = None, **config: object) -> QuotesReport:
        return ask(
            self.feeds, symbols or NAMES, session=SESSION, now=self.clock,
            config=QuotesConfig.model_validate(config),
        )  # fmt: skip


@pytest.fixture(scope="module")
def sample() -> Market:
    return Market.sample(NAMES, first="2023-05-25", last="2023-06-09")


@pytest.fixture(scope="module")
def server() -> Iterator[VendorServer]:
    with VendorServer(lambda request: None) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield running


@pytest.fixture
def exchange(sample: Market, server: VendorServer) -> Exchange:
    return Exchange(sample, server)


def fen(price: float) -> int:
    return int(price * 100 + 0.5)


# -- a day


def test_the_open_of_every_name_is_what_the_market_opened_at(exchange: Exchange, sample: Market) -> None:
    report = exchange.ask()
    assert report.trusted and report.notes() == [] and report.source == "tencent+sina+eastmoney"
    bars = sample.bars[sample.bars["date"] == "2023-06-01"].set_index("symbol")
    for symbol in NAMES:
        quote = report.agreed[symbol]
        assert quote.open_fen == fen(bars.loc[symbol, "open"])
        assert quote.previous_close_fen == fen(bars.loc[symbol, "preclose"])
        assert quote.up_limit_fen == (quote.previous_close_fen * 110 + 50) // 100
        assert [w.source for w in report.witnesses[symbol]] == ["tencent", "sina", "eastmoney"]


def test_the_three_vendors_count_the_same_shares_and_money_after_the_close(exchange: Exchange) -> None:
    exchange.clock.at("15:30:00")
    report = exchange.ask()
    assert report.trusted
    for tencent, sina, eastmoney in report.witnesses.values():
        assert abs(tencent.volume_shares - sina.volume_shares) <= 50  # Tencent rounds to lots
        assert tencent.volume_shares == eastmoney.volume_shares
        assert tencent.amount_cny == pytest.approx(sina.amount_cny, abs=1)
        assert (tencent.last_fen, tencent.high_fen) == (sina.last_fen, sina.high_fen)


@pytest.mark.parametrize("clock", ["09:30:00", "10:17:33", "11:45:00", "13:00:05", "14:58:00", "15:00:00"])
def test_quotes_are_believed_all_through_the_day(exchange: Exchange, clock: str) -> None:
    exchange.clock.at(clock)
    assert exchange.ask().trusted and len(exchange.ask().agreed) == len(NAMES)


def test_one_stock_is_asked_for_by_itself(exchange: Exchange) -> None:
    report = exchange.ask(NAMES[:1])
    assert report.trusted and len(report.witnesses[NAMES[0]]) == 3
    assert exchange.server.asked("push2.eastmoney.com", "/stock/get")


def test_hundreds_of_names_go_in_few_requests(exchange: Exchange) -> None:
    many = [f"60{n:04d}.SH" for n in range(250)]
    exchange.ask([*NAMES, *many])
    counts = {host: len(exchange.server.asked(host)) for host in ("gtimg.cn", "sinajs.cn", "eastmoney.com")}
    assert counts == {"gtimg.cn": 3, "sinajs.cn": 2, "eastmoney.com": 3}


def test_a_suspended_name_is_seen_by_all(sample: Market, server: VendorServer) -> None:
    bars = sample.bars.copy()
    halted = (bars["symbol"] == NAMES[1]) & (bars["date"] == "2023-06-01")
    bars.loc[halted, "volume"] = 0
    from dataclasses import replace

    report = Exchange(replace(sample, bars=bars), server).ask()
    assert report.trusted and report.agreed[NAMES[1]].suspended
    assert len(report.witnesses[NAMES[1]]) == 3


def test_an_unknown_name_is_absent(exchange: Exchange) -> None:
    report = exchange.ask([*NAMES, "600000.SH"])
    assert report.trusted and report.refused["600000.SH"].reason is Doubt.ABSENT


def test_sina_answers_only_those_who_seem_to_come_from_its_pages(exchange: Exchange) -> None:
    exchange.ask()
    (request,) = exchange.server.asked("sinajs.cn")
    assert request.headers["referer"] == "https://finance.sina.com.cn/"


# -- failures


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Kind.REFUSE, "the host refuses to answer this address (status 403)"),
        (Kind.SERVER, "the host failed (status 502)"),
        (Kind.HTML, "a web page came instead of data"),
        (Kind.GARBAGE, "the answer has another shape than is known"),
        (Kind.CUT, "the host cannot be reached"),
    ],
)
@pytest.mark.parametrize("vendor", ["tencent", "sina", "eastmoney"])
def test_one_vendor_that_fails_is_named_and_the_others_are_believed(
    exchange: Exchange, kind: Kind, says: str, vendor: str
) -> None:
    exchange.fails(kind, vendor)
    report = exchange.ask()
    assert report.trusted and vendor not in report.source
    (note,) = report.notes()
    assert note.startswith(f"{vendor} sent no quotes: {vendor} [quotes, ") and says in note


def test_two_vendors_that_fail_refuse_the_session(exchange: Exchange) -> None:
    exchange.fails(Kind.REFUSE, "tencent")
    exchange.fails(Kind.HTML, "eastmoney")
    report = exchange.ask()
    assert report.verdict is Verdict.TOO_FEW
    assert {each.reason for each in report.refused.values()} == {Doubt.ONE_SOURCE}
    assert exchange.ask(allow_one_source=True).verdict is Verdict.TRUSTED


def test_all_vendors_fail(exchange: Exchange) -> None:
    exchange.fails(Kind.SERVER)
    report = exchange.ask()
    assert report.verdict is Verdict.NO_QUOTES and "no order is sent" in report.why


def test_a_vendor_that_refused_is_left_alone(exchange: Exchange) -> None:
    exchange.fails(Kind.REFUSE, "sina")
    exchange.ask()
    exchange.services.faults.clear()
    report = exchange.ask()
    assert len(exchange.server.asked("sinajs.cn")) == 1
    assert "it is left alone after refused" in report.notes()[0] and report.trusted


@pytest.mark.parametrize("vendor", ["tencent", "eastmoney"])
def test_the_line_of_another_stock_is_not_taken(exchange: Exchange, vendor: str) -> None:
    exchange.fails(Kind.OTHER_SYMBOL, vendor, NAMES[0])
    report = exchange.ask()
    assert len(report.witnesses[NAMES[0]]) == 2 and vendor not in {
        w.source for w in report.witnesses[NAMES[0]]
    }
    exchange.fails(Kind.OTHER_SYMBOL, "", NAMES[0])
    assert exchange.ask().refused[NAMES[0]].reason is Doubt.ONE_SOURCE


@pytest.mark.parametrize("vendor", ["tencent", "sina", "eastmoney"])
def test_half_a_line_is_no_quote(exchange: Exchange, vendor: str) -> None:
    exchange.fails(Kind.HALF_LINE, vendor, NAMES[0])
    report = exchange.ask()
    assert report.trusted and vendor not in {w.source for w in report.witnesses[NAMES[0]]}


def test_half_the_names_refuse_the_session(exchange: Exchange) -> None:
    exchange.fails(Kind.ABSENT, "", *NAMES[:3])
    report = exchange.ask()
    assert report.verdict is Verdict.TOO_FEW and "3 of 6 names have trusted quotes (3 absent)" in report.why


def test_two_prices_for_one_name_are_not_traded_on(exchange: Exchange) -> None:
    exchange.fails(Kind.PRICE, "tencent", NAMES[0], fen=5)
    assert exchange.ask().agreed[NAMES[0]].source == "sina"  # two against one
    exchange.fails(Kind.PRICE, "sina", NAMES[0], fen=9)
    assert exchange.ask().refused[NAMES[0]].reason is Doubt.DISAGREE


def test_yesterdays_quotes_refuse_the_session(exchange: Exchange) -> None:
    exchange.fails(Kind.STALE, by=timedelta(days=1))
    report = exchange.ask()
    assert report.verdict is Verdict.OTHER_SESSION
    assert "tencent ends 2023-05-31" in report.why


def test_a_day_that_is_no_session_has_no_quotes(exchange: Exchange) -> None:
    exchange.clock.now = datetime(2023, 6, 3, 9, 25, 20, tzinfo=SHANGHAI)  # a Saturday
    report = ask(exchange.feeds, NAMES, session=date(2023, 6, 3), now=exchange.clock)
    assert report.verdict is Verdict.OTHER_SESSION and "has the exchange opened?" in report.why


def test_our_own_clock_is_wrong(exchange: Exchange) -> None:
    slow = exchange.clock() - timedelta(minutes=7)
    report = ask(exchange.feeds, NAMES, session=SESSION, now=lambda: slow)
    assert report.verdict is Verdict.CLOCK_SKEW and "7 min slow" in report.why
    exchange.clock.at("10:00:00")
    fast = exchange.clock() + timedelta(minutes=30)
    report = ask(exchange.feeds, NAMES, session=SESSION, now=lambda: fast)
    assert report.verdict is Verdict.CLOCK_SKEW and "30 min fast" in report.why


def test_one_vendors_clock_is_wrong(exchange: Exchange) -> None:
    exchange.fails(Kind.SKEW, "eastmoney", by=timedelta(minutes=9))
    report = exchange.ask()
    assert report.trusted and report.source == "tencent+sina"
    eastmoney = report.sources[2]
    assert eastmoney.fresh == 0 and eastmoney.ahead_s == pytest.approx(523, abs=20)


def test_a_feed_with_a_defect_does_not_take_the_session_with_it(exchange: Exchange) -> None:
    class Defective:
        name, host = "defective", "localhost"

        def fetch(self, symbols: object) -> dict[str, LiveQuote]:
            raise ZeroDivisionError("defect")

    feeds: list[QuoteFeed] = [Defective(), *exchange.feeds]
    report = ask(feeds, NAMES, session=SESSION, now=exchange.clock)
    assert report.trusted
    assert "a defect of the program (ZeroDivisionError: defect); please report it" in report.notes()[0]


def test_rates_that_cannot_be_kept_ask_nobody(exchange: Exchange, tmp_path: Path) -> None:
    folder = tmp_path / "hosts.db"
    folder.mkdir()
    limits = HostLimits(folder, clock=time.time, sleep=time.sleep)
    report = ask(quote_feeds(QuotesConfig(), limits), NAMES, session=SESSION, now=exchange.clock)
    assert report.verdict is Verdict.NO_QUOTES and not exchange.server.log
    assert (
        f"tencent: not asked ({folder}: the file that keeps the rates of calls cannot be used" in report.why
    )


# -- deadlines


def web(**options: float) -> Web:
    limits = HostLimits(None, clock=time.monotonic, sleep=time.sleep, rates=NO_RATES)
    return Web(limits, **options)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


@pytest.mark.parametrize("feed", [TencentFeed, SinaFeed, EastmoneyFeed])
@pytest.mark.parametrize("kind", [Kind.DRIP, Kind.SLOW])
def test_a_server_that_drips_or_waits_does_not_hold_us(
    exchange: Exchange, kind: Kind, feed: Callable[[Web], QuoteFeed]
) -> None:
    exchange.fails(kind)
    with within(2.0), pytest.raises(VendorError) as problem:
        feed(web(total_s=0.6)).fetch(NAMES)
    assert problem.value.trouble is Trouble.TIMEOUT


def test_after_a_deadline_the_same_feed_works_again(exchange: Exchange) -> None:
    feed = TencentFeed(web(total_s=0.5))
    exchange.fails(Kind.DRIP)
    with pytest.raises(VendorError):
        feed.fetch(NAMES)
    exchange.services.faults.clear()
    assert len(feed.fetch(NAMES)) == len(NAMES)


@pytest.mark.parametrize("stage", ["proxy", "handshake", "head"])
def test_a_deadline_holds_at_every_stage_of_a_connection(
    stage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A byte now and then, for ever, wherever the client waits for one."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve() -> None:
            listener.settimeout(10)
            line, _ = listener.accept()
            with line:
                line.recv(4096)
                if stage == "handshake":
                    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    line.recv(4096)
                    line.sendall(b"\x16\x03\x03\x3f\xff")  # a record of 16 KB begins
                elif stage == "head":
                    line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                try:
                    while not stop.wait(0.05):
                        line.sendall(b"x")
                except OSError:
                    pass

        server = threading.Thread(target=serve)
        server.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, address)
        url = "http://qt.gtimg.cn/q=sh600519" if stage == "head" else "https://qt.gtimg.cn/q=sh600519"
        try:
            with within(3.0), pytest.raises(VendorError) as problem:
                web(total_s=0.7, read_s=5.0).get(Page(url, "quotes"))
            assert problem.value.trouble is Trouble.TIMEOUT
        finally:
            stop.set()
            server.join()


def test_a_connection_that_has_died_overnight_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers once, and never again; nobody closes it, as after a router has forgotten it."""
    import socket

    body = b'v_pv_none_match="1";'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lines = []

        def serve() -> None:
            for _ in range(2):
                line, _ = listener.accept()
                lines.append(line)
                line.recv(4096)
                line.sendall(head + body)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monotonic = [1000.0]
        limits = HostLimits(None, clock=time.monotonic, sleep=time.sleep, rates=NO_RATES)
        way = Web(limits, monotonic=lambda: monotonic[0], read_s=1.0)
        page = Page(f"http://127.0.0.1:{listener.getsockname()[1]}/", "quotes")
        way.begin("tencent")
        assert way.get(page) == body.decode()
        monotonic[0] += 86400.0
        way.begin("tencent")
        assert way.get(page) == body.decode()
        assert len(lines) == 2
        way.close()
        for line in lines:
            line.close()


def test_asking_again_and_again_keeps_nothing_open(exchange: Exchange) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("no /proc here")

    def now_open() -> int:
        return len(list(descriptors.iterdir()))

    exchange.ask()
    exchange.fails(Kind.CUT, "sina")
    exchange.fails(Kind.SERVER, "eastmoney")
    before = now_open()
    for _ in range(8):
        exchange.ask()
    assert now_open() <= before + 2
    assert sum(thread.name.startswith("quotes-") for thread in threading.enumerate()) == 0


def test_a_certificate_file_that_is_not_there_is_named(
    server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(VendorError, match=r"/nowhere/ca\.pem"):
        TencentFeed(web()).fetch(NAMES)


def test_batches_share_one_deadline(exchange: Exchange) -> None:
    def slow(request: Request) -> Answer:
        return Answer('v_pv_none_match="1";\n', delay_s=0.3)

    exchange.server.routes = slow
    with within(2.0), pytest.raises(VendorError) as problem:
        TencentFeed(web(total_s=0.5)).fetch([f"60{n:04d}.SH" for n in range(500)])
    assert problem.value.trouble is Trouble.TIMEOUT
    assert len(exchange.server.asked("gtimg.cn")) == 2


def test_a_feed_that_never_comes_back_is_not_waited_for(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck:
        name, host = "stuck", "localhost"
        free = threading.Event()

        def fetch(self, symbols: object) -> dict[str, LiveQuote]:
            self.free.wait(20)
            return {}

    monkeypatch.setattr("live.feeds.asking._GRACE_S", 0.2)
    stuck = Stuck()
    with within(3.0):
        report = ask(
            [stuck, *exchange.feeds], NAMES, session=SESSION, now=exchange.clock,
            config=QuotesConfig(deadline_s=0.5),
        )  # fmt: skip
    stuck.free.set()
    assert report.trusted and "stuck [quotes, localhost]: no answer within the deadline" in report.notes()[0]


def test_an_endless_page_is_not_read_to_its_end(server: VendorServer) -> None:
    server.routes = lambda request: Answer(b"v" * (9 * 2**20))
    with pytest.raises(VendorError, match="more than 8 MB"):
        TencentFeed(web()).fetch(NAMES)


def test_a_redirect_to_a_captcha_is_not_followed(server: VendorServer) -> None:
    server.log.clear()
    server.routes = lambda request: Answer(status=302, headers={"Location": "https://captcha.example/"})
    with pytest.raises(VendorError) as problem:
        TencentFeed(web()).fetch(NAMES)
    assert problem.value.trouble is Trouble.NOT_DATA and server.hosts() == ["qt.gtimg.cn"]


@pytest.mark.parametrize(
    ("answer", "trouble", "says"),
    [
        (
            Answer(b"\x1f\x8b none", headers={"Content-Encoding": "gzip"}),
            Trouble.COLUMNS,
            "not compressed as",
        ),
        (Answer(b""), Trouble.EMPTY, "the answer is empty"),
        (Answer("\ufeff\n<!DOCTYPE html>"), Trouble.NOT_DATA, "a web page came"),
        (Answer("wait", status=429, headers={"Retry-After": "60"}), Trouble.REFUSED, "status 429"),
        (Answer("wait", status=456), Trouble.REFUSED, "status 456"),
        (Answer("busy", status=503, headers={"Retry-After": "60"}), Trouble.SERVER, "status 503"),
        (Answer("x", cut_at=0, reset=True), Trouble.NETWORK, "cannot be reached"),
    ],
)
def test_what_is_no_answer_is_called_by_its_name(
    server: VendorServer, answer: Answer, trouble: Trouble, says: str
) -> None:
    server.routes = lambda request: answer
    for feed in (TencentFeed, SinaFeed, EastmoneyFeed):
        with pytest.raises(VendorError, match=says) as problem:
            feed(web()).fetch(NAMES)
        assert problem.value.trouble is trouble


def test_sina_turns_away_with_status_200_and_is_left_alone(exchange: Exchange) -> None:
    told_off = Answer('var hq_str_sys_auth="FORBIDDEN";\n')
    others = exchange.services.routes
    exchange.server.routes = lambda request: told_off if "sina" in request.host else others(request)
    note = exchange.ask().notes()[0]
    assert "sina [quotes, hq.sinajs.cn]: the host refuses to answer this address (it says 'var" in note
    report = exchange.ask()
    assert report.trusted and "it is left alone after refused" in report.notes()[0]
    assert len(exchange.server.asked("sinajs.cn")) == 1


def test_who_turns_us_away_again_is_left_alone_for_longer(exchange: Exchange) -> None:
    now = [1000.0]
    feed = SinaFeed(Web(HostLimits(None, clock=lambda: now[0], sleep=time.sleep, rates=NO_RATES)))
    exchange.server.routes = lambda request: Answer('var hq_str_sys_auth="FORBIDDEN";\n')
    waits = []
    for _ in range(3):
        with pytest.raises(VendorError, match="FORBIDDEN"):
            feed.fetch(NAMES)
        with pytest.raises(VendorError, match="left alone") as problem:
            feed.fetch(NAMES)
        minutes = int(str(problem.value).partition("in about ")[2].split()[0])
        waits.append(minutes)
        now[0] += 60.0 * minutes + 1.0
    assert waits == [15, 30, 60] and len(exchange.server.asked("sinajs.cn")) == 3


def test_characters_that_do_not_decode_spoil_the_name_and_no_price(exchange: Exchange) -> None:
    others = exchange.services.routes

    def garbled(request: Request) -> Answer | None:
        found = others(request)
        if found is None or "eastmoney" in request.host:
            return found
        return Answer(found.raw.replace("贵州茅台".encode("gb18030"), b"\xff\xfe\x81"))

    exchange.server.routes = garbled
    report = exchange.ask()
    assert report.trusted and report.notes() == [] and "\ufffd" in report.agreed[NAMES[0]].name


@pytest.mark.parametrize("vendor", ["tencent", "eastmoney"])
def test_a_later_batch_that_fails_leaves_the_earlier_one(exchange: Exchange, vendor: str) -> None:
    others = exchange.services.routes
    hosts = {"tencent": "gtimg.cn", "eastmoney": "eastmoney.com"}

    def failing(request: Request) -> Answer | None:
        if request.host.endswith(hosts[vendor]) and len(exchange.server.asked(hosts[vendor])) > 1:
            return Answer("busy", status=503)
        return others(request)

    exchange.server.routes = failing
    many = [f"60{n:04d}.SH" for n in range(100, 195)]
    report = exchange.ask([*NAMES[:5], *many, *NAMES[5:], "600999.SH"])
    assert len(report.witnesses[NAMES[0]]) == 3 and len(report.witnesses[NAMES[5]]) == 2
    said = report.refused["600999.SH"].why
    assert f"{vendor}: the host failed (status 503)" in said


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:{}#1@127.0.0.1:9", "http://me:{}/x@127.0.0.1:9", "http://me:{}@127.0.0.1:99999",
        "http://me:{}@127.0.0.1:9", "me:{}@127.0.0.1:9", "http://me:{}世界@127.0.0.1:9",
        "http://{}@no-such-host.invalid:9", "http://me:{}@" + "x" * 64 + ".invalid:9",
    ],
)  # fmt: skip
def test_the_password_of_a_proxy_is_shown_to_nobody(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "s3cr3t-passw0rd"
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy.format(secret))
    limits = HostLimits(None, clock=time.monotonic, sleep=time.sleep, rates=NO_RATES)
    report = ask(quote_feeds(QuotesConfig(), limits), NAMES, session=SESSION, now=Clock())
    assert report.verdict is Verdict.NO_QUOTES
    assert secret not in "\n".join([report.why, *report.notes()])
    assert "the host cannot be reached" in report.why and "please report it" not in report.why


def test_no_proxy_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(VendorError) as problem:
        TencentFeed(web()).fetch(NAMES)
    assert problem.value.trouble is Trouble.NETWORK
    assert "the other sources are asked meanwhile" in str(problem.value)


def test_a_certificate_that_is_not_the_hosts_is_refused(
    server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name)
    with pytest.raises(VendorError) as problem:
        TencentFeed(web()).fetch(NAMES)
    assert problem.value.trouble is Trouble.NETWORK and "CERTIFICATE" in str(problem.value).upper()


# -- rates


def test_no_host_is_asked_more_often_than_its_rate_allows(exchange: Exchange, tmp_path: Path) -> None:
    """By the server's own log, with two processes' worth of feeds on one file."""
    # so slow that the delays of a busy machine do not blur it
    rates = {"gtimg.cn": Rate(2, 1.0), "sinajs.cn": Rate(1, 0.8), "eastmoney.com": Rate(1, 0.8)}

    def feeds() -> tuple[QuoteFeed, ...]:
        limits = HostLimits(tmp_path / "limits.db", clock=time.time, sleep=time.sleep, rates=rates)
        return quote_feeds(QuotesConfig(), limits)

    many = [*NAMES, *(f"60{n:04d}.SH" for n in range(250))]
    asking = [
        threading.Thread(target=ask, args=(each, many), kwargs={"session": SESSION, "now": exchange.clock})
        for each in (feeds(), feeds())
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    for host, rate in rates.items():
        times = sorted(request.at for request in exchange.server.asked(host))
        assert len(times) >= 4
        for first, last in zip(times, times[rate.calls :], strict=False):
            assert last - first > rate.per_s / 2, host  # a handshake delays the first one's arrival
        windows = (len(times) - 1) // rate.calls
        assert times[-1] - times[0] > windows * rate.per_s - 0.5, host


def test_other_vendors_of_the_server_are_not_touched(exchange: Exchange, sample: Market) -> None:
    exchange.server.routes = chain(sample.routes, exchange.services.routes)
    assert exchange.ask().trusted
