"""The command line. One thin command per file; heavy imports wait until a command runs."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run ``alphaloom``; a user's mistake is one line and exit code 2."""
    intruder = _intruder()
    if intruder:
        print(f"error: {intruder}", file=sys.stderr)
        sys.exit(2)
    from alphaloom.cli.app import app
    from engine.errors import AlphaloomError

    try:
        app()
    except AlphaloomError as problem:
        print(f"error: {' '.join(str(problem).split())}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # the reader of our output has left; nothing more to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _intruder() -> str | None:
    """Find another package under one of our generic top-level names, and say where it lies."""
    home = Path(__file__).resolve().parents[2]
    for name in ("engine", "strategies", "alpha_sources", "live"):
        spec = find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin is None or origin.parent.parent != home:
            where = origin.parent if origin else "nowhere"
            return (
                f"the package {name!r} that Python finds lies in {where}, not beside alphaloom in {home}; "
                "remove or rename it, or run alphaloom in an environment of its own"
            )
    return None
