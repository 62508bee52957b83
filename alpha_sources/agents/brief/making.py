"""Making a brief."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alpha_sources.agents.brief.archive import Archive
from alpha_sources.agents.brief.charting import brief_charts
from alpha_sources.agents.brief.config import BriefConfig
from alpha_sources.agents.brief.dated import DatedDocument
from alpha_sources.agents.brief.fundamentals import fundamental_items
from alpha_sources.agents.brief.item import BriefItem
from alpha_sources.agents.brief.macro import MacroFigure, figures_of
from alpha_sources.agents.brief.market_brief import MarketBrief
from alpha_sources.agents.brief.market_items import market_items, session_day
from alpha_sources.agents.brief.sectors import sectors_of
from alpha_sources.agents.brief.sentiment import TextMask, score_texts
from alpha_sources.agents.brief.text_items import (
    chosen,
    heard,
    macro_items,
    pictures_of,
    sentiment_item,
    text_items,
)
from alpha_sources.evaluation.regimes import RegimeRules
from alpha_sources.market_state import market_state
from engine.market.view import MarketView

if TYPE_CHECKING:
    from alpha_sources.llm.door import Door


def make_brief(
    view: MarketView,
    *,
    index_symbol: str | None,
    documents: Archive | Sequence[DatedDocument] = (),
    figures: Sequence[MacroFigure] = (),
    door: Door | None = None,
    charts: bool = False,
    config: BriefConfig | None = None,
    rules: RegimeRules | None = None,
    mask: TextMask | None = None,
) -> MarketBrief:
    """Tell what was known of a market at the close of the view's session.

    Parameters
    ----------
    view : MarketView
        With open or closing prices and members; its own texts and macro figures are read too.
    index_symbol : str or None
        None stands for the members, equally weighted.
    documents : Archive or sequence of DatedDocument
        An archive spans all time, and what was out by the session is taken from it. Documents that are handed
        over one by one must all have been out: a later one is refused.
    figures : sequence of MacroFigure
        Beside those of the view and of an archive; a later one is refused.
    door : Door or None
        Scores texts and hears recordings; None, or one that is offline, leaves the scores to a word list.
    charts : bool
        Draw the index and the sectors that moved most.
    config : BriefConfig, optional
    rules : RegimeRules, optional
    mask : TextMask or None
        Hides names, codes and days from models: in what they are shown here, and later in `MarketBrief.words`
        and `envelopes`. Charts then show no code, no day and no level, and pictures are left out.

    Returns
    -------
    MarketBrief
        The same for the same arguments, and for a panel that was truncated at the session.

    Raises
    ------
    FutureItemError
        If a document or figure was not out by 15:00 of the session; names it and its date.
    DataError
        If the view lacks the index or its prices.
    LlmError
        If a model is to be asked and gives no reply.
    """
    config, rules = config or BriefConfig(), rules or RegimeRules()
    for figure in figures:
        figure.refuse_after(view.session)
    texts = heard(chosen(view, documents, config), door, config.transcription_profile)
    archive = documents if isinstance(documents, Archive) else Archive()
    known = (*figures_of(view), *archive.known_figures(view), *figures)
    sentiment = score_texts(
        texts.documents,
        by=config.sentiment,
        door=door,
        profile=config.profile,
        mask=mask,
        characters=config.text_characters,
    )
    state = market_state(view, index_symbol, rules)
    sectors = sectors_of(view, config.sector_least)
    pictures = pictures_of(texts, config.most_pictures)
    notes = [*texts.notes, *sentiment.notes]
    notes += [f"{one.path} was not read: {one.reason}" for one in archive.skipped]
    if pictures and mask is not None:
        notes.append(f"{len(pictures)} pictures of documents are left out: a mask cannot hide what they show")
        pictures = ()

    def made() -> Iterator[BriefItem | None]:
        yield from market_items(view, index_symbol, state, rules, sectors)
        yield from fundamental_items(view, config.reported_sessions)
        yield sentiment_item(sentiment, session_day(view))
        yield from macro_items(known, config.most_figures)
        yield from text_items(texts, sentiment, config.text_characters)

    found = [item for item in made() if item is not None]
    return MarketBrief(
        session=session_day(view),
        index_symbol=index_symbol,
        items=tuple(replace(item, id=f"B{number}") for number, item in enumerate(found, 1)),
        state=state.latest(),
        regime=state.regime,
        sessions_in_regime=state.sessions_in_regime,
        charts=brief_charts(view, index_symbol, sectors, config, mask) if charts else (),
        pictures=pictures,
        asked=(*texts.asked, *((sentiment.asked,) if sentiment.asked else ())),
        notes=tuple(notes),
        masked=mask is not None,
        mask=mask,
    )
