"""Every operator on windows against its definition, at hard places, and wherever the rows begin."""

from __future__ import annotations

import numpy as np
import pytest
from formula_references import ONE_PANEL, TWO_PANELS, smoothed, windowed

from alpha_sources.formula.context import Context, read_only
from alpha_sources.formula.kernels import _order, recursive, rolling

T, N = 90, 9
#: days of sessions from Monday to Friday
DAYS = np.busday_offset("2020-01-06", np.arange(2000)).astype(np.int64)


def market(seed: int = 0) -> np.ndarray:
    """Columns that ask for different things: walks, ties, gaps, flat bars, large levels, small spreads."""
    random = np.random.default_rng(seed)
    x = random.normal(0, 1, (T, N))
    x[:, 0] = 10 * np.exp(np.cumsum(0.02 * x[:, 0]))
    x[:, 1] = np.round(x[:, 1], 0)
    x[random.random(T) < 0.1, 2] = np.nan
    x[:, 3] = 10e6 * np.exp(np.cumsum(0.02 * x[:, 3]))
    x[:, 4] = 5e6 + 1e-2 * x[:, 4]
    x[20:60, 5] = 0.1
    x[:, 6] = 0.3
    x[:30, 7] = np.nan
    x[50:53, 7] = np.nan
    return x


def conditions(seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = (random.random((T, N)) < 0.3).astype(float)
    x[random.random((T, N)) < 0.02] = np.nan
    return x


def context(rows: int = T, first: int = 0, dtype: str = "float64") -> Context:
    return Context(np.ones((rows, N), dtype=bool), DAYS[first : first + rows], np.dtype(dtype))


def same(found: np.ndarray, expected: np.ndarray, size: np.ndarray | float = 0.0) -> None:
    """Equal within 1e-9 relative, or within the rounding that `size` allows where values cancel."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    error = np.abs(found - expected)
    allowed = 1e-9 * np.maximum(np.abs(expected), 1e-12) + 1e-14 * size
    assert not np.any(error > allowed), float(np.nanmax(error / allowed))


def inputs(name: str) -> np.ndarray:
    return conditions() if name in ("ts_count", "days_since") else market()


SHORTEST = {
    **dict.fromkeys(["ts_std", "ts_var", "ts_slope", "ts_zscore"], 2),
    **dict.fromkeys(["ts_skew", "ts_rsquare", "ts_resid", "ts_mad", "ts_scale"], 3),
    "ts_kurt": 4,
}
CASES = [
    (name, n)
    for name in sorted(ONE_PANEL)
    for n in (1, 2, 4, 5, 20, 61, T, T + 5)
    if n >= SHORTEST.get(name, 1)
]


@pytest.mark.parametrize(("name", "n"), CASES)
def test_window_operator_is_its_definition(name: str, n: int) -> None:
    x = inputs(name)
    found = getattr(rolling, name)(context(first=13), x, n)
    # residuals and skews cancel: their last digits are those of the values they are made of
    size = np.nanmax(np.abs(x), axis=0) if name in ("ts_resid", "ts_slope", "ts_sum") else 0.0
    size = 1e2 if name in ("ts_skew", "ts_kurt", "ts_zscore", "ts_rsquare") else size
    same(found, windowed(ONE_PANEL[name], n, x), size)


@pytest.mark.parametrize("n", [2, 3, 20, 61])
@pytest.mark.parametrize("name", sorted(TWO_PANELS))
def test_window_operator_on_two_panels_is_its_definition(name: str, n: int) -> None:
    x, y = market(), conditions() if name == "ts_sumif" else market(5)
    found = getattr(rolling, name)(context(first=4), x, y, n)
    size = 1.0 if name == "ts_corr" else np.nanmax(np.abs(x), axis=0) * np.nanmax(np.abs(y), axis=0)
    same(found, windowed(TWO_PANELS[name], n, x, y), size)


@pytest.mark.parametrize("q", [0.0, 0.2, 0.5, 0.77, 1.0])
def test_quantile_is_linear_between_neighbours(q: float) -> None:
    for n in (1, 2, 7, 20):
        same(
            rolling.ts_quantile(context(), market(), n, q), windowed(lambda w: np.quantile(w, q), n, market())
        )


@pytest.mark.parametrize("b", [0.5, 0.9, 1.0])
def test_decay_power_is_a_weighted_mean(b: float) -> None:
    weights = b ** np.arange(10)[::-1]
    expected = windowed(lambda w: np.average(w, weights=weights), 10, market())
    same(rolling.decay_power(context(), market(), 10, b), expected, np.nanmax(np.abs(market()), axis=0))


def test_lags_and_changes() -> None:
    x = market()
    earlier = np.vstack([np.full((3, N), np.nan), x[:-3]])
    np.testing.assert_array_equal(rolling.delay(context(), x, 3), earlier)
    np.testing.assert_array_equal(rolling.delay(context(), x, 0), x)
    assert np.isnan(rolling.delay(context(), x, T + 1)).all()
    same(rolling.delta(context(), x, 3), x - earlier)
    with np.errstate(all="ignore"):
        ratio = x / earlier - 1
    same(rolling.pct_change(context(), x, 3), np.where(np.isfinite(ratio), ratio, np.nan), 10.0)


@pytest.mark.parametrize("alpha", [(3, 1.0), (12, 2.0), (5, 5.0)])
def test_smoothing_starts_at_the_first_value_and_sleeps_over_gaps(alpha: tuple[int, float]) -> None:
    n, m = alpha
    x = market()
    same(recursive.sma(context(), x, n, m), smoothed(x, m / n), np.nanmax(np.abs(x), axis=0))
    same(recursive.ema(context(), x, n), smoothed(x, 2 / (n + 1)), np.nanmax(np.abs(x), axis=0))


LAST = [3.0, 1.0, 4.0, 1.0, 5.0]
GOLDEN = {
    # the window is 3, 1, 4, 1, 5, newest last
    "ts_sum": 14.0,
    "ts_mean": 2.8,
    "ts_var": 3.2,  # squares 52 - 14² / 5 = 12.8, over 4
    "ts_std": 1.7888543819998317,
    "ts_zscore": 1.2298373876248843,  # 2.2 / 1.788854...
    "ts_skew": 0.05240784322265114,  # 0.144 / 2.56^1.5, times √20 / 3
    "ts_kurt": -2.32421875,  # (6 · (9.2992 / 2.56² - 3) + 6) · 4 / 6
    "ts_min": 1.0,
    "ts_max": 5.0,
    "ts_argmin": 1.0,  # the later of the two ones
    "ts_argmax": 0.0,
    "ts_rank": 1.0,
    "ts_median": 3.0,
    "ts_product": 60.0,
    "ts_scale": 1.0,
    "ts_mad": 1.44,  # (0.2 + 1.8 + 1.2 + 1.8 + 2.2) / 5
    "ts_slope": 0.4,  # (-2·3 - 1·1 + 1·1 + 2·5) / 10
    "ts_rsquare": 0.125,  # 0.4² · 10 / 12.8
    "ts_resid": 1.4,  # 5 - (2.8 + 2 · 0.4)
    "ts_count": 5.0,
    "days_since": 0.0,
    "decay_linear": 46.0 / 15.0,  # (3 + 2 + 12 + 4 + 25) / 15
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_window_operator_gives_what_was_worked_out_by_hand(name: str) -> None:
    x = np.repeat(np.array(LAST)[:, None], 2, axis=1)
    found = getattr(rolling, name)(Context(np.ones((5, 2), dtype=bool), DAYS[3:8]), x, 5)
    assert np.isnan(found[:4]).all()
    np.testing.assert_allclose(found[4], GOLDEN[name], rtol=1e-9)


def test_golden_values_of_the_others() -> None:
    x = np.repeat(np.array(LAST)[:, None], 2, axis=1)
    y = np.repeat(np.array([1.0, 0.0, 1.0, 0.0, 0.0])[:, None], 2, axis=1)
    c = Context(np.ones((5, 2), dtype=bool))
    assert rolling.ts_sumif(c, x, y, 5)[4, 0] == 7.0
    assert rolling.days_since(c, y, 5)[4, 0] == 2.0
    assert rolling.days_since(c, y, 3)[4, 0] == 2.0
    assert np.isnan(rolling.days_since(c, y, 2)[4, 0])
    # Σxy - Σx Σy / 5 = 7 - 5.6 = 1.4; yy is 2 - 0.8 = 1.2
    np.testing.assert_allclose(rolling.ts_cov(c, x, y, 5)[4, 0], 0.35, rtol=1e-12)
    np.testing.assert_allclose(rolling.ts_corr(c, x, y, 5)[4, 0], 1.4 / np.sqrt(12.8 * 1.2), rtol=1e-12)
    assert rolling.ts_quantile(c, x, 5, 0.9)[4, 0] == pytest.approx(4.6)
    assert rolling.decay_power(c, x, 2, 0.5)[4, 0] == pytest.approx((5 + 0.5) / 1.5)
    assert rolling.delay(c, x, 2)[4, 0] == 4.0
    assert rolling.delta(c, x, 2)[4, 0] == 1.0
    assert rolling.pct_change(c, x, 2)[4, 0] == 0.25
    # 3, 2, 3, 2, 3.5
    assert recursive.ema(c, x, 3)[4, 0] == 3.5
    assert recursive.sma(c, x, 2, 1)[4, 0] == 3.5


def _calls(name: str, c: Context, x: np.ndarray, y: np.ndarray, n: int) -> np.ndarray:
    kernel = getattr(rolling, name)
    if name in TWO_PANELS:
        return kernel(c, x, y, n)
    if name == "ts_quantile":
        return kernel(c, x, n, 0.3)
    if name == "decay_power":
        return kernel(c, x, n, 0.9)
    return kernel(c, x, n)


ALL = sorted([*ONE_PANEL, *TWO_PANELS, "ts_quantile", "decay_power", "delay", "delta", "pct_change"])


@pytest.mark.parametrize("name", ALL)
def test_a_value_does_not_depend_on_where_the_rows_begin(name: str) -> None:
    n, ordinal = 7, 1000
    x, y = inputs(name), conditions() if name == "ts_sumif" else market(5)
    whole = _calls(name, context(first=ordinal), x, y, n)
    for start in (1, 3, 7, 10, 33):
        part = _calls(name, context(T - start, ordinal + start), x[start:], y[start:], n)
        np.testing.assert_array_equal(part[n:], whole[start + n :])


@pytest.mark.parametrize("name", ALL)
def test_a_value_does_not_depend_on_later_rows(name: str) -> None:
    x, y = inputs(name), conditions() if name == "ts_sumif" else market(5)
    whole = _calls(name, context(first=5), x, y, 6)
    noisy_x, noisy_y = x.copy(), y.copy()
    noisy_x[50:], noisy_y[50:] = 1e9, np.nan
    np.testing.assert_array_equal(_calls(name, context(first=5), noisy_x, noisy_y, 6)[:50], whole[:50])
    np.testing.assert_array_equal(_calls(name, context(50, 5), x[:50], y[:50], 6), whole[:50])


@pytest.mark.parametrize("name", ALL)
def test_single_precision_stays_close(name: str) -> None:
    random = np.random.default_rng(3)
    x, y = random.uniform(1, 2, (T, N)), (random.random((T, N)) < 0.5).astype(float)
    y = y if name == "ts_sumif" else random.uniform(1, 2, (T, N))
    single = _calls(name, context(dtype="float32"), x.astype(np.float32), y.astype(np.float32), 8)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, _calls(name, context(), x, y, 8), rtol=2e-4, atol=2e-4)


def test_a_window_that_only_rounding_moves_does_not_vary() -> None:
    x = np.repeat(0.1 + 1e-17 * np.arange(T)[:, None], N, axis=1)
    x[::2] = np.nextafter(0.1, 1)
    y = np.random.default_rng(0).normal(size=(T, N))
    for values in (
        rolling.ts_corr(context(), x, y, 10),
        rolling.ts_zscore(context(), x, 10),
        rolling.ts_skew(context(), x, 10),
        rolling.ts_rsquare(context(), x, 10),
    ):
        assert np.isnan(values).all()


def test_equal_values_have_a_deviation_of_exactly_zero() -> None:
    x = np.full((T, N), 0.1)
    assert (rolling.ts_std(context(first=4), x, 10)[9:] == 0).all()
    assert (rolling.ts_mad(context(first=4), x, 10)[9:] == 0).all()


def test_small_spreads_at_large_levels_keep_their_digits() -> None:
    random = np.random.default_rng(2)
    spread = np.round(random.normal(size=(T, N)) * 2**20) / 2**20
    level = 2.0**30
    for name in ("ts_std", "ts_var", "ts_skew", "ts_kurt", "ts_zscore", "ts_slope", "ts_rsquare", "ts_mad"):
        kernel = getattr(rolling, name)
        np.testing.assert_allclose(
            kernel(context(first=3), spread + level, 20)[19:], kernel(context(first=3), spread, 20)[19:],
            rtol=1e-9, atol=1e-11,
        )  # fmt: skip


def test_overflow_is_nan() -> None:
    x = np.full((T, N), 1e200)
    assert np.isnan(rolling.ts_product(context(), x, 2)).all()
    assert np.isnan(rolling.ts_var(context(), x * np.arange(T)[:, None], 5)).all()


def test_wide_panels_are_cut_into_tiles_without_a_seam() -> None:
    x = np.random.default_rng(0).normal(size=(40, 1100))
    wide = Context(np.ones(x.shape, dtype=bool), DAYS[2:42])
    for name in ALL:
        found = _calls(name, wide, x, x[:, ::-1].copy(), 6)
        part = Context(np.ones((40, 10), dtype=bool), DAYS[2:42])
        narrow = _calls(name, part, x[:, 508:518].copy(), x[:, ::-1][:, 508:518].copy(), 6)
        np.testing.assert_array_equal(found[:, 508:518], narrow)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("rows", [1, 2, 25])
def test_the_last_rows_alone_are_those_of_all_rows(name: str, rows: int) -> None:
    x, y = inputs(name), conditions() if name == "ts_sumif" else market(seed=5)
    for n, first in ((7, 0), (20, 3), (45, 11)):
        whole = _calls(name, context(first=first), x, y, n)
        # no earlier rows than are looked back on
        cut = slice(T - rows - n, None)
        last = Context(np.ones((rows, N), dtype=bool), DAYS[first : first + T])
        np.testing.assert_array_equal(_calls(name, last, x[cut], y[cut], n), whole[-rows:])


@pytest.mark.parametrize("n", [*range(1, 20), 31, 32, 33, 60, 64, 65])
@pytest.mark.parametrize("q", [0.0, 0.2, 0.5, 0.87, 1.0])
def test_a_sorting_network_finds_what_windows_kept_in_order_hold(n: int, q: float) -> None:
    x = market()
    low = int(q * (n - 1))
    pairs = read_only(_order.network(n, (low, min(low + 1, n - 1))))
    kept, found = np.empty_like(x), np.empty_like(x)
    _order.rolling_quantile(read_only(x), n, q, 8, kept)
    _order.network_quantile(read_only(x), n, q, pairs, found)
    np.testing.assert_array_equal(found, kept)
    expected = windowed(lambda w: float(np.quantile(w, q)), n, x)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
