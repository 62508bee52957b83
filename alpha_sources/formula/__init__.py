"""The formula language: safe, typed, and unable to see the future.

``parse`` reads a text into a `Formula`, by an allow-list and without executing anything; ``evaluate``
computes formulas over a market view, `SessionStream` session after session. The parts: tokens, parser,
resolve (names, kinds, units), operators (the table), fields, dialects, canonical (the normal form),
explanation; kernels, evaluator, stream and session_stream do the numbers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.formula import Formula, parse

if TYPE_CHECKING:
    from alpha_sources.formula.evaluator import evaluate
    from alpha_sources.formula.explanation import explain
    from alpha_sources.formula.operators import OPERATORS
    from alpha_sources.formula.resemblance import similarity
    from alpha_sources.formula.session_stream import SessionStream
    from alpha_sources.formula.stream import evaluate_stream

__all__ = [
    "OPERATORS",
    "Formula",
    "FormulaError",
    "SessionStream",
    "evaluate",
    "evaluate_stream",
    "explain",
    "parse",
    "similarity",
]

#: Imported when first asked for: who only parses needs no numba. No module bears the name of what it offers,
#: since importing it would put the module in the place of the function.
_LATER = {
    "OPERATORS": "operators",
    "SessionStream": "session_stream",
    "evaluate": "evaluator",
    "evaluate_stream": "stream",
    "explain": "explanation",
    "similarity": "resemblance",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
