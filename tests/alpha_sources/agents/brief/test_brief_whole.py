"""A brief as a whole: causal, deterministic, written down and read back, quick."""

from __future__ import annotations

import io
import json
import time
import wave
from datetime import datetime
from pathlib import Path
from typing import Annotated

import matplotlib
import numpy as np
import pytest
from llm_server import says
from pydantic import BaseModel

from alpha_sources.agents.brief import (
    Archive,
    BriefConfig,
    DatedDocument,
    ItemKind,
    MacroFigure,
    MarketBrief,
    make_brief,
    read_archive,
)
from alpha_sources.agents.charts import drawing
from alpha_sources.llm import Prompt, bounded
from alpha_sources.llm.errors import CassetteMissError
from alpha_sources.market_state import market_state
from alphaloom import load_panel

INDEX = "000016.SH"


def archive():
    days = [datetime(2022 + m // 12, m % 12 + 1, 9, 12) for m in range(16)]
    return Archive(
        tuple(DatedDocument(day, f"Profit {i}", "Growth.", "wire") for i, day in enumerate(days)),
        tuple(MacroFigure(day, "CPI", float(i), f"{day:%Y-%m}") for i, day in enumerate(days)),
    )


@pytest.mark.parametrize("t", [0, 1, 30, 79, 150, 279, 281, 300, 328])
def test_a_brief_is_that_of_a_panel_truncated_at_its_session(world, t):
    one = make_brief(world.view(t), index_symbol=INDEX, documents=archive(), charts=True)
    cut = make_brief(world.truncate(t).view(t), index_symbol=INDEX, documents=archive(), charts=True)
    assert cut.to_payload() == one.to_payload()
    assert cut.words() == one.words()
    assert [chart.sha256 for chart in cut.charts[:1]] == [chart.sha256 for chart in one.charts[:1]]


def test_a_brief_on_real_data_is_that_of_a_truncated_panel():
    panel = load_panel("sse50")
    for day in ("2021-01-29", "2022-03-31", "2022-12-12"):
        view = panel.view(day)
        cut = panel.truncate(day).view(view.t)
        for index in (INDEX, None):
            assert make_brief(view, index_symbol=index).hash == make_brief(cut, index_symbol=index).hash


def test_a_brief_is_written_down_and_read_back(world):
    brief = make_brief(world.view(310), index_symbol=INDEX, documents=archive(), charts=True)
    text = json.dumps(brief.to_payload(), allow_nan=False)
    again = MarketBrief.from_payload(json.loads(text))
    assert again.hash == brief.hash and again.words() == brief.words() and again.ids == brief.ids
    assert [one.sha256 for one in again.charts] == [one.sha256 for one in brief.charts]


def test_the_state_is_the_last_row_of_the_market_state(world):
    brief = make_brief(world.view(310), index_symbol=INDEX)
    state = market_state(world.view(310), INDEX)
    assert brief.state == state.latest() and brief.regime == state.regime
    assert brief.session == world.dates[310].astype(object)


def test_charts_are_of_the_index_and_of_the_strongest_and_weakest_sectors(world):
    view = world.view(310)
    brief = make_brief(view, index_symbol=INDEX, charts=True, config=BriefConfig(chart_sectors=2))
    sectors = [one.symbol for one in brief.of_kind(ItemKind.SECTOR)]
    assert [one.caption.label for one in brief.charts] == [INDEX, sectors[0], sectors[-1]]
    assert brief.ids[-3:] == ("C1", "C2", "C3")
    assert len(brief.attachments()) == 3
    assert [line[:2] for line in brief.chart_titles().splitlines()] == ["C1", "C2", "C3"]
    assert not make_brief(view, index_symbol=INDEX).charts


class Mood(BaseModel):
    score: Annotated[float, bounded(-1, 1)]


def test_a_reply_to_a_chart_is_found_again_where_fonts_draw_it_otherwise(
    world, server, open_door, monkeypatch
):
    prompt = Prompt.of("look.v1", "[user]\nWhat does it show?\n").render()
    brief = make_brief(world.view(310), index_symbol=INDEX, charts=True)
    server.then(says('{"score": 0.25}'))
    first = open_door("record").consult(prompt, Mood, attachments=brief.attachments())
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    monkeypatch.setattr(drawing, "latin_font", lambda: fonts / "DejaVuSansMono.ttf")
    elsewhere = make_brief(world.view(310), index_symbol=INDEX, charts=True)
    assert elsewhere.charts[0].png != brief.charts[0].png
    again = open_door("replay").consult(prompt, Mood, attachments=elsewhere.attachments())
    assert again.key == first.key and len(server.asked) == 1
    other = make_brief(world.view(309), index_symbol=INDEX, charts=True)
    with pytest.raises(CassetteMissError):
        open_door("replay").ask(prompt, Mood, attachments=other.attachments())


def test_a_first_session_has_a_brief_too(world):
    brief = make_brief(world.view(0), index_symbol=INDEX, charts=True)
    assert brief.regime.label == "unknown" and brief.sessions_in_regime == 1
    assert not brief.charts and "too short" in brief.words()


def wav(seconds: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        tone = 8000 * np.sin(np.arange(int(16_000 * seconds)) * 0.1)
        file.writeframes(tone.astype("<i2").tobytes())
    return out.getvalue()


def test_what_is_said_in_a_recording_is_transcribed_through_the_door(world, server, open_door, tmp_path):
    pytest.importorskip("av")
    (tmp_path / "2023-02-17 call.wav").write_bytes(wav(1.0))
    found = read_archive(tmp_path)
    day = "2023-02-20"
    brief = make_brief(world.view(day), index_symbol=INDEX, documents=found, door=open_door())
    (item,) = brief.of_kind(ItemKind.TRANSCRIPT)
    assert "heard" in item.text and item.date.isoformat() == "2023-02-17"
    assert [one.path.rsplit("/", 1)[-1] for one in server.asked] == ["transcriptions", "completions"]
    assert [bool(one.prompt) for one in brief.asked] == [False, True]
    unheard = make_brief(world.view(day), index_symbol=INDEX, documents=found)
    assert unheard.notes == ("2023-02-17 call.wav was not heard: no model may be asked",)
    (item,) = unheard.of_kind(ItemKind.TRANSCRIPT)
    assert item.text == "2023-02-17 call"
    before = make_brief(world.view("2023-02-16"), index_symbol=INDEX, documents=found, door=open_door())
    assert not before.of_kind(ItemKind.TRANSCRIPT) and len(server.asked) == 2


def test_pictures_of_documents_go_with_the_charts(world, tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (40, 30), "red").save(tmp_path / "2023-02-17.png")
    found = read_archive(tmp_path)
    brief = make_brief(world.view("2023-02-20"), index_symbol=INDEX, documents=found)
    (picture,) = brief.pictures
    assert picture.id == "P1" and brief.ids[-1] == "P1"
    assert [one.media_type for one in brief.attachments()] == [picture.media_type]
    again = MarketBrief.from_payload(json.loads(json.dumps(brief.to_payload())))
    assert again.pictures[0].sha256 == picture.sha256 and again.hash == brief.hash


def test_a_brief_of_the_sample_takes_less_than_three_tenths_of_a_second():
    view = load_panel("sse50").view("2023-06-30")
    taken = []
    for _ in range(4):  # the first one compiles and fills caches
        start = time.perf_counter()
        make_brief(view, index_symbol=INDEX)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.3
