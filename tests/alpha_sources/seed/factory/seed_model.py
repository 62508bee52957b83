"""What the local server answers: a reader that knows these documents by their words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from document_makers import CHINESE, ENGLISH

#: Mines a folder; see the fixture of this name.
Mine = Callable[..., Any]
#: The same with one document and without a file.
Ask = Callable[..., Any]

#: What a piece with these words in it is about.
ABOUT: dict[str, tuple[str, ...]] = {
    "Momentum of the past": ("momentum", "liquidity"),
    "过去十二个月": ("mean_reversion",),
    "There is no text": ("technical",),
    "营业收入": ("fundamental",),
    "heard ": ("volatility",),
}
#: What is proposed for a category: formula, passage.
IDEAS: dict[str, tuple[tuple[str, str], ...]] = {
    "momentum": (("ts_mean(returns, 90) / ts_std(returns, 45)", ENGLISH[0]),),
    "liquidity": (("ts_mean(abs(returns) / amount, 35) / ts_mean(abs(returns) / amount, 130)", ENGLISH[2]),),
    "mean_reversion": (("close / ts_mean(vwap, 7) - 1", CHINESE[1]),),
    "technical": (("rsi(close, 9) - rsi(close, 27)", "the rising line of the chart"),),
    "fundamental": (("ts_rank(pe_ttm, 200)", "营业收入1"),),
    "volatility": (("ts_std(returns, 11) / ts_std(returns, 77)", "heard"),),
}


def idea(formula: str, category: str, passage: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": f"{category} idea",
        "formula": formula,
        "category": category,
        "rationale": "Because the note says so.",
        "passage": passage,
        "sign": "low" if category == "mean_reversion" else "high",
        "horizon_sessions": 5,
        **changes,
    }


def words_of(body: dict[str, Any]) -> str:
    """The text of the user's last message."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@dataclass
class Model:
    """Answers by what it is asked; each answer may be replaced."""

    sifted: Callable[[str], Any] | None = None
    ideas: Callable[[str, str], Any] | None = None
    mends: Callable[[str], Any] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, body: dict[str, Any]) -> str:
        words = words_of(body)
        said = self._answer(words)
        return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)

    def _answer(self, words: str) -> Any:
        if words.startswith("This is piece"):
            self.asked.append(("sift", words))
            return self.sifted(words) if self.sifted else sift(words)
        if found := re.match(r"Propose at most \d+ alphas of the category (\w+)", words):
            self.asked.append(("propose", words))
            return self.ideas(found[1], words) if self.ideas else propose(found[1])
        if words.startswith("The category is"):
            self.asked.append(("mend", words))
            return self.mends(words) if self.mends else {"mends": []}
        if words.startswith("<<<DATA"):
            self.asked.append(("summarise", words))
            return {"summary": "All of it together."}
        # a reply that was sent back: as before, which is no better
        return {"sorry": True}


def sift(words: str) -> dict[str, Any]:
    themes = [theme for mark, themes in ABOUT.items() if mark in words for theme in themes]
    return {"summary": f"It has {len(themes)} ideas.", "tradable": bool(themes), "categories": themes}


def propose(theme: str) -> dict[str, Any]:
    return {"ideas": [idea(formula, theme, passage) for formula, passage in IDEAS.get(theme, ())]}
