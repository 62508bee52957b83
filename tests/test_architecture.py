"""The floors of the house: no import runs up."""

from __future__ import annotations

import ast
from collections.abc import Collection
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("engine", "alpha_sources", "strategies", "live", "alphaloom")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 50


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_imports_from_a_higher_floor(path: Path) -> None:
    floor = path.relative_to(ROOT).parts[0]
    above = FLOORS[FLOORS.index(floor) + 1 :]
    assert not [name for name in imported(path) if name.split(".")[0] in above]


def test_the_market_knows_nothing_of_rules_or_brokers() -> None:
    for path in (ROOT / "engine" / "market").rglob("*.py"):
        assert not [n for n in imported(path) if n.startswith(("engine.rules", "engine.broker"))], path
    for path in (ROOT / "engine" / "rules").rglob("*.py"):
        assert not [n for n in imported(path) if n.startswith("engine.broker")], path


def test_no_cycle_among_modules() -> None:
    def name_of(path: Path) -> str:
        parts = path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    known = {name_of(path): path for path in MODULES}
    graph = {name: top_level_imports(path, known.keys()) for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name in done:
            return
        for other in sorted(graph[name] - {name}):
            visit(other, (*trail, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


def top_level_imports(path: Path, known: Collection[str]) -> set[str]:
    """Our modules imported when the file is, not inside functions or for type checking alone."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from package import module` needs the module, not what the package's face re-exports
            names |= inner if inner <= set(known) else {node.module}
    return names & set(known)
