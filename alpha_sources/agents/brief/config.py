"""The ``brief`` section of a committee's configuration: how much of what is known is shown."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class SentimentBy(StrEnum):
    """Who scores texts."""

    AUTO = "auto"  # a model where one may be asked, else the lexicon
    LEXICON = "lexicon"  # always the rule
    NONE = "none"  # nobody: texts are shown without a score


class BriefConfig(BaseModel):
    """How much a brief holds.

    Parameters
    ----------
    text_sessions : int
        Texts of an archive, and of the view, are those published in so many sessions up to the brief's.
    most_texts : int
        The newest so many of them are shown; how many were left out is said.
    text_characters : int
        Of each text, title not counted.
    reported_sessions : int
        Members whose figures changed in so many sessions are named.
    most_figures : int
        Macro figures shown, those published last.
    most_pictures : int
        Images out of the newest documents, for models that see.
    sector_least : int
        Members an industry needs to be shown as a sector.
    chart_sessions : int
        Bars of a chart.
    chart_sectors : int
        Sectors drawn beside the index: the strongest and the weakest over 20 sessions in turn.
    sentiment : SentimentBy
    profile, transcription_profile : str or None
        Of the door, to score texts and to hear sound; None is its own default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text_sessions: Annotated[int, Field(ge=1, le=250)] = 20
    most_texts: Annotated[int, Field(ge=0, le=60)] = 30
    text_characters: Annotated[int, Field(ge=50, le=4000)] = 600
    reported_sessions: Annotated[int, Field(ge=1, le=250)] = 20
    most_figures: Annotated[int, Field(ge=0, le=60)] = 20
    most_pictures: Annotated[int, Field(ge=0, le=16)] = 4
    sector_least: Annotated[int, Field(ge=1, le=100)] = 2
    chart_sessions: Annotated[int, Field(ge=20, le=250)] = 120
    chart_sectors: Annotated[int, Field(ge=0, le=12)] = 4
    sentiment: SentimentBy = SentimentBy.AUTO
    profile: str | None = None
    transcription_profile: str | None = None
