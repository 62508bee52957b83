"""The one door to language models: bounded answers, a hard budget, and a cassette of every call.

`Door` asks; `Prompt` and `fence` make what is asked; `answer_types` and `answer_schema` say what may come
back. The parts: config, key, transport (one exchange), outcome (what it means), caller (again, within the
budget), source (cassette or server), inquiry and conversation (repairs), salvage, allowance, costs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpha_sources.llm.allowance import Allowance
    from alpha_sources.llm.answer_types import (
        FormulaRule,
        FormulaText,
        Label,
        Line,
        Paragraph,
        SignedUnit,
        UnitInterval,
        bounded,
    )
    from alpha_sources.llm.attachment import Attachment
    from alpha_sources.llm.cassette import Cassette
    from alpha_sources.llm.clock import Clock
    from alpha_sources.llm.config import LlmConfig, Mode, Profile
    from alpha_sources.llm.costs import Costs
    from alpha_sources.llm.door import Door, Transcript
    from alpha_sources.llm.errors import LlmError
    from alpha_sources.llm.fencing import DataKind, Envelope, fence
    from alpha_sources.llm.inquiry import Consultation, Inquiry
    from alpha_sources.llm.prompt import Prompt, Rendered
    from alpha_sources.llm.salvage import Spoilt

#: Where each name lives: imported when first asked for, since a configuration needs neither SQL nor formulas.
_LATER = {
    "Allowance": "allowance",
    "Attachment": "attachment",
    "Cassette": "cassette",
    "Clock": "clock",
    "Consultation": "inquiry",
    "Costs": "costs",
    "DataKind": "fencing",
    "Door": "door",
    "Envelope": "fencing",
    "FormulaRule": "answer_types",
    "FormulaText": "answer_types",
    "Inquiry": "inquiry",
    "Label": "answer_types",
    "Line": "answer_types",
    "LlmConfig": "config",
    "LlmError": "errors",
    "Mode": "config",
    "Paragraph": "answer_types",
    "Profile": "config",
    "Prompt": "prompt",
    "Rendered": "prompt",
    "SignedUnit": "answer_types",
    "Spoilt": "salvage",
    "Transcript": "door",
    "UnitInterval": "answer_types",
    "bounded": "answer_types",
    "fence": "fencing",
}

__all__ = [
    "Allowance",
    "Attachment",
    "Cassette",
    "Clock",
    "Consultation",
    "Costs",
    "DataKind",
    "Door",
    "Envelope",
    "FormulaRule",
    "FormulaText",
    "Inquiry",
    "Label",
    "Line",
    "LlmConfig",
    "LlmError",
    "Mode",
    "Paragraph",
    "Profile",
    "Prompt",
    "Rendered",
    "SignedUnit",
    "Spoilt",
    "Transcript",
    "UnitInterval",
    "bounded",
    "fence",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
