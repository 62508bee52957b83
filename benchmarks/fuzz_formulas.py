"""Coverage-guided fuzzing of the formula parser with atheris, for a bounded time.

    pip install -e '.[fuzz]'
    python benchmarks/fuzz_formulas.py [--runs 50000] [--seconds 60] [--corpus FOLDER]

Any text must give a formula, which reads back as itself, or a FormulaError that is short and comes soon.
Anything else stops the run with the input that did it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["alpha_sources.formula"]):
    from alpha_sources.formula import FormulaError, explain, parse
    from alpha_sources.formula.dialects import DIALECTS
    from alpha_sources.formula.operators import ALL

LONGEST_MESSAGE = 500
SLOWEST_S = 2.0  # instrumented code is several times slower
NAMES = sorted(DIALECTS)


def read_one(data: bytes) -> None:
    """One input: the first byte chooses the dialect, the rest is the text."""
    dialect = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    text = data[1:].decode("utf-8", "surrogateescape")
    begun = time.perf_counter()
    try:
        formula = parse(text, dialect)
        again = parse(str(formula))
        if again != formula or again.canonical != formula.canonical:
            raise AssertionError(f"{text!r} reads back as another formula: {str(formula)!r}")
        explain(formula)
    except FormulaError as refused:
        if len(str(refused)) > LONGEST_MESSAGE:
            raise AssertionError(f"{text!r}: the message has {len(str(refused))} characters") from None
    took = time.perf_counter() - begun
    if took > SLOWEST_S:
        raise AssertionError(f"{text!r} took {took:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=50_000, help="inputs to try")
    parser.add_argument("--seconds", type=int, default=60, help="time to stop after")
    parser.add_argument("--corpus", type=Path, help="folder of inputs to start from and add to")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        corpus = options.corpus or Path(temporary) / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for operator in ALL:
            (corpus / f"example-{operator.name}").write_bytes(b"\x00" + operator.example.encode())
        words = Path(temporary) / "words.dict"
        words.write_text("".join(f'"{operator.name}("\n' for operator in ALL), encoding="ascii")
        arguments = [
            f"-runs={options.runs}",
            f"-max_total_time={options.seconds}",
            f"-dict={words}",
            f"-artifact_prefix={temporary}/",
            "-max_len=512",
            "-timeout=10",
            str(corpus),
        ]
        atheris.Setup([sys.argv[0], *arguments], read_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
