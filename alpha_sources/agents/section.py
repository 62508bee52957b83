"""The committee's page of the report: who scored what, who was kept, in what market."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from alpha_sources.agents.decision import CONFIDENCE, Decision, Fallback
from engine.report.section import Band, Column, Figure, Format, HeatMap, Image, Section, Series, Table

if TYPE_CHECKING:
    from alpha_sources.agents.brief import MarketBrief

_ORDER = 54
_TITLE = "Agents"
#: regimes of a trend have its colour
_COLOURS = {"bull": "up", "bear": "down"}
#: a figure has so many colours of its own
_COLOURS_OF_SERIES = 8
#: points that a band must be wide for its name to fit
_LEAST_TO_NAME = 3


def agents_section(decisions: Sequence[Decision], *, title: str = _TITLE, order: int = _ORDER) -> Section:
    """Return the page.

    Parameters
    ----------
    decisions : sequence of Decision
        Of the run, in order.
    title : str
    order : int
        Where it stands among the sections.

    Returns
    -------
    Section
        Empty but for a note without decisions.
    """
    if not decisions:
        return Section(title, order, notes=["No committee sat in this run."])
    last = decisions[-1]
    return Section(
        title,
        order,
        notes=_notes(decisions),
        cards=[
            ("Refreshes", len(decisions), Format.INTEGER),
            ("Seeds", len(last.opinions), Format.INTEGER),
            ("Kept at last", len(last.kept), Format.INTEGER),
            ("Fallbacks", sum(one.fallback is not Fallback.NONE for one in decisions), Format.INTEGER),
            ("Agreement", last.agreement, Format.NUMBER),
        ],
        figures=[*_figures(decisions), *_pictures(decisions)],
        tables=[
            _refreshes(decisions),
            _kept(last),
            _moved(decisions),
            *_questions(decisions),
            *_brief_tables(last),
        ],
    )


def _notes(decisions: Sequence[Decision]) -> list[str]:
    last = decisions[-1]
    weights = ", ".join(f"{agent} {weight:.2f}" for agent, weight in last.weights.items())
    notes = [
        "At each refresh every seed gets a score: theta, how likely it is to foresee anything in a market "
        "like that day's, and rho, what its own portfolio after fees is worth to investors of several kinds. "
        f"Weights at the last refresh: {weights}. The paper leaves threshold, regimes and rho open: those "
        "here are ours; docs/agents.md says how they were set and what else was tried."
    ]
    asked = sum(len(one.questions) for one in decisions)
    if asked:
        answered = sum(bool(question.key) for one in decisions for question in one.questions)
        most = max(one.calls for one in decisions)
        notes.append(
            f"Language models were asked {asked} times for the agents, {answered} with an answer that could "
            f"be used, at least in part. With texts and repairs no refresh took more than {most} replies."
        )
    else:
        notes.append("No language model was asked: the agents went by rules.")
    common = [note for note in last.notes if "model was asked" not in note]
    return [*notes, *(f"{last.as_of}: {note}" for note in common)]


def _figures(decisions: Sequence[Decision]) -> list[Figure | HeatMap]:
    days = [one.as_of for one in decisions]
    categories = list(dict.fromkeys(opinion.category for one in decisions for opinion in one.opinions))
    agents = [*dict.fromkeys(agent for one in decisions for agent in one.agents)]
    counts = {
        category: [sum(one[name].category == category for name in one.kept) for one in decisions]
        for category in categories
    }
    there = [(name, values) for name, values in counts.items() if any(values)]
    figures: list[Figure | HeatMap] = [
        Figure(
            "Alphas kept, by category",
            days,
            [
                Series(name, values, "area", None if place < _COLOURS_OF_SERIES else "muted")
                for place, (name, values) in enumerate(there)
            ],
            Format.INTEGER,
            stacked=True,
            bands=_bands(decisions),
            note="One point a refresh. Shaded: the regime, red where the market rises, green where it falls.",
        ),
        HeatMap(
            "Mean score, by agent and category",
            [f"{_greek(agent)} {agent}: {category}" for agent in agents for category in categories],
            days,
            [
                [_less_half(_mean_mark(one, agent, category)) for one in decisions]
                for agent in agents
                for category in categories
            ],
            Format.NUMBER,
            note="Less one half: red where an agent thinks well of a category, on the mean of its seeds.",
        ),
        HeatMap(
            "Selections",
            _ever_kept(decisions),
            days,
            [[_selected(one, name) for one in decisions] for name in _ever_kept(decisions)],
            Format.NUMBER,
            note="Score of every alpha that was ever kept, on the refreshes that kept it.",
        ),
    ]
    return figures


def _greek(agent: str) -> str:
    return "θ" if agent == CONFIDENCE else "ρ"


def _bands(decisions: Sequence[Decision]) -> list[Band]:
    """Stretches of one regime; each reaches to where the next begins."""
    bands = []
    places = range(len(decisions))
    for regime, inside in groupby(places, key=lambda i: decisions[i].regime):
        first, *rest = inside
        last = min((rest[-1] if rest else first) + 1, len(decisions) - 1)
        name = regime.replace("_", " ") if last - first >= _LEAST_TO_NAME else ""
        bands.append(Band(first, last, name, _COLOURS.get(regime.split("_")[0], "muted")))
    return bands


def _mean_mark(decision: Decision, agent: str, category: str) -> float | None:
    marks = [
        one.marks[agent].value for one in decision.opinions if one.category == category and agent in one.marks
    ]
    return sum(marks) / len(marks) if marks else None


def _less_half(value: float | None) -> float | None:
    return None if value is None else value - 0.5


def _ever_kept(decisions: Sequence[Decision]) -> list[str]:
    names = dict.fromkeys(name for one in decisions for name in one.kept)
    places = {opinion.name: i for i, opinion in enumerate(decisions[-1].opinions)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _selected(decision: Decision, name: str) -> float | None:
    return decision[name].score if name in decision.kept else None


def _refreshes(decisions: Sequence[Decision]) -> Table:
    return Table(
        "Refreshes",
        [
            Column("Date", [one.as_of for one in decisions], Format.DATE),
            Column("Regime", [one.regime.replace("_", " ") for one in decisions]),
            Column("Foresight from", [f"{one.level} ({one.level_sessions})" for one in decisions]),
            Column("Threshold", [one.threshold for one in decisions], Format.NUMBER),
            Column("Kept", [len(one.kept) for one in decisions], Format.INTEGER),
            Column("New", _new(decisions), Format.INTEGER),
            Column("Fallback", [one.fallback.value for one in decisions]),
            Column("Agreement", [one.agreement for one in decisions], Format.NUMBER),
            Column("Questions", [len(one.questions) for one in decisions], Format.INTEGER),
            Column("Replies", [one.calls for one in decisions], Format.INTEGER),
        ],
        "Agreement: mean rank correlation of the agents' scores. Questions: of the agents to language "
        "models. Replies: to them, to answers sent back, and on the texts of the brief.",
    )


def _new(decisions: Sequence[Decision]) -> list[int]:
    before: set[str] = set()
    out = []
    for one in decisions:
        out.append(len(set(one.kept) - before))
        before = set(one.kept)
    return out


def _kept(decision: Decision) -> Table:
    chosen = [decision[name] for name in decision.kept]
    agents = decision.agents
    return Table(
        f"Kept on {decision.as_of}",
        [
            Column("Alpha", [one.name for one in chosen]),
            Column("Category", [one.category for one in chosen]),
            Column("Sign", ["+" if one.sign > 0 else "−" for one in chosen]),
            Column("Rank IC", [one.like_today and one.like_today.mean for one in chosen], Format.PRECISE),
            Column("± error", [one.like_today and one.like_today.error for one in chosen], Format.PRECISE),
            Column(
                "Sessions", [one.like_today and one.like_today.sessions for one in chosen], Format.INTEGER
            ),
            *(
                Column(f"{_greek(agent)} {agent}", [one.marks[agent].value for one in chosen], Format.NUMBER)
                for agent in agents
            ),
            Column("Score", [one.score for one in chosen], Format.NUMBER),
            Column("Disagreement", [one.disagreement for one in chosen], Format.NUMBER),
            Column("Why", [one.because for one in chosen]),
        ],
        "Rank IC on sessions like that day's, with the sign of use. Disagreement: highest less lowest score.",
    )


def _moved(decisions: Sequence[Decision]) -> Table:
    """Scores that a model moved: its words are quoted, not believed."""
    rows = [
        (decision.as_of, one.name, agent, mark)
        for decision in decisions
        for one in decision.opinions
        for agent, mark in one.marks.items()
        if mark.proposed is not None
    ]
    return Table(
        "Scores that a model moved",
        [
            Column("Date", [day for day, _, _, _ in rows], Format.DATE),
            Column("Alpha", [name for _, name, _, _ in rows]),
            Column("Agent", [agent for _, _, agent, _ in rows]),
            Column("By rules", [mark.prior for *_, mark in rows], Format.NUMBER),
            Column("Asked for", [mark.proposed for *_, mark in rows], Format.NUMBER),
            Column("Counts", [mark.value for *_, mark in rows], Format.NUMBER),
            Column("Cites", [", ".join(mark.cites) for *_, mark in rows]),
            Column("Reason", [mark.reason for *_, mark in rows]),
        ],
        "A model may move a score by a stated bound, and must cite the brief.",
    )


def _questions(decisions: Sequence[Decision]) -> list[Table]:
    """What models were asked and what came of it, and what of it does not count."""
    asked = [(one.as_of, question) for one in decisions for question in one.questions]
    refused = [(one.as_of, each) for one in decisions for each in one.refused]
    tables = []
    if asked:
        tables.append(
            Table(
                "Questions to language models",
                [
                    Column("Date", [day for day, _ in asked], Format.DATE),
                    Column("Round", [one.round for _, one in asked], Format.INTEGER),
                    Column("Agents", [", ".join(one.agents) for _, one in asked]),
                    Column("Came of it", [one.answered.value for _, one in asked]),
                    Column("Replies", [one.replies for _, one in asked], Format.INTEGER),
                    Column("Proposals", [one.proposals for _, one in asked], Format.INTEGER),
                    Column("Count", [one.used for _, one in asked], Format.INTEGER),
                    Column("Why", [one.reason for _, one in asked]),
                ],
                "Where nothing came of a question, the scores of the rules stand for its agents.",
            )
        )
    if refused:
        tables.append(
            Table(
                "Said by a model, and not counted",
                [
                    Column("Date", [day for day, _ in refused], Format.DATE),
                    Column("Agent", [one.agent for _, one in refused]),
                    Column("Alpha", [one.alpha for _, one in refused]),
                    Column("Why", [one.why.value for _, one in refused]),
                    Column("Detail", [one.detail for _, one in refused]),
                ],
            )
        )
    return tables


def _brief_tables(decision: Decision) -> list[Table]:
    if decision.brief is None:
        return []
    items: Sequence[Any] = decision.brief.get("items", ())
    return [
        Table(
            f"Market brief of {decision.as_of}",
            [
                Column("Id", [item["id"] for item in items]),
                Column("Date", [item["date"] for item in items], Format.DATE),
                Column("Kind", [item["kind"] for item in items]),
                Column("What it says", [item["text"] for item in items]),
                Column("Source", [item["source"] for item in items]),
            ],
            "What was known at that close; nothing in it is later than 15:00 of the day.",
        )
    ]


def _pictures(decisions: Sequence[Decision]) -> list[Image]:
    """Charts of the last brief, drawn again from their numbers."""
    brief = _brief_of(decisions[-1])
    if brief is None:
        return []
    return [
        Image(
            chart.title, chart.png, f"K-line and volume: {chart.title}", f"{chart.id}, {chart.source}", "half"
        )
        for chart in brief.charts
    ]


def _brief_of(decision: Decision) -> MarketBrief | None:
    if decision.brief is None or not decision.brief.get("charts"):
        return None
    from alpha_sources.agents.brief import MarketBrief

    return MarketBrief.from_payload(decision.to_payload()["brief"])
