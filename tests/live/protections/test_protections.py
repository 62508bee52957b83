"""Limits in code: what they cut, what they leave alone, and that no basket passes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.broker.account import Account, Lot, Receivable
from engine.broker.match import Terms, step
from engine.broker.orders import Basket, Fill, OrderRequest, Side, SlotBuys
from engine.broker.prices import Quote
from engine.rules.fees import PlainFees
from engine.rules.limits import Limits, LimitState
from engine.rules.lots import LotRule
from live.protections import (
    Action,
    Protected,
    Protection,
    ProtectionsConfig,
    ProtectionState,
    protect,
    read_kill_switch,
)

DAY = 20000
A, B, C, D, E = "600519.SH", "601318.SH", "600036.SH", "601166.SH", "600887.SH"


@dataclass
class Prices:
    """Opens of a session, in fen."""

    opens: Mapping[str, int]
    day: int = DAY
    closed: Mapping[str, int] = field(default_factory=dict)

    def quote(self, symbol: str) -> Quote | None:
        price = self.opens.get(symbol)
        if price is None:
            return None
        limits = Limits(LimitState.UNLIMITED, None, None)
        close = self.closed.get(symbol)
        return Quote(True, price, price, price, close, None, None, None, limits, LotRule(100, 100))


PRICES = Prices({A: 10000, B: 5000, C: 2000, D: 1000, E: 500})
TERMS = Terms(PlainFees(0.0, 0.0))


def order(symbol: str, side: Side = Side.BUY, n: int = 1, **more: object) -> OrderRequest:
    return OrderRequest(f"20240930-{symbol}-{side.value[0].upper()}-{n}", symbol, side, DAY - 1, **more)  # type: ignore[arg-type]


def slots(*symbols: str, count: int = 2, **more: object) -> SlotBuys:
    return SlotBuys(tuple(order(s, value_fen=0) for s in symbols), count, wanted=count, **more)  # type: ignore[arg-type]


def holding(cash: int = 100_000_000, **shares: int) -> Account:
    names = {"a": A, "b": B, "c": C, "d": D, "e": E}
    return Account(cash, {names[k]: (Lot(n, DAY - 5, 1),) for k, n in shares.items()})


def protected(
    basket: Basket, account: Account | None = None, state: ProtectionState | None = None, **config: object
) -> Protected:
    return protect(
        basket,
        account or holding(),
        PRICES,
        state or ProtectionState(),
        ProtectionsConfig.model_validate(config),
    )


def actions(done: Protected) -> list[tuple[str, Protection, Action]]:
    return [(cut.symbol, cut.protection, cut.action) for cut in done.cuts]


# -- the kill switch and the block list


def test_the_kill_switch_stops_everything_and_says_what_it_says() -> None:
    basket = Basket((order(A, Side.SELL, target_fen=0), order(B, shares=100)), slots(C, D))
    killed = ProtectionState(killed="earnings season, wait for me")
    done = protected(basket, holding(a=100), killed, kill_switch="stop")
    assert not done.basket and len(done.cuts) == 4
    said = "the kill switch says: earnings season, wait for me"
    assert str(done.cuts[0]) == f"sell of {A} dropped (kill_switch): {said}"
    assert done.reasons["20240930-600519.SH-S-1"] == f"{said} (kill_switch)"


def test_the_kill_switch_may_leave_sales() -> None:
    sale = order(A, Side.SELL, target_fen=0)
    done = protected(
        Basket((sale, order(B, shares=100)), slots(C)), holding(a=100), ProtectionState(killed="stop"),
        kill_switch="stop", kill_switch_sales=True,
    )  # fmt: skip
    assert done.basket == Basket((sale,))


def test_somebody_who_halts_the_account_needs_no_configuration() -> None:
    done = protected(Basket((order(B, shares=100),)), state=ProtectionState(killed="halted by hand"))
    assert not done.basket


def test_a_kill_switch_is_a_file_and_its_first_line_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "stop"
    assert read_kill_switch(None) is None and read_kill_switch(path) is None
    path.touch()
    assert read_kill_switch(path) == f"{path} is there"
    path.write_bytes("先停一下\nsecond line".encode())
    assert read_kill_switch(path) == "先停一下"
    path.unlink()
    path.mkdir()  # cannot be read, so it is there
    assert "cannot be read" in (read_kill_switch(path) or "")


def test_a_blocked_name_is_not_bought_and_the_next_takes_its_slot() -> None:
    basket = Basket((order(A, shares=100), order(A, Side.SELL, target_fen=0)), slots(B, C, D))
    done = protected(basket, holding(a=100), block_list=["sh600519", "601318"])
    assert done.basket.orders == basket.orders[1:]  # sold it may be
    left = done.basket.slot_buys
    assert left is not None and [r.symbol for r in left.candidates] == [C, D] and left.wanted == 2
    assert actions(done) == [
        (A, Protection.BLOCK_LIST, Action.DROPPED), (B, Protection.BLOCK_LIST, Action.DROPPED),
    ]  # fmt: skip


def test_sales_of_blocked_names_stop_only_where_it_is_said() -> None:
    basket = Basket((order(A, Side.SELL, target_fen=0),))
    assert protected(basket, holding(a=100), block_list=[A]).basket is basket
    assert not protected(basket, holding(a=100), block_list=[A], block_sales=True).basket


def test_weights_of_slots_stay_with_their_names() -> None:
    basket = Basket((), slots(A, B, C, weights=(3.0, 2.0, 1.0)))
    left = protected(basket, block_list=[B]).basket.slot_buys
    assert left is not None and left.weights == (3.0, 1.0)


# -- stops


def test_after_the_loss_of_a_day_nothing_is_bought_and_sales_go_on() -> None:
    sale = order(A, Side.SELL, target_fen=0)
    basket = Basket((sale, order(B, shares=100)), slots(C, D))
    account = holding(94_000_000, a=100)  # 950,000 CNY with it
    before = ProtectionState(previous_equity_fen=100_000_000)
    assert protected(basket, account, before, daily_loss_stop=0.06).basket is basket
    done = protected(basket, account, before, daily_loss_stop=0.05)
    assert done.basket == Basket((sale,)) and len(done.cuts) == 3
    assert "has lost 5.00% since the last close, 5.00% are tolerated" in done.cuts[0].why


@pytest.mark.parametrize("stop", [0.01, 0.05, 0.07, 0.1, 0.29, 0.3])
def test_a_loss_of_exactly_the_stop_is_too_much_and_a_fen_less_is_not(stop: float) -> None:
    basket = Basket((order(B, shares=100),))
    before = ProtectionState(previous_equity_fen=100_000_000)
    at_stop = round(100_000_000 * (1 - stop))
    assert not protected(basket, holding(at_stop), before, daily_loss_stop=stop).basket
    assert protected(basket, holding(at_stop + 1), before, daily_loss_stop=stop).basket is basket


def test_after_a_session_that_lost_too_much_the_next_one_buys_nothing() -> None:
    """Orders are sent at the open, when the loss of a session is known no earlier than by the next."""
    sale = order(A, Side.SELL, target_fen=0)
    basket = Basket((sale, order(B, shares=100)))
    account = holding(93_000_000, a=100)
    lost = ProtectionState(previous_equity_fen=94_000_000, equity_before_fen=100_000_000)
    done = protected(basket, account, lost, daily_loss_stop=0.05)
    assert done.basket == Basket((sale,))
    assert done.cuts[0].why == "the account lost 6.00% in the last session, 5.00% are tolerated"
    assert protected(basket, account, lost, daily_loss_stop=0.07).basket is basket
    # on the day after, it is over
    after = ProtectionState(previous_equity_fen=94_000_000, equity_before_fen=94_000_000)
    assert protected(basket, account, after, daily_loss_stop=0.05).basket is basket


def test_a_dividend_that_is_yet_to_be_paid_is_no_loss() -> None:
    account = replace(holding(94_000_000), receivables=(Receivable(DAY + 9, A, 6_000_000),))
    before = ProtectionState(previous_equity_fen=100_000_000)
    basket = Basket((order(B, shares=100),))
    done = protected(basket, account, before, daily_loss_stop=0.01)
    assert done.basket is basket and done.equity_fen == 100_000_000


def test_a_loss_that_cannot_be_known_is_taken_for_one() -> None:
    account = Account(100, {"600000.SH": (Lot(100, DAY - 5, 1),)})
    before = ProtectionState(previous_equity_fen=100)
    done = protected(Basket((order(B, shares=100),)), account, before, daily_loss_stop=0.5)
    assert not done.basket and "600000.SH has no price" in done.cuts[0].why
    marked = ProtectionState(previous_equity_fen=100, marks_fen={"600000.SH": 500})
    assert protected(Basket((order(B, shares=100),)), account, marked, daily_loss_stop=0.5).basket


def test_stale_data_stop_buys_and_not_sales() -> None:
    sale = order(A, Side.SELL, target_fen=0)
    basket = Basket((sale, order(B, shares=100)))
    assert (
        protected(basket, holding(a=100), ProtectionState(sessions_behind=1), stale_data_stop=1).basket
        is basket
    )
    done = protected(basket, holding(a=100), ProtectionState(sessions_behind=2), stale_data_stop=1)
    assert done.basket == Basket((sale,))
    assert "what is decided on lags 2 sessions behind; tolerated: 1" in done.cuts[0].why


# -- weights


def test_a_buy_is_cut_to_the_weight_that_is_left() -> None:
    account = holding(90_000_000, a=1000)  # 100,000 of 1,000,000 CNY
    done = protected(Basket((order(A, shares=5000),)), account, max_weight=0.2)
    assert done.basket.orders[0].shares == 1000
    assert "a position may have 20.00% of 1,000,000 CNY, of which it has 10.00%" in done.cuts[0].why
    assert "500,000 CNY becomes 100,000 CNY" in done.cuts[0].why


@pytest.mark.parametrize("part", [0.07, 0.14, 0.28, 0.29, 0.57, 0.58])
def test_a_buy_of_exactly_the_largest_weight_is_whole(part: float) -> None:
    """These parts of a million are a hair below whole numbers as floats."""
    shares = round(100_000_000 * part / 10000)
    basket = Basket((order(A, shares=shares),))
    assert protected(basket, max_weight=part).basket is basket
    assert protected(Basket((order(A, shares=shares + 100),)), max_weight=part).cuts


def test_an_order_that_meets_two_limits_says_both() -> None:
    done = protected(Basket((), slots(B, C)), max_weight=0.1, turnover_cap=0.2)
    (first, _) = done.reasons.values()
    assert first.startswith("a session may turn over 20.00% of the account")
    assert " (turnover); a position may have 10.00% of 1,000,000 CNY" in first
    assert first.endswith(" (max_weight)")


def test_a_buy_with_no_room_left_is_dropped() -> None:
    done = protected(Basket((order(A, shares=100),)), holding(80_000_000, a=2000), max_weight=0.2)
    assert not done.basket and actions(done) == [(A, Protection.MAX_WEIGHT, Action.DROPPED)]


@pytest.mark.parametrize("amount", [{"value_fen": 50_000_000}, {"target_fen": 60_000_000}])
def test_money_and_targets_are_cut_too(amount: dict[str, int]) -> None:
    account = holding(90_000_000, a=1000)
    basket = protected(Basket((order(A, **amount),)), account, max_weight=0.2).basket
    after, _ = step(account, basket, PRICES, TERMS)
    assert after.shares(A) == 2000


def test_a_buy_sized_at_another_price_is_weighed_at_the_one_of_the_moment() -> None:
    # money for 2000 shares at 50.00, and they cost 100.00 now
    request = order(A, value_fen=10_000_000, sizing_price_fen=5000)
    basket = protected(Basket((request,)), max_weight=0.1).basket
    after, _ = step(holding(), basket, PRICES, TERMS)
    assert after.shares(A) * 10000 <= 10_000_000


def test_a_position_that_has_grown_beyond_its_weight_is_not_sold() -> None:
    basket = Basket((order(B, shares=100),))
    assert protected(basket, holding(1_000_000, a=1000), max_weight=0.5).basket is basket


def test_slots_are_limited_each() -> None:
    basket = Basket((), slots(A, B))
    done = protected(basket, max_weight=0.3)
    left = done.basket.slot_buys
    assert left is not None and left.max_value_fen == 30_000_000 and left.candidates == slots(A, B).candidates
    assert actions(done) == [(A, Protection.MAX_WEIGHT, Action.CUT), (B, Protection.MAX_WEIGHT, Action.CUT)]
    # a limit that does not bite is no cut
    assert protected(basket, max_weight=0.6).cuts == ()


def test_a_candidate_that_is_held_has_no_whole_slot() -> None:
    done = protected(Basket((), slots(A, B, count=3)), holding(a=100), max_weight=0.3)
    left = done.basket.slot_buys
    assert left is not None and [r.symbol for r in left.candidates] == [B]


def test_what_has_no_price_cannot_be_weighed() -> None:
    done = protected(Basket((order("600000.SH", shares=100),)), max_weight=0.5)
    assert not done.basket and "no price to weigh it at" in done.cuts[0].why


def test_the_close_counts_where_it_is_known() -> None:
    doubled = Prices({A: 10000}, closed={A: 20000})
    config = ProtectionsConfig(max_weight=0.2)
    done = protect(Basket((order(A, shares=2000),)), holding(), doubled, ProtectionState(), config)
    assert done.basket.orders[0].shares == 1000


# -- turnover


def test_buys_get_what_sales_leave_of_the_turnover() -> None:
    account = holding(80_000_000, a=2000)  # 1,000,000 CNY, sells 200,000 of it
    sale, buy = order(A, Side.SELL, target_fen=0), order(B, shares=10000)
    state = ProtectionState(previous_equity_fen=100_000_000)
    done = protected(Basket((sale, buy)), account, state, turnover_cap=0.25)
    assert done.basket.orders[0] is sale and done.basket.orders[1].shares == 6000  # 300,000 CNY
    assert actions(done) == [(B, Protection.TURNOVER, Action.CUT)]
    done = protected(Basket((sale, buy)), account, state, turnover_cap=0.1)
    assert done.basket == Basket((sale,)) and done.cuts[0].action is Action.DROPPED


def test_slots_share_what_the_turnover_leaves() -> None:
    done = protected(Basket((), slots(A, B)), turnover_cap=0.2)
    left = done.basket.slot_buys
    assert left is not None and left.risk_degree == pytest.approx(0.4)
    assert not protected(
        Basket((), slots(A, B)), state=ProtectionState(traded_fen=50_000_000), turnover_cap=0.2
    ).basket


def test_buys_of_one_session_share_its_turnover() -> None:
    done = protected(Basket((order(A, shares=3000), order(B, shares=10000))), turnover_cap=0.2)
    assert [r.shares for r in done.basket.orders] == [3000, 2000]  # 300,000 and 100,000 CNY


def test_two_buys_of_one_name_share_its_weight() -> None:
    done = protected(Basket((order(A, shares=800), order(A, n=2, shares=800))), max_weight=0.1)
    assert [r.shares for r in done.basket.orders] == [800, 200]


def test_slots_spend_what_sales_bring_and_no_more_than_the_turnover() -> None:
    account = holding(10_000_000, a=9000)  # 1,000,000 CNY, nine tenths of it to be sold
    basket = Basket((order(A, Side.SELL, target_fen=0),), slots(B, C))
    done = protected(basket, account, turnover_cap=0.5)
    _, trades = step(account, done.basket, PRICES, TERMS)
    bought = [t.amount_fen for t in trades if isinstance(t, Fill) and t.side is Side.BUY]
    assert len(bought) == 2 and 9_000_000 < sum(bought) <= 10_000_000


def test_slots_leave_to_explicit_buys_what_they_spend() -> None:
    done = protected(Basket((order(A, shares=9000),), slots(B)), max_weight=0.95)
    assert done.cuts == ()  # 100,000 CNY are left, of which a slot could have 950,000


@pytest.mark.parametrize("limit", [{"max_weight": 0.1}, {"turnover_cap": 0.1}])
def test_slots_sized_at_yesterdays_price_stay_within_the_limit_at_todays(limit: dict[str, float]) -> None:
    # money for shares at 50.00, and they cost 100.00 now
    candidates = (order(A, value_fen=0, sizing_price_fen=5000),)
    basket = Basket((), SlotBuys(candidates, slots=1, wanted=1))
    after, _ = step(holding(), protected(basket, **limit).basket, PRICES, TERMS)
    most = 10_000_000 if "max_weight" in limit else 20_000_000
    assert 0.9 * most < after.shares(A) * 10000 <= most


# -- settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_weight": 0}, {"max_weight": 1.1}, {"daily_loss_stop": 1}, {"turnover_cap": -1}, {"limit": 1},
        {"stale_data_stop": -1}, {"block_list": ["moutai"]}, {"block_sales": True},
        {"kill_switch_sales": True}, {"max_weight": True}, {"stale_data_stop": True}, {"turnover_cap": 30},
        {"daily_loss_stop": 5}, {"max_weight": float("nan")}, {"stale_data_stop": 1.5}, {"kill_switch": ""},
        {"kill_switch": "."}, {"kill_switch": "~nobody-of-that-name/stop"}, {"block_list": "600519.SH"},
        {"kill_switch": " "}, {"kill_switch": "stop\0.txt"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as problem:
        ProtectionsConfig.model_validate(wrong)
    (error,) = problem.value.errors()
    if error["loc"]:  # what concerns two of them names both
        assert error["loc"][0] == next(iter(wrong))
    else:
        assert next(iter(wrong)) in error["msg"]


# -- properties

NAMES = [A, B, C, D, E]


@st.composite
def situations(draw: st.DrawFn) -> tuple[Basket, Account, Prices]:
    opens = {s: draw(st.integers(100, 30000)) for s in NAMES}
    held = {s: draw(st.integers(1, 60)) * 100 for s in draw(st.lists(st.sampled_from(NAMES), unique=True))}
    lots = {s: (Lot(n, DAY - 3, 1),) for s, n in held.items()}
    dues = tuple(
        Receivable(DAY + 5, A, draw(st.integers(1, 5_000_000))) for _ in range(draw(st.integers(0, 2)))
    )
    account = Account(draw(st.integers(0, 200_000_000)), lots, dues)
    orders = []
    for n in range(draw(st.integers(0, 4))):
        symbol = draw(st.sampled_from(NAMES))
        side = Side.SELL if symbol in held and draw(st.booleans()) else Side.BUY
        sizing = draw(st.none() | st.integers(100, 30000))
        if side is Side.SELL:
            size: dict[str, object] = draw(
                st.sampled_from([{"target_fen": 0}, {"shares": 100}, {"target_fen": 1_000_000}])
            )
        else:
            kind = draw(st.sampled_from(["shares", "value_fen", "target_fen"]))
            top = 400 if kind == "shares" else 2_000_000
            size = {kind: draw(st.integers(1, top)) * 100}
            if kind != "shares":
                size["sizing_price_fen"] = sizing
        orders.append(order(symbol, side, n + 1, **size))
    taken = None
    if draw(st.booleans()):
        candidates = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
        price = draw(st.none() | st.integers(100, 30000))
        taken = SlotBuys(
            tuple(order(s, n=9, value_fen=0, sizing_price_fen=price) for s in candidates),
            slots=draw(st.integers(1, 6)),
            wanted=draw(st.integers(0, len(candidates))),
            risk_degree=draw(st.floats(0.1, 1.0)),
            weights=draw(st.none() | st.just(tuple(float(n + 1) for n in range(len(candidates))))),
            max_value_fen=draw(st.none() | st.integers(0, 50_000_000)),
            substitute=draw(st.booleans()),
        )
    return Basket(tuple(orders), taken), account, Prices(opens)


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "max_weight": st.floats(0.01, 1.0),
        "turnover_cap": st.floats(0.0, 1.0),
        "daily_loss_stop": st.floats(0.01, 0.5),
        "stale_data_stop": st.integers(0, 2),
        "block_list": st.lists(st.sampled_from(NAMES), max_size=2),
    },
)
STATES = st.builds(
    ProtectionState,
    previous_equity_fen=st.none() | st.integers(10_000_000, 300_000_000),
    equity_before_fen=st.none() | st.integers(10_000_000, 300_000_000),
    traded_fen=st.integers(0, 10_000_000),
    sessions_behind=st.integers(0, 3),
)


@given(situations(), STATES, LIMITS)
def test_no_protected_basket_passes_its_limits(
    situation: tuple[Basket, Account, Prices], state: ProtectionState, limits: dict[str, object]
) -> None:
    """What the broker makes of it, at the prices of the moment and without costs."""
    basket, account, prices = situation
    config = ProtectionsConfig.model_validate(limits)
    done = protect(basket, account, prices, state, config)
    after, trades = step(account, done.basket, prices, TERMS)
    fills = [trade for trade in trades if isinstance(trade, Fill)]
    bought = {fill.request.symbol for fill in fills if fill.side is Side.BUY}
    held = sum(account.shares(s) * prices.opens[s] for s in account.lots)
    equity = account.cash_fen + account.receivable_fen + held
    assert done.equity_fen == equity
    if config.max_weight is not None:
        for symbol in bought:
            assert after.shares(symbol) * prices.opens[symbol] <= config.max_weight * equity + 1
    if config.turnover_cap is not None and bought:
        traded = sum(fill.amount_fen for fill in fills) + state.traded_fen
        base = state.previous_equity_fen or equity
        assert traded / 2 <= config.turnover_cap * base + 2
    assert not bought & set(config.block_list)
    if config.stale_data_stop is not None and state.sessions_behind > config.stale_data_stop:
        assert not bought
    before = state.previous_equity_fen
    if config.daily_loss_stop is not None and before and 1 - equity / before >= config.daily_loss_stop:
        assert not bought
    earlier = state.equity_before_fen
    if config.daily_loss_stop is not None and earlier and before:
        assert not bought or 1 - before / earlier < config.daily_loss_stop


@given(situations(), STATES, LIMITS)
def test_sales_are_never_touched_and_nothing_is_added(
    situation: tuple[Basket, Account, Prices], state: ProtectionState, limits: dict[str, object]
) -> None:
    basket, account, prices = situation
    config = ProtectionsConfig.model_validate(limits)
    done = protect(basket, account, prices, state, config)

    def sells(of: Basket) -> list[OrderRequest]:
        return [r for r in of.orders if r.side is Side.SELL]

    def ids(of: Basket) -> list[str]:
        return [r.order_id for r in (*of.orders, *(of.slot_buys.candidates if of.slot_buys else ()))]

    assert sells(done.basket) == sells(basket)
    left, all_ids = ids(done.basket), ids(basket)
    assert [i for i in all_ids if i in set(left)] == left  # in their order
    dropped = {cut.order_id for cut in done.cuts if cut.action is Action.DROPPED}
    assert set(all_ids) - set(left) == dropped and all(cut.why for cut in done.cuts)
    if done.basket != basket:
        assert done.cuts or done.basket.slot_buys != basket.slot_buys
    else:
        assert done.basket is basket


@given(situations(), STATES, LIMITS)
def test_protected_once_more_it_stays_as_it_is(
    situation: tuple[Basket, Account, Prices], state: ProtectionState, limits: dict[str, object]
) -> None:
    basket, account, prices = situation
    config = ProtectionsConfig.model_validate(limits)
    once = protect(basket, account, prices, state, config).basket
    twice = protect(once, account, prices, state, config)
    assert twice.basket == once and twice.cuts == ()


@given(situations(), STATES)
def test_without_protections_nothing_changes(
    situation: tuple[Basket, Account, Prices], state: ProtectionState
) -> None:
    basket, account, prices = situation
    done = protect(basket, account, prices, state, ProtectionsConfig())
    assert done.basket is basket and done.cuts == ()
