"""The command line. One thin command per file; heavy imports wait until a command runs."""

from __future__ import annotations

import io
import os
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run ``alphaloom``; a user's mistake is one line (a formula's, with a caret) and exit code 2."""
    intruder = _intruder()
    if intruder:
        print(f"error: {intruder}", file=sys.stderr)
        sys.exit(2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal that cannot show a sign gets a question mark, not a traceback
        sys.stdout.reconfigure(errors="replace")
    try:
        from alphaloom.cli.app import app
        from engine.errors import AlphaloomError

        try:
            app()
        except AlphaloomError as problem:
            print(f"error: {_message(problem)}", file=sys.stderr)
            sys.exit(2)
    except KeyboardInterrupt:
        print("Aborted.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # the reader of our output has left; nothing more to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _message(problem: Exception) -> str:
    """One line; of a formula, also the lines with the caret under the character at fault."""
    from alpha_sources.formula import FormulaError

    text = str(problem)
    return text if isinstance(problem, FormulaError) else " ".join(text.split())


def _intruder() -> str | None:
    """Find another package under one of our generic top-level names, and say where it lies."""
    home = Path(__file__).resolve().parents[2]
    for name in ("engine", "strategies", "alpha_sources", "live"):
        spec = find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin is None:
            return f"the package {name!r}, which belongs beside alphaloom in {home}, is missing; reinstall it"
        if origin.parent.parent != home:
            where = origin.parent if origin.name == "__init__.py" else origin
            return (
                f"the package {name!r} that Python finds is {where}, not the one beside alphaloom in {home}; "
                "rename or remove it, or run alphaloom from another folder or in an environment of its own"
            )
    return None
