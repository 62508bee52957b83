"""Macro figures of the market itself in a brief: dated by the day that showed them, none from later."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pytest

from alpha_sources.agents.brief import Archive, ItemKind, MacroFigure, make_brief
from engine.market.macro import MacroFigure as Figure

T = 300


@pytest.fixture(scope="module")
def market(world):
    days = [world.dates[i].astype(object) for i in (T - 40, T - 20, T, T + 1)]
    figures = (
        Figure(days[0], "cpi_yoy", date(2022, 11, 30), 1.6, "https://stats/1"),
        Figure(days[1], "cpi_yoy", date(2022, 12, 31), 1.8, "https://stats/2"),
        Figure(days[1], "usd_cny", days[1], 6.75, "https://rates"),
        Figure(days[2], "cpi_yoy", date(2022, 11, 30), 1.5, "https://stats/3"),
        Figure(days[3], "cpi_yoy", date(2023, 1, 31), 2.1, "https://stats/4"),
    )
    return replace(world, macro=figures)


def items(market, t: int, **more):
    return make_brief(market.view(t), index_symbol="000016.SH", **more).of_kind(ItemKind.MACRO)


def test_the_last_figure_of_each_series_with_its_day_unit_and_source(market):
    found = {item.text: (item.date, item.source) for item in items(market, T)}
    day = market.dates[T - 20].astype(object)
    assert found == {
        "cpi_yoy of 2022-12-31: 1.8 %, after 1.5 % of 2022-11-30": (day, "https://stats/2"),
        f"usd_cny of {day}: 6.75 CNY per USD": (day, "https://rates"),
    }


def test_a_restatement_counts_from_its_own_day(market):
    (before,) = [item for item in items(market, T - 1) if item.text.startswith("cpi_yoy")]
    assert "after 1.6 % of 2022-11-30" in before.text


@pytest.mark.parametrize("t", [T - 41, T - 40, T - 20, T, T + 1])
def test_nothing_later_is_in_it_and_a_truncated_panel_gives_the_same(market, t):
    found = items(market, t)
    assert all(np.datetime64(item.date) <= market.dates[t] for item in found)
    cut = market.truncate(t)
    one, other = (make_brief(panel.view(t), index_symbol="000016.SH") for panel in (market, cut))
    assert one.hash == other.hash


def test_they_stand_beside_those_of_the_users_folder(market):
    own = MacroFigure(datetime(2023, 1, 5, 9), "Freight rates", 1061.0, "2022-12", "points", "macro.csv")
    later = MacroFigure(datetime(2030, 1, 5, 9), "Freight rates", 1.0)
    names = {item.text.split(" of ")[0] for item in items(market, T, documents=Archive(figures=(own, later)))}
    assert names == {"cpi_yoy", "usd_cny", "Freight rates"}


def test_an_exchanges_notice_is_an_announcement():
    assert ItemKind.of_text("notice") is ItemKind.ANNOUNCEMENT
