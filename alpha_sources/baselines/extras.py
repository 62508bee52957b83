"""Libraries that not every installation has."""

from __future__ import annotations

from importlib import import_module

from engine.errors import ProviderError


class MissingExtraError(ProviderError):
    """A baseline needs a library that is not installed, or that cannot be loaded."""


def require(who: str, library: str, extra: str) -> None:
    """Import a library.

    Parameters
    ----------
    who : str
        The baseline.
    library : str
        Its import name.
    extra : str
        What ``pip install alphaloom[...]`` calls it.

    Raises
    ------
    MissingExtraError
        If that fails, as it also does where a shared library that it needs is missing.
    """
    try:
        import_module(library)
    except (ImportError, OSError) as problem:
        absent = isinstance(problem, ModuleNotFoundError) and problem.name == library
        what = "is not installed" if absent else f"cannot be loaded ({' '.join(str(problem).split())})"
        raise MissingExtraError(
            f"{who} needs {library}, which {what}: pip install 'alphaloom[{extra}]'"
        ) from None
