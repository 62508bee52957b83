"""What others wrote: chosen, heard, scored, and made items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from alpha_sources.agents.brief.archive import Archive
from alpha_sources.agents.brief.config import BriefConfig
from alpha_sources.agents.brief.dated import DatedDocument
from alpha_sources.agents.brief.item import BriefItem, ItemKind
from alpha_sources.agents.brief.macro import MacroFigure, newest
from alpha_sources.agents.brief.market_brief import Picture
from alpha_sources.agents.brief.sentiment import Asked, Sentiment
from alpha_sources.llm.attachment import Attachment
from alpha_sources.llm.characters import one_line
from engine.market.view import MarketView

if TYPE_CHECKING:
    from alpha_sources.llm.door import Door

_LONGEST_TITLE, _LONGEST_NAME = 160, 80


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a brief, the newest last.

    Parameters
    ----------
    documents : tuple of DatedDocument
    asked : tuple of Asked
        Recordings that were transcribed.
    notes : tuple of str
    """

    documents: tuple[DatedDocument, ...]
    asked: tuple[Asked, ...] = ()
    notes: tuple[str, ...] = ()


def chosen(view: MarketView, documents: Archive | Sequence[DatedDocument], config: BriefConfig) -> Texts:
    """Return the texts that a session's brief shows.

    Raises
    ------
    FutureItemError
        If documents that were handed over one by one hold one that was not out by the session's close.
    """
    first = view.dates[max(0, view.t + 1 - config.text_sessions)]
    found = [DatedDocument.of_text(text) for text in view.texts(first)]
    if isinstance(documents, Archive):
        found += documents.texts(view, config.text_sessions)
    else:
        for one in documents:
            one.refuse_after(view.session)
        found += documents
    found.sort(key=lambda one: (one.published_at, one.source, one.title, one.text))
    once = list({(one.day, one.title, one.text): one for one in found}.values())
    kept = once[max(0, len(once) - config.most_texts) :] if config.most_texts else []
    left = len(once) - len(kept)
    notes = (f"{left} older texts are left out: most_texts is {config.most_texts}",) if left else ()
    return Texts(tuple(kept), notes=notes)


def heard(texts: Texts, door: Door | None, profile: str | None) -> Texts:
    """Return the texts with recordings transcribed; without a model a note says that they were not heard.

    Raises
    ------
    LlmError
        If a recording cannot be transcribed.
    """
    done, asked, notes = [], list(texts.asked), list(texts.notes)
    for one in texts.documents:
        if not one.sounds:
            done.append(one)
        elif door is None or door.offline:
            notes.append(f"{one.source} was not heard: no model may be asked")
            done.append(replace(one, sounds=()))
        else:
            parts = [one.text] if one.text.strip() else []
            for sound in one.sounds:
                transcript = door.transcribe(
                    Attachment("audio/wav", sound.data), seconds=sound.seconds, profile=profile
                )
                parts.append(transcript.text)
                asked.append(Asked("", "", transcript.model, transcript.key))
            done.append(replace(one, text="\n".join(parts), sounds=()))
    return Texts(tuple(done), tuple(asked), tuple(notes))


def text_items(texts: Texts, sentiment: Sentiment, characters: int) -> Iterator[BriefItem]:
    """Yield texts with their scores, without ids."""
    for one, score in zip(texts.documents, sentiment.scores, strict=True):
        title = one_line(one.title, _LONGEST_TITLE)
        # a document's text often begins with its title
        body = one_line(one.text, characters)
        text = body if body.startswith(title) else f"{title}. {body}" if body else title
        source = one_line(one.source, _LONGEST_TITLE)
        yield BriefItem("", one.kind, one.day, source, text, {"sentiment": score}, one.symbol)


def sentiment_item(sentiment: Sentiment, day: date) -> BriefItem | None:
    """Return what the scores come to; None where nobody scored."""
    scores = [score for score in sentiment.scores if score is not None]
    if not scores:
        return None
    mean = sum(scores) / len(scores)
    values: dict[str, float | None] = {
        "mean": mean,
        "texts": float(len(scores)),
        "for": float(sum(score > 0 for score in scores)),
        "against": float(sum(score < 0 for score in scores)),
    }
    text = (
        f"sentiment of {len(scores)} text{'s' if len(scores) > 1 else ''}: mean {mean:+.2f} on a scale "
        f"from −1 to 1, {values['for']:.0f} for, {values['against']:.0f} against"
    ).replace("-", "−")
    source = sentiment.by if sentiment.asked is None else f"{sentiment.by} asked of {sentiment.asked.model}"
    if sentiment.asked is not None and not sentiment.asked.key:
        source = sentiment.by
    return BriefItem("", ItemKind.SENTIMENT, day, source, text, values)


def macro_items(figures: Sequence[MacroFigure], most: int) -> Iterator[BriefItem]:
    """Yield the last figure of each series, those published last first, without ids."""
    for last, before in newest(figures)[:most]:
        name = one_line(last.name, _LONGEST_NAME)
        unit = f" {one_line(last.unit, _LONGEST_NAME)}" if last.unit else ""
        period = f" of {one_line(last.period, _LONGEST_NAME)}" if last.period else ""
        text = f"{name}{period}: {last.value:.6g}{unit}"
        values: dict[str, float | None] = {"value": float(last.value), "before": None}
        if before is not None:
            earlier = f" of {one_line(before.period, _LONGEST_NAME)}" if before.period else ""
            text += f", after {before.value:.6g}{unit}{earlier}"
            values["before"] = float(before.value)
        source = one_line(last.source, _LONGEST_TITLE) or "a figure handed over"
        yield BriefItem("", ItemKind.MACRO, last.day, source, text, values)


def pictures_of(texts: Texts, most: int) -> tuple[Picture, ...]:
    """Return the images of the newest documents, at most so many."""
    found = [(one, image) for one in reversed(texts.documents) for image in one.images][:most]
    return tuple(
        Picture(f"P{number}", one.day, one.source, image.label, image.media_type, image.data)
        for number, (one, image) in enumerate(found, 1)
    )
