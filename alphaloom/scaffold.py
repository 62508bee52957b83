"""What ``alphaloom new`` writes: which files, under which names, and never over anything."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import shlex
import sys
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from engine.errors import ConfigError, OutputError

_LONGEST = 60
#: what Windows takes for a device, whatever the suffix
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
#: Entry-point groups by what is being made: a short name can stand for one thing only.
_GROUPS = {
    "provider": ("alphaloom.alpha_sources",),
    "strategy": ("alphaloom.strategies",),
    "project": ("alphaloom.alpha_sources", "alphaloom.strategies"),
}


@dataclass(frozen=True, slots=True)
class Scaffold:
    """Files to be written, and what to type next.

    Parameters
    ----------
    files : mapping of Path to str
        Their text by place, parents first.
    notes : mapping of str to str
        What each file is for, as it is told to the user; the key is how the file is called.
    steps : tuple of str
        Commands that work once the files are there.
    """

    files: Mapping[Path, str]
    notes: Mapping[str, str]
    steps: tuple[str, ...]


def new_provider(name: str, folder: Path) -> Scaffold:
    """Plan a provider, its test and a configuration that runs it.

    Parameters
    ----------
    name : str
        ``low_turnover`` or ``LowTurnover``: the module is called the first, the class the second.
    folder : Path
        Where they go.

    Raises
    ------
    ConfigError
        If the name is no identifier or would hide something.
    OutputError
        If one of the files exists.
    """
    return _plugin("provider", name, folder, "change scores() to your idea")


def new_strategy(name: str, folder: Path) -> Scaffold:
    """Plan a strategy, its test and a configuration that runs it; as `new_provider`."""
    return _plugin("strategy", name, folder, "change decide() to your idea")


def new_project(folder: Path) -> Scaffold:
    """Plan an installable package with a provider, a strategy, their tests and a configuration.

    Parameters
    ----------
    folder : Path
        A new or empty folder; the package is called by its name, with underscores for hyphens.

    Raises
    ------
    ConfigError
        If that name is no identifier or would hide something.
    OutputError
        If the folder holds anything.
    """
    root = folder.resolve()
    name, _ = _names("project", re.sub(r"[-\s.]+", "_", root.name))
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        what = "not empty" if root.is_dir() else "a file"
        raise OutputError(f"{folder} is {what}; name a new or empty folder")
    config = f"{name}.yaml"
    common = {"name": name, "config": config, "config_beside_test": f'parents[1] / "{config}"'}
    provider = {**common, "class_name": "Provider", "module": f"{name}.provider"}
    strategy = {
        **common,
        "class_name": "Strategy",
        "target": f"{name}.strategy:Strategy",
        "provider": f"{name}.provider:Provider",
        "provider_params": "{sessions: 20}",
    }
    files = {
        "README.md": _render("project/README.md", common),
        ".gitignore": _render("project/gitignore", common),
        "pyproject.toml": _render("project/pyproject.toml", common),
        config: _render("strategy/strategy.yaml", strategy),
        f"{name}/__init__.py": _render("project/__init__.py", common),
        f"{name}/provider.py": _render("provider/provider.py", provider),
        f"{name}/strategy.py": _render("strategy/strategy.py", strategy),
        "tests/test_provider.py": _render("provider/test_provider.py", provider),
        "tests/test_strategy.py": _render("strategy/test_strategy.py", strategy),
    }
    notes = {
        f"{name}/provider.py": "what scores the stocks",
        f"{name}/strategy.py": "what turns scores into orders",
        config: "a run of both",
        "tests/": "what must hold of them",
        "pyproject.toml": "what gives them short names: pip install -e .",
    }
    steps = (f"cd {shlex.quote(str(folder))}", f"alphaloom check-provider {provider['module']}:Provider")
    return Scaffold(
        {root / path: text for path, text in files.items()},
        notes,
        (*steps, f"alphaloom backtest {config}", "pytest"),
    )


def write_new(files: Mapping[Path, str]) -> None:
    """Write all of them, or none; what exists is never touched.

    Raises
    ------
    OutputError
        If one exists or cannot be written.
    """
    _refuse_existing(list(files))
    made: list[Path] = []
    try:
        for path, text in files.items():
            missing = [folder for folder in (*reversed(path.parents),) if not folder.exists()]
            for folder in missing:
                folder.mkdir()
                made.append(folder)
            with path.open("x", encoding="utf-8", newline="\n") as file:  # x: not even in a race
                made.append(path)
                file.write(text)
    except BaseException as problem:
        for done in reversed(made):
            with suppress(OSError):
                done.rmdir() if done.is_dir() else done.unlink()
        if isinstance(problem, OSError):
            raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None
        raise


def _plugin(kind: str, typed: str, folder: Path, advice: str) -> Scaffold:
    name, class_name = _names(kind, typed)
    module, config, test = f"{name}.py", f"{name}.yaml", f"test_{name}.py"
    values = {
        "name": name,
        "class_name": class_name,
        "module": name,
        "target": f"{module}:{class_name}",
        "config": config,
        "config_beside_test": f'with_name("{config}")',
        "provider": "reversal",
        "provider_params": "{lookback: 20}",
    }
    files = {
        module: _render(f"{kind}/{kind}.py", values),
        config: _render(f"{kind}/{kind}.yaml", values),
        test: _render(f"{kind}/test_{kind}.py", values),
    }
    _refuse_hidden(typed, class_name, files[module] + files[test], name)
    _refuse_existing([folder / path for path in files])
    notes = {module: f"the {kind}: {advice}", config: "a run of it", test: "what must hold of it"}
    check = (f"alphaloom check-provider {values['target']}",) if kind == "provider" else ()
    return Scaffold(
        {folder / path: text for path, text in files.items()},
        notes,
        (*check, f"alphaloom backtest {config}", f"pytest {test}"),
    )


def _names(kind: str, typed: str) -> tuple[str, str]:
    """Names of the module and the class, from what was typed in either spelling."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", typed)
    name = re.sub(r"_+", "_", name).lower()
    class_name = "".join(part[:1].upper() + part[1:] for part in typed.split("_"))
    spelled = unicodedata.normalize("NFKC", typed) == typed
    if not (spelled and name.isidentifier() and class_name.isidentifier()):
        plain = unicodedata.normalize("NFKC", typed).removesuffix(".py")
        better = re.sub(r"\W+", "_", plain).strip("_").lower()
        hint = f"; did you mean {better}?" if better.isidentifier() else "; write letters, digits and _"
        raise ConfigError(f"{typed!r} is no Python name{hint}")
    if len(name.encode()) > _LONGEST:
        raise ConfigError(f"{typed[:20]}... is {len(name.encode())} bytes long; {_LONGEST} are enough")
    reason = _reserved(kind, name, class_name)
    if reason:
        raise ConfigError(f"the name {typed} is taken: {reason}; choose another")
    return name, class_name


def _reserved(kind: str, name: str, class_name: str) -> str | None:
    if keyword.iskeyword(name) or keyword.iskeyword(class_name):
        return "it is a keyword of Python"
    if hasattr(builtins, name) or hasattr(builtins, class_name):
        return "Python has it built in"
    if name in sys.stdlib_module_names:
        return "a module of Python's own library is called so"
    if name in _DEVICES:
        return "Windows has no file of that name"
    if name == "conftest" or name.startswith("test_") or name.endswith("_test"):
        return "pytest would take the file for one of its own"
    for group in _GROUPS[kind]:
        for point in entry_points(group=group, name=name):
            owner = f" of {point.dist.name}" if point.dist else ""
            return f"it is a short name{owner}, {point.value}"
    hidden = _hidden(name)
    return f"it would hide {hidden}" if hidden else None


def _hidden(name: str) -> Path | None:
    """The file outside the working folder that an import of `name` finds."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).resolve()
    return None if Path.cwd().resolve() in found.parents else found


def _refuse_hidden(typed: str, class_name: str, source: str, name: str) -> None:
    """Refuse a class name that a module which defines it also imports."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != name
        for alias in node.names
    }
    if class_name in imported:
        raise ConfigError(
            f"the name {typed} is taken: its class would hide the {class_name} it builds on; choose another"
        )


def _refuse_existing(paths: list[Path]) -> None:
    for path in paths:
        if path.exists() or path.is_symlink():
            raise OutputError(f"{path} exists and is left as it is; choose another name, or move it away")


def _render(template: str, values: Mapping[str, str]) -> str:
    return _environment().get_template(f"{template}.j2").render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alphaloom"),
        autoescape=False,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["yaml"] = _yaml_text
    return environment


def _yaml_text(text: str) -> str:
    """Text as YAML writes it: quoted where it would be read as something else, like null or yes."""
    return text if yaml.safe_load(text) == text else f'"{text}"'
