"""The page: what was claimed, what we ran, what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import alphaloom
from alphaloom.reproduce import claims
from alphaloom.reproduce.experiment import VARIANTS
from alphaloom.reproduce.findings import Findings, RowFound, Shuffled
from alphaloom.reproduce.markdown import percent
from alphaloom.reproduce.methods import METHODS, Group, spans_of
from alphaloom.reproduce.opening import Opening
from alphaloom.reproduce.questions import foresight_section, selection_section
from alphaloom.reproduce.statistics import Spread
from engine.broker.config import AShareFeesConfig, PlainFeesConfig
from engine.broker.orders import Reason
from engine.report import Column, Figure, Format, Section, Series, Table, render
from engine.report.measures import BY_KEY

_BUCKETS = 24
#: lines of the first figure: no more than can be told apart
_DRAWN = ("woven_mlp", "woven_gated", "gradient_boosting", "mlp_features", "lstm", "genetic", "equal_weight")
_MAIN, _NO_COSTS = VARIANTS[0].key, VARIANTS[2].key


def results_page(findings: Findings, opening: Opening | None, failed: Mapping[str, str]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    findings : Findings
    opening : Opening or None
    failed : mapping of str to str
        What is left out, with the reason.
    """
    experiment = findings.experiment
    spans = spans_of(experiment.base)
    sections = [
        _verdict(findings, opening, failed),
        selection_section(findings),
        foresight_section(findings),
        _portfolios(findings),
        _null(findings),
        _placebo(findings),
        _left_open(findings),
    ]
    subtitle = (
        f"{claims.SOURCE}, run anew: learned on {spans.train}, tested on {spans.test}, "
        f"{experiment.seeds} seed{'s' if experiment.seeds > 1 else ''}, learned anew at "
        f"{experiment.base.alpha.refresh.replace('_', ' ')}"
    )
    footer = (
        f"Alphaloom {alphaloom.__version__}",
        f"config {experiment.base.hash()[:12]}",
        f"data {findings.data_hash[:12]}",
        "Generated from the numbers; nothing on this page is written by hand.",
    )
    whole = [_unbroken(one) for one in sections if one is not None]
    return render("Does it work?", subtitle, whole, footer=footer)


def _unbroken(section: Section) -> Section:
    """Keep numbers and their percent signs on one line."""
    notes, alarms = ([_whole(one) for one in said] for said in (section.notes, section.alarms))
    return replace(section, notes=notes, alarms=alarms)


def _whole(sentence: str) -> str:
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def _verdict(findings: Findings, opening: Opening | None, failed: Mapping[str, str]) -> Section:
    ours, base = findings.row(METHODS[0].key), findings.experiment.base
    titles = ("Selections differ by regime", "Kept seeds foresee more", "Portfolio beats chance and market")
    cards: list[tuple[str, Any, Format]] = [
        (title, verdict.answer.value.capitalize(), Format.TEXT)
        for title, verdict in zip(titles, findings.verdicts, strict=True)
    ]
    cards += [
        ("The paper's return", claims.RETURNS["woven"], Format.PERCENT),
        ("Ours, median of seeds", None if ours is None else ours.main.median("total_return"), Format.PERCENT),
        ("Index", findings.index_return, Format.PERCENT),
        ("Chance beaten", None if ours is None else ours.main.place, Format.PERCENT),
        ("Chance beaten, no costs", None if ours is None else ours.before_costs.place, Format.PERCENT),
    ]
    notes = [*findings.sentences]
    alarms: list[str] = []
    tables = []
    if not claims.comparable(base):
        notes.append(
            f"The paper's returns are those of {claims.INDEX} from {claims.START} to {claims.END}: this is "
            "another market or another time, and nothing here can be set beside them."
        )
    if opening is not None:
        (alarms if opening.excess else notes).append(opening.sentence())
        tables.append(_opening_table(opening))
    if failed:
        tables.append(Table("Left out", [Column("What", list(failed)), Column("Why", list(failed.values()))]))
    if findings.notes:
        tables.append(Table("To be known", [Column("Of the runs", list(findings.notes))], page=12))
    return Section("Verdict", 0, alarms=alarms, notes=notes, cards=cards, tables=tables)


def _opening_table(opening: Opening) -> Table:
    first, last = opening.span
    return Table(
        "Openings of the test span",
        [
            Column("Project", [opening.project]),
            Column("From", [first.isoformat()], Format.DATE),
            Column("To", [last.isoformat()], Format.DATE),
            Column("By this configuration", [opening.times], Format.INTEGER),
            Column("Allowed", [opening.allowed], Format.INTEGER),
            Column("Beyond", [opening.excess], Format.INTEGER),
            Column("By the project", [opening.by_project], Format.INTEGER),
        ],
        "From the ledger of trials, which forgets nothing. What is allowed is spans.openings.",
    )


def _portfolios(findings: Findings) -> Section:
    test = spans_of(findings.experiment.base).test
    notes = [
        findings.verdicts[2].sentence,
        f"Top-k/Drop-n on scores of the same closes, {test}. Every method learns from the same sessions, at "
        "the same rhythm, and pays the same.",
        *_variant_notes(findings),
        *((claims.LATE,) if any(row.late for row in findings.rows) else ()),
        "The index is a price index; a portfolio receives dividends, some 3 % of its value in a year.",
    ]
    return Section(
        "RQ3: the portfolio",
        30,
        notes=notes,
        figures=_curves(findings),
        tables=[
            _returns_table(findings),
            _measures_table(findings),
            *_refusals_table(findings),
            *_claims_table(findings),
        ],
    )


def _variant_notes(findings: Findings) -> list[str]:
    broker = findings.experiment.base.broker
    return [
        f"Costs: {_fees(broker.fees)}, slippage of {broker.slippage_bps:g} bps a side, "
        f"{'the' if broker.dividend_tax else 'no'} tax on dividends. Off: none of these.",
        "Rules: whole lots, and price limits, at which nobody is on the other side. Off: any number of "
        "shares, at the same prices, limit or no limit. Suspensions are no rule that could be off, since "
        "without a trade there is no price; T+1 never binds, since nothing is sold before the session after "
        "it was bought.",
    ]


def _fees(fees: AShareFeesConfig | PlainFeesConfig) -> str:
    if isinstance(fees, PlainFeesConfig):
        return f"{fees.buy:.3%} when buying and {fees.sell:.3%} when selling, at least {fees.minimum:g} CNY"
    dated = "stamp duty and transfer fee by date"
    return f"commission {fees.commission:.3%}, at least {fees.minimum:g} CNY, {dated}"


def _returns_table(findings: Findings) -> Table:
    rows = findings.rows
    columns = [
        Column("Method", [row.title for row in rows]),
        Column("Seeds", [row.seeds for row in rows], Format.INTEGER),
    ]
    heads = ("Costs, rules", "Costs alone", "Rules alone", "Neither")
    for position, head in enumerate(heads):
        values = [row.variants[position].median("total_return") for row in rows]
        columns.append(Column(head, values, Format.PERCENT, tint=True))
        if position == 0:
            columns.append(Column("Lowest", _ends(rows, "low"), Format.PERCENT))
            columns.append(Column("Highest", _ends(rows, "high"), Format.PERCENT))
    columns += [
        Column("Chance beaten", [row.main.place for row in rows], Format.PERCENT),
        Column("no costs", [row.before_costs.place for row in rows], Format.PERCENT),
        Column("Paper", [row.claim for row in rows], Format.PERCENT),
    ]
    return Table(
        "Returns over the test span",
        columns,
        "Median over seeds; lowest and highest with costs and rules. Chance beaten: the share of random "
        "portfolios under the same costs that the median exceeds; after costs, and where nobody pays any.",
        page=40,
    )


def _measures_table(findings: Findings) -> Table:
    rows = findings.rows
    keys = ("excess_return", "annual_volatility", "sharpe", "max_drawdown", "rank_ic_mean",
            "turnover_annual", "cost_total", "rejected")  # fmt: skip
    columns = [Column("Method", [row.title for row in rows])]
    for key in keys:
        measure = BY_KEY[key]
        values = [row.main.median(key) for row in rows]
        columns.append(Column(measure.label, values, measure.format))
    columns.append(Column("Paper's IC", [claims.SIGNAL_IC.get(row.method) for row in rows], Format.PRECISE))
    return Table("With costs and rules, median over seeds", columns, page=40)


def _refusals_table(findings: Findings) -> list[Table]:
    """Why orders were refused, where any was: what the rules came to."""
    rows = [row for row in findings.rows if row.refused]
    reasons = [reason for reason in Reason if any(reason.value in row.refused for row in rows)]
    if not reasons:
        return []
    columns = [Column("Method", [row.title for row in rows])]
    for reason in reasons:
        values = [row.refused.get(reason.value, 0.0) for row in rows]
        columns.append(Column(reason.value.replace("_", " ").capitalize(), values, Format.NUMBER))
    note = "Of a portfolio, mean over seeds, with costs and rules; what is not here had none refused."
    return [Table("Orders refused", columns, note, page=40)]


def _claims_table(findings: Findings) -> list[Table]:
    if not claims.comparable(findings.experiment.base):
        return []
    run = {
        "SSE 50": (claims.RETURNS["index"], findings.index_return),
        **{
            row.title: (row.claim, row.main.median("total_return"))
            for row in findings.rows
            if row.claim is not None
        },
    }
    names = [*run, *claims.NOT_RUN]
    return [
        Table(
            "What the paper prints of the same year",
            [
                Column("What", names),
                Column("Paper", [*(p for p, _ in run.values()), *claims.NOT_RUN.values()], Format.PERCENT),
                Column(
                    "Here", [*(h for _, h in run.values()), *[None] * len(claims.NOT_RUN)], Format.PERCENT
                ),
            ],
            "The paper's baselines are its own, on its own terms; those without a number here were not run.",
            page=40,
        )
    ]


def _curves(findings: Findings) -> list[Figure]:
    if not findings.curves:
        return []
    titles = [row.title for row in findings.rows if row.method in _DRAWN]
    shown = {title: levels for title, levels in findings.curves.items() if title in (*titles, "Index")}
    series = [
        Series(title, levels, colour="muted" if title == "Index" else None) for title, levels in shown.items()
    ]
    figures = [
        Figure(
            "Value of 1 CNY, with costs and rules, the seed in the middle",
            findings.days,
            series,
            Format.NUMBER,
            height=400,
        )
    ]
    ours = findings.curves.get(METHODS[0].title)
    if findings.null_band is not None and ours is not None:
        low, high = findings.null_band
        band = [
            Series(METHODS[0].title, ours, colour="accent"),
            Series("95 % of chance lies below", high, colour="muted"),
            Series("5 % of chance lies below", low, colour="muted"),
        ]
        if "Index" in findings.curves:
            band.append(Series("Index", findings.curves["Index"]))
        figures.append(Figure("The paper's method among random portfolios", findings.days, band, height=320))
    return figures


def _null(findings: Findings) -> Section | None:
    values = findings.null[_MAIN]["total_return"]
    if len(values) < 2:
        return None
    figures = []
    for key, title in ((_MAIN, "With costs and rules"), (_NO_COSTS, "Before costs")):
        found = findings.null[key]["total_return"]
        marks = {
            row.title: next(v for v in row.variants if v.variant == key).median("total_return")
            for row in findings.rows
            if row.group is Group.WOVEN or row.method == "equal_weight"
        }
        figures.append(_histogram(title, found, {name: v for name, v in marks.items() if v is not None}))
    spread = Spread.of(values)
    assert spread is not None
    ics = findings.null[_MAIN]["rank_ic_mean"]
    return Section(
        "Chance",
        40,
        notes=[
            f"{len(values)} portfolios of random formulas, ten each, whose signs are tossed: what the rules "
            f"of the game give without any idea. Median {percent(spread.median)}, from "
            f"{percent(spread.low)} to {percent(spread.high)}; {_reached(findings, values)}",
            f"Their signals' mean rank ICs: 95 % lie between {_signed(ics, 2.5)} and {_signed(ics, 97.5)}.",
        ],
        figures=figures,
    )


def _reached(findings: Findings, values: Sequence[float]) -> str:
    made = f"{sum(v > 0 for v in values)} made money"
    claim = claims.return_of("woven", findings.experiment.base)
    if claim is None:
        return f"{made}."
    return f"{made}, and {sum(v >= claim for v in values)} reached the paper's return."


def _histogram(title: str, values: Sequence[float], marks: Mapping[str, float]) -> Figure:
    lows = [*values, *marks.values()]
    counts, edges = np.histogram(values, bins=_BUCKETS, range=(min(lows), max(lows)))
    names = [f"{(edges[i] + edges[i + 1]) / 2:+.1%}".replace("-", "−") for i in range(len(counts))]
    series = [Series("random portfolios", [float(c) for c in counts], kind="bar", colour="muted")]
    # a mark is what a bucket's bar lacks to the top; the second of two in one bucket stands on the first
    top, filled = 1.1 * float(max(counts)), counts.astype(float)
    for name, value in marks.items():
        place = min(int(np.searchsorted(edges, value, side="right")) - 1, len(counts) - 1)
        height = max(top - filled[place], 0.1 * top)
        filled[place] += height
        series.append(
            Series(name, [float(height) if i == place else None for i in range(len(counts))], kind="bar")
        )
    note = _whole("; ".join(f"{name} {percent(value)}" for name, value in marks.items()))
    return Figure(
        title, names, series, Format.INTEGER, log=None, stacked=True, width="half", note=note, height=280
    )


def _placebo(findings: Findings) -> Section | None:
    found = [(row, row.shuffled) for row in findings.rows if row.shuffled is not None]
    if not found:
        return None
    rows, shuffled = [row for row, _ in found], [one for _, one in found]
    columns = [Column("Method", [row.title for row in rows])]
    columns += _beside("Rank IC", "rank_ic_mean", rows, shuffled, Format.PRECISE)
    columns += _beside("Return", "total_return", rows, shuffled, Format.PERCENT)
    columns += _beside("Sharpe", "sharpe", rows, shuffled, Format.NUMBER)[:2]
    deals = findings.experiment.shuffles
    table = Table(
        "As it is, and on shuffled labels",
        columns,
        f"Median over seeds, and over {deals} deal{'s' if deals > 1 else ''} of the labels with the lowest "
        "and the highest; with costs and rules.",
        page=40,
    )
    return Section(
        "Shuffled labels",
        50,
        notes=[
            findings.placebo[1],
            "The labels of every session are dealt out anew among its names, and each method learns from "
            "them: the distribution stays, what it says of names goes. A committee's evidence are labels "
            "too: the woven methods get as many seeds as it keeps, drawn from all. The ablations of agents "
            "would get what the whole gets.",
            "A return that stays is the market's, not the method's. An IC that stays without learned weights "
            "is what the seeds' authors knew, who wrote down which sign each has.",
        ],
        figures=[_deals(found)],
        tables=[table],
    )


def _beside(
    title: str, key: str, rows: Sequence[RowFound], shuffled: Sequence[Shuffled], form: Format
) -> list[Column]:
    spreads = [one.spreads[key] for one in shuffled]
    return [
        Column(title, [row.main.median(key) for row in rows], form),
        Column("shuffled", [None if one is None else one.median for one in spreads], form),
        Column("lowest", [None if one is None else one.low for one in spreads], form),
        Column("highest", [None if one is None else one.high for one in spreads], form),
    ]


def _deals(found: Sequence[tuple[RowFound, Shuffled]]) -> Figure:
    """Rank ICs as they are beside every deal's."""
    most = max(len(shuffled.ics) for _, shuffled in found)
    deals = [
        Series(
            f"deal {i + 1}",
            [shuffled.ics[i] if i < len(shuffled.ics) else None for _, shuffled in found],
            kind="bar",
            colour="muted",
        )
        for i in range(most)
    ]
    real = [row.main.median("rank_ic_mean") for row, _ in found]
    return Figure(
        "Rank IC as it is, and on every deal of shuffled labels",
        [row.title for row, _ in found],
        [Series("as it is", real, kind="bar", colour="accent"), *deals],
        Format.PRECISE,
        log=None,
        horizontal=True,
        height=60 + 13 * (most + 2) * len(found),
    )


def _left_open(findings: Findings) -> Section:
    return Section(
        "What the paper leaves open",
        60,
        tables=[
            Table(
                "Choices that had to be made",
                [
                    Column(
                        "The paper does not say",
                        [what for what, _ in claims.left_open(findings.experiment.base)],
                    ),
                    Column("Here", [here for _, here in claims.left_open(findings.experiment.base)]),
                ],
                "None was tuned on the test span. The seeds of the bundled library were chosen from the "
                "literature by who knows these years, and so were the paper's.",
                page=40,
            )
        ],
    )


def _ends(rows: Sequence[RowFound], end: str) -> list[float | None]:
    spreads = [row.main.spreads["total_return"] for row in rows]
    return [None if one is None or one.count < 2 else float(getattr(one, end)) for one in spreads]


def _signed(values: Sequence[float], percentile: float) -> str:
    if not values:
        return "—"
    value = float(np.percentile(values, percentile))
    return "—" if math.isnan(value) else f"{value:+.4f}".replace("-", "−")
