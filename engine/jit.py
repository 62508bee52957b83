"""The one door to numba: compile on first use, and keep the machine code where it can be kept.

Importing numba takes a third of a second: what need not run a back-test does not import this module.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs
from numba.core import config as numba_config

# their stubs know neither the settings nor options handed on
config: Any = numba_config
njit: Any = numba.njit

F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F) -> F:
    """Compile a function on first use, free of the interpreter lock and with the arithmetic of IEEE 754.

    Parameters
    ----------
    function : callable
        Takes and returns numbers and arrays. It is compiled for the types of its first call, and again for
        others: callers hand in the same types every time.

    Returns
    -------
    callable
        With the signature of `function`. Sums are not reordered and products not fused, so results are those
        of Python to the last bit; integers are 64 bits wide and wrap around in silence, which the caller must
        rule out; a division by zero is inf or NaN.

    Notes
    -----
    Machine code is kept in ``NUMBA_CACHE_DIR`` where the user set it, else in the user's cache folder, else
    in a private temporary one, else nowhere. numba alone would look beside the source and raise at import
    where nothing is writable. It is made anew when the module of the function changes, so a kernel takes
    nothing from other modules but constants that never do.
    """
    options = {"nogil": True, "error_model": "numpy"}
    folder = cache_folder()
    if folder is None:
        return cast(F, njit(**options)(function))
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        return cast(F, njit(cache=True, **options)(function))
    except (RuntimeError, OSError):
        # no locator: the source is neither a file nor importable, as in some frozen programs
        return cast(F, njit(**options)(function))
    finally:
        config.CACHE_DIR = before


@lru_cache(maxsize=1)
def cache_folder() -> Path | None:
    """Return the first candidate that can be written to and is nobody else's, or None."""
    for folder in _candidates():
        if _usable(folder):
            return folder
    return None


def _candidates() -> Iterator[Path]:
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR)
    yield Path(platformdirs.user_cache_dir("alphaloom")) / "numba"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    yield Path(tempfile.gettempdir()) / f"alphaloom-numba-{user}"


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        status = folder.stat()
    except OSError:
        return False
    # cached code is executed: a folder that others may write to would be theirs to run code in
    return os.name != "posix" or (status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH)
