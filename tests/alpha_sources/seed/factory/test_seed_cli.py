"""``alphaloom seed``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from document_makers import ENGLISH
from llm_server import KEY, LlmServer
from seed_folder import configuration
from typer.testing import CliRunner

from alpha_sources.evaluation.trials import Origin, Scope, Trial, TrialLedger
from alpha_sources.formula import parse
from alpha_sources.seed import SeedError, load_seeds, read_mined
from alphaloom.cli.seed import seed_app
from engine.errors import AlphaloomError, ConfigError, OutputError

QUICK = ("--factory", "against=[paper_seeds]")


def said(*words: str, **environ: str) -> str:
    shown = CliRunner().invoke(seed_app, list(words), env={"COLUMNS": "200", **environ})
    if shown.exception is not None:
        raise shown.exception
    return shown.output


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note 2022-05-12.md"
    path.write_text(f"{ENGLISH[0]}\n\nDrift: ts_rank(turnover, 11) - ts_rank(vwap, 23)\n", encoding="utf-8")
    return path


def test_without_a_model_the_formulas_of_documents_and_the_bundled_seeds_are_taken(
    note: Path, tmp_path: Path
) -> None:
    out = tmp_path / "seeds.yaml"
    text = said("mine", str(note), "--out", str(out), *QUICK)
    assert (
        "offline: no model was asked; formulas that stand in the documents, beside those of paper_seeds"
        in text
    )
    assert text.splitlines()[-1] == "Language model: none was asked (offline)"
    assert "2022-05-12" in text and f"written  {out}" in text
    seeds = load_seeds(out)
    assert len(seeds) == 93 and seeds.entry("drift").source == "note 2022-05-12.md, page 1"
    assert seeds.entry("momentum_12_1").source == "Jegadeesh and Titman, Journal of Finance 48"
    # what was in the library keeps its own day
    assert str(seeds.entry("momentum_12_1").knows_until) == "2026-11-22"

    alone = tmp_path / "alone.yaml"
    said("mine", str(note), "--out", str(alone), "--offline", "--no-library", *QUICK)
    assert [entry.name for entry in load_seeds(alone)] == ["drift"]
    assert "93 of 93 seeds" in said("show", str(out))
    assert said("diff", str(alone), str(out)).splitlines()[-1] == "92 added, 0 removed, 0 changed, 1 the same"


def test_with_a_model_every_command_ends_with_what_it_cost(
    documents: Path, server: LlmServer, tmp_path: Path
) -> None:
    config, out = configuration(tmp_path / "run.yaml", server, tmp_path), tmp_path / "seeds.yaml"
    words = ("mine", str(documents), "--out", str(out), "--config", str(config), *QUICK)
    text = said(*words, TEST_LLM_KEY=KEY)
    last = text.splitlines()[-1]
    assert last.startswith("Language model (record): 12 calls; ") and "hearer-1, reader-1" in last
    assert "english.pdf" in text and "momentum, liquidity" in text and "seeds    7 (" in text
    assert KEY not in text
    server.close()
    again = tmp_path / "again.yaml"
    text = said(
        "mine", str(documents), "--out", str(again), "--config", str(config), "--mode", "replay", *QUICK
    )
    assert "Language model (replay): 0 calls" in text and again.read_bytes() == out.read_bytes()

    shown = said("show", str(out), "momentum_idea")
    assert "passage        Momentum of the past twelve months" in shown and "cassette key" in shown
    listed = said("show", str(out), "--category", "technical")
    assert "(not found in the document)" in listed and "1 of 7 seeds" in listed
    assert "It has 2 ideas." in said("show", str(out), "--documents")


def test_what_was_left_out_is_shown_with_its_reason(note: Path, tmp_path: Path) -> None:
    note.write_text(
        "Level: ts_mean(close, 3)\nDrift: ts_rank(turnover, 11) - ts_rank(vwap, 23)\n", encoding="utf-8"
    )
    out = tmp_path / "seeds.yaml"
    said("mine", str(note), "--out", str(out), "--no-library", *QUICK)
    text = said("show", str(out), "--rejected")
    assert "level  ts_mean(close, 3)" in text and "orders the stocks as their price does" in text


def test_what_a_project_has_tried_is_left_out(note: Path, tmp_path: Path) -> None:
    formula = parse("ts_rank(turnover, 11) - ts_rank(vwap, 23)")
    scope = Scope(date(2021, 1, 4), date(2021, 12, 31), "sse50", "d" * 64, 1)
    with TrialLedger.open(tmp_path / "home" / "trials.db", create=True) as trials:
        trial = Trial(formula.text, formula.canonical, Origin.USER)
        trials.record("mine", scope, [trial], at=datetime(2024, 1, 1, tzinfo=UTC))
    out = tmp_path / "seeds.yaml"
    words = ("mine", str(note), "--out", str(out), "--no-library", *QUICK)
    assert "left out 1 (tried 1)" in said(*words, "--project", "mine")
    with pytest.raises(SeedError, match=r"no project 'other' \(mine\)"):
        said(*words, "--force", "--project", "other")


def test_formulas_are_tried_on_what_lies_before_the_end_of_train(note: Path, tmp_path: Path) -> None:
    out = tmp_path / "seeds.yaml"
    spans = "{train: {start: 2021-01-01, end: 2021-12-31}, test: {start: 2023-01-01, end: 2023-12-31}}"
    said("mine", str(note), "--out", str(out), "--no-library", "--set", f"spans={spans}", *QUICK)
    assert read_mined(out)["data"]["last"] == "2021-12-31"  # type: ignore[index]


def test_the_seed_file_in_a_folder_is_no_document_of_it(note: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(note.parent)
    for _ in range(2):
        text = said("mine", ".", "--out", "seeds.yaml", "--no-library", "--force", *QUICK)
        assert "seeds.yaml: " not in text and "note 2022-05-12.md" in text
    assert len(read_mined(Path("seeds.yaml"))["documents"]) == 1  # type: ignore[index]


def test_a_file_that_cannot_be_written_is_known_before_a_model_is_asked(
    documents: Path, server: LlmServer, tmp_path: Path
) -> None:
    config = configuration(tmp_path / "run.yaml", server, tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    out = tmp_path / "file" / "seeds.yaml"
    with pytest.raises(OutputError, match="cannot write"):
        said("mine", str(documents), "--out", str(out), "--config", str(config), *QUICK, TEST_LLM_KEY=KEY)
    assert not server.asked


def test_a_run_that_stops_says_how_to_go_on(documents: Path, server: LlmServer, tmp_path: Path) -> None:
    config, out = configuration(tmp_path / "run.yaml", server, tmp_path), tmp_path / "seeds.yaml"
    words = ("mine", str(documents), "--out", str(out), "--config", str(config), *QUICK)
    with pytest.raises(
        SeedError, match=r"budget.* what was mined before is in .*seeds\.yaml: the same command"
    ):
        said(*words, "--set", "llm.budget.calls=0", TEST_LLM_KEY=KEY)
    assert not server.asked and "budget" in read_mined(out)["unfinished"]  # type: ignore[index]
    with pytest.raises(SeedError, match="TEST_LLM_KEY"):
        said(*words)
    said(*words, TEST_LLM_KEY=KEY)
    assert "unfinished" not in read_mined(out)  # type: ignore[operator]


def test_a_list_is_brought_in(tmp_path: Path) -> None:
    path, out = tmp_path / "mine.csv", tmp_path / "mine.yaml"
    path.write_text('name,formula,category\na,"returns",momentum\nb,2 * returns,growth\n', encoding="utf-8")
    text = said("import", str(path), "--out", str(out), *QUICK)
    assert "row 2  b  duplicate: of row 1, a (affine, +1.00)" in text
    assert (
        "row 2  b  mislabelled: filed under growth, but names no figure of a statement: it reads returns"
        in text
    )
    assert "2 rows, 1 kept, 1 left out" in text and len(load_seeds(out)) == 1
    assert "2 rows" in said("import", str(path), "--all", *QUICK)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("mine", "nowhere.pdf"), SeedError, "there is no such file or folder"),
        (("mine", ".", "--out", "seeds.txt"), OutputError, "a seed file is called .yaml"),
        (("mine", ".", "--mode", "fast"), AlphaloomError, "llm.mode"),
        (("mine", ".", "--mode", "record", "--offline"), SeedError, "contradict"),
        (("mine", ".", "--mode", "record"), AlphaloomError, "needs a profile"),
        (("mine", ".", "--factory", "most"), SeedError, "key=value"),
        (("mine", ".", "--factory", "most=many"), SeedError, "must be a whole number"),
        (("mine", ".", "--project", "mine"), AlphaloomError, "trials.db"),
        (("mine", ".", "--library", "alpha102"), AlphaloomError, "alpha101"),
        (("show", "nothing.yaml"), AlphaloomError, "cannot be read"),
        (("show", "paper_seeds", "--rejected"), SeedError, "was not mined"),
        (("diff", "paper_seeds", "paper_sed"), AlphaloomError, "did you mean"),
        (("import", "nowhere.csv"), SeedError, "there is no such file"),
    ],
)
def test_a_mistake_ends_in_one_line(
    words: tuple[str, ...], error: type[Exception], message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message) as caught:
        said(*words)
    assert isinstance(caught.value, AlphaloomError) and "\n" not in str(caught.value)
    assert not (tmp_path / "seeds.yaml").exists()


def test_further_names_are_hidden_behind_a_mask(server: LlmServer, tmp_path: Path) -> None:
    config = configuration(tmp_path / "run.yaml", server, tmp_path)
    note, names = tmp_path / "note.md", tmp_path / "names.yaml"
    note.write_text("Kweichow Moutai, once 600519, rose.", encoding="utf-8")
    words = ("mine", str(note), "--config", str(config), *QUICK, "--mask-names", str(names))
    masked = (*words, "--mask", "--out", str(tmp_path / "masked.yaml"))
    with pytest.raises(ConfigError, match=r"names\.yaml cannot be read"):
        said(*masked, TEST_LLM_KEY=KEY)
    names.write_text("600519.SH: Kweichow Moutai", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"600519\.SH: write a list of names"):
        said(*masked, TEST_LLM_KEY=KEY)
    names.write_text("600519.SH: [Kweichow Moutai]", encoding="utf-8")
    with pytest.raises(SeedError, match="without --mask"):
        said(*words, TEST_LLM_KEY=KEY)
    assert not server.asked
    said(*masked, TEST_LLM_KEY=KEY)
    shown = "".join(str(each.body) for each in server.asked)
    assert "rose." in shown and "Moutai" not in shown and "600519" not in shown


def test_formulas_that_the_parser_refuses_are_listed_with_the_reason(tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text(
        "Good: ts_rank(turnover, 11) - ts_rank(vwap, 23)\n\n"
        "Tomorrow = delay(close, -1) / close\n\n"
        "We like `rank(wibble(close))` best.\n\n"
        "- ts_mean(close, 5\n\n"
        "Ref($close, 5, 7) / $close\n\n"
        "The mean of close (see above) is rank of close.\n",
        encoding="utf-8",
    )
    out = tmp_path / "mined.yaml"
    told = said("mine", str(note), "--offline", "--no-library", "--out", str(out), *QUICK)
    assert "left out 4 (formula 4)" in told
    head = read_mined(out)
    why = {each["formula"]: each["why"] for each in head["rejected"]}
    assert list(why) == [
        "delay(close, -1) / close",
        "rank(wibble(close))",
        "ts_mean(close, 5",
        "Ref($close, 5, 7) / $close",
    ]
    assert "wibble" in why["rank(wibble(close))"] and all(why.values())
    assert [entry.name for entry in load_seeds(out)] == ["good"]


def test_what_a_document_may_cost_is_set_on_the_command_line(note: Path, tmp_path: Path) -> None:
    words = ("mine", str(note), "--offline", "--no-library", *QUICK)
    strict = (*words, "--limit", "characters=20")
    told = said(*strict, "--out", str(tmp_path / "strict.yaml"))
    assert "characters allows 20" in told and "seeds    0" in told
    assert read_mined(tmp_path / "strict.yaml")["settings"]["limits"] == {"characters": 20}
    said(*words, "--out", str(tmp_path / "plain.yaml"))
    assert "limits" not in read_mined(tmp_path / "plain.yaml")["settings"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("pags=3", r"there is no limit 'pags'; did you mean pages\?"),
        ("pages=0", r"limits\.pages is 0; it must be at least 1"),
        ("pages=many", r"limits\.pages is 'many'; it must be a whole number"),
        ("pages=true", r"limits\.pages is True; it must be a whole number"),
        ("pages", r"--limit 'pages': write it as key=value, like pages=2000"),
    ],
)
def test_a_limit_that_is_none_is_named(note: Path, tmp_path: Path, option: str, message: str) -> None:
    out = tmp_path / "mined.yaml"
    with pytest.raises(AlphaloomError, match=message):
        said("mine", str(note), "--offline", "--limit", option, "--out", str(out))
    assert not out.exists()
