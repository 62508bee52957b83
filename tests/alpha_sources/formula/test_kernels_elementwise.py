"""Arithmetic, comparisons and conditions, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from alpha_sources.formula.context import Context, SinglePrecisionOverflowError
from alpha_sources.formula.kernels import elementwise

NAN = np.nan
X = np.array([[1.0, -2.0, 0.0, NAN, 4.0, 1e308]])
Y = np.array([[2.0, 3.0, 0.0, 1.0, NAN, 1e308]])


@pytest.fixture
def context() -> Context:
    return Context(np.ones(X.shape, dtype=bool))


GOLDEN = {
    "add": [3, 1, 0, NAN, NAN, NAN],
    "sub": [-1, -5, 0, NAN, NAN, 0],
    "mul": [2, -6, 0, NAN, NAN, NAN],
    "div": [0.5, -2 / 3, NAN, NAN, NAN, 1],
    "power": [1, -8, 1, NAN, NAN, NAN],
    "signedpower": [1, -8, 0, NAN, NAN, NAN],
    "max": [2, 3, 0, NAN, NAN, 1e308],
    "min": [1, -2, 0, NAN, NAN, 1e308],
    "gt": [0, 0, 0, NAN, NAN, 0],
    "ge": [0, 0, 1, NAN, NAN, 1],
    "lt": [1, 1, 0, NAN, NAN, 0],
    "le": [1, 1, 1, NAN, NAN, 1],
    "eq": [0, 0, 1, NAN, NAN, 1],
    "ne": [1, 1, 0, NAN, NAN, 0],
    "logical_and": [1, 1, 0, NAN, NAN, 1],
    "logical_or": [1, 1, 0, NAN, NAN, 1],
}
GOLDEN_ALONE = {
    "neg": [-1, 2, 0, NAN, -4, -1e308],
    "abs": [1, 2, 0, NAN, 4, 1e308],
    "sign": [1, -1, 0, NAN, 1, 1],
    "log": [0, NAN, NAN, NAN, np.log(4), np.log(1e308)],
    "exp": [np.e, np.exp(-2), 1, NAN, np.exp(4), NAN],
    "sqrt": [1, NAN, 0, NAN, 2, 1e154],
    "logical_not": [0, 0, 1, NAN, 0, 0],
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_operator_on_two(name: str, context: Context) -> None:
    found = getattr(elementwise, name)(context, X, Y)
    np.testing.assert_allclose(found, [GOLDEN[name]], rtol=1e-14)


@pytest.mark.parametrize("name", sorted(GOLDEN_ALONE))
def test_operator_on_one(name: str, context: Context) -> None:
    found = getattr(elementwise, name)(context, X)
    np.testing.assert_allclose(found, [GOLDEN_ALONE[name]], rtol=1e-12)


def test_numbers_stand_on_either_side(context: Context) -> None:
    np.testing.assert_array_equal(elementwise.sub(context, 1.0, X)[0, :3], [0, 3, 1])
    np.testing.assert_array_equal(elementwise.div(context, 1.0, X)[0, :3], [1, -0.5, NAN])
    np.testing.assert_array_equal(elementwise.gt(context, 0.0, X)[0, :4], [0, 1, 0, NAN])
    np.testing.assert_array_equal(elementwise.add(context, 1.0, 2.0), np.full(X.shape, 3.0))


@pytest.mark.parametrize("a", [0.0, 0.5, 1.0, 2.0, 3.0, -1.0, 1.7])
def test_literal_powers(a: float, context: Context) -> None:
    with np.errstate(all="ignore"):
        expected = np.where(np.isnan(X), NAN, X**a)
        signed = np.where(np.isnan(X), NAN, np.sign(X) * np.abs(X) ** a)
    finite = np.where(np.isfinite(expected), expected, NAN)
    np.testing.assert_allclose(elementwise.power(context, X, a), finite, rtol=1e-14)
    finite = np.where(np.isfinite(signed), signed, NAN)
    np.testing.assert_allclose(elementwise.signedpower(context, X, a), finite, rtol=1e-14)


def test_a_missing_exponent_is_missing(context: Context) -> None:
    assert np.isnan(elementwise.power(context, 1.0, np.full(X.shape, NAN))).all()


def test_where_takes_no_branch_on_an_unknown_condition(context: Context) -> None:
    condition = np.array([[1.0, 0.0, NAN, 1.0, 0.0, 1.0]])
    np.testing.assert_array_equal(elementwise.where(context, condition, X, 7.0), [[1, 7, NAN, NAN, 7, 1e308]])
    np.testing.assert_array_equal(elementwise.where(context, condition, 0.0, Y), [[0, 3, NAN, 0, NAN, 0]])


def test_largest_of_three_and_clip(context: Context) -> None:
    np.testing.assert_array_equal(elementwise.max(context, X, Y, 2.5)[0, :4], [2.5, 3, 2.5, NAN])
    np.testing.assert_array_equal(elementwise.min(context, X, Y, 0.5)[0, :4], [0.5, -2, 0, NAN])
    np.testing.assert_array_equal(elementwise.clip(context, X, -1.0, 2.0), [[1, -1, 0, NAN, 2, 2]])


def test_panels_longer_than_a_piece(context: Context) -> None:
    x = np.random.default_rng(0).normal(size=(300, 701))
    wide = Context(np.ones(x.shape, dtype=bool))
    np.testing.assert_array_equal(elementwise.add(wide, x, 1.0), x + 1.0)
    np.testing.assert_array_equal(elementwise.gt(wide, x, 0.0), (x > 0).astype(float))


def test_single_precision_stays_single(context: Context) -> None:
    single = Context(np.ones(X.shape, dtype=bool), dtype=np.dtype("float32"))
    x = np.where(np.abs(X) < 1e30, X, 7.0).astype(np.float32)
    for name in GOLDEN:
        assert getattr(elementwise, name)(single, x, x).dtype == np.float32
    with pytest.raises(SinglePrecisionOverflowError, match="mul"):
        elementwise.mul(single, np.full(X.shape, 1e30, np.float32), 1e30)


def test_operands_are_left_as_they_were(context: Context) -> None:
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    for name in GOLDEN:
        getattr(elementwise, name)(context, x, y)
    np.testing.assert_array_equal(x, X)
