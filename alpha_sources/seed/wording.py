"""The factory's prompts filled in: what is ours in plain places, what others wrote fenced."""

from __future__ import annotations

from collections.abc import Sequence

from alpha_sources.libraries import load_library
from alpha_sources.llm import DataKind, fence
from alpha_sources.seed.asking import Question
from alpha_sources.seed.examining import own_fields_of
from alpha_sources.seed.pieces import Piece
from alpha_sources.seed.proposal import Rejected
from alpha_sources.seed.questions import Ideas, Mends, Sifted, Summary, prompt
from alpha_sources.seed.settings import FactorySettings
from alpha_sources.seed.themes import MEANINGS, Theme
from alpha_sources.seed.vocabulary import categories_text, examples_text, fields_text, operators_text
from engine.market.view import MarketView

#: Where no formula is to be named.
NONE_YET = "- none"
_LONGEST_FAULT = 600


class Wording:
    """Makes the questions of the factory.

    Parameters
    ----------
    view : MarketView
        Whose fields a formula may read.
    settings : FactorySettings
    """

    def __init__(self, view: MarketView, settings: FactorySettings) -> None:
        self._settings = settings
        self._fields = fields_text(view, own_fields_of(view))
        self._operators = operators_text()
        library = load_library("paper_seeds")
        self._examples = {theme: examples_text(theme, library, view) for theme in Theme}

    def sift(self, piece: Piece, number: int, count: int) -> Question:
        """Ask what a piece is about."""
        rendered = prompt("sift").render(
            fields=self._fields,
            categories=categories_text(),
            number=number,
            count=count,
            piece=piece.envelope(),
        )
        return Question(rendered, Sifted, piece.images)

    def summarise(self, summaries: Sequence[str]) -> Question:
        """Ask for one summary of several."""
        lines = "\n".join(f"- {text}" for text in summaries)
        whole = fence(lines, source="summaries", kind=DataKind.DOCUMENT)
        return Question(prompt("summarise").render(pieces=whole), Summary)

    def propose(
        self, theme: Theme, part: Sequence[Piece], present: str = NONE_YET, sample: int = 0
    ) -> Question:
        """Ask for formulas of a category that follow from some pieces."""
        rendered = prompt("propose").render(
            fields=self._fields,
            operators=self._operators,
            lookback=self._settings.lookback,
            ideas=self._settings.ideas,
            category=str(theme),
            meaning=MEANINGS[theme],
            examples=self._examples[theme],
            present=present,
            pieces=[piece.envelope() for piece in part],
        )
        images = tuple(image for piece in part for image in piece.images)
        return Question(rendered, Ideas, images, sample)

    def mend(self, theme: Theme, faulty: Sequence[Rejected]) -> Question:
        """Ask for better formulas in the place of some that did not pass."""
        rendered = prompt("mend").render(
            fields=self._fields,
            operators=self._operators,
            lookback=self._settings.lookback,
            category=str(theme),
            meaning=MEANINGS[theme],
            faults=fence(_faults(faulty), source="checks", kind=DataKind.CHECKS),
        )
        return Question(rendered, Mends)


def _faults(faulty: Sequence[Rejected]) -> str:
    lines = []
    for number, each in enumerate(faulty, 1):
        lines.append(f"{number}. {each.proposal.name}: {each.proposal.formula}")
        lines += [f"   {line}" for line in each.why[:_LONGEST_FAULT].split("\n")]
    return "\n".join(lines)
