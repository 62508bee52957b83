"""What a provider reads besides the view: files, or a whole market through Alphaloom's own doors."""

from __future__ import annotations

import builtins
import io
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

#: what `watching` reports one of our own doors to market data as
WHOLE_MARKET = "load_market"

_LOADERS = frozenset({("engine.market.load", "load_market"), ("engine.market.load", "panel_from_frames")})
#: packages that read files without Python's open(), how their functions for it are called, and with what
_READERS = ("pandas.io.", "pyarrow.", "polars.io.", "lightgbm.", "xgboost.", "catboost.", "safetensors.")
_READING = ("read_", "scan_", "load", "memory_map")
_ARGUMENTS = (
    "path",
    "path_or_buf",
    "filepath_or_buffer",
    "source",
    "file",
    "io",
    "fname",
    "filename",
    "model_file",
)
#: what Python itself runs, and what holds parameters
_CODE = frozenset({".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib", ".pth"})
_SETTINGS = frozenset({".yaml", ".yml", ".toml", ".ini", ".cfg"})
#: modules that read for themselves, whoever calls them
_MACHINERY = ("importlib", "numba.", "zoneinfo", "linecache", "tokenize")
#: where the system, not the user, keeps things
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr/share", "/usr/lib", "/private/etc", "/System", "/Library")


@contextmanager
def watching(read: list[str]) -> Iterator[None]:
    """Write down in `read` what is read while the block runs: paths of files, or `WHOLE_MARKET`, each once.

    Notes
    -----
    Seen are Python's ``open`` and the functions of some packages that read past it. Whoever opens files in
    C, asks a server or hides, is not seen; nor are those functions while a profiler runs.
    """

    def note(found: str | None) -> None:
        if found is not None and found not in read:
            read.append(found)

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if (module, function) in _LOADERS:
            note(WHOLE_MARKET)
        elif module.startswith(_READERS):
            known = frame.f_locals
            if function.startswith(_READING) or "model_file" in known:
                note(next((_path(known[name]) for name in _ARGUMENTS if name in known), None))

    taken = sys.getprofile() is not None  # by a profiler, which could not be put back
    with _open_told(note):
        if not taken:
            sys.setprofile(look)
        try:
            yield
        finally:
            if not taken:
                sys.setprofile(None)


def _by_machinery(frame: FrameType | None) -> bool:
    """Whether a file is opened by what imports or compiles, or by a library while that is imported."""
    libraries = tuple(map(str, _libraries()))
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_MACHINERY):
            return True
        if not frame.f_code.co_filename.startswith((*libraries, "<frozen")):
            return False
        frame = frame.f_back
    return False


def of_their_own(read: Sequence[str], kind: type) -> list[str]:
    """Return the names of those files in what was read that are not what libraries or the system keep.

    Parameters
    ----------
    read : sequence of str
        From `watching`.
    kind : type
        The provider's class: files in its own package count, wherever that is installed.
    """
    libraries, home = _libraries(), _home(kind)

    def counts(place: Path) -> bool:
        around = libraries.intersection(place.parents)
        if around:
            return home in place.parents and home is not None and bool(around.intersection(home.parents))
        return not place.as_posix().startswith(_SYSTEM)

    places = [Path(found) for found in read if found != WHOLE_MARKET]
    return list(dict.fromkeys(place.name for place in places if counts(place)))


@contextmanager
def _open_told(note: Callable[[str | None], None]) -> Iterator[None]:
    real = builtins.open

    def told(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
        if ("r" in mode or "+" in mode) and not _by_machinery(sys._getframe(1)):
            note(_path(file))
        return real(file, mode, *args, **named)

    builtins.open = io.open = told
    try:
        yield
    finally:
        builtins.open = io.open = real


def _path(given: Any) -> str | None:
    """Return a path as text, if it is one of a file that is no code."""
    if not isinstance(given, str | os.PathLike):
        return None
    path = os.fspath(given)
    if not isinstance(path, str) or not 0 < len(path) < 1000 or "\n" in path or "\0" in path:
        return None
    return None if Path(path).suffix in _CODE | _SETTINGS else str(Path(path).resolve())


def _libraries() -> set[Path]:
    paths = sysconfig.get_paths()
    return {Path(paths[key]).resolve() for key in ("stdlib", "platstdlib", "purelib", "platlib")}


def _home(kind: type) -> Path | None:
    """Return the folder of the package that a class comes from, or of its file where that is alone."""
    package, _, inner = kind.__module__.partition(".")
    file = getattr(sys.modules.get(package if inner else kind.__module__), "__file__", None)
    return Path(file).resolve().parent if file is not None else None
