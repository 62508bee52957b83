"""The section `llm` of a run: read, hashed, handed over, and what was spent said where it belongs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from llm_server import KEY, LlmServer

from alpha_sources.llm.config import LlmConfig, Mode
from alpha_sources.loading import handed, params_hash
from alpha_sources.provider import AlphaProvider
from alphaloom.api import backtest, load_panel, signal_of
from alphaloom.config import RunConfig, load_config
from alphaloom.paper import paper_run
from alphaloom.sweep.run import sweep
from engine.errors import AlphaloomError, ConfigError, ProviderError

PROVIDER = """
import os
from typing import Annotated

from pydantic import BaseModel

from alpha_sources.honesty import Provenance
from alpha_sources.llm import Door, LlmConfig, Prompt, bounded
from alphaloom import AlphaProvider, Snapshot

ASKED = Prompt.of("mood.v1", "[system]\\nYou judge.\\n[user]\\nThe close of {{day}}?\\n")


class Mood(BaseModel):
    score: Annotated[float, bounded(-1, 1)]


class Moody(AlphaProvider):
    def __init__(self, llm: LlmConfig, seed: int = 5):
        self.llm, self.seed, self.door, self.closed = llm, seed, None, 0

    def refresh(self, view, previous):
        self.door = self.door or Door.open(self.llm, environ=os.environ)
        score = 1.0 if self.door.offline else self.door.ask(ASKED.render(day=str(view.session)), Mood).score
        return Snapshot(payload={"score": score})

    def scores(self, view, snapshot):
        return snapshot.payload["score"] * view.field("turnover")[-1]

    def provenance(self):
        return Provenance.of(llm=self.llm)

    def costs(self):
        return self.door and self.door.costs()

    def close(self):
        self.closed += 1
        if self.door is not None:
            self.door.close()


class Odd(Moody):
    def costs(self):
        return {"calls": 1}
"""
PROFILE = {"model": "thinker-1", "key_variable": "TEST_LLM_KEY", "timeout_s": 5}
RUN: dict[str, Any] = {
    "name": "moody",
    "span": {"start": "2023-10-01"},
    "alpha": {"provider": "moody.py:Moody", "refresh": "month_end"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "moody.py").write_text(PROVIDER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TEST_LLM_KEY", KEY)
    return tmp_path


def run_of(url: str, mode: str = "record", **llm: Any) -> RunConfig:
    section = {"mode": mode, "profiles": {"local": {**PROFILE, "base_url": url}}, **llm}
    return load_config({**RUN, "llm": section})


# -- read


def test_a_run_that_says_nothing_of_models_is_what_it_was() -> None:
    config = load_config("quickstart")
    assert config.llm == LlmConfig() and config.llm.mode is Mode.OFFLINE
    assert "llm" not in config.plain()
    # written out, it means the same
    assert load_config("quickstart", sets=["llm.mode=offline"]).hash() == config.hash()


def test_the_section_is_merged_key_by_key_from_file_environment_and_command_line(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "llm:\n  mode: record\n  cassette: tapes/a.db\n  profiles:\n    local: "
        "{base_url: http://127.0.0.1:1/v1, model: one, key_variable: null}\n",
        encoding="utf-8",
    )
    config = load_config(
        file, sets=["llm.mode=replay"], environ={"ALPHALOOM__LLM__PROFILES__LOCAL__MODEL": "two"}
    )
    assert config.llm.mode is Mode.REPLAY and config.llm.profiles["local"].model == "two"
    assert config.llm.cassette == tmp_path / "tapes" / "a.db"
    again = tmp_path / "again.yaml"
    again.write_text(json.dumps(config.plain()), encoding="utf-8")
    assert load_config(again).llm == config.llm


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("llm: {mod: replay}", "line 1: unknown key 'llm.mod'; did you mean mode?"),
        ("llm:\n  profiles: {a: {modle: x}}", "line 2: unknown key 'llm.profiles.a.modle'; did you mean mod"),
        ("llm:\n  budget: {call: 3}", "line 2: unknown key 'llm.budget.call'; did you mean calls?"),
        ("llm:\n  mode: replay", "line 1: llm: mode replay needs a profile"),
        ("llm: {repairs: 99}", "llm.repairs must be at most 10, not 99"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_one_line_that_names_file_and_line(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_config(file)
    assert words in str(problem.value) and "run.yaml" in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    "section",
    [
        "sk-SECRET",
        {"mode": "sk-SECRET"},
        {"profiles": "sk-SECRET"},
        {"profiles": {"a": "sk-SECRET"}},
        {"profiles": {"a": {"base_url": "http://x/v1", "model": "m", "key_variable": "sk-SECRET"}}},
        {"profiles": {"a": {"base_url": "http://x/v1", "model": "m", "format": "sk-SECRET"}}},
        {"profiles": {"a": {"base_url": "http://x/v1", "model": ["sk-SECRET"]}}},
    ],
)
def test_a_key_written_in_the_wrong_place_is_not_shown(section: Any) -> None:
    with pytest.raises(ConfigError) as problem:
        load_config({"llm": section})
    assert "SECRET" not in str(problem.value) and "llm" in str(problem.value)


def test_a_cassette_nobody_named_lies_in_the_home_under_the_name_of_the_run(folder: Path) -> None:
    config = load_config({**run_of("http://127.0.0.1:1/v1").plain(), "name": "上证 50/x"})
    assert config.resolved_llm().cassette == folder / "home" / "cassettes" / "上证-50-x.db"
    assert config.plain()["llm"]["cassette"] is None, "a configuration can be run elsewhere"
    assert load_config(RUN).resolved_llm().cassette is None


# -- hashed


def test_the_hash_covers_what_answers_depend_on_and_nothing_else() -> None:
    def hashed(
        mode: str = "record", url: str = "http://a/v1", profile: dict[str, Any] | None = None, **llm: Any
    ) -> str:
        section = {"mode": mode, "profiles": {"p": {**PROFILE, "base_url": url, **(profile or {})}}}
        return load_config({"llm": {**section, "cassette": "/one/a.db", **llm}}).hash()

    same = [
        hashed("replay"), hashed(url="http://b/v1"), hashed(cassette="/two/a.db"),
        hashed(retries={"attempts": 1}), hashed(budget={"calls": 1}),
        *(hashed(profile=change) for change in (
            {"key_variable": None}, {"timeout_s": 9}, {"concurrency": 1}, {"format": "text"},
            {"prices": {"input_per_million": 1, "output_per_million": 1}},
        )),
    ]  # fmt: skip
    other = [
        hashed(cassette="/one/b.db"), hashed(repairs=0), hashed(profile={"model": "two"}),
        hashed(profile={"temperature": 0.5}), hashed(profile={"seed": 1}),
        hashed(profile={"extra": {"k": 1}}),
        hashed(profile={"knowledge_cutoff": "2023-01-01"}), load_config({}).hash(),
    ]  # fmt: skip
    assert set(same) == {hashed()}
    assert len({hashed(), *other}) == len(other) + 1
    assert hashed("offline") == load_config({}).hash(), "offline nothing is asked"


def test_parameters_count_what_answers_depend_on() -> None:
    class Takes(AlphaProvider):
        def __init__(self, llm: LlmConfig | None = None, seed: int = 0) -> None:
            pass

        def scores(self, view: Any, snapshot: Any) -> Any:
            return None

    asked = run_of("http://a/v1").llm
    assert handed(Takes, {"seed": 3}, seed=1, llm=asked) == {"seed": 3, "llm": asked}
    assert "llm" not in handed(AlphaProvider, {}, seed=1, llm=asked)
    plain = params_hash("x", {"seed": 1}, Takes)
    assert params_hash("x", {"seed": 1, "llm": LlmConfig()}, Takes) == plain
    assert params_hash("x", {"seed": 1, "llm": asked}, Takes) != plain
    elsewhere = run_of("http://b/v1", "live").llm
    assert params_hash("x", {"llm": elsewhere}, Takes) == params_hash("x", {"llm": asked}, Takes)


# -- run


def test_a_run_is_recorded_and_replayed_with_its_costs_beside_the_result(
    server: LlmServer, folder: Path
) -> None:
    result = backtest(run_of(server.url, profiles={"local": {**PROFILE, "base_url": server.url, "prices": {
        "currency": "CNY", "input_per_million": 2, "output_per_million": 8}}}))  # fmt: skip
    spent = result.run["llm"]
    assert spent["calls"] == len(server.asked) == 3, "the eve of the span, and two ends of months in it"
    assert spent["tokens"] == spent["input_tokens"] + spent["output_tokens"] > 0
    assert float(spent["money"]) > 0 and spent["currency"] == "CNY"
    assert (folder / "home" / "cassettes" / "moody.db").is_file()
    assert "llm" not in result.metrics and "contaminated" in result.metrics["labels"]

    again = backtest(run_of("http://127.0.0.1:1/v1", "replay"))
    assert again.run["llm"]["calls"] == 0 and again.run["llm"]["replayed"] == 3
    assert {**again.metrics} == {**result.metrics}, "a replay is the same result, hash and all"
    assert "Language model (replay)" in again.summary() and "3 from the cassette" in again.summary()

    out = again.save(folder / "run")
    assert json.loads((out / "run.json").read_text())["llm"]["line"].startswith(
        "Language model (replay): 0 calls"
    )
    assert "language model (replay): 0 calls" in (out / "report.html").read_text()
    assert KEY not in "".join(path.read_text(errors="replace") for path in out.glob("*.*"))


def test_the_labels_stand_with_the_numbers_and_the_reasons_beside_them(
    server: LlmServer, folder: Path
) -> None:
    result = backtest(run_of(server.url))
    assert result.metrics["labels"] == ["in_test_refresh", "contaminated"]
    honesty = result.run["honesty"]
    assert honesty["test"] == {"start": "2023-10-09", "end": "2023-12-29"}
    assert honesty["in_test_refreshes"]["sessions"] == ["2023-10-31", "2023-11-30"]
    assert any("nobody says until when the model thinker-1 has read" in note for note in result.warnings)
    spans = {
        "train": {"start": "2021-01-04", "end": "2023-11-30"},
        "test": {"start": "2023-12-01", "end": "2023-12-29"},
    }
    known = {**PROFILE, "base_url": server.url, "knowledge_cutoff": "2023-11-30"}
    later = backtest({**RUN, "spans": spans, "llm": {"mode": "record", "profiles": {"local": known}}})
    assert later.metrics["labels"] == ["clean"], "the test span is the one of spans, not of the run"


def test_a_run_of_formulas_bears_no_label() -> None:
    result = backtest("quickstart", sets=["span={start: 2023-12-01}"])
    assert "labels" not in result.metrics
    assert not {"honesty", "llm"} & result.run.keys()
    assert "Labels" not in result.summary()


def test_paper_trading_hands_over_the_same(folder: Path) -> None:
    config = run_of("http://127.0.0.1:1/v1", "replay")
    trader = paper_run(config).trader()
    signal = signal_of(config, load_panel())
    assert trader.signal is not None and signal is not None
    assert trader.signal.provider.llm == signal.provider.llm == config.resolved_llm()  # type: ignore[attr-defined]
    assert trader.signal.params_hash == signal.params_hash


def test_a_sweep_hands_it_over_before_it_starts(folder: Path) -> None:
    done = sweep(RUN, {"alpha.params.seed": [1, 2]}, out=folder / "swept", jobs=1)
    assert len(done.done) == 2 and not done.failed


def test_a_provider_is_closed_once_also_when_a_run_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    import alphaloom.api as api

    real = api.load_provider
    monkeypatch.setattr(api, "load_provider", lambda *a: made.append(real(*a)) or made[-1])
    backtest(RUN)
    with pytest.raises(AlphaloomError):
        backtest(run_of("http://127.0.0.1:1/v1", "replay"))  # there is no cassette
    assert [provider.closed for provider in made] == [1, 1]
    made[0].closed = 0
    backtest(RUN, provider=made[0])
    assert made[0].closed == 0, "whoever made it closes it"


def test_costs_that_are_none_are_an_error_that_says_what_to_give(folder: Path) -> None:
    with pytest.raises(ProviderError, match=r"costs\(\) gives a dict; return Door.costs\(\) or None"):
        backtest({**RUN, "alpha": {"provider": "moody.py:Odd", "refresh": "once"}})
