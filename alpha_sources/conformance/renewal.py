"""A provider as it would be in a process that has just begun: its module run anew, nothing kept in it.

What is kept on a class, in a module or by ``lru_cache`` is shared by all instances, so that fresh ones answer
alike however wrongly. On a renewed one it is gone.
"""

from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from alpha_sources.provider import AlphaProvider

#: what is run, not imported: here, and in a worker process
_SCRIPTS = ("__main__", "__mp_main__")
#: set in a module while it runs another time
_AGAIN = "__runs_anew__"


def renewed(provider: AlphaProvider) -> AlphaProvider | None:
    """Return a copy of a provider whose class comes from another run of the module that defines it.

    Other modules, its parents' among them, stay as they are. None where it cannot be had: a class in a
    function or at a prompt, a module that is no Python file or does not run a second time, an instance that
    cannot be pickled.
    """
    module = sys.modules.get(type(provider).__module__)
    if module is None or module.__name__ in _SCRIPTS or "<locals>" in type(provider).__qualname__:
        return None
    if _AGAIN in vars(module):  # it checks a provider when it is imported, and would for ever
        return None
    try:
        again = _run(module)
        copy = _Reader(io.BytesIO(pickle.dumps(provider)), again).load()
    except Exception:
        return None
    return copy if isinstance(copy, AlphaProvider) and type(copy) is not type(provider) else None


def _run(module: ModuleType) -> ModuleType:
    path = Path(str(module.__file__))
    again = ModuleType(module.__name__, module.__doc__)
    setattr(again, _AGAIN, True)
    for name in ("__file__", "__package__", "__path__", "__spec__", "__loader__"):
        if hasattr(module, name):
            setattr(again, name, getattr(module, name))
    if path.suffix != ".py":
        raise ImportError(f"{path} is no source file")
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    sys.modules[module.__name__] = again  # where dataclasses look for it
    try:
        exec(code, again.__dict__)
    finally:
        sys.modules[module.__name__] = module
    return again


class _Reader(pickle.Unpickler):
    """Takes what belongs to a module from another run of it."""

    def __init__(self, file: io.BytesIO, module: ModuleType) -> None:
        super().__init__(file)
        self._module = module

    def find_class(self, module: str, name: str) -> Any:
        if module != self._module.__name__:
            return super().find_class(module, name)
        found: Any = self._module
        for part in name.split("."):
            found = getattr(found, part)
        return found
