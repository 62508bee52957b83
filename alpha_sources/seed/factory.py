"""`Factory`: documents in, seeds out, one document after the other.

What is asked depends on the documents, the settings and earlier replies alone: a run that was killed is run
again, and finds what it has paid for on the cassette.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from alpha_sources.libraries import Library
from alpha_sources.llm import Consultation, Door, LlmError
from alpha_sources.seed.asking import Asker
from alpha_sources.seed.documents import Document, Limits, Skipped
from alpha_sources.seed.examining import Examiner
from alpha_sources.seed.mined import DocumentRecord, Mined, RejectedList
from alpha_sources.seed.pieces import Piece, TextMask, parts_of, pieces_of
from alpha_sources.seed.proposal import MENDABLE, Proposal, Rejected, Seed
from alpha_sources.seed.questions import Sifted
from alpha_sources.seed.settings import FactorySettings
from alpha_sources.seed.sources import from_library, from_reply, from_text
from alpha_sources.seed.themes import Theme
from alpha_sources.seed.wording import NONE_YET, Wording

_INTERRUPTED = "it was interrupted"
_LONGEST_LINE = 600

Step = Callable[[Mined], None]
Say = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Task:
    """One question for formulas: a category, and the pieces that speak of it."""

    theme: Theme
    part: tuple[Piece, ...]


class Factory:
    """Turns documents into seeds.

    Parameters
    ----------
    examiner : Examiner
        With what formulas are tried on; it remembers what is kept.
    settings : FactorySettings
    today : date
        In Shanghai: the day of mining, but for replies whose day the cassette knows.
    door : Door or None
        None, or one that is offline, goes by what stands in the documents as formulas.
    mask : TextMask or None
        What the model sees goes through it, and pictures are not shown.
    title : str
        Of the seed file.
    data : mapping
        What the file says of the data that formulas were tried on.
    libraries : sequence of Library
        Whose entries, as far as the data can compute them, come first.
    limits : Limits or None
        That the documents were read with, for the file: those that are not as by default.
    """

    def __init__(
        self,
        examiner: Examiner,
        settings: FactorySettings,
        *,
        today: date,
        door: Door | None = None,
        mask: TextMask | None = None,
        title: str = "Seed alphas mined from documents",
        data: Mapping[str, Any] | None = None,
        libraries: Sequence[Library] = (),
        limits: Limits | None = None,
    ) -> None:
        self._examiner, self._settings, self._today = examiner, settings, today
        self._asker = None if door is None or door.offline else Asker(door, today)
        self._mask, self._title, self._data = mask, title, dict(data or {})
        self._libraries = tuple(libraries)
        self._limits = {} if limits is None else limits.plain()
        self._seeds: list[Seed] = []
        self._rejected = RejectedList()
        self._documents: list[DocumentRecord] = []
        self._skipped: list[Skipped] = []
        self._hashes: set[str] = set()
        self._step: Step = lambda mined: None
        self._say: Say = lambda what, done, total: None
        self._words = Wording(examiner.view, settings) if self._asker is not None else None

    def mine(
        self,
        documents: Iterable[Document | Skipped],
        *,
        on_step: Step | None = None,
        say: Say | None = None,
    ) -> Mined:
        """Mine documents.

        Parameters
        ----------
        documents : iterable of Document or Skipped
            Read one by one: no more than one is held.
        on_step : callable
            Called with all that was mined so far, after every question that gave formulas.
        say : callable
            Called with what is going on and how many of its questions are done, of how many.

        Returns
        -------
        Mined
            With `unfinished` set where a model could not be asked to the end: no budget, no key, a server
            that is gone. What was mined before is in it.

        Raises
        ------
        KeyboardInterrupt
            After a last `on_step` with what was mined.
        """
        self._step, self._say = on_step or self._step, say or self._say
        for library in self._libraries:
            self._take_library(library)
        try:
            for document in documents:
                self._one(document)
                self._step(self.mined(unfinished="it is under way"))
        except LlmError as error:
            return self.mined(unfinished=" ".join(str(error).split()))
        except KeyboardInterrupt:
            self._step(self.mined(unfinished=_INTERRUPTED))
            raise
        number = self._asker.unanswered if self._asker else 0
        said = "1 question had no reply" if number == 1 else f"{number} questions had no reply"
        return self.mined(unfinished=said if number else "")

    def mined(self, unfinished: str = "") -> Mined:
        """Return what was mined so far."""
        asker = self._asker
        return Mined(
            self._title,
            tuple(self._seeds),
            self._rejected.all(),
            tuple(self._documents),
            tuple(self._skipped),
            tuple(sorted(asker.models)) if asker else (),
            dict(sorted(asker.prompts.items())) if asker else {},
            asker.profile.knowledge_cutoff if asker else None,
            self._mask.hash if self._mask is not None and asker else "",
            self._data,
            self._settings.plain()
            | {"libraries": [library.name for library in self._libraries]}
            | ({"limits": self._limits} if self._limits else {}),
            unfinished,
        )

    # -- one document

    def _one(self, document: Document | Skipped) -> None:
        if isinstance(document, Skipped):
            self._skipped.append(document)
            return
        if document.hash in self._hashes:
            self._skipped.append(Skipped(document.name, "the same bytes as a document before it"))
            return
        self._hashes.add(document.hash)
        self._say(document.name, 0, 0)
        record = DocumentRecord.of(document)
        heard, record = self._heard(document, record)
        if heard is None:
            self._skipped.append(Skipped(document.name, record.notes[-1]))
            return
        if self._asker is None:
            if not heard.text.strip():
                reason = "it has no text, and no model is asked that could look at its pictures"
                self._skipped.append(Skipped(document.name, reason))
                return
            self._documents.append(record)
            self._found(heard, self._today)
            return
        pieces, notes = pieces_of(heard, self._settings, vision=self._asker.profile.vision, mask=self._mask)
        for note in notes:
            record = record.noted(note)
        if not pieces:
            self._skipped.append(Skipped(document.name, "; ".join(notes) or "there is nothing to show"))
            return
        self._documents.append(record)
        day = self._ask_all(heard, pieces)
        self._found(heard, day or self._today)

    def _heard(self, document: Document, record: DocumentRecord) -> tuple[Document | None, DocumentRecord]:
        """Return a recording with its text; None, and the reason as the last note, if it cannot be had."""
        if not document.sounds:
            return document, record
        if self._asker is None:
            return self._deaf(document, record, "it is a recording, and no model is asked that could hear it")
        if self._asker.profile.transcription_model is None:
            return self._deaf(document, record, "the profile has no transcription_model to hear it with")
        texts: list[str] = []
        sounds = [(sound.data, sound.seconds) for sound in document.sounds]
        for done, came in enumerate(self._asker.transcribe(sounds), 1):
            if isinstance(came, LlmError):
                return self._deaf(document, record, f"it was not heard: {_line(came)}")
            texts.append(came.text)
            self._say(f"{document.name}: hearing", done, len(sounds))
        return document.transcribed(tuple(texts)), record.noted("heard by a transcription model")

    def _deaf(
        self, document: Document, record: DocumentRecord, why: str
    ) -> tuple[Document | None, DocumentRecord]:
        seen = self._asker is not None and self._asker.profile.vision and document.images
        return (document if seen else None), record.noted(why)

    def _note(self, **changes: Any) -> None:
        self._documents[-1] = replace(self._documents[-1], **changes)

    # -- what a model makes of it

    def _ask_all(self, document: Document, pieces: Sequence[Piece]) -> date | None:
        """Ask all about a document; return the latest day of a reply."""
        days: list[date] = []
        sifted = self._sift(document, pieces, days)
        tasks = [
            _Task(theme, part)
            for theme in Theme
            for part in parts_of(
                [piece for piece, said in sifted if theme in said.categories],
                self._settings.part_characters,
                max(self._settings.images, 1),
            )
        ]
        self._propose(document, tasks, days, again=False)
        counts = self._examiner.counts
        lacking = [task for task in tasks if counts[task.theme.category] < self._settings.least]
        self._propose(document, lacking, days, again=True)
        return max(days, default=None)

    def _sift(
        self, document: Document, pieces: Sequence[Piece], days: list[date]
    ) -> list[tuple[Piece, Sifted]]:
        """Ask what each piece is about; keep a summary; return those of which something can be made."""
        assert self._asker is not None and self._words is not None
        questions = [self._words.sift(piece, n, len(pieces)) for n, piece in enumerate(pieces, 1)]
        answered: list[tuple[Piece, Sifted]] = []
        for done, (piece, came) in enumerate(zip(pieces, self._asker.all(questions), strict=True), 1):
            self._say(f"{document.name}: reading", done, len(questions))
            if isinstance(came, LlmError):
                self._documents[-1] = self._documents[-1].noted(f"{piece.place} was not read: {_line(came)}")
                continue
            days.append(self._asker.day(came.key, came.sample))
            self._left_out(piece.place, came)
            answered.append((piece, came.answer))
        fit = [(piece, said) for piece, said in answered if said.tradable and said.categories]
        themes = [theme for theme in Theme if any(theme in said.categories for _, said in fit)]
        self._note(
            summary=self._summary([said.summary for _, said in answered], days),
            tradable=bool(fit) if answered else None,
            categories=tuple(str(theme) for theme in themes),
        )
        return fit

    def _summary(self, pieces: Sequence[str], days: list[date]) -> str:
        assert self._asker is not None and self._words is not None
        if len(pieces) < 2:
            return pieces[0] if pieces else ""
        (came,) = self._asker.all([self._words.summarise(pieces)])
        if isinstance(came, LlmError):
            return pieces[0]
        days.append(self._asker.day(came.key, came.sample))
        return str(came.answer.summary)

    def _propose(self, document: Document, tasks: Sequence[_Task], days: list[date], *, again: bool) -> None:
        """Ask for formulas, examine them, and send back what can be mended, wave by wave."""
        assert self._asker is not None and self._words is not None
        questions = [
            self._words.propose(task.theme, task.part, self._present(task.theme), 1)
            if again
            else self._words.propose(task.theme, task.part)
            for task in tasks
        ]
        waiting: list[tuple[_Task, list[Rejected]]] = []
        for done, (task, came) in enumerate(zip(tasks, self._asker.all(questions), strict=True), 1):
            self._say(f"{document.name}: {task.theme}", done, len(tasks))
            if isinstance(came, LlmError):
                self._lost(task, came)
                continue
            days.append(self._asker.day(came.key, came.sample))
            self._left_out(f"{task.theme} of {task.part[0].place}", came)
            waiting.append((task, self._settle(from_reply(came, document, task.part, days[-1]))))
        for _ in range(self._settings.mends):
            waiting = [(task, faulty) for task, faulty in waiting if faulty]
            waiting = self._mend(document, waiting, days)
        for _, faulty in waiting:
            self._rejected.add(faulty)

    def _settle(self, proposals: Sequence[Proposal]) -> list[Rejected]:
        """Examine, keep what passes, and return what may be mended."""
        found = self._examiner.examine(proposals)
        kept = [each for each in found if isinstance(each, Seed)]
        faulty = [each for each in found if isinstance(each, Rejected)]
        mendable = [each for each in faulty if each.reason in MENDABLE and self._settings.mends]
        self._seeds += kept
        self._rejected.add([each for each in faulty if each not in mendable])
        record = self._documents[-1]
        new = sum(not proposal.repaired for proposal in proposals)
        self._note(proposed=record.proposed + new, kept=record.kept + len(kept))
        self._step(self.mined(unfinished="it is under way"))
        return mendable

    def _mend(
        self,
        document: Document,
        waiting: Sequence[tuple[_Task, list[Rejected]]],
        days: list[date],
    ) -> list[tuple[_Task, list[Rejected]]]:
        assert self._asker is not None and self._words is not None
        questions = [self._words.mend(task.theme, faulty) for task, faulty in waiting]
        out = []
        for (task, faulty), came in zip(waiting, self._asker.all(questions), strict=True):
            self._say(f"{document.name}: mending {task.theme}", 0, 0)
            if isinstance(came, LlmError):
                self._lost(task, came)
                self._rejected.add(faulty)
                continue
            days.append(self._asker.day(came.key, came.sample))
            self._left_out(f"{task.theme} of {task.part[0].place}, mended", came)
            mended = {mend.number: mend.formula for mend in came.answer.mends}
            again: list[Proposal] = []
            for number, each in enumerate(faulty, 1):
                formula = mended.get(number)
                if formula is None or formula.strip() == each.proposal.formula.strip():
                    self._rejected.add([each])
                else:
                    again.append(_mended(each.proposal, formula, came, days[-1]))
            out.append((task, self._settle(again) if again else []))
        return out

    def _lost(self, task: _Task, error: LlmError) -> None:
        note = f"{task.theme} of {task.part[0].place} has no answer: {_line(error)}"
        self._documents[-1] = self._documents[-1].noted(note)

    def _left_out(self, where: str, came: Consultation[Any]) -> None:
        """Note what a reply had besides what can be used: one entry at fault does not cost the others."""
        for one in came.spoilt:
            name = one.label("name") or one.label("formula")
            called = f" ({name})" if name else ""
            note = f"{where}: number {one.number} of its {one.field}{called} was left out: {one.why}"
            self._documents[-1] = self._documents[-1].noted(note)

    def _present(self, theme: Theme) -> str:
        have = [seed for seed in self._seeds if seed.proposal.category is theme.category]
        return "\n".join(f"- {seed.formula}" for seed in have) or NONE_YET

    # -- what needs no model

    def _found(self, document: Document, day: date) -> None:
        """Examine the formulas that stand in a document."""
        proposals = list(from_text(document, day, self._examiner.own_fields))
        found = self._examiner.examine(proposals)
        kept = [each for each in found if isinstance(each, Seed)]
        self._seeds += kept
        self._rejected.add([each for each in found if isinstance(each, Rejected)])
        record = self._documents[-1]
        self._note(proposed=record.proposed + len(proposals), kept=record.kept + len(kept))

    def _take_library(self, library: Library) -> None:
        found = self._examiner.examine(from_library(library), spare=True)
        self._seeds += [each for each in found if isinstance(each, Seed)]
        self._rejected.add([each for each in found if isinstance(each, Rejected)])


def _mended(proposal: Proposal, formula: str, came: Consultation[Any], day: date) -> Proposal:
    where = replace(
        proposal.where,
        mined_on=day,
        prompt=came.prompt,
        prompt_hash=came.prompt_hash,
        key=came.key,
        sample=came.sample,
    )
    return replace(proposal, formula=formula, repaired=proposal.repaired + 1, where=where)


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}..."
