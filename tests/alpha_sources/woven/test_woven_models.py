"""The provider with language models and documents: recorded, replayed, failing."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "llm"))  # the server of the door's own tests

from llm_server import LlmServer, status

from alpha_sources.agents.brief import Archive, DatedDocument
from alpha_sources.llm import LlmConfig
from alpha_sources.refresh_store import RefreshStore
from alpha_sources.seed.documents import Image
from alpha_sources.woven import WovenProvider
from alpha_sources.woven.fabric import Fabric
from engine.errors import ConfigError

NEWS = """\
published,title,body
2021-09-27,利好消息,业绩增长
2021-09-28,Slump,losses and defaults
2021-11-20,Tomorrow's paper,nobody may know
"""


def answers(body: dict[str, Any]) -> str:
    """Scores for all texts, or a proposal of every agent for the first alpha."""
    text = "".join(str(message["content"]) for message in body["messages"])
    if count := re.search(r"(\d+) texts follow", text):
        return json.dumps({"scores": [{"item": i, "score": 0.5} for i in range(1, int(count[1]) + 1)]})
    agents = re.findall(r"^- (\w+): ", str(body["messages"][0]["content"]), re.MULTILINE)
    moves = [
        {"agent": agent, "alpha": "A1", "score": 0.9, "cites": ["B1"], "reason": "It fell."}
        for agent in agents
    ]
    return json.dumps({"statements": [], "proposals": moves})


@pytest.fixture
def model() -> Iterator[LlmServer]:
    server = LlmServer(key=None, answer=answers)
    yield server
    server.close()


@pytest.fixture
def news(tmp_path: Path) -> Path:
    folder = tmp_path / "news"
    folder.mkdir()
    (folder / "news.csv").write_text(NEWS, encoding="utf-8")
    return folder


@pytest.fixture
def asking(
    make: Callable[..., WovenProvider], model: LlmServer, news: Path, tmp_path: Path
) -> Callable[..., WovenProvider]:
    def made(mode: str = "record", **params: Any) -> WovenProvider:
        llm = LlmConfig.model_validate(
            {
                "mode": mode,
                "cassette": tmp_path / "tape.db",
                "retries": {"attempts": 1, "base_s": 0.01},
                "profiles": {"here": {"base_url": model.url, "model": "m", "key_variable": None}},
            }
        )
        chosen = {"weights": {"model": "ridge"}, "news_path": news, "llm": llm} | params
        return make(**chosen)

    return made


def test_a_recorded_walk_is_replayed_without_a_server_to_the_same_snapshots(asking, walk, model, news):
    first = walk(asking())
    chosen = [Fabric.of(one) for one in first.snapshots if Fabric.of(one).record["alphas_chosen"]]
    assert len(chosen) == 2
    assert len(model.asked) <= 6 * len(chosen)
    assert "Tomorrow" not in json.dumps([asked.body for asked in model.asked])
    model.close()
    # what is published after the walk changes nothing
    with (news / "news.csv").open("a") as file:
        file.write("2022-01-05,Later still,nobody may know\n")
    again = walk(asking("replay"))
    assert again.snapshots == first.snapshots


def test_a_model_that_is_down_leaves_the_last_snapshot_in_force(asking, walk, model):
    provider = asking()
    signal = walk(provider, last="2021-09-15")
    model.then(*[status(503)] * 9)
    for row in range(signal._row + 1, signal._panel.row("2021-10-11")):
        signal.scores_at(row)
    (note,) = signal.notes
    assert note.startswith("the refresh at 2021-09-30 failed, and nothing new is in force")
    assert Fabric.of(signal.snapshot).strands[0].as_of == "2021-08-31"


def test_rules_that_stood_in_for_a_model_are_said_and_not_kept(asking, walk, model, tmp_path):
    model.then(*[status(503)] * 99)
    store = RefreshStore(tmp_path / "kept")
    provider = asking(agents={"on_model_failure": "rules"})
    signal = walk(provider, last="2021-09-30", store=store)
    told = [note for note in signal.notes if "could not be asked" in note]
    assert [note[:13] for note in told] == ["at 2021-08-30", "at 2021-09-30"]
    assert str(provider.sections(signal.snapshots)[-1].notes).count("could not be asked") == 2
    again = walk(asking(agents={"on_model_failure": "rules"}), last="2021-08-30", store=store)
    assert [refresh.found for refresh in again.refreshes] == [False]


def test_what_an_image_shows_is_part_of_what_a_refresh_depends_on():
    picture = Image(b"one", "image/png", 1, 1, "page 1")
    first = DatedDocument(datetime(2021, 9, 27), "Chart", "text", "a.pdf", images=(picture,))
    second = replace(first, images=(replace(picture, data=b"two"),))
    assert Archive((first,)).hash != Archive((second,)).hash
    assert Archive((first,)).hash == Archive((replace(first),)).hash


def test_a_file_that_cannot_be_read_changes_nothing_and_is_named(make, sample, news):
    view = sample.view("2021-09-30")
    before = make(news_path=news).refresh(view, None)
    (news / "later.pdf").write_bytes(b"%PDF-1.4 torn")
    provider = make(news_path=news)
    after = provider.refresh(view, None)
    assert after == before
    assert "later.pdf was not read" in str(provider.sections([after])[-1].notes)


def test_nothing_was_masked_where_nobody_was_asked(asking):
    assert asking(mask=True).provenance().masked
    assert not asking("offline", mask=True).provenance().masked


def test_further_names_are_masked_too(asking, model, news, tmp_path, sample):
    with (news / "news.csv").open("a") as file:
        file.write("2021-09-27,Kweichow Moutai gains,The Moutai of Maotai town (600519) sells more\n")
    names = tmp_path / "names.yaml"
    names.write_text("600519.SH: [Kweichow Moutai, Moutai]\n", encoding="utf-8")
    view = sample.view("2021-09-30")
    plain = asking(mask=True, alphas_refresh="month_end")
    masked = asking(mask=True, mask_names=names, alphas_refresh="month_end")
    plain.refresh(view, None)
    assert "Moutai" in json.dumps([asked.body for asked in model.asked])
    model.asked.clear()
    masked.refresh(view, None)
    shown = json.dumps([asked.body for asked in model.asked])
    assert model.asked and "Moutai" not in shown and "600519" not in shown and "gains" in shown
    # what a model is shown is part of what a refresh depends on
    assert plain.fingerprint() != masked.fingerprint()
    before = masked.fingerprint()
    names.write_text("600519.SH: [Moutai]\n", encoding="utf-8")
    assert asking(mask=True, mask_names=names).fingerprint() != before


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (None, {"mask": True}, "alpha.params.mask_names: .*cannot be read"),
        ("- Moutai\n", {"mask": True}, "alpha.params.mask_names: .*write a list of names by symbol"),
        ("600519.SH: Moutai\n", {"mask": True}, "names.yaml, 600519.SH: write a list"),
        ("600519.SH: [Moutai]\n", {}, "alpha.params.mask_names: it is of no use without mask"),
    ],
)
def test_mistakes_in_further_names_are_found_at_once(make, tmp_path, text, options, said):
    path = tmp_path / "names.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        make(mask_names=path, **options)
