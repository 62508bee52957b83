"""Operators across the members of a session, of a group, and regressions, against their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from formula_references import by_group, drawn_in, members, residual, zscored

from alpha_sources.formula.context import Context
from alpha_sources.formula.kernels import cross_section, group, regression

T, N = 150, 40
NAN = np.nan


def market(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = random.normal(0, 1, (T, N))
    x[10] = np.round(x[10])
    x[11] = 3.3
    x[12] = NAN
    x[13, 1:] = NAN
    x[14] = 1e4 + x[14]
    x[15] = -0.0
    x[random.random((T, N)) < 0.05] = NAN
    return x


UNIVERSE = np.random.default_rng(9).random((T, N)) < 0.8
GROUPS = np.where(
    np.random.default_rng(8).random(N) < 0.1, NAN, np.random.default_rng(7).integers(0, 5, N).astype(float)
) * np.ones((T, 1))
GROUPS[40:50] = NAN


@pytest.fixture
def context() -> Context:
    return Context(UNIVERSE)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def percentile(row: pd.Series) -> pd.Series:
    return row.rank(pct=True)


def each(function: object, x: np.ndarray) -> np.ndarray:
    return by_group(function, members(x, UNIVERSE), np.zeros(x.shape))  # type: ignore[arg-type]


def test_rank_is_the_percentile_of_the_valid_members(context: Context) -> None:
    close(cross_section.rank(context, market()), each(percentile, market()))


def test_rank_by_hand(context: Context) -> None:
    x = np.array([[3.0, 1.0, NAN, 3.0, 9.0]])
    small = Context(np.array([[True, True, True, True, False]]))
    np.testing.assert_allclose(cross_section.rank(small, x), [[2.5 / 3, 1 / 3, NAN, 2.5 / 3, NAN]])


def test_values_that_rounding_alone_tells_apart_are_tied(context: Context) -> None:
    x = np.array([[1.0, 1.0 + 5e-13, 2.0, -1.0, -1.0 - 5e-13, 1.0 + 3e-12]])
    ranks = cross_section.rank(Context(np.ones(x.shape, dtype=bool)), x) * 6
    np.testing.assert_allclose(ranks, [[3.5, 3.5, 6, 1.5, 1.5, 5]])


def test_rank_does_not_depend_on_the_order_of_names(context: Context) -> None:
    order = np.random.default_rng(1).permutation(N)
    shuffled = cross_section.rank(Context(UNIVERSE[:, order]), market()[:, order])
    np.testing.assert_array_equal(shuffled, cross_section.rank(context, market())[:, order])


def test_quantile_and_bucket(context: Context) -> None:
    expected = np.ceil(np.round(each(percentile, market()) * 5, 9))
    np.testing.assert_array_equal(cross_section.quantile(context, market(), 5), expected)
    np.testing.assert_array_equal(cross_section.bucket(context, market(), 5), expected - 1)
    ten = np.arange(10.0)[None]
    everyone = Context(np.ones((1, 10), dtype=bool))
    assert cross_section.quantile(everyone, ten, 5).tolist() == [[1, 1, 2, 2, 3, 3, 4, 4, 5, 5]]


def test_demean_zscore_winsorize_scale(context: Context) -> None:
    x = market()
    close(cross_section.demean(context, x), each(lambda r: r - r.mean(), x))
    close(cross_section.winsorize(context, x, 1.2), np.where(
        np.isnan(members(x, UNIVERSE)), NAN, np.nan_to_num(each(lambda r: drawn_in(r, 1.2), x), nan=x[13, 0])
    ))  # fmt: skip
    with np.errstate(all="ignore"):
        close(cross_section.scale(context, x, 2.0), each(lambda r: 2 * r / r.abs().sum(), x))
    close(cross_section.zscore(context, x), each(zscored, x))


def test_statistics_by_hand() -> None:
    everyone = Context(np.array([[True, True, True, False]]))
    x = np.array([[1.0, 2.0, 6.0, 100.0]])
    np.testing.assert_allclose(cross_section.demean(everyone, x), [[-2, -1, 3, NAN]])
    np.testing.assert_allclose(cross_section.zscore(everyone, x), [[-2, -1, 3, NAN] / np.sqrt(7)])
    np.testing.assert_allclose(cross_section.scale(everyone, x, 1.0), [[1 / 9, 2 / 9, 6 / 9, NAN]])
    np.testing.assert_allclose(cross_section.winsorize(everyone, x, 1.0), [[1, 2, 3 + np.sqrt(7), NAN]])


def test_a_session_that_does_not_differ_has_no_score(context: Context) -> None:
    found = cross_section.zscore(context, market())
    assert np.isnan(found[[11, 12, 13]]).all()
    assert np.nanmax(np.abs(cross_section.demean(context, market())[11])) == 0.0


def test_operators_on_groups(context: Context) -> None:
    x = market()
    inside = members(x, UNIVERSE)
    close(group.group_demean(context, x, GROUPS), by_group(lambda r: r - r.mean(), inside, GROUPS))
    close(group.group_rank(context, x, GROUPS), by_group(percentile, inside, GROUPS))
    close(group.group_zscore(context, x, GROUPS), by_group(zscored, inside, GROUPS))
    close(group.group_neutralize(context, x, GROUPS), by_group(lambda r: r - r.mean(), inside, GROUPS))


def test_groups_by_hand() -> None:
    everyone = Context(np.ones((1, 6), dtype=bool))
    x = np.array([[1.0, 3.0, 10.0, 10.0, 40.0, 7.0]])
    industry = np.array([[0.0, 0.0, 2.0, 2.0, 2.0, NAN]])
    np.testing.assert_allclose(group.group_demean(everyone, x, industry), [[-1, 1, -10, -10, 20, NAN]])
    np.testing.assert_allclose(group.group_rank(everyone, x, industry), [[0.5, 1, 0.5, 0.5, 1, NAN]])


def test_regression_is_least_squares(context: Context) -> None:
    y, a, b = market(), market(1), market(2)
    found = regression.regression_resid(context, y, a, b)
    expected = np.array(
        [residual(np.where(UNIVERSE[t], y[t], NAN), [np.ones(N), a[t], b[t]]) for t in range(T)]
    )
    for t in set(range(T)) - {11, 12, 13, 14, 15, 10}:
        close(found[t], expected[t])
    assert np.isnan(found[[12, 13]]).all()
    # the definition is no better than this where the factors are large, or equal
    np.testing.assert_allclose(found[10], expected[10], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found[11], expected[11], atol=1e-9)


def test_regression_by_hand() -> None:
    everyone = Context(np.ones((1, 4), dtype=bool))
    y, x = np.array([[1.0, 2.0, 2.0, 7.0]]), np.array([[0.0, 1.0, 2.0, 3.0]])
    # mean 3, slope (-1.5·1 - 0.5·2 + 0.5·2 + 1.5·7) / 5 = 1.8
    np.testing.assert_allclose(regression.regression_resid(everyone, y, x), [[0.7, -0.1, -1.9, 1.3]])


def test_a_factor_that_others_explain_adds_nothing(context: Context) -> None:
    y, a = market(), market(1)
    alone = regression.regression_resid(context, y, a)
    twice = regression.regression_resid(context, y, a, 3.0 - 2.0 * a)
    constant = regression.regression_resid(context, y, a, np.full(a.shape, 0.1))
    np.testing.assert_allclose(twice[20:], alone[20:], atol=1e-9)
    np.testing.assert_allclose(constant[20:], alone[20:], atol=1e-9)


def test_neutralizing_by_group_and_factor_is_a_regression_on_dummies(context: Context) -> None:
    y, a = market(), market(1)
    found = group.group_neutralize(context, y, GROUPS, a)
    for t in (0, 5, 20, 60, 149):
        row = np.where(UNIVERSE[t] & ~np.isnan(GROUPS[t]), y[t], NAN)
        dummies = [(GROUPS[t] == g).astype(float) for g in range(5)]
        close(found[t], residual(row, [*dummies, a[t]]))
    assert np.isnan(found[40:50]).all()


def test_too_few_members_for_a_regression() -> None:
    x = np.array([[1.0, 2.0, 4.0]])
    everyone = Context(np.ones(x.shape, dtype=bool))
    assert np.isfinite(regression.regression_resid(everyone, x, x[:, ::-1].copy())).all()
    assert np.isnan(regression.regression_resid(everyone, x, x[:, ::-1].copy(), x**2)).all()


@pytest.mark.parametrize("kernel", [cross_section.rank, cross_section.zscore, cross_section.demean])
def test_only_members_are_seen(kernel: object, context: Context) -> None:
    x = market()
    noisy = np.where(UNIVERSE, x, 1e6)
    np.testing.assert_array_equal(kernel(context, noisy), kernel(context, x))  # type: ignore[operator]
    assert np.isnan(kernel(context, x)[~UNIVERSE]).all()  # type: ignore[operator]


@pytest.mark.parametrize("spread", [1e3, 1.0, 1e-6, 1e-8])
def test_many_names_of_any_closeness_are_ranked(spread: float) -> None:
    random = np.random.default_rng(4)
    x = 1.0 + spread * np.round(random.normal(size=(3, 3000)), 3)
    x[1] *= -1e12
    x[2] *= 1e-300
    everyone = Context(np.ones(x.shape, dtype=bool))
    expected = pd.DataFrame(x).rank(axis=1, pct=True).to_numpy()
    np.testing.assert_allclose(cross_section.rank(everyone, x), expected, rtol=1e-12)
    together = np.zeros(x.shape)
    np.testing.assert_allclose(group.group_rank(everyone, x, together), expected, rtol=1e-12)


def _outlier(x: np.ndarray) -> np.ndarray:
    x[:, 0] = 0.0
    return x


@pytest.mark.parametrize("names", [1, 2, 3, 63, 64, 65, 2100])
@pytest.mark.parametrize(
    "of",
    [
        lambda z: z,
        lambda z: np.round(z),
        lambda z: z * 1e-300,
        lambda z: np.sign(z) * np.exp(600.0 * np.minimum(np.abs(z), 1.0)),
        lambda z: _outlier(1.0 + 1e-6 * np.round(z, 5)),
        lambda z: np.where(z > 1.0, NAN, z),
        lambda z: np.where(z > 0.0, 0.0, -0.0),
    ],
    ids=["plain", "equal", "denormal", "wide", "outlier", "missing", "signed zeros"],
)
def test_values_of_any_range_are_ranked_as_pandas_ranks_them(names: int, of: object) -> None:
    x = of(np.random.default_rng(names).normal(size=(5, names)))  # type: ignore[operator]
    everyone = Context(np.ones(x.shape, dtype=bool))
    expected = pd.DataFrame(x).rank(axis=1, pct=True).to_numpy()
    np.testing.assert_array_equal(cross_section.rank(everyone, x), expected)


def test_single_precision_ranks_like_double() -> None:
    x = np.random.default_rng(4).normal(size=(4, 50)).astype(np.float32)
    everyone = np.ones(x.shape, dtype=bool)
    single = cross_section.rank(Context(everyone, dtype=np.dtype("float32")), x)
    np.testing.assert_allclose(single, cross_section.rank(Context(everyone), x), rtol=1e-6)
