"""The tables of docs/libraries.md, from the libraries and the bundled sample.

    python tests/alpha_sources/libraries/library_page.py [--write]

``--write`` puts them between the markers; a test fails while they differ.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from alpha_sources.libraries import (
    Category,
    EntryCheck,
    Library,
    MarkKind,
    check_library,
    library_names,
    load_library,
)
from alphaloom import load_panel

PAGE = Path(__file__).resolve().parents[3] / "docs" / "libraries.md"
#: From which mean rank correlation on two formulas are marked as the same: seeds are to differ more.
THRESHOLDS = {"paper_released": 0.9, "paper_seeds": 0.9, "alpha101": 0.99, "gtja191": 0.99, "alpha158": 0.99}

Checks = Mapping[str, tuple[EntryCheck, ...]]


def checked() -> dict[str, tuple[EntryCheck, ...]]:
    """Every library on all of the sample, and all of them as one under an empty name."""
    panel = load_panel("sse50")
    view = panel.view(len(panel.dates) - 1)
    libraries = [load_library(name) for name in library_names()]
    checks = {each.name: check_library(each, view, threshold=THRESHOLDS[each.name]) for each in libraries}
    renamed = [replace(entry, name=f"{each.name}/{entry.name}") for each in libraries for entry in each]
    return {**checks, "": check_library(Library("", "", tuple(renamed)), view, sessions=100)}


def page(text: str, checks: Checks) -> str:
    """The page with its tables as they should be."""
    libraries = {name: load_library(name) for name in library_names()}
    tables = {
        "overview": _overview(libraries, checks),
        "categories": _categories(libraries),
        "released": _released(libraries["paper_released"]),
        "missing": _of_kind(libraries, MarkKind.NOT_COMPUTABLE, MarkKind.NOT_ON_SAMPLE),
        "readings": _of_kind(
            libraries, MarkKind.MISPRINT, MarkKind.UNCERTAIN, MarkKind.ADAPTED, leave_out="paper_released"
        ),
        "between": _between(checks[""]),
        "findings": _of_kind(
            libraries,
            MarkKind.DUPLICATE_OF,
            MarkKind.LEVEL,
            MarkKind.CONSTANT,
            MarkKind.SPARSE,
            leave_out="paper_released",
        ),
    }
    for name, lines in tables.items():
        body = "\n".join(lines)
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(pattern, lambda m, body=body: f"{m[1]}{body}\n{m[2]}", text, flags=re.DOTALL)
    return text


def _overview(libraries: Mapping[str, Library], checks: Checks) -> Iterator[str]:
    yield "| library | formulas | with values here | marked | coverage: median, least | knows until |"
    yield "|---|---|---|---|---|---|"
    for name, library in libraries.items():
        parts = [each.coverage for each in checks[name] if each.coverage]
        marked = sum(bool(entry.marks) for entry in library)
        day = max(entry.knows_until for entry in library if entry.knows_until)
        yield (
            f"| `{name}` | {len(library)} | {len(parts)} | {marked} "
            f"| {_percent(median(parts))}, {_percent(min(parts))} | {day} |"
        )


def _categories(libraries: Mapping[str, Library]) -> Iterator[str]:
    yield "| category | " + " | ".join(f"`{name}`" for name in libraries) + " |"
    yield "|---" * (len(libraries) + 1) + "|"
    for category in Category:
        counts = [len(library.of(category)) for library in libraries.values()]
        yield f"| {category} | " + " | ".join(str(n or "") for n in counts) + " |"


def _released(library: Library) -> Iterator[str]:
    yield "| row | printed | read as | IC, IR | marks |"
    yield "|---|---|---|---|---|"
    for row, entry in enumerate(library, start=1):
        printed = f"{entry.category}: {entry.title}"
        if entry.printed not in entry.title.replace(" ", "").replace("-", ""):
            printed += f", {_code(_short(entry.printed))}"
        marks = "<br>".join(map(str, entry.marks))
        cells = (row, printed, f"`{entry.name}` {_code(_short(entry.formula))}")
        yield _row(*cells, f"{entry.ic_mean:+.4f}, {entry.icir:+.3f}", marks)


def _of_kind(libraries: Mapping[str, Library], *kinds: MarkKind, leave_out: str = "") -> Iterator[str]:
    yield "| library | formulas | mark |"
    yield "|---|---|---|"
    for name, library in libraries.items():
        if name == leave_out:
            continue
        for kind in kinds:
            said: dict[str, list[str]] = {}
            for entry in library:
                if mark := entry.mark(kind):
                    said.setdefault(mark.reason, []).append(
                        f"{entry.name} of {mark.of}" if mark.of else entry.name
                    )
            for reason, names in said.items():
                yield _row(f"`{name}`", ", ".join(names), f"{str(kind).replace('_', ' ')}: {reason}")


def _between(checks: tuple[EntryCheck, ...]) -> Iterator[str]:
    """What one library repeats of an earlier one."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for each in checks:
        if each.twin is None or each.twin.kept is None:
            continue
        here, _, name = each.entry.name.partition("/")
        there, _, kept = each.twin.kept.partition("/")
        if here != there:
            sign = "-" if each.twin.signed < 0 else ""
            pairs.setdefault((here, there), []).append(f"{name} {sign}{kept}")
    yield "| library | repeats of | formulas, with the earlier one |"
    yield "|---|---|---|"
    for (here, there), names in pairs.items():
        yield _row(f"`{here}`", f"`{there}`", ", ".join(names))


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    return f"`{text}`"


def _short(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:87]}..."


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/libraries.md")
    options = parser.parse_args()
    text = page(PAGE.read_text(encoding="utf-8"), checked())
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
