"""The tables of fields and operators in docs/formulas.md, from the language itself.

    python benchmarks/formula_reference.py [--write]

``--write`` puts them between the markers; a test fails while they differ.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from alpha_sources.formula.reference import markdown, markdown_fields

PAGE = Path(__file__).resolve().parents[1] / "docs" / "formulas.md"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/formulas.md")
    options = parser.parse_args()
    text = page(PAGE.read_text(encoding="utf-8"))
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


def page(text: str) -> str:
    """The page with both tables as they should be."""
    for name, lines in (("fields", markdown_fields()), ("operators", markdown())):
        body = "\n".join(lines).rstrip()
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(pattern, lambda m, body=body: f"{m[1]}{body}\n{m[2]}", text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    sys.exit(main())
