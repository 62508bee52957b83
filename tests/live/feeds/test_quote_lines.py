"""What the vendors' answers say, from recorded ones; and that nothing else is taken for a quote."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.phases import SHANGHAI
from live.feeds import LiveQuote, NotAQuote, Quotes, Unreadable, parse_eastmoney, parse_sina, parse_tencent
from live.feeds.quote import price_fen, shares_of

ANSWERS = Path(__file__).parent / "answers"


def recorded(name: str) -> str:
    return (ANSWERS / name).read_text(encoding="utf-8")


TENCENT = recorded("tencent_qt_sh600519_20260402.txt")
SINA = recorded("sina_hq_sh600667_20260703.txt")
EASTMONEY = recorded("eastmoney_stock_get_600519_scaled.json")


def only(quotes: Quotes) -> LiveQuote:
    (quote,) = quotes.values()
    assert isinstance(quote, LiveQuote), quote
    return quote


def why(quotes: Quotes) -> str:
    (quote,) = quotes.values()
    assert isinstance(quote, Unreadable), quote
    return quote.why


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


# -- recorded answers


def test_tencent_line_of_a_session_that_is_over() -> None:
    assert only(parse_tencent(TENCENT)) == LiveQuote(
        symbol="600519.SH",
        name="贵州茅台",
        time=moment("2026-04-02 16:14:01"),
        previous_close_fen=145944,
        open_fen=145944,
        last_fen=145988,
        high_fen=146488,
        low_fen=145210,
        volume_shares=2_106_400,
        amount_cny=3071809846.0,
        up_limit_fen=160538,
        down_limit_fen=131350,
        suspended=False,
        source="tencent",
    )


@pytest.mark.parametrize(
    ("file", "symbol", "time", "limits"),
    [
        ("tencent_qt_sh600000_20191011.txt", "600000.SH", "2019-10-11 15:58:58", (1316, 1076)),
        ("tencent_qt_sh600519_20170221.txt", "600519.SH", "2017-02-21 15:05:53", (39742, 32516)),
    ],
)
def test_tencent_lines_of_older_years(file: str, symbol: str, time: str, limits: tuple[int, int]) -> None:
    quote = only(parse_tencent(recorded(file)))
    assert (quote.symbol, quote.time) == (symbol, moment(time))
    assert (quote.up_limit_fen, quote.down_limit_fen) == limits
    assert quote.volume_shares % 100 == 0 and not quote.suspended


def test_sina_line_counts_in_shares_and_states_no_limits() -> None:
    quote = only(parse_sina(SINA))
    assert (quote.symbol, quote.name) == ("600667.SH", "太极实业")
    assert quote.time == moment("2026-07-03 15:00:01")
    assert (quote.open_fen, quote.previous_close_fen, quote.last_fen) == (2831, 2889, 2996)
    assert (quote.high_fen, quote.low_fen) == (3100, 2718)
    assert (quote.volume_shares, quote.amount_cny) == (407863159, 11894094083.0)
    assert quote.up_limit_fen is None and quote.down_limit_fen is None


def test_an_answer_of_eastmoney_without_its_time_is_no_quote() -> None:
    assert why(parse_eastmoney(EASTMONEY, ["600519.SH"])) == "it does not say when it is from"


def test_eastmoney_answer_for_one_stock() -> None:
    answer = json.loads(EASTMONEY)
    answer["data"] |= {"f86": 1789110001, "f47": 24000, "f48": 3009600000.0, "f51": 138489, "f52": 113309}
    quote = only(parse_eastmoney(json.dumps(answer), ["600519.SH"]))
    assert (quote.last_fen, quote.high_fen, quote.low_fen, quote.open_fen) == (125300, 126933, 123898, 126901)
    assert (quote.previous_close_fen, quote.up_limit_fen, quote.down_limit_fen) == (125899, 138489, 113309)
    assert (quote.volume_shares, quote.time) == (2_400_000, moment("2026-09-11 15:00:01"))


def eastmoney_row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "f1": 2, "f2": 4845, "f5": 300, "f6": 1453500.0, "f12": "000858", "f13": 0, "f14": "五粮液",
        "f15": 4850, "f16": 4840, "f17": 4841, "f18": 4800, "f31": 4845, "f32": 4846, "f124": 1789089900,
        "f350": 5280, "f351": 4320,
    }  # fmt: skip
    return row | changes


def eastmoney_list(*rows: dict[str, object]) -> str:
    return json.dumps({"rc": 0, "data": {"total": len(rows), "diff": list(rows)}})


def test_eastmoney_list_takes_the_exchange_from_the_name_that_was_asked_for() -> None:
    bse = eastmoney_row(f12="920059", f14="双英", f6=1453500.0)
    quotes = parse_eastmoney(eastmoney_list(eastmoney_row(), bse), ["000858.SZ", "920059.BJ"])
    assert list(quotes) == ["000858.SZ", "920059.BJ"]
    assert [quote.symbol for quote in quotes.values()] == ["000858.SZ", "920059.BJ"]


def test_eastmoney_list_as_an_object_of_rows() -> None:
    answer = {"data": {"total": 1, "diff": {"0": eastmoney_row()}}}
    assert only(parse_eastmoney(json.dumps(answer), ["000858.SZ"])).last_fen == 4845


def test_eastmoney_knows_none_of_them() -> None:
    assert parse_eastmoney('{"rc":0,"data":null}', ["600519.SH"]) == {}


# -- before, in and after the opening auction; suspensions; new listings


def tencent(**changes: str) -> str:
    places = {"last": 3, "previous": 4, "open": 5, "volume": 6, "bid": 9, "bid_lots": 10, "time": 30,
              "high": 33, "low": 34, "trades": 35, "amount": 37, "status": 40, "up": 47, "down": 48,
              "code": 2, "market": 0}  # fmt: skip
    fields = TENCENT[TENCENT.index('"') + 1 : TENCENT.rindex('"')].split("~")
    if changes.pop("book", "") == "empty":
        fields[9:29] = ["0.00", "0"] * 10
    for name, value in changes.items():
        fields[places[name]] = value
    return f'v_sh600519="{"~".join(fields)}";'


NOTHING_TRADED = {"open": "0.00", "volume": "0", "high": "0.00", "low": "0.00", "trades": "1459.44/0/0"}


def test_an_indicative_price_of_the_auction_is_no_price() -> None:
    line = tencent(time="20260402092210", last="1462.00", bid="1462.00", **NOTHING_TRADED)
    quote = only(parse_tencent(line))
    assert (quote.open_fen, quote.last_fen, quote.high_fen, quote.low_fen) == (None,) * 4
    assert not quote.traded and not quote.suspended


def test_what_is_matched_so_far_in_the_auction_has_not_traded() -> None:
    """Price and volume of an auction that is not over, in the fields of the open."""
    shown = {"open": "1460.00", "last": "1460.00", "high": "1460.00", "low": "1460.00", "volume": "310",
             "trades": "1460.00/310/45260000"}  # fmt: skip
    quote = only(parse_tencent(tencent(time="20260402092459", **shown)))
    assert not quote.traded and not quote.suspended
    assert (quote.last_fen, quote.volume_shares, quote.amount_cny) == (None, 0, 0.0)
    assert only(parse_tencent(tencent(time="20260402092500", **shown))).open_fen == 146000


def test_the_open_is_known_when_the_auction_has_traded() -> None:
    line = tencent(
        time="20260402092503", open="1460.00", last="1460.00", high="1460.00", low="1460.00", volume="310",
        trades="1460.00/310/45260000",
    )  # fmt: skip
    quote = only(parse_tencent(line))
    assert (quote.open_fen, quote.volume_shares) == (146000, 31000)


def test_a_name_that_nobody_bids_or_asks_for_after_the_auction_began_is_suspended() -> None:
    line = tencent(time="20260402092503", book="empty", **NOTHING_TRADED)
    assert only(parse_tencent(line)).suspended
    early = tencent(time="20260402090000", book="empty", **NOTHING_TRADED)
    assert not only(parse_tencent(early)).suspended


def test_a_name_with_orders_and_no_trade_is_not_suspended() -> None:
    assert not only(parse_tencent(tencent(time="20260402092503", **NOTHING_TRADED))).suspended


def test_what_a_vendor_calls_suspended_is() -> None:
    assert only(parse_tencent(tencent(time="20260402092503", status="S", **NOTHING_TRADED))).suspended
    line = SINA.replace(",00,", ",03,")
    idle = line.replace("28.310,28.890,29.960,31.000,27.180", "0.000,28.890,0.000,0.000,0.000")
    idle = idle.replace("407863159,11894094083.000", "0,0.000")
    assert only(parse_sina(idle)).suspended
    # a halt within the session is no suspension: it has an open
    assert not only(parse_sina(SINA.replace(",00,", ",01,"))).suspended


@pytest.mark.parametrize("none", ["-1", "", "0.00"])
def test_a_new_listing_without_limits(none: str) -> None:
    quote = only(parse_tencent(tencent(up=none, down=none)))
    assert quote.up_limit_fen is None and quote.down_limit_fen is None


def test_volume_in_shares_where_lots_are_usual_is_seen_from_the_money() -> None:
    assert only(parse_tencent(tencent(volume="2106400"))).volume_shares == 2_106_400
    assert "no average price" in why(parse_tencent(tencent(volume="21")))


def test_shares_below_one_lot_are_counted_from_the_money() -> None:
    assert shares_of(0, 500.0, 1000, 1000) == 50
    assert shares_of(0, 0.0, None, None) == 0


# -- what is no quote


def test_an_answer_for_another_symbol_says_so() -> None:
    quotes = parse_tencent(tencent(code="600000"))
    assert list(quotes) == ["600519.SH"] and only(quotes).symbol == "600000.SH"
    assert only(parse_tencent(tencent(market="51"))).symbol == "600519.SZ"


@pytest.mark.parametrize("parse", [parse_tencent, parse_sina], ids=["tencent", "sina"])
@pytest.mark.parametrize(
    "page",
    [
        "", "<html><body>请完成安全验证</body></html>", 'v_pv_none_match="1";', 'var hq_str_sh600519="";',
        "FAILED", 'v_sh60051="1~x";', "var hq_str_sys_auth=FORBIDDEN",
    ],
)  # fmt: skip
def test_pages_without_a_line_give_no_quotes(parse: Callable[[str], Quotes], page: str) -> None:
    assert parse(page) == {}


@pytest.mark.parametrize("page", ["", "<html></html>", "[]", "{}", "null", '{"data": 3}', "[" * 99999])
def test_pages_that_are_no_answer_of_eastmoney_are_refused(page: str) -> None:
    with pytest.raises(NotAQuote):
        parse_eastmoney(page, ["600519.SH"])


def test_a_line_cut_off_anywhere_is_no_quote() -> None:
    whole = only(parse_tencent(TENCENT))
    for end in range(len(TENCENT.rstrip()) - 1):
        for found in parse_tencent(TENCENT[:end]).values():
            assert isinstance(found, Unreadable), (end, found, whole)
    for end in range(len(SINA.rstrip()) - 1):
        for found in parse_sina(SINA[:end]).values():
            assert isinstance(found, Unreadable), (end, found)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"last": "1459.885"}, "lies off the tick"),
        ({"last": "abc"}, "is no price"),
        ({"last": "１２３"}, "is no price"),
        ({"last": "-3.00"}, "is no price"),
        ({"last": "nan"}, "is no price"),
        ({"previous": "0.00"}, "there is no previous close"),
        ({"open": "1470.00"}, "outside the day's range"),
        ({"last": "1400.00"}, "outside the day's range"),
        ({"time": "20260230150000"}, "does not exist"),
        ({"time": "15:00:00"}, "is not like"),
        ({"volume": "1e9"}, "is no quantity"),
        ({"open": "0.00"}, "not all of open"),
    ],
)
def test_a_field_that_cannot_be_is_named(changes: dict[str, str], says: str) -> None:
    assert says in why(parse_tencent(tencent(**changes)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"f2": 4845.5}, "no whole number of fen"),
        ({"f2": None}, "no whole number of fen"),
        ({"f2": True}, "no whole number of fen"),
        ({"f17": -4841}, "is negative"),
        ({"f6": float("inf")}, "is no quantity"),
        ({"f5": "300"}, "is no quantity"),
        ({"f1": 3}, "3 decimals"),
        ({"f124": "-"}, "when it is from"),
        ({"f18": "-"}, "no previous close"),
        ({"f15": "-"}, "no range of prices"),
    ],
)
def test_a_field_of_eastmoney_that_cannot_be_is_named(changes: dict[str, object], says: str) -> None:
    assert says in why(parse_eastmoney(eastmoney_list(eastmoney_row(**changes)), ["000858.SZ"]))


def test_one_bad_line_does_not_spoil_the_others() -> None:
    quotes = parse_tencent(TENCENT + "\n" + 'v_sz000858="51~五 粮 液~000858~";' + "\n")
    assert isinstance(quotes["600519.SH"], LiveQuote)
    assert isinstance(quotes["000858.SZ"], Unreadable)


def test_two_lines_of_one_name_that_say_different_things_are_no_quote() -> None:
    assert only(parse_tencent(TENCENT + "\n" + TENCENT)).symbol == "600519.SH"
    assert "different things" in why(parse_tencent(f"{tencent()}\n{tencent(last='1461.00')}"))
    assert "different things" in why(parse_tencent(f"{tencent()}\n{tencent()[:-9]}"))


# -- properties


@given(st.integers(1, 10**9 - 1))
def test_prices_are_exact_to_the_fen(fen: int) -> None:
    assert price_fen(f"{fen // 100}.{fen % 100:02d}", "last") == fen
    assert price_fen(f"{fen // 100}.{fen % 100:02d}0", "last") == fen


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("gb18030", "replace")))
def test_garbage_is_never_a_quote(text: str) -> None:
    assert not any(isinstance(q, LiveQuote) for q in parse_tencent(text).values())
    assert not any(isinstance(q, LiveQuote) for q in parse_sina(text).values())
    with suppress(NotAQuote):
        assert not any(isinstance(q, LiveQuote) for q in parse_eastmoney(text, ["600519.SH"]).values())


@given(st.integers(0, 80), st.text(max_size=12).filter(lambda text: '"' not in text and "\n" not in text))
def test_a_line_with_any_field_replaced_is_a_sound_quote_or_none(place: int, text: str) -> None:
    for line, mark, parse in ((TENCENT, "~", parse_tencent), (SINA, ",", parse_sina)):
        head, _, rest = line.partition('"')
        fields = rest.split('"')[0].split(mark)
        fields[place % len(fields)] = text
        for quote in parse(f'{head}"{mark.join(fields)}";').values():
            assert isinstance(quote, Unreadable) or is_sound(quote)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(eastmoney_row())), JSON)
def test_a_row_of_eastmoney_with_any_field_replaced_is_a_sound_quote_or_none(
    field: str, value: object
) -> None:
    text = eastmoney_list(eastmoney_row(**{field: value}))
    for quote in parse_eastmoney(text, ["000858.SZ"]).values():
        assert isinstance(quote, Unreadable) or is_sound(quote)


def is_sound(quote: LiveQuote) -> bool:
    prices = quote.open_fen, quote.last_fen, quote.high_fen, quote.low_fen
    if quote.previous_close_fen <= 0 or quote.time.tzinfo is None:
        return False
    if None in prices:
        return prices == (None,) * 4 and quote.volume_shares == 0
    opened, last, high, low = (price or 0 for price in prices)
    return 0 < low <= opened <= high and low <= last <= high and quote.volume_shares > 0
