"""K-lines: read back from their own pixels."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.agents.charts import Bars, Caption, Chart, ChartError, draw, rebased
from alpha_sources.agents.charts import drawing as layout
from alpha_sources.agents.charts.ticks import day_ticks, month_ticks, relative_ticks, round_ticks

Image = pytest.importorskip("PIL.Image")  # comes with matplotlib

UP, DOWN = (200, 16, 46), (0, 128, 60)


def days(count, start="2022-01-04"):
    return tuple(map(str, np.arange(np.datetime64(start), np.datetime64(start) + count)))


def bars_of(close, *, spread=0.0, traded=None, unit="shares"):
    close = np.asarray(close, dtype=float)
    opened = np.concatenate([[close[0]], close[:-1]])
    return Bars(
        opened,
        np.fmax(opened, close) + spread,
        np.fmin(opened, close) - spread,
        close,
        np.full(len(close), 2e8) if traded is None else np.asarray(traded, dtype=float),
        unit,
    )


def caption(count, **more):
    return Caption(
        **{"label": "000016.SH", "name": "", "level_unit": "index points", "sessions": days(count), **more}
    )


def walk(count, seed=0):
    return 3000 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, count)))


def pixels(png):
    import io

    with Image.open(io.BytesIO(png)) as image:
        image.load()
        return np.asarray(image.convert("RGB")), dict(image.info)


def test_a_chart_is_a_png_of_800_by_500_without_a_word_on_who_made_it():
    image, info = pixels(draw(bars_of(walk(120)), caption(120)))
    assert image.shape == (500, 800, 3)
    assert "Software" not in info
    inked = (image != 255).any(axis=2).mean()
    assert 0.03 < inked < 0.5


def test_rising_bars_are_red_and_falling_ones_green():
    rising, _ = pixels(draw(bars_of(np.linspace(100, 120, 60)), caption(60)))
    falling, _ = pixels(draw(bars_of(np.linspace(120, 100, 60)), caption(60)))
    low, high = 500 - layout._PRICE[1], 500 - layout._PRICE[0]  # rows are counted from the top

    def count(image, colour):
        return int((image[low:high] == colour).all(axis=2).sum())

    assert count(rising, UP) > 500 and count(rising, DOWN) == 0
    # a first bar that closes where it opened is red
    assert count(falling, DOWN) > 500 and count(falling, UP) < 20


def test_the_height_of_a_bar_is_its_volume():
    traded = np.linspace(1e8, 8e8, 40)
    image, _ = pixels(draw(bars_of(np.linspace(100, 90, 40), traded=traded), caption(40)))
    bottom, top = layout._TRADED
    slot = (layout._RIGHT - layout._LEFT) / 40
    heights = []
    for i in range(1, 40):
        column = image[500 - top : 500 - bottom, round(layout._LEFT + (i + 0.5) * slot)]
        heights.append((column == DOWN).all(axis=1).sum())
    expected = traded[1:] / (8e8 * 1.04) * (top - bottom)
    assert np.abs(np.array(heights) - expected).max() <= 1.5


def test_a_candle_reaches_from_low_to_high():
    close = np.array([100.0, 110.0, 104.0, 104.0])
    bars = replace(bars_of(close), high=np.array([101.0, 112, 111, 106]), low=np.array([99.0, 98, 103, 102]))
    image, _ = pixels(draw(bars, caption(4)))
    low, high = 98 - 0.04 * 14, 112 + 0.04 * 14
    bottom, top = layout._PRICE

    def row(level):
        return 500 - (bottom + (level - low) / (high - low) * (top - bottom))

    x = round(layout._LEFT + 2.5 * (layout._RIGHT - layout._LEFT) / 4)
    green = np.flatnonzero(
        (image[:, x - 1 : x + 1] == DOWN).all(axis=2).any(axis=1) & (np.arange(500) < 500 - bottom)
    )
    assert abs(green[0] - row(111)) <= 1.5 and abs(green[-1] - row(103)) <= 1.5


def test_the_same_numbers_give_the_same_bytes_whatever_style_a_user_has_set():
    import matplotlib

    bars, words = bars_of(walk(120)), caption(120)
    plain = draw(bars, words)
    with matplotlib.rc_context(
        {
            "figure.facecolor": "black",
            "text.color": "white",
            "font.size": 30,
            "axes.grid": True,
            "savefig.dpi": 30,
            "figure.autolayout": True,
            "lines.linewidth": 9,
            "path.sketch": (3, 100, 2),
            "text.usetex": True,
            "patch.force_edgecolor": True,
            "text.antialiased": False,
            "figure.frameon": False,
        }
    ):
        assert draw(bars, words) == plain


def test_drawing_leaves_no_figure_behind():
    import sys

    draw(bars_of(walk(30)), caption(30))
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e7])
@pytest.mark.parametrize("count", [2, 20, 250])
def test_no_label_leaves_the_canvas_or_runs_into_another(count, scale, monkeypatch):
    boxes = []
    write = layout._Pen.words

    def noted(self, x, y, text, **more):
        width = write(self, x, y, text, **more)
        size = more.get("size", layout._SMALL) * layout.DPI / 72
        left = x - {"left": 0, "center": width / 2, "right": width}[more.get("align", "left")]
        boxes.append((left, y, left + width, y + 0.7 * size, text))
        return width

    monkeypatch.setattr(layout._Pen, "words", noted)
    for relative in (False, True):
        boxes.clear()
        draw(bars_of(walk(count) * scale, traded=np.full(count, 3e9)), caption(count, relative=relative))
        for i, a in enumerate(boxes):
            assert a[0] >= 0 and a[2] <= 800 and a[1] >= 0 and a[3] <= 500, a
            for b in boxes[i + 1 :]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_chinese_names_are_drawn_only_where_a_font_has_them(monkeypatch):
    bars = bars_of(walk(30))
    bare = draw(bars, caption(30))
    monkeypatch.setattr(layout, "chinese_font", lambda: None)
    assert draw(bars, caption(30, name="银行")) == bare
    assert draw(bars, caption(30, name="banks")) != bare


def test_gaps_and_unknown_volumes_are_left_out():
    close = walk(60)
    bars = bars_of(close, traded=np.full(60, np.nan))
    holes = replace(bars, close=np.where(np.arange(60) % 7 == 3, np.nan, close))
    image, _ = pixels(draw(holes, caption(60)))
    bottom, top = layout._TRADED
    pane = image[500 - top + 2 : 500 - bottom - 2]
    assert not ((pane == UP).all(axis=2) | (pane == DOWN).all(axis=2)).any()


def test_a_flat_line_can_be_drawn():
    for flat in (bars_of(np.full(30, 100.0)), bars_of(np.zeros(30), traded=np.zeros(30))):
        image, _ = pixels(draw(flat, caption(30)))
        assert image.shape == (500, 800, 3)
        assert (image != 255).any()


def test_too_few_bars_are_refused():
    with pytest.raises(ChartError, match=r"000016.SH has 1 bars with prices"):
        draw(bars_of([1.0]), caption(1))
    with pytest.raises(ChartError, match="30 bars, 29 days"):
        draw(bars_of(walk(30)), caption(29))
    with pytest.raises(ValueError, match="different lengths"):
        Bars(*[np.zeros(3)] * 4, np.zeros(2))


def chart(**more):
    made = {"id": "C1", "title": "index", "source": "bars", "bars": bars_of(walk(60)), "caption": caption(60)}
    return Chart(**{**made, "date": np.datetime64("2022-03-04").astype(object), **more})


def test_a_stored_chart_draws_the_same_picture():
    one = chart()
    again = Chart.from_payload(json.loads(json.dumps(one.to_payload())))
    assert again.png == one.png and again.data_hash == one.data_hash


def test_charts_of_other_numbers_or_words_have_another_hash():
    one = chart()
    other = bars_of(walk(60) * np.r_[np.ones(59), 1.001])
    assert chart(bars=other).data_hash != one.data_hash
    assert chart(caption=caption(60, label="000300.SH")).data_hash != one.data_hash
    assert chart(id="C2", title="renamed").data_hash == one.data_hash  # the picture is the same


def test_rebased_bars_tell_no_market_by_its_numbers():
    one, two = (rebased(bars_of(walk(60) * scale, traded=np.arange(1, 61) * scale)) for scale in (1.0, 7.3))
    np.testing.assert_allclose(one.close, two.close)
    np.testing.assert_allclose(one.traded, two.traded)
    assert one.close[0] == 100.0 and one.traded.mean() == pytest.approx(1.0)


@given(
    st.floats(-1e9, 1e9),
    st.floats(1e-6, 1e9),
    st.integers(3, 10),
)
def test_ticks_are_few_round_and_inside(low, width, most):
    high = low + width
    if not low < high or width < abs(low) * 1e-9:
        return
    ticks, decimals = round_ticks(low, high, most)
    assert 1 <= len(ticks) <= most
    room = 1e-6 * width
    assert all(low - room <= tick <= high + room for tick in ticks)
    if len({f"{tick:.{decimals}f}" for tick in ticks}) < len(ticks):
        raise AssertionError((ticks, decimals))


def test_months_are_marked_where_they_begin():
    sessions = ("2022-01-28", "2022-02-07", "2022-02-28", "2022-03-01", "2022-04-01")
    assert month_ticks(sessions, 8) == [(1, "2022-02"), (3, "2022-03"), (4, "2022-04")]
    assert month_ticks(sessions, 2) == [(1, "2022-02"), (4, "2022-04")]
    assert month_ticks(("2022-01-04", "2022-01-05"), 8) == []
    assert month_ticks(("2022-01-03", "2022-02-07"), 8) == [(0, "2022-01"), (1, "2022-02")]
    assert day_ticks(sessions, 2) == [(1, "2022-02-07"), (4, "2022-04-01")]
    assert relative_ticks(45, 5) == [(4, "−40"), (14, "−30"), (24, "−20"), (34, "−10"), (44, "0")]


def test_a_chart_takes_less_than_a_second():
    draw(bars_of(walk(30)), caption(30))  # imports, and the list of fonts
    start = time.perf_counter()
    draw(bars_of(walk(250)), caption(250))
    assert time.perf_counter() - start < 1.0
