"""From a folder of documents to seeds, and the same again without a network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from llm_server import KEY, LlmServer
from seed_folder import configured, write_documents
from seed_model import Mine, Model, idea

from alpha_sources.libraries import Category
from alpha_sources.seed import load_seeds, read_mined
from alpha_sources.seed.documents import Document, Limits, Skipped, each_document, each_file
from alpha_sources.seed.documents.dating import SHANGHAI
from alpha_sources.seed.file import mined_entries
from alphaloom.config import RunConfig
from alphaloom.seed_place import SeedPlace
from alphaloom.seeds import Mining, _documents, mine_seeds
from engine.errors import OutputError
from engine.market import MarketPanel

Settings = Callable[..., RunConfig]
WANTED = {
    Category.MOMENTUM,
    Category.LIQUIDITY,
    Category.MEAN_REVERSION,
    Category.TECHNICAL,
    Category.FUNDAMENTAL,
    Category.VOLATILITY,
}


@dataclass
class Whole:
    """A folder that was mined once."""

    mining: Mining
    folder: Path
    server: LlmServer
    days: set[date]

    @property
    def out(self) -> Path:
        return self.folder / "seeds.yaml"


@pytest.fixture(scope="module")
def whole(panel: MarketPanel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole")
    write_documents(folder / "documents")
    server = LlmServer(answer=Model())
    began = datetime.now(SHANGHAI).date()
    mining = mine_seeds(
        [folder / "documents"],
        folder / "seeds.yaml",
        configured(server, folder / "cassette.db"),
        now=datetime(2024, 3, 1, tzinfo=UTC),
        environ={"TEST_LLM_KEY": KEY},
        panel=panel,
    )
    yield Whole(mining, folder, server, {began, datetime.now(SHANGHAI).date()})
    server.close()


def test_a_folder_of_every_kind_of_document_gives_seeds_in_six_categories(whole: Whole) -> None:
    mining = whole.mining
    assert not mining.mined.unfinished and not mining.mined.skipped
    seeds = load_seeds(whole.out)
    assert {entry.category for entry in seeds} >= WANTED
    said = mined_entries(whole.out)
    by_category = {str(e.category): (e, said[e.name]) for e in seeds if said[e.name]["origin"] == "model"}

    entry, where = by_category["liquidity"]
    assert entry.source == "english.pdf, page 1" and where["passage_found"] is True
    assert where["page"] == 1 and where["published"] == "2022-05-12" and where["model"] == "reader-1"
    assert where["prompt"] == "propose.v1" and len(where["cassette_key"]) == 64
    assert where["checks"]["coverage"] > 0.5

    entry, where = by_category["mean_reversion"]
    # low values are expected to earn more: the seed is the negative
    assert str(entry.parsed) == "-(close / ts_mean(vwap, 7) - 1)"
    assert where["passage"].startswith("换手率较低") and where["passage_found"] is True

    _, where = by_category["technical"]
    assert where["passage_found"] is False  # nobody can check what a picture says
    assert by_category["volatility"][0].source == "call.wav, page 1"
    assert by_category["fundamental"][0].source.startswith("statement.xlsx")
    # the latest of document, model and day of mining; these replies were recorded today
    assert {each.knows_until for each in seeds} <= whole.days
    assert mining.costs is not None and mining.costs.calls == 12


def test_each_document_is_summed_up_in_the_file(whole: Whole) -> None:
    head = read_mined(whole.out)
    assert head is not None
    known = {each["name"]: each for each in head["documents"]}
    assert set(known) == {"english.pdf", "chinese.md", "chart.png", "statement.xlsx", "call.wav"}
    assert known["english.pdf"]["summary"] == "It has 2 ideas."
    assert known["english.pdf"]["categories"] == ["momentum", "liquidity"]
    assert known["chinese.md"]["language"] == "zh" and known["chinese.md"]["published"] == "2022-11-30"
    assert "heard by a transcription model" in known["call.wav"]["notes"]
    assert head["models"] == ["hearer-1", "reader-1"] and head["knowledge_cutoff"] == "2023-10-01"
    assert set(head["prompts"]) == {"propose.v1", "sift.v1"} and head["masked"] is False


def test_the_chart_goes_to_the_model_as_a_picture(whole: Whole) -> None:
    pictures = [
        [part["type"] for part in content]
        for one in whole.server.asked
        if isinstance(content := one.body.get("messages", [{}])[-1].get("content"), list)
        and "There is no text" in content[0]["text"]
    ]
    assert pictures == [["text", "image_url"]] * 2  # read, and asked for formulas


def test_a_replay_asks_nobody_and_writes_the_same_bytes(
    documents: Path,
    mine: Mine,
    settings: Settings,
    server: LlmServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine(documents)
    asked = len(server.asked)
    replay = settings("replay")
    server.close()

    def no_network(*_: Any) -> None:
        raise AssertionError("a replay reaches for the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    years_later = datetime(2031, 7, 1, tzinfo=UTC)
    again = mine(documents, "again.yaml", config=replay, environ={}, now=years_later)
    assert (tmp_path / "again.yaml").read_bytes() == (tmp_path / "seeds.yaml").read_bytes()
    assert len(server.asked) == asked and again.costs is not None and again.costs.calls == 0


def test_the_key_is_nowhere(whole: Whole) -> None:
    assert any(one.headers["authorization"] == f"Bearer {KEY}" for one in whole.server.asked)
    files = [path for path in whole.folder.rglob("*") if path.is_file()]
    assert {"seeds.yaml", "cassette.db"} < {path.name for path in files}
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_what_cannot_be_read_is_skipped_with_its_reason_and_the_rest_is_mined(
    documents: Path, mine: Mine
) -> None:
    from document_makers import pdf_bytes

    (documents / "empty.pdf").write_bytes(b"")
    (documents / "corrupt.pdf").write_bytes(b"%PDF-1.7 and nothing that follows from it")
    (documents / "locked.pdf").write_bytes(pdf_bytes([("secret",)], password="key"))
    (documents / "copy.md").write_bytes((documents / "chinese.md").read_bytes())
    mined = mine(documents).mined
    reasons = {each.path: each.reason for each in mined.skipped}
    assert set(reasons) == {"empty.pdf", "corrupt.pdf", "locked.pdf"}
    assert "empty" in reasons["empty.pdf"] and "password" in reasons["locked.pdf"]
    assert len(mined.documents) == 5 and len(mined.seeds) >= 6
    assert any("the same bytes as" in note for each in mined.documents for note in each.notes)


def test_without_vision_and_hearing_pictures_and_recordings_are_skipped(
    documents: Path, mine: Mine, settings: Settings
) -> None:
    blind = settings(vision=False, tokens_per_image=None, transcription_model=None)
    mined = mine(documents, config=blind).mined
    reasons = {each.path: each.reason for each in mined.skipped}
    assert reasons == {
        "chart.png": "1 picture not shown to this profile (vision: false)",
        "call.wav": "the profile has no transcription_model to hear it with",
    }
    assert len(mined.documents) == 3


def test_behind_a_mask_no_name_code_date_or_picture_reaches_the_model(
    documents: Path, mine: Mine, model: Model, tmp_path: Path
) -> None:
    text = "贵州茅台 (600519.SH) rose on 2022-03-04: momentum of the winners goes on."
    (documents / "named 2022-03-05.md").write_text(text, encoding="utf-8")
    model.sifted = lambda words: {"summary": "s", "tradable": "momentum" in words, "categories": ["momentum"]}
    passage = "momentum of the winners goes on"
    model.ideas = lambda theme, _: {
        "ideas": [idea("ts_mean(returns, 90) / ts_std(returns, 45)", theme, passage)]
    }
    mined = mine(documents, mask=True).mined
    shown = "\n".join(words for _, words in model.asked)
    for secret in ("茅台", "600519", "2022-03-0", "named"):
        assert secret not in shown
    assert "momentum of the winners goes on" in shown
    head = read_mined(tmp_path / "seeds.yaml")
    assert head is not None and head["masked"] is True and len(head["mask"]) == 64
    (seed,) = (s for s in mined.seeds if s.proposal.where.passage == passage)
    assert seed.proposal.where.passage_found and seed.proposal.where.source == "named 2022-03-05.md, page 1"
    assert [each.path for each in mined.skipped] == ["chart.png"]


def test_single_files_are_read_as_those_of_a_folder(documents: Path) -> None:
    copy, empty = documents / "copy.md", documents / "empty.pdf"
    copy.write_bytes((documents / "chinese.md").read_bytes())
    empty.write_bytes(b"")
    given = [documents / "chinese.md", copy, empty, documents / "nowhere.pdf", documents / "english.pdf"]
    found = list(each_file(given))
    read = [each for each in found if isinstance(each, Document)]
    assert [(each.name, each.other_names) for each in read] == [
        ("chinese.md", ("copy.md",)),
        ("english.pdf", ()),
    ]
    assert [each.path for each in found if isinstance(each, Skipped)] == ["empty.pdf", "nowhere.pdf"]
    (whole,) = (each for each in each_document(documents) if each in read and each.hash == read[1].hash)  # type: ignore[union-attr]
    assert whole == read[1]


def test_a_file_is_continued_with_the_same_documents_and_models_only(
    documents: Path, mine: Mine, settings: Settings, tmp_path: Path
) -> None:
    mine(documents, config=settings(budget={"calls": 4}, concurrency=1))
    out = tmp_path / "seeds.yaml"
    kept = out.read_bytes()
    others = tmp_path / "others"
    others.mkdir()
    (others / "note.md").write_text("Another note.", encoding="utf-8")
    with pytest.raises(OutputError, match=r"begun with other documents \(call\.wav"):
        mine(others)
    with pytest.raises(OutputError, match=r"begun with other models \(hearer-1, reader-1\)"):
        mine(documents, config=settings("offline"), libraries=())
    with pytest.raises(OutputError, match=r"begun with other models \(reader-1\)"):
        mine(documents, config=settings(model="reader-2"))
    assert out.read_bytes() == kept


def test_a_run_that_comes_less_far_than_the_last_leaves_its_seeds(
    documents: Path, mine: Mine, settings: Settings, tmp_path: Path
) -> None:
    mine(documents, config=settings("live", budget={"calls": 6}, concurrency=1))
    out = tmp_path / "seeds.yaml"
    kept = out.read_bytes()
    assert len(load_seeds(out)) > 0
    less = mine(documents, config=settings("live", budget={"calls": 1}, concurrency=1))
    assert "budget" in less.mined.unfinished and out.read_bytes() == kept
    mine(documents, config=settings("live"))
    assert "unfinished" not in read_mined(out)  # type: ignore[operator]


def test_one_process_at_a_time_mines_to_a_file(documents: Path, mine: Mine, tmp_path: Path) -> None:
    with SeedPlace(tmp_path / "seeds.yaml", force=False):
        with pytest.raises(OutputError, match="another process mines to this file"):
            mine(documents)
        assert not (tmp_path / "seeds.yaml").exists()
    assert mine(documents).mined.seeds


def test_what_a_killed_run_left_beside_its_file_is_no_document(tmp_path: Path) -> None:
    (tmp_path / ".seeds.yaml-x1").write_text("half", encoding="utf-8")
    (tmp_path / "note.md").write_text("A note.", encoding="utf-8")
    found = list(_documents([tmp_path], tmp_path / "seeds.yaml", Limits()))
    assert [each.name for each in found if isinstance(each, Document)] == ["note.md"]
    assert not [each for each in found if isinstance(each, Skipped)]
