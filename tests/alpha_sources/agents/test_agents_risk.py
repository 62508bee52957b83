"""rho: the alpha's own portfolio after fees, as investors of several kinds see it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.agents.book import Book, Ride, capacity
from alpha_sources.agents.config import PROFILES, CommitteeConfig, RiskProfile
from alpha_sources.agents.evidence import gather, hold
from alpha_sources.agents.risk import rho, utility
from alpha_sources.libraries import LibraryEntry
from engine.market.panel import MarketPanel
from engine.rules.fees import AShareFees

FLAT = Ride(250, 0.05, 0.18, 0.12, 0.40)


def book(**changes: float) -> Book:
    own = replace(FLAT, **{k: v for k, v in changes.items() if k in Ride.__dataclass_fields__})
    rest = {k: v for k, v in changes.items() if k not in Ride.__dataclass_fields__}
    return Book(own, FLAT, **{"cost": 0.0, "turnover": 0.0, "capacity_cny": math.inf, **rest})


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_as_good_as_the_universe_is_one_half(profile: RiskProfile) -> None:
    assert utility(book(), profile, 1e7) == 0.0
    assert rho(0.0, 0.1) == 0.5


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"gain": 0.04}, "gain"),
        ({"volatility": 0.20}, "volatility"),
        ({"drawdown": 0.15}, "drawdown"),
        ({"tail": 0.45}, "tail"),
        ({"cost": 0.03}, "cost"),
        ({"capacity_cny": 4e6}, "capacity"),
    ],
)
def test_each_part_of_the_utility_counts_by_its_coefficient(changes: dict[str, float], part: str) -> None:
    alone = RiskProfile(**{**dict.fromkeys(RiskProfile.model_fields, 0.0), part: 2.0})
    twice = alone.model_copy(update={part: 4.0})
    worse = utility(book(**changes), alone, 1e7)
    assert worse < 0.0
    assert utility(book(**changes), twice, 1e7) == pytest.approx(2 * worse)


def test_the_utility_by_hand() -> None:
    profile = RiskProfile(gain=1.0, volatility=0.5, drawdown=0.2, tail=0.1, cost=0.25, capacity=1.0)
    own = book(gain=0.15, volatility=0.22, drawdown=0.10, tail=0.50, cost=0.04, capacity_cny=9e6)
    expected = 0.10 - 0.5 * 0.04 + 0.2 * 0.02 - 0.1 * 0.10 - 0.25 * 0.04 - 0.1
    assert utility(own, profile, 1e7) == pytest.approx(expected)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_rho_grows_with_utility_within_its_bounds(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0.0 <= rho(low, 0.1) <= rho(high, 0.1) <= 1.0


def test_rho_at_one_scale_and_without_a_book() -> None:
    assert rho(0.1, 0.1) == pytest.approx(0.7310585786)
    assert rho(math.nan, 0.1) == 0.0


def test_an_unknown_capacity_is_held_against_nobody() -> None:
    assert utility(book(capacity_cny=math.nan), PROFILES["conservative"], 1e7) == 0.0


def test_a_ride_is_that_of_pandas() -> None:
    returns = pd.Series(np.random.default_rng(5).normal(0.0003, 0.01, 500))
    ride = Ride.of(returns.to_numpy())
    levels = pd.concat([pd.Series([1.0]), (1 + returns).cumprod()])
    assert ride.gain == pytest.approx(returns.mean() * 252)
    assert ride.volatility == pytest.approx(returns.std() * np.sqrt(252))
    assert ride.drawdown == pytest.approx(-(levels / levels.cummax() - 1).min())
    assert ride.tail == pytest.approx(-returns.nsmallest(25).mean() * np.sqrt(252))


def test_one_session_is_no_ride() -> None:
    assert math.isnan(Ride.of(np.array([0.01])).volatility)


def test_the_least_liquid_name_decides_the_capacity() -> None:
    values = np.array([[1.0, 2.0, 3.0, 4.0, np.nan, 9.0]])
    members = np.array([[True, True, True, True, True, False]])
    amounts = np.array([[1e6, 1e6, 5e6, 3e6, 1e3, 1e3]])
    # of four known members two are held: the third and the fourth
    assert capacity(values, members, amounts, quantiles=2, participation=0.1) == pytest.approx(2 * 0.1 * 3e6)
    assert math.isnan(capacity(values, members, None, quantiles=2, participation=0.1))


def test_the_book_pays_the_fees_of_the_day(sample: MarketPanel, seeds: tuple[LibraryEntry, ...]) -> None:
    fast = [one for one in seeds if one.name in ("gap_reversal", "low_volatility")]
    free = CommitteeConfig(commission=0.0, slippage_bps=0.0)
    view = sample.view("2022-03-31")
    evidence = gather(view, fast, free)
    books = {
        name: held.book
        for name, held in hold(evidence, dict.fromkeys(["gap_reversal", "low_volatility"], 1), free).items()
    }
    # what is left are stamp duty and the transfer fee, on what is turned over
    day = int(np.datetime64("2022-03-01").astype("datetime64[D]").astype(int))
    fees = AShareFees(commission=0.0, minimum=0.0)
    both = sum(
        rate.stamp_duty + rate.transfer_fee
        for rate in (fees.rates("SH", side, day) for side in (True, False))
    )
    quick = books["gap_reversal"]
    assert quick.cost == pytest.approx(quick.turnover * 252 * both / 1e9, rel=0.02)
    assert quick.cost > 10 * books["low_volatility"].cost


def test_profiles_tell_wild_from_calm(sample: MarketPanel, seeds: tuple[LibraryEntry, ...]) -> None:
    wild = book(gain=0.25, volatility=0.35, drawdown=0.35, tail=0.9)
    calm = book(gain=0.06, volatility=0.12, drawdown=0.06, tail=0.25)
    worth = {name: utility(wild, p, 1e7) - utility(calm, p, 1e7) for name, p in PROFILES.items()}
    assert worth["conservative"] < worth["neutral"] < worth["aggressive"]
    assert worth["conservative"] < 0.0 < worth["aggressive"]
