"""`judge`: what may be given, what comes back, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_markets import last_view, market
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alpha_sources.evaluation import Lags, Status, judge
from alpha_sources.formula import evaluate, parse
from engine.errors import ConfigError, DataError, OutputError, ShapeError

FORMULAS = {
    "reversal": "-pct_change(close, 5)",
    "size": "log(market_cap)",
    "calm": "-ts_std(close, 10) / close",
}


@pytest.fixture(scope="module")
def panel():
    return market()


@pytest.fixture(scope="module")
def view(panel):
    return last_view(panel)


@pytest.fixture(scope="module")
def noise(panel):
    return np.random.default_rng(0).normal(size=panel.shape)


def numbers(evaluation):
    return evaluation.frame.select_dtypes("number").to_numpy()


def same(one, other):
    return np.array_equal(numbers(one), numbers(other), equal_nan=True)


def test_texts_formulas_and_their_values_are_judged_alike(view):
    by_name = judge(FORMULAS, view)
    assert by_name.names == tuple(FORMULAS)
    as_list = judge([parse(text) for text in FORMULAS.values()], view)
    assert as_list.names == tuple(str(parse(text)) for text in FORMULAS.values())
    values = evaluate(list(FORMULAS.values()), view)
    as_values = judge(values, view, names=list(FORMULAS))
    mixed = judge({"reversal": values[0], "size": FORMULAS["size"], "calm": parse(FORMULAS["calm"])}, view)
    one = judge(FORMULAS["calm"], view)
    assert same(by_name, as_list) and same(by_name, as_values) and same(by_name, mixed)
    assert np.array_equal(numbers(one)[0], numbers(by_name)[2], equal_nan=True)
    assert by_name.frame.loc["calm", "formula"] == str(parse(FORMULAS["calm"]))


def test_threads_blocks_and_generators_change_nothing(view):
    many = [f"ts_mean(close, {n}) / close" for n in range(2, 42)]
    calm = judge(many, view)
    assert same(calm, judge((text for text in many), view, threads=3))
    assert same(calm, judge(many, view, keep_series=False))
    alone = judge(many[37], view)
    assert np.array_equal(numbers(alone)[0], numbers(calm)[37], equal_nan=True)


@settings(max_examples=25)
@given(
    arrays(
        np.float64,
        (25, 12),
        elements=st.one_of(
            st.sampled_from([0.0, -0.0, 1.0, 1e-300, 5e-324, 1e300, -1e300, np.nan, np.inf, -np.inf, 1e17]),
            st.floats(-10, 10, width=16),
        ),
    )
)
def test_any_values_at_all_are_judged_without_a_crash(values):
    small = market(sessions=25, names=12, dirt=False)
    judged = judge(values, last_view(small), quantiles=3, min_names=4)
    row = judged.frame.iloc[0]
    assert Status(row["status"])
    detail = judged["alpha_1"]
    for name in ("rank_ic", "ic", "rank_autocorrelation", "size", "price"):
        known = detail.series[name].dropna()
        assert (known.abs() <= 1 + 1e-9).all()
    # what is order alone does not change when values are stretched, as long as they stay apart
    finite = values[np.isfinite(values)]
    if finite.size and np.abs(finite).max() < 100:
        plain = np.where(np.abs(values) < 1e-6, 0.0, values)
        ranks = [
            judge(scaled, last_view(small), quantiles=3, min_names=4)["alpha_1"].series["rank_ic"]
            for scaled in (plain, 8.0 * plain)
        ]
        np.testing.assert_array_equal(*ranks)


def test_crowded_values_with_one_far_away_are_ranked_like_any_others(panel, view, noise):
    far = noise.copy()
    far[:, 0] = 1e9
    plain = noise.copy()
    plain[:, 0] = 100.0
    ranks = [judge(values, view)["alpha_1"].series["rank_ic"] for values in (far, plain)]
    np.testing.assert_array_equal(*ranks)


@pytest.mark.parametrize(
    ("values", "status", "reason"),
    [
        (lambda x: x * np.nan, "no_coverage", "no member has a value on any of 120 sessions"),
        (lambda x: x * 0 + 7.0, "constant", "on every session the value is the same for every name"),
        (lambda x: x * 0 + 7.0 + 1e-15 * x, "constant", "on every session the value is the same"),
        (lambda x: x * 0 + np.inf, "infinite", "and none is finite"),
        (lambda x: np.where(x > 2.5, np.inf, x), "infinite", "are infinite; judged by the others"),
        (lambda x: np.where(np.arange(30) < 8, x, np.nan), "too_few_names", "no session has 10 tradable"),
        (lambda x: np.where(np.arange(120)[:, None] > 117, x, np.nan), "no_labels", "no label of 1 sessions"),
    ],
)  # fmt: skip
def test_an_alpha_that_cannot_be_judged_has_a_verdict_in_words(view, noise, values, status, reason):
    judged = judge({"bad": values(noise), "good": noise}, view)
    assert judged.frame.loc["bad", "status"] == status
    assert reason in judged.frame.loc["bad", "reason"]
    assert judged.frame.loc["good", "status"] == "ok"
    is_judged = "judged by" in judged.frame.loc["bad", "reason"]
    assert np.isfinite(judged.frame.loc["bad", "rank_ic_mean"]) == is_judged
    assert judged["bad"].series["rank_ic"].notna().any() == is_judged


def test_fewer_names_than_quantiles(view, noise):
    judged = judge(noise, view, quantiles=40)
    assert judged.frame["status"].item() == "too_few_names"
    assert "40 quantiles" in judged.frame["reason"].item()


def test_formulas_that_cannot_be_read_or_ask_for_too_much_are_named_and_do_not_stop_the_others(view):
    given = {"cut": "close +", "foreign": "pe_ttm", "good": "close", "operator": "nosuch(close)"}
    frame = judge(given, view).frame
    assert frame["status"].to_dict() == {
        "cut": "unreadable", "foreign": "unreadable", "good": "ok", "operator": "unreadable",
    }  # fmt: skip
    assert "this panel has no field 'pe_ttm'" in frame.loc["foreign", "reason"]
    assert "\n" not in "".join(frame["reason"])


def test_where_nothing_can_be_judged_the_call_is_refused(panel, view, noise):
    with pytest.raises(DataError, match=r"the span 2030-01-01\.\.2022-\S+ holds no session; the data cover"):
        judge(noise, view, start="2030-01-01")
    with pytest.raises(DataError, match="holds no session"):
        judge(noise, view, start="2022-01-01", end="2022-01-02")
    unknown = replace(panel, universe_known=np.zeros(len(panel.dates), dtype=bool))
    with pytest.raises(DataError, match="the universe is unknown on every session"):
        judge(noise, last_view(unknown))
    with pytest.raises(DataError, match=r"no index field 000905\.SH"):
        judge(noise, view, index_symbol="000905.SH")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon_sessions": 0}, "horizon_sessions: 0 is no whole number from 1 to 250"),
        ({"quantiles": 1}, "quantiles: 1 is no whole number from 2 to 100"),
        ({"quantiles": 5.0}, "quantiles: 5.0 is no whole number"),
        ({"min_names": True}, "min_names: True is no whole number"),
        ({"lags": -3}, "lags: -3 is no whole number from -2 to 250"),
        ({"slippage_bps": -1.0}, "slippage_bps: -1.0 is no number from 0 to 1000"),
        ({"commission": float("nan")}, "commission: nan is no number"),
        ({"start": "2022-02-01", "end": "2022-01-01"}, "end 2022-01-01 lies before its start 2022-02-01"),
        ({"start": "yesterday"}, "start: 'yesterday' is no date"),
        ({"ranges": {"x": ("2022-02-01", "2022-01-01")}}, "date range 'x': its end"),
        ({"ranges": {"x": "2022"}}, "date range 'x': expected a first and a last day"),
        ({"threads": 0}, "threads: 0 is no whole number of at least 1"),
        ({"names": ["a", "b"]}, "names: more than the 1 alphas"),
        ({"names": []}, "names: 0 of them, and more alphas"),
    ],
)
def test_settings_that_make_no_sense_are_named(view, noise, options, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        judge(noise, view, **options)


def test_arrays_that_do_not_fit_are_refused(view, noise):
    with pytest.raises(ShapeError, match=r"alpha 'alpha_1' has shape \(119, 30\), the view \(120, 30\)"):
        judge(noise[1:], view)
    with pytest.raises(ShapeError, match=r"expected \(alphas, sessions, symbols\)"):
        judge(noise[0], view)
    with pytest.raises(ShapeError, match="not numbers"):
        judge({"text": noise.astype(str)}, view)
    with pytest.raises(ConfigError, match="formulas are texts"):
        judge(3, view)
    with pytest.raises(ConfigError, match="'a' stands twice"):
        judge(np.stack([noise, noise]), view, names=["a", "a"])


def test_a_formula_given_twice_keeps_both_rows(view):
    assert judge(["close", "close"], view).names == ("close", "close (2)")


def test_lags_are_settable_and_by_default_cover_the_overlap(view, noise):
    slow = np.cumsum(noise, axis=0)
    t = {
        lags: judge(slow, view, horizon_sessions=5, lags=lags).frame["rank_ic_t"].item()
        for lags in (Lags.OVERLAP, 4, 0, Lags.AUTOMATIC)
    }
    assert t[Lags.OVERLAP] == t[4] != t[0]
    assert t[Lags.AUTOMATIC] == t[4]  # 4 (120 / 100)^(2/9) is 4 as well


def test_min_names_leaves_thin_sessions_out(view, noise):
    thin = noise.copy()
    thin[50, 9:] = np.nan
    assert np.isnan(judge(thin, view)["alpha_1"].series["rank_ic"].iloc[50])
    assert np.isfinite(judge(thin, view, min_names=5)["alpha_1"].series["rank_ic"].iloc[50])


def test_the_frame_can_be_sorted_and_saved(view, tmp_path):
    judged = judge(FORMULAS, view)
    ordered = judged.frame.sort_values("rank_ic_t")
    assert ordered["rank_ic_t"].is_monotonic_increasing
    judged.save(tmp_path / "all.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "all.parquet"), judged.frame, check_dtype=False)
    judged.save(tmp_path / "all.csv")
    read = pd.read_csv(tmp_path / "all.csv", index_col="alpha")
    np.testing.assert_allclose(read["rank_ic_t"], judged.frame["rank_ic_t"], rtol=1e-15)
    with pytest.raises(OutputError, match=r"saved as \.parquet or \.csv"):
        judged.save(tmp_path / "all.xlsx")
    with pytest.raises(OutputError, match="cannot write"):
        judged.save(tmp_path / "nowhere" / "all.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all.csv", "all.parquet"]


def test_frames_of_the_batch_agree_with_those_of_the_alpha(view):
    judged = judge(FORMULAS, view, decay_sessions=4)
    detail = judged["calm"]
    assert list(judged.rank_ic().columns) == list(FORMULAS)
    pd.testing.assert_series_equal(
        judged.rank_ic()["calm"], detail.series["rank_ic"], check_names=False, check_freq=False
    )
    np.testing.assert_array_equal(judged.decay("t").loc["calm"], detail.decay["t"])
    np.testing.assert_allclose(detail.decay["mean"], detail.rank_ics.mean())
    np.testing.assert_array_equal(judged.by("year").loc["calm"], detail.table("year"))
    with pytest.raises(DataError, match="no alpha is called 'clam'"):
        judged["clam"]
    with pytest.raises(DataError, match="decay has no 'median'"):
        judged.decay("median")
    with pytest.raises(DataError, match="keep_series"):
        _ = judge(FORMULAS, view, keep_series=False)["calm"].series


def test_no_alphas_at_all_make_an_empty_evaluation(view):
    judged = judge([], view)
    assert len(judged) == 0 and judged.frame.empty and judged.by("year").empty
    assert judged.decay().shape == (0, 20) and judged.rank_ic().shape == (120, 0)


def test_cheating_by_a_day_shows(panel, view):
    """An alpha that knows the next open to open move is found out by its IC, the same a day later is not."""
    opened = panel.field("open") * panel.field("adj_factor")
    future = np.full(panel.shape, np.nan)
    future[:-2] = opened[2:] / opened[1:-1] - 1
    late = np.roll(future, 2, axis=0)
    late[:2] = np.nan
    frame = judge({"future": future, "late": late}, view).frame
    assert frame.loc["future", "rank_ic_mean"] > 0.95
    assert abs(frame.loc["late", "rank_ic_t"]) < 3
