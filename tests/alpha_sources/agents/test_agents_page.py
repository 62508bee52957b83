"""The committee's page, its words, and the command that asks it why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_sources.agents import CommitteeConfig, Decision, agents_section, decide
from alpha_sources.agents.brief import make_brief
from alpha_sources.agents.config import PROFILES
from alpha_sources.agents.explanation import explained, reasons
from alpha_sources.agents.reading import decision_at, decisions_of
from alpha_sources.libraries import LibraryEntry
from alpha_sources.snapshot import Snapshot
from alpha_sources.woven.fabric import in_short
from engine.errors import ProviderError
from engine.hashing import canonical_json
from engine.market.panel import MarketPanel
from engine.report import Figure, HeatMap, Image, render

INDEX = "000016.SH"
Seeds = tuple[LibraryEntry, ...]


@pytest.fixture(scope="module")
def decisions(sample: MarketPanel, seeds: Seeds, decision: Decision) -> list[Decision]:
    view = sample.view("2022-04-29")
    brief = make_brief(view, index_symbol=INDEX, charts=True)
    return [decision, decide(view, seeds, CommitteeConfig(), brief=brief, previous=[decision])]


@pytest.fixture(scope="module")
def run(decisions: list[Decision], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    for one in decisions:
        Snapshot(payload={"decision": one.to_payload()}, as_of=one.as_of).save(folder / "snapshots")
    Snapshot(payload={"weights": 1}).save(folder / "snapshots")
    return folder


def test_the_page_shows_scores_selections_regimes_and_the_brief(decisions: list[Decision]) -> None:
    page = agents_section(decisions)
    kept, scores, selections, *pictures = page.figures
    assert isinstance(kept, Figure) and isinstance(scores, HeatMap) and isinstance(selections, HeatMap)
    totals = [sum(series.values[i] for series in kept.series) for i in range(2)]
    assert totals == [len(one.kept) for one in decisions]
    assert (kept.bands[0].first, kept.bands[0].last) == (0, 1)
    assert len(scores.rows) == 4 * 9 and "θ confidence: momentum" in scores.rows
    ever = set(decisions[0].kept) | set(decisions[1].kept)
    assert set(selections.rows) == ever
    assert all(isinstance(one, Image) and one.png.startswith(b"\x89PNG") for one in pictures) and pictures
    assert [table.title for table in page.tables][-1] == "Market brief of 2022-04-29"
    html = render("T", "", [page])
    assert "data:image/png;base64," in html and "bear stressed" in html


def test_a_run_without_a_committee_says_so() -> None:
    assert agents_section([]).notes == ["No committee sat in this run."]
    assert render("T", "", [agents_section([])])


def test_the_words_answer_why_an_alpha_is_in(decisions: list[Decision]) -> None:
    last = decisions[-1]
    told = dict(explained(last))
    assert told["decided"] == "at the close of 2022-04-29"
    assert told["brief"].startswith(f"{len(last.brief['items'])} items")
    one = last[last.kept[0]]
    why = dict(reasons(last, one.name))
    assert why["verdict"] == f"{one.verdict.replace('_', ' ')}: {one.because}"
    assert why["score"].startswith(f"{one.score:.3f} (theta {one.theta:.3f}, rho {one.rho:.3f})")
    assert {"foresight", "belief", "book", "trading", "conservative"} <= why.keys()


def test_a_seed_that_was_not_judged_has_its_reason_only(decision: Decision) -> None:
    told = dict(reasons(decision, "dividend_yield"))
    assert told["verdict"].startswith("not judged: unreadable") and "score" not in told


def test_an_unknown_alpha_gets_the_nearest_name(decision: Decision) -> None:
    with pytest.raises(ProviderError, match="judged no alpha 'turnovr'; did you mean turnover"):
        dict(reasons(decision, "turnovr"))


def test_decisions_are_read_from_a_run_in_order(run: Path, decisions: list[Decision]) -> None:
    assert decisions_of(run) == decisions


def test_a_decision_kept_again_in_short_is_read_once_and_whole(
    tmp_path: Path, decisions: list[Decision]
) -> None:
    whole = decisions[0]
    short = in_short(whole.to_payload())
    for day in ("2022-04-01", "2022-05-31", "2022-06-30", "2022-07-29"):
        Snapshot(payload={"decision": short}, as_of=day).save(tmp_path)
    (alone,) = decisions_of(tmp_path)
    assert alone.in_short
    assert any("not among these" in text for _, text in explained(alone))
    assert dict(reasons(alone, alone.kept[0]))["verdict"] == "kept"
    Snapshot(payload={"decision": whole.to_payload()}, as_of=whole.as_of).save(tmp_path)
    assert decisions_of(tmp_path) == [whole]


def test_the_decision_in_force_is_the_last_one_up_to_a_day(decisions: list[Decision]) -> None:
    from datetime import date

    assert decision_at(decisions, None) is decisions[1]
    assert decision_at(decisions, date(2022, 4, 28)) is decisions[0]
    with pytest.raises(ProviderError, match=r"nothing had been decided by 2022-03-30: .* 2022-03-31"):
        decision_at(decisions, date(2022, 3, 30))


def test_the_file_of_one_decision_is_read_back(decisions: list[Decision], tmp_path: Path) -> None:
    file = tmp_path / "decided.json"
    file.write_text(canonical_json(decisions[0].to_payload()), encoding="utf-8")
    assert decisions_of(file) == [decisions[0]]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"{", "is no record of a decision"),
        (b"\xff\xfe", "is no record of a decision"),
        (b"[1]", "holds no JSON object"),
        (b'{"version": 1}', "a decision cannot be read"),
        (b'{"version": 99}', "a decision of version 99"),
    ],
)
def test_a_file_of_something_else_is_refused_by_its_name(tmp_path: Path, held: bytes, said: str) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(held)
    with pytest.raises(ProviderError, match=f"other.json.*{said}"):
        decisions_of(file)


def test_folders_without_a_committee_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="is no folder"):
        decisions_of(tmp_path / "none")
    with pytest.raises(ProviderError, match="holds no snapshot of a committee"):
        decisions_of(tmp_path)
    saved = Snapshot(payload={"decision": {"version": 1}}).save(tmp_path)
    with pytest.raises(ProviderError, match="a decision cannot be read"):
        decisions_of(tmp_path)
    record = saved / "snapshot.json"
    record.write_text(record.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(ProviderError, match="was changed after it was written"):
        decisions_of(tmp_path)


DOCS = Path(__file__).parents[3] / "docs" / "agents.md"


def test_the_documentation_runs_and_names_the_profiles_as_they_are() -> None:
    told = DOCS.read_text(encoding="utf-8")
    block = told.split("```python\n")[1].split("```")[0]
    found: dict[str, Any] = {}
    exec(block, found)
    assert found["decision"].kept
    for name, profile in PROFILES.items():
        row = [
            f"{getattr(profile, key):g}"
            for key in ("gain", "volatility", "drawdown", "tail", "cost", "capacity")
        ]
        assert f"| {name} | {' | '.join(row)} |" in told


def test_the_settings_of_the_documentation_are_settings() -> None:
    told = yaml.safe_load(DOCS.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    config = CommitteeConfig.read(told["alpha"]["params"]["agents"])
    assert config.model_dump(exclude={"profiles"}) == CommitteeConfig().model_dump(exclude={"profiles"})
    assert "pension" in config.risk_agents()
