"""The same alpha under another name is found, by its form or by its values, with pandas as a second count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_markets import random_market

from alpha_sources.evaluation.duplicates import Candidate, DuplicateOf, How, KeptSet, find_duplicates
from alpha_sources.evaluation.duplicates_ranks import correlations, ranked
from alpha_sources.evaluation.significance_errors import SignificanceError
from alpha_sources.formula import evaluate, parse
from engine.errors import ShapeError

SESSIONS, NAMES = 80, 30
PANEL = random_market(SESSIONS, NAMES)
VIEW = PANEL.view(SESSIONS - 1)
EVERYWHERE = np.ones((SESSIONS, NAMES), dtype=bool)


def written(name: str, text: str) -> Candidate:
    formula = parse(text, fields=VIEW.field_names)
    return Candidate(name, evaluate([formula], VIEW)[0], formula)


def unwritten(name: str, text: str) -> Candidate:
    return Candidate(name, written(name, text).values)


def kept_set(**options: object) -> KeptSet:
    return KeptSet(EVERYWHERE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "how", "signed"),
    [
        ("sma(close, 20) - close", "ts_mean(close, 20) - close", How.SAME_FORMULA, 1.0),
        ("close / delay(close, 5) - 1", "(close - delay(close, 5)) / delay(close, 5)", How.SAME_FORMULA, 1.0),
        ("ts_mean(close, 20) / close", "3 * ts_mean(close, 20) / close - 7", How.AFFINE, 1.0),
        ("ts_mean(close, 20) - close", "close - ts_mean(close, 20)", How.NEGATED, -1.0),
        ("ts_mean(close, 20) / close", "1 - ts_mean(close, 20) / close", How.NEGATED, -1.0),
        ("ts_mean(close, 20) / close", "log(ts_mean(close, 20) / close)", How.SAME_RANKS, 1.0),
        ("ts_mean(close, 20) / close", "close / ts_mean(close, 20)", How.OPPOSITE_RANKS, -1.0),
        ("ts_mean(close, 20) / close", "rank(ts_mean(close, 20) / close)", How.SAME_RANKS, 1.0),
    ],
)
def test_twins_are_found(first: str, second: str, how: How, signed: float) -> None:
    kept = kept_set()
    assert kept.add(written("one", first)) is None
    twin = kept.add(written("other", second))
    assert twin is not None and (twin.kept, twin.how) == ("one", how)
    assert twin.signed == pytest.approx(signed, abs=1e-5) and twin.correlation == pytest.approx(1.0, abs=1e-5)
    assert kept.names == ["one"] and len(kept) == 1
    by_values = kept_set()
    by_values.add(unwritten("one", first))
    found = by_values.add(unwritten("other", second))
    assert found is not None and found.signed == pytest.approx(signed, abs=1e-5)
    assert found.how is (How.SAME_RANKS if signed > 0 else How.OPPOSITE_RANKS)


def test_a_form_is_found_before_anything_is_evaluated() -> None:
    kept = kept_set()
    kept.add(written("reversal", "delay(close, 5) / close"))
    twin = kept.twin_by_form("again", parse("2 * delay(close, 5) / close"))
    assert twin == DuplicateOf("again", "reversal", How.AFFINE, 1.0, 1.0)
    assert str(twin) == "again repeats reversal (affine, +1.000)"
    assert kept.twin_by_form("other", parse("delay(close, 6) / close")) is None


def test_an_alpha_that_is_merely_price_or_size_is_told_which() -> None:
    references = {"price": PANEL.field("close"), "size": PANEL.field("market_cap")}
    kept = kept_set(references=references)
    assert len(kept) == 0 and kept.names == []
    level = kept.add(written("level", "-1 * log(ts_mean(close, 3))"))
    assert level is not None and (level.kept, level.how) == ("price", How.REFERENCE)
    assert level.signed < -0.97
    size = kept.add(written("root of size", "sqrt(market_cap)"))
    assert size is not None and (size.kept, size.how) == ("size", How.REFERENCE)
    assert kept.add(written("momentum", "close / delay(close, 20)")) is None
    assert kept.names == ["momentum"]


def test_what_orders_no_names_is_said_to_be_constant_or_empty() -> None:
    kept = kept_set()
    random = np.random.default_rng(1)
    macro = np.repeat(random.normal(size=(SESSIONS, 1)), NAMES, axis=1)
    noisy = macro * (1 + 1e-15 * random.normal(size=macro.shape))
    few = np.where(np.arange(NAMES) < 5, random.normal(size=macro.shape), np.nan)
    hows = [kept.add(Candidate("x", values)) for values in (macro, noisy, few, few * np.nan, few * np.inf)]
    assert [twin and twin.how for twin in hows] == [How.CONSTANT] * 2 + [How.EMPTY] * 3
    assert all(twin and twin.kept is None and np.isnan(twin.correlation) for twin in hows)
    assert str(hows[0]) == "x is the same for all names on every session"
    assert str(hows[2]) == "x has too few values on every session"
    assert len(kept) == 0


def test_twins_within_one_batch_are_found_too_and_what_is_no_longer_kept_is_no_twin() -> None:
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, SESSIONS, NAMES))
    # c is near a and b is near c, but c is out: b repeats nothing that is kept
    c = a + 0.35 * b
    d = 0.55 * a + b
    batch = [Candidate(n, v) for n, v in {"a": a, "c": c, "d": d, "e": -(d**3)}.items()]
    kept = kept_set(threshold=0.7)
    size, _ = correlations(*(ranked([v], EVERYWHERE, 10) for v in (c, d)), 0.7, 10)
    assert size > 0.7
    found = find_duplicates(batch, kept)
    assert [(twin.name, twin.kept) for twin in found] == [("c", "a"), ("e", "d")]
    assert kept.names == ["a", "d"]


@given(seed=st.integers(0, 10_000), size=st.sampled_from([1, 3, 70]))
def test_a_stream_is_sifted_as_one_by_one(seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    universe = np.ones((12, 20), dtype=bool)
    bases = random.normal(size=(6, 12, 20))
    candidates = [
        Candidate(str(i), bases[random.integers(6)] * random.choice([-1, 2]) + random.uniform(0, 1) * noise)
        for i, noise in enumerate(random.normal(size=(size, 12, 20)))
    ]
    one_by_one, streamed = KeptSet(universe), KeptSet(universe)
    apart = [one_by_one.add(each) for each in candidates]
    at_once = list(streamed.sift(iter(candidates)))
    assert one_by_one.names == streamed.names
    assert [t and (t.name, t.kept, t.how) for t in apart] == [t and (t.name, t.kept, t.how) for t in at_once]
    assert len(at_once) == size


def second_count(x: np.ndarray, y: np.ndarray, universe: np.ndarray) -> tuple[float, float]:
    """Spearman correlations of the sessions by pandas, over the names that both have."""
    found = []
    for t in range(len(x)):
        frame = pd.DataFrame({"x": x[t], "y": y[t]})[universe[t]].dropna()
        if len(frame) >= 10 and frame["x"].nunique() > 1 and frame["y"].nunique() > 1:
            found.append(frame.corr(method="spearman").loc["x", "y"])
    return float(np.mean(np.abs(found))), float(np.mean(found))


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.1, 0.3]), together=st.booleans())
def test_correlations_are_those_of_pandas_for_all_that_may_be_twins(
    seed: int, missing: float, together: bool
) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(15, 40)).round(1)
    y = (-x + random.normal(0, 0.25, x.shape)).round(1)
    universe = random.random(x.shape) < 0.9
    holes = random.random((2, *x.shape)) < missing
    x[holes[0]] = np.nan
    y[holes[0] if together else holes[1]] = np.nan
    size, signed = correlations(ranked([x], universe, 10), ranked([y], universe, 10), 0.9, 10)
    expected = second_count(x, y, universe)
    assert (size[0, 0], signed[0, 0]) == pytest.approx(expected, abs=2e-6)


@given(seed=st.integers(0, 10_000))
def test_pairs_far_from_twins_are_estimated_well_enough(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(2, 15, 60))
    y += 0.4 * x
    x[random.random(x.shape) < 0.2] = np.nan
    y[random.random(y.shape) < 0.2] = np.nan
    everywhere = np.ones(x.shape, dtype=bool)
    size, _ = correlations(ranked([x], everywhere, 10), ranked([y], everywhere, 10), 0.99, 10)
    assert size[0, 0] == pytest.approx(second_count(x, y, everywhere)[0], abs=0.05)


def test_an_alpha_turned_by_the_market_is_found_and_its_sign_told() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(SESSIONS, NAMES))
    turned = values * np.where(np.arange(SESSIONS) % 2, 1.0, -1.0)[:, None]
    kept = kept_set()
    kept.add(Candidate("alpha", values))
    twin = kept.add(Candidate("turned", turned))
    assert twin is not None and twin.correlation == pytest.approx(1.0) and abs(twin.signed) < 0.01


def test_alphas_that_share_few_sessions_or_names_are_no_twins() -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=(SESSIONS, NAMES))
    late, early = values.copy(), values.copy()
    late[:60], early[30:] = np.nan, np.nan
    left, right = values.copy(), values.copy()
    left[:, :18], right[:, 21:] = np.nan, np.nan
    kept = kept_set()
    assert [kept.add(Candidate(n, v)) for n, v in {"late": late, "early": early}.items()] == [None, None]
    assert kept_set().add(Candidate("left", left)) is None
    apart = kept_set()
    assert [apart.add(Candidate(n, v)) for n, v in {"left": left, "right": right}.items()] == [None, None]
    # the whole of it repeats either
    assert kept.add(Candidate("whole", values)) is not None
    assert apart.add(Candidate("whole", values)) is not None


def test_values_outside_the_universe_do_not_count() -> None:
    random = np.random.default_rng(5)
    universe = np.tile(np.arange(NAMES) < 15, (SESSIONS, 1))
    values = random.normal(size=(SESSIONS, NAMES))
    other = np.where(universe, values, random.normal(size=values.shape))
    kept = KeptSet(universe)
    kept.add(Candidate("one", values))
    assert kept.add(Candidate("other", other)) is not None
    everywhere = kept_set()
    everywhere.add(Candidate("one", values))
    assert everywhere.add(Candidate("other", other)) is None


def test_a_sample_of_sessions_is_the_seed_s_and_enough_to_find_twins() -> None:
    kept, same, other = (kept_set(sessions=20, seed=seed) for seed in (1, 1, 2))
    assert kept.rows.tolist() == same.rows.tolist() != other.rows.tolist()
    assert len(kept.rows) == 20 and (np.diff(kept.rows) > 0).all()
    assert kept_set(sessions=10_000).rows.tolist() == list(range(SESSIONS))
    kept.add(unwritten("one", "ts_mean(close, 20) - close"))
    found = kept.add(unwritten("other", "close - sma(close, 20)"))
    assert found is not None and found.how is How.OPPOSITE_RANKS


def test_unrelated_alphas_are_all_kept_whatever_their_number() -> None:
    random = np.random.default_rng(6)
    kept = kept_set(threshold=0.6)
    alphas = random.normal(size=(150, SESSIONS, NAMES))
    assert find_duplicates((Candidate(str(i), values) for i, values in enumerate(alphas)), kept) == []
    assert kept.names == [str(i) for i in range(150)]
    assert [twin.kept for twin in find_duplicates([Candidate("copy", alphas[140])], kept)] == ["140"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0.0}, "above 0 and is at most 1, not 0"),
        ({"threshold": 1.01}, "above 0 and is at most 1, not 1.01"),
        ({"sessions": 0}, "at least 1 session, not 0"),
        ({"min_names": 31}, "no session has 31 names"),
    ],
)
def test_options_that_compare_nothing_are_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(SignificanceError, match=words):
        kept_set(**options)


def test_values_of_another_shape_are_refused_by_name() -> None:
    with pytest.raises(ShapeError, match=r"values of short are \(3, 30\), the universe is \(80, 30\)"):
        kept_set().add(Candidate("short", np.ones((3, NAMES))))


@pytest.mark.parametrize(("dtype", "noise"), [(np.float64, 1e-14), (np.float32, 1e-7)])
def test_what_rounding_may_have_done_orders_no_names(dtype: type, noise: float) -> None:
    random = np.random.default_rng(7)
    steps = random.integers(1, 4, (SESSIONS, NAMES)).astype(dtype)
    rounded = (steps * (1 + noise * random.uniform(-1, 1, steps.shape))).astype(dtype)
    assert (rounded != steps).any()
    kept = kept_set(threshold=1.0)
    kept.add(Candidate("steps", steps))
    twin = kept.add(Candidate("rounded", rounded))
    assert twin is not None and twin.correlation == pytest.approx(1.0, abs=1e-6)
