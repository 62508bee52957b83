"""Which quotes are believed: fresh, of the session, and agreed by two independent sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.market.phases import SHANGHAI
from engine.market.sources.remote.failure import Trouble, VendorError
from live.feeds import (
    Doubt,
    FeedAnswer,
    LiveQuote,
    QuotesConfig,
    QuotesReport,
    Stage,
    Unreadable,
    Verdict,
    judge,
)
from live.feeds.stages import stage_of, trading_seconds

SESSION = date(2026, 1, 5)
HOSTS = {"tencent": "qt.gtimg.cn", "sina": "hq.sinajs.cn", "eastmoney": "push2.eastmoney.com"}
MOUTAI, WULIANGYE = "600519.SH", "000858.SZ"


def at(clock: str, day: date = SESSION) -> datetime:
    return datetime.combine(day, datetime.strptime(clock, "%H:%M:%S").time(), SHANGHAI)


def quote(symbol: str = MOUTAI, clock: str = "09:25:03", **changes: object) -> LiveQuote:
    """A quote at the end of the opening auction."""
    found = LiveQuote(
        symbol=symbol, name="", time=at(clock), previous_close_fen=10000, open_fen=10100, last_fen=10100,
        high_fen=10100, low_fen=10100, volume_shares=5000, amount_cny=505000.0, up_limit_fen=11000,
        down_limit_fen=9000, suspended=False, source="tencent",
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def untraded(symbol: str = MOUTAI, clock: str = "09:25:03", **changes: object) -> LiveQuote:
    none = {"open_fen": None, "last_fen": None, "high_fen": None, "low_fen": None}
    return quote(symbol, clock, volume_shares=0, amount_cny=0.0, **none, **changes)


def answer(source: str, *quotes: LiveQuote | Unreadable, **labels: LiveQuote) -> FeedAnswer:
    own = {q.symbol: replace(q, source=source) if isinstance(q, LiveQuote) else q for q in quotes}
    return FeedAnswer(source, HOSTS[source], own)


def silent(source: str, trouble: Trouble = Trouble.REFUSED) -> FeedAnswer:
    host = HOSTS[source]
    return FeedAnswer(source, host, {}, VendorError(source, host, "quotes", trouble, "status 403"))


def judged(
    *answers: FeedAnswer, now: str = "09:25:20", symbols: Sequence[str] = (MOUTAI,), **config: object
) -> QuotesReport:
    return judge(answers, symbols, session=SESSION, now=at(now), config=QuotesConfig.model_validate(config))


def reason(report: QuotesReport, symbol: str = MOUTAI) -> Doubt:
    return report.refused[symbol].reason


# -- agreement


def test_two_sources_that_agree_are_believed() -> None:
    report = judged(answer("tencent", quote()), answer("sina", quote(up_limit_fen=None, down_limit_fen=None)))
    assert report.trusted and report.stage is Stage.OPENED
    assert report.agreed[MOUTAI].source == "tencent"
    assert [q.source for q in report.witnesses[MOUTAI]] == ["tencent", "sina"]
    assert report.source == "tencent+sina" and report.notes() == []


def test_a_tick_apart_is_agreement_and_two_are_not() -> None:
    def pair(fen: int) -> QuotesReport:
        moved = dict.fromkeys(("open_fen", "last_fen", "high_fen", "low_fen"), 10100 + fen)
        return judged(answer("tencent", quote()), answer("sina", quote(**moved)))

    assert pair(1).trusted and pair(-1).trusted
    assert reason(pair(2)) is Doubt.DISAGREE
    assert "tencent and sina: open 101.00 and 101.02" in pair(2).refused[MOUTAI].why


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"previous_close_fen": 9900}, "previous close"),
        ({"open_fen": 10090, "low_fen": 10090}, "open"),
        ({"high_fen": 10110}, "high"),
        ({"low_fen": 10090}, "low"),
        ({"last_fen": 10098, "low_fen": 10098, "open_fen": 10099}, "last"),
    ],
)
def test_every_price_must_agree_while_prices_rest(changes: dict[str, int], what: str) -> None:
    report = judged(answer("tencent", quote()), answer("sina", quote(**changes)))
    assert reason(report) is Doubt.DISAGREE and what in report.refused[MOUTAI].why


def test_while_trading_the_earlier_last_must_lie_in_the_later_range() -> None:
    earlier = quote(clock="10:00:00", last_fen=10150, high_fen=10200, low_fen=10050)
    later = quote(clock="10:00:06", last_fen=10190, high_fen=10200, low_fen=10050)
    assert judged(answer("tencent", earlier), answer("sina", later), now="10:00:10").trusted
    impossible = replace(later, low_fen=10160, open_fen=10100)
    report = judged(answer("tencent", earlier), answer("sina", impossible), now="10:00:10")
    assert reason(report) is Doubt.DISAGREE and "outside the later range" in report.refused[MOUTAI].why


def test_of_three_sources_the_two_that_agree_are_believed() -> None:
    wrong = quote(open_fen=10500, last_fen=10500, high_fen=10500, low_fen=10500)
    for odd in range(3):
        quotes = [wrong if n == odd else quote() for n in range(3)]
        report = judged(*(answer(name, q) for name, q in zip(HOSTS, quotes, strict=True)))
        assert report.trusted and report.agreed[MOUTAI].open_fen == 10100
        assert len(report.witnesses[MOUTAI]) == 2


def test_three_sources_that_all_disagree_are_not_believed() -> None:
    apart = [quote(open_fen=fen, last_fen=fen, high_fen=fen, low_fen=fen) for fen in (10100, 10200, 10300)]
    report = judged(*(answer(name, q) for name, q in zip(HOSTS, apart, strict=True)))
    assert reason(report) is Doubt.DISAGREE and report.verdict is Verdict.TOO_FEW


def test_one_source_alone_is_not_believed_unless_it_may_be() -> None:
    answers = answer("tencent", quote()), silent("sina"), silent("eastmoney", Trouble.TIMEOUT)
    assert reason(judged(*answers)) is Doubt.ONE_SOURCE
    assert judged(*answers, allow_one_source=True).trusted


def test_two_hosts_of_one_owner_are_one_source() -> None:
    twin = FeedAnswer("twin", "web.sqt.gtimg.cn", {MOUTAI: quote(source="twin")})
    assert reason(judged(answer("tencent", quote()), twin)) is Doubt.ONE_SOURCE


def test_two_hosts_of_one_owner_do_not_outvote_another() -> None:
    twin = FeedAnswer("twin", "web.sqt.gtimg.cn", {MOUTAI: quote(source="twin")})
    other = quote(open_fen=10500, last_fen=10500, high_fen=10500, low_fen=10500)
    assert reason(judged(answer("tencent", quote()), twin, answer("sina", other))) is Doubt.DISAGREE


# -- time


def test_quotes_of_yesterday_are_of_another_session() -> None:
    yesterday = quote(time=at("15:00:01", SESSION - timedelta(days=3)))
    report = judged(answer("tencent", yesterday), answer("sina", yesterday))
    assert reason(report) is Doubt.OTHER_SESSION
    assert report.verdict is Verdict.OTHER_SESSION
    assert "there are no quotes of 2026-01-05" in report.why and "2026-01-02 15:00:01" in report.why


def test_one_source_that_serves_yesterday_is_named() -> None:
    yesterday = quote(time=at("15:00:01", SESSION - timedelta(days=3)))
    report = judged(answer("tencent", yesterday), answer("sina", quote()), answer("eastmoney", quote()))
    assert report.trusted and report.source == "sina+eastmoney"
    assert report.notes() == [
        "tencent is not believed: tencent's quote is of 2026-01-02 15:00:01, the session is 2026-01-05"
    ]


def test_an_indication_of_the_auction_is_not_its_price() -> None:
    early = untraded(clock="09:24:57")
    report = judged(answer("tencent", early), answer("sina", early))
    assert reason(report) is Doubt.BEFORE_AUCTION
    assert reason(judged(answer("tencent", early), answer("sina", quote()))) is Doubt.ONE_SOURCE


def test_whatever_was_matched_before_the_auction_ended_is_an_indication() -> None:
    """A vendor that shows the price and volume of the orders so far in the fields of the open."""
    virtual = quote(clock="09:24:59")
    report = judged(answer("tencent", virtual), answer("eastmoney", virtual), answer("sina", quote()))
    assert reason(report) is Doubt.ONE_SOURCE and report.passing == (MOUTAI,)


def test_a_vendor_that_still_shows_no_open_does_not_outvote_two_that_do() -> None:
    late = untraded(clock="09:25:00")
    report = judged(answer("tencent", late), answer("sina", quote()), answer("eastmoney", quote()))
    assert report.source == "sina+eastmoney" and report.agreed[MOUTAI].open_fen == 10100
    alone = judged(answer("tencent", late), answer("sina", quote()))
    assert reason(alone) is Doubt.DISAGREE and alone.passing == (MOUTAI,)


def test_a_vendor_that_is_late_is_worth_asking_again() -> None:
    early = untraded(clock="09:24:57")
    assert judged(answer("tencent", early), answer("sina", quote())).passing == (MOUTAI,)
    assert judged(answer("tencent", early), answer("sina", early)).passing == (MOUTAI,)
    assert judged(answer("tencent"), answer("sina")).passing == ()
    assert judged(answer("tencent", quote()), answer("sina", quote())).passing == ()


def test_before_the_auction_ends_an_indication_is_what_there_is() -> None:
    early = untraded(clock="09:24:30")
    report = judged(answer("tencent", early), answer("sina", early), now="09:24:40")
    assert report.trusted and report.stage is Stage.BEFORE_OPEN
    assert report.agreed[MOUTAI].open_fen is None


def test_a_name_without_a_trade_in_the_auction_has_no_open_and_is_not_suspended() -> None:
    report = judged(answer("tencent", untraded()), answer("sina", untraded()))
    assert report.trusted and report.agreed[MOUTAI].open_fen is None
    assert not report.agreed[MOUTAI].suspended
    # or both vendors are a moment late
    assert report.passing == (MOUTAI,)
    trading = judged(answer("tencent", untraded()), answer("sina", untraded()), now="09:30:05")
    assert trading.trusted and trading.passing == ()
    halted = untraded(suspended=True)
    assert judged(answer("tencent", halted), answer("sina", halted)).passing == ()


def test_staleness_counts_trading_not_the_clock() -> None:
    lunch = quote(clock="11:29:58")
    assert judged(answer("tencent", lunch), answer("sina", lunch), now="12:59:00").trusted
    old = judged(answer("tencent", lunch), answer("sina", quote(clock="13:04:55")), now="13:05:00")
    assert reason(old) is Doubt.ONE_SOURCE and "302 s of trading ago" in old.refused[MOUTAI].why


def test_after_the_close_a_quote_from_before_it_is_stale() -> None:
    before, after = quote(clock="14:59:57"), quote(clock="15:00:01")
    assert judged(answer("tencent", after), answer("sina", after), now="15:30:00").trusted
    report = judged(answer("tencent", before), answer("sina", after), now="15:30:00")
    assert "before the close" in report.refused[MOUTAI].why


def test_a_single_source_from_the_future_is_not_believed() -> None:
    ahead = quote(clock="09:28:00")
    report = judged(answer("tencent", ahead), answer("sina", quote()), answer("eastmoney", quote()))
    assert report.trusted and report.source == "sina+eastmoney"


def test_a_slow_clock_of_ours_is_named_and_nothing_is_traded() -> None:
    later = quote(clock="09:29:58")
    report = judged(answer("tencent", later), answer("sina", later), now="09:26:00")
    assert reason(report) is Doubt.AHEAD and report.verdict is Verdict.CLOCK_SKEW
    assert "clock says 2026-01-05 09:26:00" in report.why and "4 min slow" in report.why


def test_a_fast_clock_of_ours_is_named_and_nothing_is_traded() -> None:
    report = judged(
        answer("tencent", quote(clock="10:00:00")), answer("sina", quote(clock="10:00:03")), now="10:20:00"
    )
    assert report.verdict is Verdict.CLOCK_SKEW
    assert "20 min fast, or trading has stopped" in report.why
    assert {source.name: source.ahead_s for source in report.sources} == {"tencent": -1200.0, "sina": -1197.0}


def test_a_clock_of_ours_that_runs_ahead_of_the_auction_is_named() -> None:
    early = untraded(clock="09:21:40")
    both = answer("tencent", early), answer("sina", untraded(clock="09:21:43"))
    report = judged(*both, now="09:25:20")
    assert report.verdict is Verdict.CLOCK_SKEW
    assert "it is 4 min fast, or they are late. Check it (NTP)" in report.why
    # seconds before its end they are only late
    late = untraded(clock="09:24:55")
    assert judged(answer("tencent", late), answer("sina", late)).verdict is Verdict.TOO_FEW


def test_a_source_of_yesterday_does_not_hide_a_wrong_clock() -> None:
    yesterday = quote(time=at("15:00:01", SESSION - timedelta(days=3)))
    later = quote(clock="09:29:58")
    answers = answer("eastmoney", yesterday), answer("tencent", later), answer("sina", later)
    report = judged(*answers, now="09:26:00")
    assert report.verdict is Verdict.CLOCK_SKEW and "eastmoney" not in report.why


def test_a_machine_a_day_ahead_has_no_quotes_and_is_told_to_look_at_its_date() -> None:
    yesterday = quote(time=at("15:00:01", SESSION - timedelta(days=3)))
    report = judged(answer("tencent", yesterday), answer("sina", yesterday))
    assert report.why.endswith("has the exchange opened? Is this machine's date right?")


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Shanghai", "UTC"])
def test_the_machines_zone_does_not_matter(zone: str) -> None:
    now = at("09:25:20").astimezone(ZoneInfo(zone))
    elsewhere = quote(time=at("09:25:03").astimezone(timezone(timedelta(hours=-9))))
    answers = [answer("tencent", elsewhere), answer("sina", quote())]
    assert judge(answers, [MOUTAI], session=SESSION, now=now, config=QuotesConfig()).trusted


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        judge([], [], session=SESSION, now=datetime(2026, 1, 5, 9, 26), config=QuotesConfig())


# -- what came


def test_a_quote_of_another_stock_is_not_taken() -> None:
    other = replace(quote("600000.SH"), source="tencent")
    mixed = FeedAnswer("tencent", HOSTS["tencent"], {MOUTAI: other})
    report = judged(mixed, answer("sina", quote()))
    assert reason(report) is Doubt.ONE_SOURCE
    assert "tencent answers with a quote of 600000.SH" in report.refused[MOUTAI].why
    assert reason(judged(mixed)) is Doubt.OTHER_SYMBOL


def test_a_price_beyond_the_limits_that_come_with_it_is_not_believed() -> None:
    beyond = quote(open_fen=11001, last_fen=11001, high_fen=11001, low_fen=11001)
    report = judged(answer("tencent", beyond), answer("sina", beyond))
    assert reason(report) is Doubt.BEYOND_LIMIT and "9" in report.refused[MOUTAI].why


def test_unreadable_lines_and_absent_names_are_named() -> None:
    unreadable = Unreadable(MOUTAI, "the line is cut off", "tencent")
    report = judged(answer("tencent", unreadable), answer("sina"), answer("eastmoney"))
    assert reason(report) is Doubt.UNREADABLE
    assert report.verdict is Verdict.NO_QUOTES
    assert reason(judged(answer("tencent"), answer("sina"))) is Doubt.ABSENT


def test_a_suspension_known_to_one_source_holds_if_the_other_shows_no_trade() -> None:
    halted = untraded(suspended=True, clock="09:00:01")
    report = judged(answer("tencent", untraded()), answer("sina", halted))
    assert report.trusted and report.agreed[MOUTAI].suspended


def test_a_suspension_that_another_source_sees_trading_is_a_contradiction() -> None:
    report = judged(answer("tencent", quote()), answer("sina", untraded(suspended=True)))
    assert reason(report) is Doubt.DISAGREE and "sina says that it is suspended" in report.refused[MOUTAI].why


def test_a_name_that_traded_before_it_was_suspended_is_suspended_for_all() -> None:
    halted = quote(clock="13:31:07", suspended=True)
    trades = quote(WULIANGYE, "15:00:03")
    answers = answer("tencent", halted, trades), answer("sina", halted, trades)
    report = judged(*answers, now="15:00:10", symbols=(MOUTAI, WULIANGYE))
    assert report.trusted and report.agreed[MOUTAI].suspended


# -- the whole


NAMES = [f"60{n:04d}.SH" for n in range(12)]


def market(count: int, source: str) -> FeedAnswer:
    return answer(source, *(quote(name) for name in NAMES[:count]))


@pytest.mark.parametrize(
    ("came", "verdict"), [(12, "trusted"), (8, "trusted"), (7, "too_few"), (6, "too_few")]
)
def test_half_the_names_refuse_the_session(came: int, verdict: str) -> None:
    report = judged(market(came, "tencent"), market(came, "sina"), symbols=NAMES)
    assert report.verdict == verdict and len(report.agreed) == came
    if verdict == "too_few":
        assert f"{came} of 12 names have trusted quotes ({12 - came} absent)" in report.why


def test_names_that_did_not_trade_before_do_not_count() -> None:
    answers = market(7, "tencent"), market(7, "sina")
    report = judge(
        answers, NAMES, session=SESSION, now=at("09:25:20"), config=QuotesConfig(),
        traded_before=set(NAMES[:9]),
    )  # fmt: skip
    assert report.trusted


def test_suspended_names_are_quotes_that_came() -> None:
    halted = [untraded(name, suspended=True) for name in NAMES]
    report = judged(answer("tencent", *halted), answer("sina", *halted), symbols=NAMES)
    assert report.trusted and all(q.suspended for q in report.agreed.values())


def test_no_source_answers() -> None:
    report = judged(silent("tencent"), silent("sina", Trouble.NETWORK))
    assert report.verdict is Verdict.NO_QUOTES
    assert "(tencent: the host refuses to answer this address (status 403); sina: " in report.why
    assert len(report.notes()) == 4  # the verdict, two sources, one name


def test_a_network_that_is_gone_says_what_to_check() -> None:
    cut_off = [silent(name, Trouble.NETWORK) for name in ("tencent", "sina")]
    assert judged(*cut_off).why.endswith("; check the network and the proxy settings")
    assert "check the network" not in judged(cut_off[0], silent("sina")).why


def test_too_few_names_what_failed_and_spells_one_name_out() -> None:
    report = judged(answer("tencent", quote()), silent("sina"), silent("eastmoney", Trouble.TIMEOUT))
    assert report.verdict is Verdict.TOO_FEW
    assert report.why == (
        "0 of 1 names have trusted quotes (1 one_source); so few are not traded on, and no order is sent. "
        "sina: the host refuses to answer this address (status 403); "
        "eastmoney: no answer within the deadline (status 403); "
        "600519.SH: only tencent has a quote to be believed"
    )


def test_a_source_without_a_single_quote_is_named() -> None:
    broken = Unreadable(MOUTAI, "there is no previous close", "eastmoney")
    report = judged(
        answer("tencent", quote()),
        answer("sina", quote()),
        FeedAnswer("eastmoney", "e.com", {MOUTAI: broken}),
    )
    none = judged(answer("tencent", quote()), answer("sina", quote()), answer("eastmoney"))
    assert report.trusted and none.trusted
    assert report.notes() == [
        "eastmoney sent no quotes: none of its lines can be read: there is no previous close"
    ]
    assert none.notes() == ["eastmoney sent no quotes: it knows none of the names"]


def test_nothing_asked_is_nothing_to_mistrust() -> None:
    assert judged(symbols=()).trusted


@pytest.mark.parametrize(
    "wrong",
    [
        {"sources": ["tencent"]}, {"sources": ["tencent", "tencent"]}, {"sources": ["yahoo", "sina"]},
        {"least_coverage": 0}, {"max_age_s": "inf"}, {"unknown": 1}, {"deadline_s": 0},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        QuotesConfig.model_validate(wrong)


def test_one_source_may_be_enough_on_purpose() -> None:
    assert QuotesConfig.model_validate({"sources": ["sina"], "allow_one_source": True}).sources == ("sina",)


# -- stages


def test_stages_of_a_session() -> None:
    edges = {
        "09:24:59": Stage.BEFORE_OPEN, "09:25:00": Stage.OPENED, "09:30:00": Stage.TRADING,
        "11:30:00": Stage.LUNCH, "13:00:00": Stage.TRADING, "14:57:00": Stage.CLOSING,
        "15:00:00": Stage.CLOSED,
    }  # fmt: skip
    assert {clock: stage_of(at(clock)) for clock in edges} == edges
    assert stage_of(datetime(2026, 1, 5, 1, 25, tzinfo=UTC)) is Stage.OPENED


DAY = st.datetimes(datetime(2026, 1, 5), datetime(2026, 1, 5, 23, 59))
MOMENTS = DAY.map(lambda t: t.replace(tzinfo=SHANGHAI))


@given(MOMENTS, MOMENTS, MOMENTS)
def test_trading_time_adds_up_and_never_exceeds_the_clock(a: datetime, b: datetime, c: datetime) -> None:
    first, middle, last = sorted((a, b, c))
    whole = trading_seconds(SESSION, first, last)
    parts = trading_seconds(SESSION, first, middle) + trading_seconds(SESSION, middle, last)
    assert abs(whole - parts) < 1e-6
    assert 0 <= whole <= min((last - first).total_seconds(), 237 * 60) + 1e-6
    assert trading_seconds(SESSION, last, first) == 0 or first == last


# -- properties

PRICES = st.integers(9900, 10200)


@st.composite
def any_quote(draw: st.DrawFn) -> LiveQuote:
    low, high = sorted((draw(PRICES), draw(PRICES)))
    inside = st.integers(low, high)
    if draw(st.booleans()):
        return untraded(suspended=draw(st.booleans()))
    return quote(
        symbol=draw(st.sampled_from([MOUTAI, MOUTAI, WULIANGYE])),
        clock=draw(st.sampled_from(["09:24:58", "09:25:03", "09:29:59"])),
        open_fen=draw(inside), last_fen=draw(inside), high_fen=high, low_fen=low,
        previous_close_fen=draw(st.sampled_from([10000, 10000, 10001, 9800])),
    )  # fmt: skip


@given(st.lists(any_quote(), min_size=3, max_size=3), st.permutations(list(HOSTS)))
def test_what_is_believed_has_two_witnesses_within_a_tick(quotes: list[LiveQuote], order: list[str]) -> None:
    answers = [
        FeedAnswer(name, HOSTS[name], {MOUTAI: replace(q, source=name)})
        for name, q in zip(order, quotes, strict=True)
    ]
    report = judged(*answers, now="09:29:59")
    assert set(report.agreed) | set(report.refused) == {MOUTAI} and not set(report.agreed) & set(
        report.refused
    )
    for symbol, witnesses in report.witnesses.items():
        assert len({w.source for w in witnesses}) >= 2
        assert all(w.symbol == symbol and w.time.date() == SESSION for w in witnesses)
        best = witnesses[0]
        for other in witnesses[1:]:
            assert abs(best.previous_close_fen - other.previous_close_fen) <= 1
            assert (best.open_fen is None) is (other.open_fen is None)
            assert best.open_fen is None or abs(best.open_fen - (other.open_fen or 0)) <= 1
