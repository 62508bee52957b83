"""Nothing is spent beyond the budget, by no number of threads, and what is spent is said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_questions import MOOD, Mood, question
from llm_server import LlmServer, says, status

from alpha_sources.llm import Door
from alpha_sources.llm.budget import Budget
from alpha_sources.llm.charge import Charge, most, price
from alpha_sources.llm.config import BudgetConfig, Prices, Profile
from alpha_sources.llm.errors import BudgetError
from alpha_sources.llm.prompt import Message, Role
from alpha_sources.llm.reply import Usage
from alpha_sources.llm.request import Request, Task

Opener = Callable[..., Door]
PRICES = {"input_per_million": "2", "output_per_million": "10", "cached_input_per_million": "0.5"}


@pytest.mark.parametrize("limit", ["calls", "tokens", "money"])
def test_a_budget_of_nothing_makes_no_call(server: LlmServer, open_door: Opener, limit: str) -> None:
    door = open_door(budget={limit: 0}, profile={"prices": PRICES})
    with pytest.raises(
        BudgetError, match=rf"mood\.v1: the budget ends before this call.*raise llm\.budget\.{limit}"
    ):
        door.ask(question(), Mood)
    assert not server.asked and door.costs().calls == 0


def test_calls_that_fail_count(server: LlmServer, open_door: Opener) -> None:
    server.then(status(500), status(500), says(MOOD))
    door = open_door(budget={"calls": 2})
    with pytest.raises(BudgetError, match="2 of 2 calls were made"):
        door.ask(question(), Mood)
    assert len(server.asked) == 2


def test_what_is_settled_is_what_the_server_counted(server: LlmServer, open_door: Opener) -> None:
    door = open_door(profile={"prices": PRICES})
    door.ask(question(), Mood)
    costs = door.costs()
    assert (costs.input_tokens, costs.output_tokens) == (100, 20)
    assert costs.money == Decimal("0.0004")  # 100 × 2 + 20 × 10 millionths
    assert costs.line() == "Language model (live): 1 call; 100 + 20 tokens; 0.0004 USD; thinker-1"
    assert costs.plain()["money"] == "0.0004"


def test_a_server_that_does_not_count_is_charged_the_most_it_can_cost(
    server: LlmServer, open_door: Opener
) -> None:
    server.usage = False
    door = open_door(profile={"prices": PRICES})
    door.ask(question(), Mood, max_tokens=50)
    costs = door.costs()
    assert costs.output_tokens == 50 and costs.input_tokens > 100 and costs.estimated == 1
    assert "1 at the most they can cost, since the server did not say" in costs.line()


def test_the_hard_stop_comes_before_the_call_that_could_exceed_it(
    server: LlmServer, open_door: Opener
) -> None:
    # each call may take about 4,096 + 1,000 tokens and takes 120
    door = open_door(budget={"tokens": 6000})
    made = 0
    with pytest.raises(BudgetError, match=r"it may take [\d,]+ tokens and [\d,]+ of 6000 are spent"):
        for number in range(50):
            door.ask(question(f"number {number}"), Mood)
            made += 1
    assert made == len(server.asked) > 3
    spent = door.costs().input_tokens + door.costs().output_tokens
    assert 6000 - 5500 < spent <= 6000


def test_threads_cannot_spend_the_same_money(server: LlmServer, open_door: Opener) -> None:
    server.slow_s = 0.02
    door = open_door(profile={"prices": PRICES, "concurrency": 8}, budget={"money": "0.05"})

    def ask(number: int) -> bool:
        try:
            door.ask(question(f"number {number}"), Mood)
        except BudgetError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        made = sum(pool.map(ask, range(40)))
    assert made == len(server.asked) and door.costs().money == made * Decimal("0.0004") <= Decimal("0.05")
    # a call may cost 0.043: one that is only held up by others under way waits for them instead of failing
    assert made > 8


def test_what_is_set_aside_cannot_be_set_aside_again() -> None:
    budget, inside, together = Budget(BudgetConfig(tokens=100)), 0, []
    lock, start = threading.Lock(), threading.Barrier(6)

    def spend(_: int) -> bool:
        nonlocal inside
        start.wait(5)
        try:
            with budget.reserve(Charge(1, 40), "x"):
                with lock:
                    inside += 1
                    together.append(inside)
                time.sleep(0.02)
                with lock:
                    inside -= 1
        except BudgetError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        made = sum(pool.map(spend, range(6)))
    assert made == 2 and max(together) == 2 and budget.spent == Charge(2, 80)


@given(
    limit=st.integers(0, 400),
    calls=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 100)), max_size=30),
)
def test_whatever_is_reserved_and_settled_the_limit_holds(limit: int, calls: list[tuple[int, int]]) -> None:
    budget, total = Budget(BudgetConfig(tokens=limit)), 0
    for aside, part in calls:
        spent = aside * part // 100
        try:
            with budget.reserve(Charge(1, aside), "x") as reservation:
                reservation.settle(Charge(1, spent))
        except BudgetError:
            assert total + aside > limit
        else:
            total += spent
    assert budget.spent.tokens == total <= limit


def test_a_call_that_dies_is_charged_in_full() -> None:
    budget = Budget(BudgetConfig(tokens=100))
    with pytest.raises(KeyboardInterrupt), budget.reserve(Charge(1, 60), "x"):
        raise KeyboardInterrupt
    assert budget.spent == Charge(1, 60)
    with pytest.raises(BudgetError), budget.reserve(Charge(1, 60), "x"):
        pass


def test_who_can_never_fit_does_not_wait() -> None:
    budget, done = Budget(BudgetConfig(tokens=100)), threading.Event()

    def late() -> None:
        with pytest.raises(BudgetError), budget.reserve(Charge(1, 101), "late"):
            pass
        done.set()

    with budget.reserve(Charge(1, 10), "first"):
        thread = threading.Thread(target=late)
        thread.start()
        assert done.wait(5)
    thread.join()


def test_cached_tokens_cost_what_the_table_says() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0, cached_tokens=400_000)
    assert price(usage, Prices(**PRICES)) == Decimal("1.4")
    plain = Prices(input_per_million="2", output_per_million="10")
    assert price(usage, plain) == Decimal(2) and price(usage, None) == 0


def test_sound_costs_by_begun_seconds() -> None:
    prices = Prices(input_per_million=0, output_per_million=0, audio_per_minute="0.006")
    profile = Profile(base_url="http://127.0.0.1/v1", model="m", prices=prices)
    request = Request(Task.TRANSCRIPTION, "ear", {"seconds": 89.2})
    assert most(request, profile).money == Decimal("0.009")


@given(st.lists(st.text(max_size=200), min_size=1, max_size=4))
def test_the_estimate_is_no_less_than_a_token_for_each_byte(texts: list[str]) -> None:
    messages = tuple(Message(Role.USER, text) for text in texts)
    request = Request(Task.CHAT, "m", {"max_tokens": 7}, messages)
    limit = most(request, Profile(base_url="http://127.0.0.1/v1", model="m"))
    assert limit.input_tokens >= sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    assert (limit.calls, limit.output_tokens) == (1, 7)
