"""Who stands in for whom, what is told of it, and what two vendors disagree on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest

from engine.errors import DataError
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.crosscheck import differences
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.fall_back import FallBack
from engine.market.sources.source import Source
from engine.market.store.schema import Kind

DAYS = np.array(["2023-01-03", "2023-01-04", "2023-01-05"], dtype="datetime64[D]")


def bars(symbol: str = "600519.SH", **columns: Sequence[float]) -> DailyBars:
    values = {name: np.array([10.0, 11.0, 12.0]) for name in ("open", "high", "low", "close")}
    values |= {"volume": np.full(3, 1e6), "amount": np.full(3, 1.1e7)}
    values |= {name: np.array(cells, dtype=float) for name, cells in columns.items()}
    return DailyBars(np.array([symbol]), np.zeros(3, dtype=np.intp), DAYS, values)


class Vendor:
    """Delivers the same bars of any name, unless `trouble` says otherwise of it."""

    offers = frozenset({Kind.BARS, Kind.ACTIONS})

    def __init__(
        self, name: str, *hosts: str, trouble: Callable[[str], Trouble | None] = lambda _: None
    ) -> None:
        self.name, self.hosts, self.trouble = name, frozenset(hosts or {name}), trouble
        self.asked: list[str] = []

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        for symbol in symbols:
            self.asked.append(symbol)
            self._fail(symbol)
            yield bars(symbol)

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        for symbol in symbols:
            self._fail(symbol)
            yield symbol

    def _fail(self, symbol: str) -> None:
        trouble = self.trouble(symbol)
        if trouble is not None:
            raise VendorError(self.name, min(self.hosts), symbol, trouble)


def always(trouble: Trouble) -> Callable[[str], Trouble]:
    return lambda _: trouble


def fall_back(*sources: Any) -> tuple[FallBack, list[str]]:
    told: list[str] = []
    listed: Sequence[Source] = sources
    return FallBack(listed, told.append), told


NAMES = [f"60000{n}.SH" for n in range(8)]


def test_the_first_vendor_alone_is_asked_while_it_answers() -> None:
    first, second = Vendor("one"), Vendor("two")
    both, told = fall_back(first, second)
    assert [str(b.symbols[0]) for b in both.daily_bars(NAMES)] == NAMES
    assert (first.asked, second.asked, told) == (NAMES, [], [])
    assert both.answered == "one"


def test_name_by_name_the_next_steps_in_and_this_is_told_once() -> None:
    first = Vendor("one", trouble=lambda s: Trouble.SERVER if s in (NAMES[1], NAMES[3]) else None)
    both, told = fall_back(first, Vendor("two"))
    came = [(str(b.symbols[0]), both.answered) for b in both.daily_bars(NAMES[:5])]
    assert [source for _, source in came] == ["one", "two", "one", "two", "one"]
    assert told == [
        "one [600001.SH, one]: the host failed; repeat the command later, or ask another vendor",
        "two steps in for one",
    ]
    assert both.tallies["two"].stood_in == {"one": 2}
    assert both.tallies["one"].failed == {Trouble.SERVER: 2}


def test_who_shares_a_host_with_the_one_that_failed_is_passed_over() -> None:
    first = Vendor("one", "a.cn", trouble=always(Trouble.REFUSED))
    relative, stranger = Vendor("relative", "a.cn", "b.cn"), Vendor("stranger", "c.cn")
    three, _ = fall_back(first, relative, stranger)
    list(three.daily_bars(NAMES[:1]))
    assert three.answered == "stranger"
    assert relative.asked == []
    assert [s.name for s in three.beside("one").sources] == ["stranger"]


@pytest.mark.parametrize(
    ("trouble", "times"),
    [(Trouble.SERVER, 3), (Trouble.REFUSED, 3), (Trouble.NOT_DATA, 3), (Trouble.COLUMNS, 10)],
)
def test_who_fails_so_often_in_a_row_is_not_asked_again(trouble: Trouble, times: int) -> None:
    first = Vendor("one", trouble=always(trouble))
    both, told = fall_back(first, Vendor("two"))
    many = [f"6000{n}.SH" for n in range(10, 30)]
    assert len(list(both.daily_bars(many))) == len(many)
    assert first.asked == many[:times]
    assert f"one has failed {times} times in a row: not asked again" in told
    assert both.tallies["two"].stood_in == {"one": 20}


def test_a_few_answers_in_another_shape_between_good_ones_do_not_count() -> None:
    first = Vendor("one", trouble=lambda s: Trouble.COLUMNS if int(s[5]) % 4 else None)
    both, _ = fall_back(first, Vendor("two"))
    list(both.daily_bars(NAMES * 4))
    assert len(first.asked) == 32


def test_a_name_that_two_vendors_do_not_know_is_not_asked_of_a_third() -> None:
    vendors = [Vendor(name, trouble=always(Trouble.EMPTY)) for name in ("one", "two", "three")]
    three, told = fall_back(*vendors)
    for name in NAMES:
        with pytest.raises(VendorError) as raised:
            list(three.daily_bars([name]))
        assert raised.value.trouble is Trouble.EMPTY
    assert [len(v.asked) for v in vendors] == [8, 8, 0]
    assert told == []  # nobody has failed


def test_when_nobody_answers_the_error_is_of_who_was_asked_last() -> None:
    both, _ = fall_back(
        Vendor("one", trouble=always(Trouble.REFUSED)), Vendor("two", trouble=always(Trouble.TIMEOUT))
    )
    with pytest.raises(VendorError, match=r"two \[600000\.SH, two\]: no answer within the deadline"):
        list(both.daily_bars(NAMES[:1]))


def test_a_vendor_that_is_not_installed_is_told_of_and_passed_over() -> None:
    class Absent(Vendor):
        def _fail(self, symbol: str) -> None:
            raise DataError("the package one is not installed; pip install one")

    both, told = fall_back(Absent("one"), Vendor("two"))
    assert len(list(both.daily_bars(NAMES))) == len(NAMES)
    assert "pip install one" in told[0]
    assert both.tallies["one"].asked == 1


def test_a_table_that_breaks_off_is_asked_for_anew_elsewhere() -> None:
    first = Vendor("one", trouble=lambda s: Trouble.NETWORK if s == NAMES[2] else None)
    both, _ = fall_back(first, Vendor("two"))
    came = [(table, both.answered) for table in both.actions(NAMES[:4])]
    assert came == [(n, "one") for n in NAMES[:2]] + [(n, "two") for n in NAMES[:4]]


def test_when_everybody_is_left_out_the_error_names_them_and_the_first_reason() -> None:
    both, _ = fall_back(
        Vendor("one", trouble=always(Trouble.REFUSED)), Vendor("two", trouble=always(Trouble.TIMEOUT))
    )
    for name in NAMES[:4]:
        with pytest.raises(VendorError) as raised:
            list(both.daily_bars([name]))
    assert str(raised.value).startswith(
        "one, two [600003.SH]: not asked any more in this run (one [600000.SH"
    )
    assert "the host refuses" in str(raised.value)


def test_what_the_store_could_not_take_counts_against_the_vendor() -> None:
    first, second = Vendor("one"), Vendor("two")
    both, told = fall_back(first, second)
    for name in NAMES:
        list(both.daily_bars([name]))
        if both.answered == "one":
            both.failed("one", name, "its volumes count lots")
    assert len(first.asked) == 3
    assert told[0] == "one: 600000.SH: its volumes count lots"


def test_a_table_that_nobody_has_says_so() -> None:
    both, _ = fall_back(Vendor("one"))
    with pytest.raises(VendorError, match=r"none of them has fundamentals\); name a vendor"):
        list(both.fundamentals(NAMES))


class TestCrossCheck:
    def told(self, kept: DailyBars, other: DailyBars) -> list[str]:
        compared, found = differences(kept, other, kept_from="one", other_from="two")
        assert compared == 3
        return [str(difference) for difference in found]

    def test_equal_bars_differ_in_nothing(self) -> None:
        assert self.told(bars(), bars()) == []

    def test_a_difference_names_both_values_and_the_one_that_was_kept(self) -> None:
        assert self.told(bars(), bars(close=[10.0, 11.01, 12.0])) == [
            "600519.SH 2023-01-04, close: 11 from one, 11.01 from two; the store kept 11"
        ]

    def test_rounding_to_lots_and_to_ten_thousand_is_none(self) -> None:
        assert (
            self.told(bars(volume=[1_000_050] * 3), bars(volume=[1_000_000] * 3, amount=[1.1003e7] * 3)) == []
        )
        assert len(self.told(bars(), bars(volume=[1e4] * 3))) == 3

    def test_factors_are_compared_by_their_steps_whatever_their_base(self) -> None:
        ours = bars(adj_factor=[1.0, 1.0, 1.05])
        assert self.told(ours, bars(adj_factor=[7.0, 7.0, 7.35])) == []
        assert self.told(ours, bars(adj_factor=[7.0, 7.0, 7.0])) == [
            "600519.SH 2023-01-05, the factor's step: 1.05 from one, 1 from two; the store kept 1.05"
        ]

    def test_what_one_of_them_does_not_tell_is_no_difference(self) -> None:
        assert self.told(bars(preclose=[np.nan] * 3, adj_factor=[1, 1, 2]), bars(preclose=[9, 10, 11])) == []

    def test_only_sessions_of_both_are_compared(self) -> None:
        compared, _ = differences(bars(), bars().take(np.arange(2)), kept_from="one", other_from="two")
        assert compared == 2
