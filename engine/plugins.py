"""Find the classes that users name: ``package.module:Class``, ``path/to/file.py:Class`` or a short name.

A short name is an entry point of an installed distribution. Alpha providers and strategies come in through
this one door; who calls says what kind it wants and which error to raise.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from engine.errors import AlphaloomError


@dataclass(frozen=True, slots=True)
class PluginKind:
    """What is being looked for.

    Parameters
    ----------
    noun : str
        What messages call it: ``alpha provider``.
    group : str
        Entry-point group of its short names: ``alphaloom.alpha_sources``.
    parent : type
        Class it must derive from.
    error : type of AlphaloomError
        Raised, with one line, when it cannot be had.
    """

    noun: str
    group: str
    parent: type
    error: type[AlphaloomError]


def list_entry_points(group: str) -> dict[str, str]:
    """Short names of a group and what each stands for, in alphabetical order."""
    return {point.name: point.value for point in sorted(entry_points(group=group), key=lambda p: p.name)}


def load_object(name: str, kind: PluginKind, base: Path | None = None) -> type:
    """Return the class that `name` stands for.

    Parameters
    ----------
    name : str
        ``package.module:Class``, ``path/to/file.py:Class`` or a short name.
    kind : PluginKind
        What it must be.
    base : Path, optional
        Folder that a relative file path starts from; default the working folder.

    Raises
    ------
    AlphaloomError
        Of the type `kind.error`: nothing of that name, a module that fails to import, no such class in
        it, or a class of another kind.

    Notes
    -----
    Console scripts do not see the working folder, so it is appended to ``sys.path`` for dotted names. A
    file becomes a module whose name follows from its path and content: it is run once as long as it stays
    the same, and instances of its classes can be pickled within the process.
    """
    target, _, attribute = name.rpartition(":")
    if not target:
        return _from_short_name(name, kind)
    if target.endswith(".py"):
        module = _import_file((base or Path.cwd()) / Path(target).expanduser(), kind)
    else:
        if str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))
        importlib.invalidate_caches()
        module = _import_module(target, kind)
    return _class_of(module, attribute, kind)


def construct(cls: type, name: str, params: Mapping[str, Any], kind: PluginKind) -> Any:
    """Make an instance of `cls`, or say which argument of `params` is unknown or missing."""
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        raise kind.error(f"{kind.noun} {name!r} does not implement {missing}")
    _check_arguments(cls, name, params, kind)
    try:
        return cls(**params)
    except AlphaloomError as exc:
        exc.args = (f"{kind.noun} {name!r}: {exc}",)
        raise
    except Exception as exc:
        raise kind.error(f"{kind.noun} {name!r} cannot be made: {describe(exc)}") from exc


def path_parameters(cls: type) -> frozenset[str]:
    """Names of the constructor arguments annotated ``Path`` (or a union with it)."""
    return frozenset(
        parameter.name
        for parameter in inspect.signature(cls).parameters.values()
        if _mentions_path(parameter.annotation)
    )


def describe(exc: BaseException) -> str:
    """One line: the exception's type and message, and the line of the user's file it came from."""
    text = " ".join(str(exc.msg if isinstance(exc, SyntaxError) else exc).split())
    place = _place(exc)
    return f"{type(exc).__name__}{': ' if text else ''}{text}{f' ({place})' if place else ''}"


def _from_short_name(name: str, kind: PluginKind) -> type:
    points = _points(kind.group, name, tuple(sys.path))
    if len(points) > 1:
        raise kind.error(
            f"{len(points)} installed packages offer the {kind.noun} {name!r}; write one of "
            f"{', '.join(sorted(point.value for point in points))}"
        )
    for point in points:
        return _from_entry_point(point, kind)
    _points.cache_clear()  # it may be installed before it is asked for again
    if "." in name:
        raise kind.error(f"{kind.noun} {name!r} names no class; write {name}:Class")
    known = list(list_entry_points(kind.group))
    raise kind.error(
        f"no {kind.noun} is called {name!r}{nearest(name, known)}; known: {', '.join(known) or 'none'}; "
        "or write package.module:Class or path/to/file.py:Class"
    )


@lru_cache(maxsize=64)
def _points(group: str, name: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What the distributions on `path` offer under a name; looking costs as much as a thousand orders."""
    return tuple({point.value: point for point in entry_points(group=group, name=name)}.values())


def _from_entry_point(point: EntryPoint, kind: PluginKind) -> type:
    return _class_of(_import_module(point.module, kind), point.attr, kind)


def _import_module(name: str, kind: PluginKind) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name is not None and (name == exc.name or name.startswith(f"{exc.name}.")):
            raise kind.error(
                f"{kind.noun}: there is no module {exc.name!r}, neither installed nor in the working folder"
            ) from exc
        raise kind.error(f"{kind.noun}: importing {name} failed: {describe(exc)}") from exc
    except (Exception, SystemExit) as exc:
        raise kind.error(f"{kind.noun}: importing {name} failed: {describe(exc)}") from exc


def _import_file(path: Path, kind: PluginKind) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise kind.error(f"{kind.noun}: there is no file {path}")
    source = path.read_bytes()
    identity = hashlib.sha256(str(path).encode() + b"\0" + source).hexdigest()[:16]
    name = f"alphaloom_plugin_{path.stem}_{identity}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # not by the spec's loader: its bytecode cache takes an edit within the same second for no edit
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as exc:
        del sys.modules[name]
        raise kind.error(f"{kind.noun}: importing {path} failed: {describe(exc)}") from exc
    return module


def _class_of(module: ModuleType, attribute: str, kind: PluginKind) -> type:
    place = module.__file__ or module.__name__
    found: Any = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    parent = kind.parent
    if found is None:
        candidates = sorted(
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, parent) and value is not parent
        )
        listed = f"it has {', '.join(candidates)}" if candidates else f"it has no {parent.__name__} at all"
        raise kind.error(
            f"{kind.noun}: {place} has no class {attribute!r}{nearest(attribute, candidates)}; {listed}"
        )
    if not isinstance(found, type) or not issubclass(found, parent):
        raise kind.error(
            f"{kind.noun}: {attribute} in {place} is no {parent.__name__}; derive it from "
            f"{parent.__module__}.{parent.__qualname__}"
        )
    return found


def _check_arguments(cls: type, name: str, params: Mapping[str, Any], kind: PluginKind) -> None:
    by_keyword = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    signature = inspect.signature(cls).parameters.values()
    accepted = {p.name: p.default for p in signature if p.kind in by_keyword}
    listed = f"it accepts {', '.join(accepted) or 'none'}"
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature):
        for wrong in params:
            if wrong not in accepted:
                hint = nearest(str(wrong), accepted)
                raise kind.error(f"{kind.noun} {name!r} has no parameter {wrong!r}{hint}; {listed}")
    missing = [p for p, default in accepted.items() if default is inspect.Parameter.empty and p not in params]
    if missing:
        raise kind.error(f"{kind.noun} {name!r} needs the parameter {', '.join(missing)}; {listed}")


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` where a known word is close to `word`, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _mentions_path(annotation: Any) -> bool:
    if isinstance(annotation, str):  # from __future__ import annotations
        return re.search(r"\bPath\b", annotation) is not None
    return Path in (annotation, *get_args(annotation))


def _place(exc: BaseException) -> str:
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{exc.filename}:{exc.lineno}"
    libraries = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))
    frames = [
        frame
        for frame in traceback.extract_tb(exc.__traceback__)
        if not frame.filename.startswith("<") and frame.filename != __file__
    ]
    own = [frame for frame in frames if not frame.filename.startswith(libraries)] or frames
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""
