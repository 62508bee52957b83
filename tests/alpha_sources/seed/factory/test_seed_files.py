"""The seed file: read as any library, the same bytes for the same content, and clear about what is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from alpha_sources.formula import parse
from alpha_sources.libraries import LibraryError, Mark, MarkKind, load_library
from alpha_sources.libraries.categories import Category
from alpha_sources.seed import Mined, SeedError, load_seeds, read_mined, seed_file
from alpha_sources.seed.difference import difference
from alpha_sources.seed.proposal import Checks, Origin, Proposal, Provenance, Reason, Rejected, Seed
from alpha_sources.seed.themes import Theme


def seed(name: str = "drift", formula: str = "pct_change(close, 61)", **where: object) -> Seed:
    known = {
        "published": date(2021, 5, 1),
        "mined_on": date(2024, 3, 1),
        "knowledge_cutoff": date(2023, 10, 1),
    }
    proposal = Proposal(
        name,
        formula,
        Category.MOMENTUM,
        Origin.MODEL,
        title="What drifts: goes on # drifting",
        rationale="'It' is so.",
        horizon_sessions=20,
        where=Provenance(
            document="d" * 64,
            source="note.pdf, page 3",
            page=3,
            passage="It: goes\n on - 继续上涨。",
            passage_found=True,
            key="k" * 64,
            **{**known, **where},  # type: ignore[arg-type]
        ),
    )
    checks = Checks(61, "ratio", 0.99912345, 1.0, -0.01, 0.2, 0.7, warnings=("a: doubt",))
    marks = (Mark(MarkKind.SPARSE, "11 % of the cells"),)
    return Seed(name, proposal, parse(formula), checks, marks)


def written(path: Path, *seeds: Seed, unfinished: str = "") -> Path:
    lost = Rejected(seeds[0].proposal, Reason.LEVEL, "it is\n  a price", times=3)
    path.write_text(seed_file(Mined("Mine", seeds, (lost,), unfinished=unfinished)), encoding="utf-8")
    return path


def test_a_seed_file_is_a_library(tmp_path: Path) -> None:
    path = written(tmp_path / "seeds.yaml", seed(), seed("other", "-returns"))
    for library in (load_seeds(path), load_library(str(path))):
        assert [entry.name for entry in library] == ["drift", "other"]
        entry = library.entry("drift")
        assert entry.category is Category.MOMENTUM and str(entry.parsed) == "pct_change(close, 61)"
        assert entry.title == "What drifts: goes on # drifting" and entry.source == "note.pdf, page 3"
        assert entry.has(MarkKind.SPARSE) and entry.knows_until == date(2024, 3, 1)


def test_bundled_libraries_are_seeds_too() -> None:
    assert len(load_seeds("paper_seeds")) == 100


@pytest.mark.parametrize(
    ("days", "until"),
    [
        ({}, date(2024, 3, 1)),
        ({"published": date(2025, 1, 1)}, date(2025, 1, 1)),
        ({"knowledge_cutoff": date(2024, 9, 1)}, date(2024, 9, 1)),
        ({"published": None, "knowledge_cutoff": None}, date(2024, 3, 1)),
    ],
)
def test_a_seed_knows_what_document_model_and_day_of_mining_could_know(
    tmp_path: Path, days: dict[str, date | None], until: date
) -> None:
    entry = load_seeds(written(tmp_path / "seeds.yaml", seed(**days))).entry("drift")
    assert entry.knows_until == until
    assert entry.postdates(until) and not entry.postdates(date(2026, 1, 1))


def test_what_is_known_of_a_seed_can_be_read_back(tmp_path: Path) -> None:
    path = written(tmp_path / "seeds.yaml", seed())
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    said = whole["entries"][0]["mined"]
    assert said["passage"] == "It: goes\n on - 继续上涨。" and said["cassette_key"] == "k" * 64
    assert said["checks"]["coverage"] == 0.9991 and said["checks"]["warnings"] == ["a: doubt"]
    assert whole["mined"]["rejected"][0]["times"] == 3 and whole["mined"]["left_out"] == {"level": 3}
    assert "nan" not in path.read_text(encoding="utf-8").lower()


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path / "a.yaml", seed()).read_bytes()
    assert written(tmp_path / "b.yaml", seed()).read_bytes() == first
    assert b"a.yaml" not in first and b"/tmp" not in first


def test_a_file_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "seeds.yaml", seed())
    path.write_text(path.read_text(encoding="utf-8").replace("format: 1", "format: 2"), encoding="utf-8")
    with pytest.raises(SeedError, match="its format is 2, this program knows 1"):
        read_mined(path)


def test_a_damaged_file_is_refused_with_the_line(tmp_path: Path) -> None:
    path = written(tmp_path / "seeds.yaml", seed())
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("formula: pct", "formula: (pct"), encoding="utf-8")
    with pytest.raises(LibraryError, match=r"seeds\.yaml, line \d+"):
        load_seeds(path)
    path.write_text(text[: len(text) // 2] + "\n  : [", encoding="utf-8")
    with pytest.raises((LibraryError, SeedError)):
        read_mined(path)
    with pytest.raises(LibraryError, match="there are paper_released"):
        load_seeds("no_such_seeds")


def test_files_without_seeds_say_so(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(seed_file(Mined("Mine", (), (), unfinished="the budget is spent")), encoding="utf-8")
    assert read_mined(path)["unfinished"] == "the budget is spent"  # type: ignore[index]
    with pytest.raises(LibraryError, match="has no entries"):
        load_seeds(path)


def test_a_difference_is_one_of_formulas_not_of_spelling(tmp_path: Path) -> None:
    before = load_seeds(
        written(tmp_path / "a.yaml", seed(), seed("gone", "-returns"), seed("b", "returns * 2"))
    )
    after = load_seeds(
        written(
            tmp_path / "b.yaml",
            seed("drifting", "close / delay(close, 61) - 1"),
            seed("new", "vwap / close"),
            seed("b", "returns * 3"),
        )
    )
    found = difference(before, after)
    assert [entry.name for entry in found.added] == ["new"]
    assert [entry.name for entry in found.removed] == ["gone"] and found.same == 0
    changes = {new.name: what for _, new, what in found.changed}
    assert changes["drifting"][0] == "name: drift -> drifting"
    assert changes["b"] == ("formula: returns * 2 -> returns * 3",)
    assert difference(before, before).same == 3


def test_the_nine_themes_are_the_papers_categories() -> None:
    from alpha_sources.libraries.categories import PAPER_COUNTS

    assert [theme.category for theme in Theme] == [category for category, _ in PAPER_COUNTS]
