"""Labels: from fill to fill, for members that a buyer gets, and only once they are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_markets import last_view, market

from alpha_sources.evaluation import forward_returns, judge
from alpha_sources.evaluation.tradability import buyable_at_open
from engine.broker.match import limit_hit
from engine.broker.quotes import PanelPrices
from engine.errors import DataError


@pytest.fixture(scope="module")
def panel():
    return market()


@pytest.mark.parametrize("horizon", [1, 2, 7])
def test_a_label_runs_from_the_next_open_to_the_open_h_sessions_later(horizon):
    panel = market(sessions=40, names=12, dirt=False)
    labels = forward_returns(last_view(panel), horizon)
    opened = panel.field("open") * panel.field("adj_factor")
    for t in range(40 - 1 - horizon):
        np.testing.assert_allclose(labels[t], opened[t + 1 + horizon] / opened[t + 1] - 1)
    # known at the close of d only if t + 1 + h <= d
    assert np.isnan(labels[-(horizon + 1) :]).all()


def test_a_dividend_does_not_look_like_a_loss():
    panel = market(sessions=40, names=12, dirt=False)
    raw = forward_returns(last_view(replace(panel, fields={**panel.fields, "adj_factor": np.ones((40, 12))})))
    labels = forward_returns(last_view(panel))
    # the factor of every third name rises by 3 % at row 20, which is the fill at the end of row 18's label
    np.testing.assert_allclose(labels[18, ::3], (1 + raw[18, ::3]) * 1.03 - 1)


def test_buyers_are_refused_exactly_where_the_broker_refuses_them(panel):
    """Against the broker's own quotes, cell by cell."""
    buyable = buyable_at_open(panel)
    fields = {**panel.fields, "vwap": panel.field("close")}
    prices = PanelPrices(replace(panel, fields=fields))
    refused = 0
    for t in range(panel.shape[0]):
        prices.row = t
        for n, symbol in enumerate(panel.symbols):
            quote = prices.quote(str(symbol))
            filled = quote is not None and quote.trading and limit_hit(quote.open, quote, True) is None
            assert filled == buyable[t, n], (t, symbol)
            refused += quote is not None and not filled
    assert refused > 50


def test_the_first_sessions_after_listing_have_no_limit():
    panel = market(sessions=30, names=12, dirt=False)
    fields = {name: values.copy() for name, values in panel.fields.items()}
    fields["open"][10:20, 2] = np.round(fields["preclose"][10:20, 2] * 1.3, 2)
    symbols = panel.symbols.copy()
    symbols[2:] = [f"{688000 + i}.SH" for i in range(10)]
    from engine.market.instruments import Instruments

    listed = panel.listed.copy()
    listed[2] = panel.dates[10]
    changed = replace(
        panel, fields=fields, symbols=symbols, listed=listed, instruments=Instruments.from_symbols(symbols)
    )
    buyable = buyable_at_open(changed)[:, 2]
    assert buyable[10:15].all()  # STAR market: five sessions
    assert not buyable[15:20].any()  # 30 % above the reference, with a limit of 20 %


def test_suspended_sealed_and_foreign_names_have_no_label(panel):
    labels = forward_returns(last_view(panel))
    buyable = buyable_at_open(panel)
    expected = panel.universe[:-1] & buyable[1:]
    np.testing.assert_array_equal(np.isfinite(labels[:-2]), expected[:-1])


def test_a_name_whose_rows_end_is_marked_at_its_last_close(panel):
    labels = forward_returns(last_view(panel), 5)
    end = int(np.flatnonzero(np.isfinite(panel.field("close")[:, 7]))[-1])
    factor = panel.field("adj_factor")[end, 7]
    for t in range(end - 5, end):
        if np.isfinite(labels[t, 7]):
            entry = panel.field("open")[t + 1, 7] * panel.field("adj_factor")[t + 1, 7]
            assert labels[t, 7] == pytest.approx(panel.field("close")[end, 7] * factor / entry - 1)
    assert np.isfinite(labels[end - 5 : end, 7]).any()


@pytest.mark.parametrize("t", [30, 77, 118])
def test_labels_on_a_truncated_market_are_the_same_and_end_earlier(panel, t):
    whole, cut = forward_returns(panel.view(119), 3), forward_returns(panel.truncate(t).view(t), 3)
    np.testing.assert_array_equal(cut[: t - 3], whole[: t - 3])
    assert np.isnan(cut[t - 3 :]).all()
    np.testing.assert_array_equal(forward_returns(panel.view(t), 3), cut)


def test_nothing_after_the_end_of_a_span_reaches_its_evaluation(panel):
    """A span that ends within the data gives what a market cut there gives: to the last digit."""
    values = np.random.default_rng(0).normal(size=panel.shape)
    end = panel.dates[70]
    inside = judge(values, last_view(panel), end=end)
    cut = judge(values[:71], panel.truncate(70).view(70))
    assert inside.frame.equals(cut.frame)
    assert inside["alpha_1"].series.equals(cut["alpha_1"].series)


def test_no_horizon_below_one_and_no_market_without_opens(panel):
    with pytest.raises(DataError, match="at least 1"):
        forward_returns(last_view(panel), 0)
    fields = {name: values for name, values in panel.fields.items() if name != "open"}
    with pytest.raises(DataError, match="no field 'open'"):
        forward_returns(last_view(replace(panel, fields=fields)))
