"""The K-line in a real browser: what is drawn is what was traded, and every name can be chosen."""

import pytest
from chromium_page import BROWSER, WHY_NOT, Page, browser

from alphaloom import backtest
from engine.result import Result

pytestmark = pytest.mark.skipif(BROWSER is None, reason=WHY_NOT)

FIGURE = "document.querySelector('[data-shown]')"
OPTION = f"echarts.getInstanceByDom({FIGURE}.querySelector('.chart')).getOption()"


@pytest.fixture(scope="module")
def result() -> Result:
    return backtest("quickstart", sets=["span.start=2023-06-01", "span.end=2023-12-31"])


@pytest.fixture(scope="module")
def page(result: Result, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("kline")
    file = folder / "report.html"
    file.write_text(result.report_html(), encoding="utf-8")
    with browser(folder / "profile") as opened:
        opened.open(file)
        yield opened


def choose(page: Page, symbol: str) -> None:
    page.value(
        f"(() => {{ const s = {FIGURE}.querySelector('select');"
        f" s.value = [...s.options].find(o => o.text.startsWith('{symbol}')).value;"
        " s.dispatchEvent(new Event('change')); })()"
    )
    assert page.value(f"{FIGURE}.dataset.shown") == symbol


def symbols(page: Page) -> list[str]:
    return page.value(f"[...{FIGURE}.querySelectorAll('option')].map(o => o.text.slice(0, 9))")


def test_the_whole_report_draws_without_an_error(page: Page):
    assert page.value("document.body.dataset.errors") is None
    assert page.value("[...document.querySelectorAll('[data-chart]')].every(el => el.dataset.drawn)")


def test_every_name_ever_held_can_be_chosen(page: Page, result: Result):
    assert sorted(symbols(page)) == sorted(result.fills["symbol"].unique())


def test_bars_and_trades_drawn_are_those_of_the_run(page: Page, result: Result):
    symbol = result.fills["symbol"].value_counts().index[0]
    choose(page, symbol)
    panel, rows = result.panel, slice(result.span.start, result.span.stop + 1)
    column = panel.column(symbol)
    series = page.value(
        f"{OPTION}.series.map(s => s.data.map(d => d && d.value !== undefined ? d.value : d))"
    )
    drawn, volume, buys, sells, _ = series
    fields = [panel.field(name)[rows, column] for name in ("open", "close", "low", "high")]
    assert drawn == [[round(float(v), 2) for v in bar] for bar in zip(*fields, strict=True)]
    assert volume == pytest.approx(panel.field("volume")[rows, column], rel=0.01, abs=1e6)
    fills = result.fills[result.fills["symbol"] == symbol]
    dates = [f"{date:%Y-%m-%d}" for date in result.equity["date"]]
    for side, marks in (("buy", buys), ("sell", sells)):
        expected = [f"{date:%Y-%m-%d}" for date in fills.loc[fills["side"] == side, "date"]]
        assert [dates[at] for at, _ in marks] == expected


def test_rising_bars_are_red_and_falling_ones_green(page: Page):
    style = page.value(f"{OPTION}.series[0].itemStyle")
    css = "getComputedStyle(document.documentElement).getPropertyValue('--{}').trim()"
    assert style["borderColor"] == page.value(css.format("up")) == "#c23531"
    assert style["borderColor0"] == page.value(css.format("down")) == "#1d8348"


def test_searching_narrows_the_names_and_shows_the_first_found(page: Page, result: Result):
    symbol = str(result.fills["symbol"].unique()[-1])
    search = f"(() => {{ const i = {FIGURE}.querySelector('[type=search]'); i.value = '%s';"
    search += " i.dispatchEvent(new Event('input')); })()"
    page.value(search % symbol[:6])
    assert symbols(page) == [symbol]
    assert page.value(f"{FIGURE}.dataset.shown") == symbol
    page.value(search % "no such name")
    assert page.value(f"{FIGURE}.querySelector('select').disabled") is True
    page.value(search % "")
    assert len(symbols(page)) == result.fills["symbol"].nunique()


def test_the_arrows_turn_through_all_names_and_come_back(page: Page):
    first, count = page.value(f"{FIGURE}.dataset.shown"), len(symbols(page))
    seen = set()
    for _ in range(count):
        page.value(f"{FIGURE}.querySelector('[data-step=\"1\"]').click()")
        seen.add(page.value(f"{FIGURE}.dataset.shown"))
    assert len(seen) == count
    assert page.value(f"{FIGURE}.dataset.shown") == first


def test_all_sessions_or_a_few_months_can_be_seen(page: Page, result: Result):
    span = f"(() => {{ const z = {OPTION}.dataZoom[0]; return z.endValue - z.startValue + 1; }})()"
    for button, sessions in ((0, len(result.equity)), (62, 62)):
        page.value(f"{FIGURE}.querySelector('[data-sessions=\"{button}\"]').click()")
        assert page.value(span) == sessions


def test_a_telephone_does_not_scroll_sideways(page: Page):
    page.send("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    assert page.value("document.documentElement.scrollWidth") == 390
    assert page.value("document.body.dataset.errors") is None


def test_no_table_is_cut_at_the_right_of_a_small_laptop(page: Page):
    wide = "[...document.querySelectorAll('.scroll')].filter(el => el.scrollWidth > el.clientWidth)"
    try:
        page.send(
            "Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False
        )
        assert page.value(f"{wide}.map(el => el.ariaLabel)") == []
    finally:
        page.send(
            "Emulation.setDeviceMetricsOverride", width=1200, height=900, deviceScaleFactor=1, mobile=False
        )
