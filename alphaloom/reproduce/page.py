"""The page: what was claimed, what we ran, what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

import alphaloom
from alphaloom.reproduce import claims
from alphaloom.reproduce.experiment import VARIANTS
from alphaloom.reproduce.findings import Findings, RowFound
from alphaloom.reproduce.markdown import percent
from alphaloom.reproduce.methods import METHODS, Group, spans_of
from alphaloom.reproduce.opening import ALLOWED, Opening
from alphaloom.reproduce.questions import foresight_section, selection_section
from alphaloom.reproduce.statistics import Spread
from engine.broker.config import AShareFeesConfig, PlainFeesConfig
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
    return render("Does it work?", subtitle, [one for one in sections if one is not None], footer=footer)


def _verdict(findings: Findings, opening: Opening | None, failed: Mapping[str, str]) -> Section:
    ours = findings.row(METHODS[0].key)
    cards = [
        ("The paper's return", claims.RETURNS["woven"], Format.PERCENT),
        ("Ours, median of seeds", None if ours is None else ours.main.median("total_return"), Format.PERCENT),
        ("Index", findings.index_return, Format.PERCENT),
        ("Chance beaten", None if ours is None else ours.main.place, Format.PERCENT),
        ("Chance beaten, no costs", None if ours is None else ours.before_costs.place, Format.PERCENT),
    ]
    notes = [*findings.sentences]
    tables = []
    if opening is not None:
        if opening.excess:
            notes.insert(0, opening.sentence())
        else:
            notes.append(opening.sentence())
        tables.append(_opening_table(opening))
    if failed:
        tables.append(Table("Left out", [Column("What", list(failed)), Column("Why", list(failed.values()))]))
    if findings.notes:
        tables.append(Table("To be known", [Column("Of the runs", list(findings.notes))], page=12))
    return Section("Verdict", 0, notes=notes, cards=cards, tables=tables)


def _opening_table(opening: Opening) -> Table:
    first, last = opening.span
    return Table(
        "Openings of the test span",
        [
            Column("Project", [opening.project]),
            Column("From", [first.isoformat()], Format.DATE),
            Column("To", [last.isoformat()], Format.DATE),
            Column("By this configuration", [opening.times], Format.INTEGER),
            Column("Allowed", [ALLOWED], Format.INTEGER),
            # red where there is any: a positive number that is tinted
            Column("Beyond", [opening.excess], Format.INTEGER, tint=True),
            Column("By the project", [opening.by_project], Format.INTEGER),
        ],
        "From the ledger of trials, which forgets nothing. Openings beyond what is allowed are red.",
    )


def _portfolios(findings: Findings) -> Section:
    test = spans_of(findings.experiment.base).test
    notes = [
        f"Top-k/Drop-n on the same scores of the same closes, {test}. Every method learns from the same "
        "sessions, at the same rhythm, and pays the same.",
        *_variant_notes(findings),
        *((claims.LATE,) if any(row.late for row in findings.rows) else ()),
        "The index is a price index; a portfolio receives dividends, some 3 % of its value in a year.",
    ]
    return Section(
        "RQ3: the portfolio",
        30,
        notes=notes,
        figures=_curves(findings),
        tables=[_returns_table(findings), _measures_table(findings), _claims_table(findings)],
    )


def _variant_notes(findings: Findings) -> list[str]:
    broker = findings.experiment.base.broker
    refused = [row.main.spreads["rejected"] for row in findings.rows]
    most = max((one.high for one in refused if one is not None), default=0.0)
    return [
        f"Costs on: {_fees(broker.fees)}, slippage {broker.slippage_bps:g} bps a side, fills at the "
        f"{broker.fill.buy.value}, {'the' if broker.dividend_tax else 'no'} tax on dividends. Costs off: "
        "none of these.",
        "Rules off: any number of shares instead of whole lots. Limits, suspensions and T+1 stay in force, "
        "since the broker has no switch for them: with rules on, no row had more than "
        f"{most:.0f} orders refused.",
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
    heads = ("Costs, rules", "Costs, no lots", "No costs, rules", "Neither")
    for position, head in enumerate(heads):
        values = [row.variants[position].median("total_return") for row in rows]
        columns.append(Column(head, values, Format.PERCENT, tint=True))
        if position == 0:
            columns.append(Column("Lowest", _ends(rows, "low"), Format.PERCENT))
            columns.append(Column("Highest", _ends(rows, "high"), Format.PERCENT))
    columns += [
        Column("Place", [row.main.place for row in rows], Format.PERCENT),
        Column("no costs", [row.before_costs.place for row in rows], Format.PERCENT),
        Column("Paper", [row.claim for row in rows], Format.PERCENT),
    ]
    return Table(
        "Returns over the test span",
        columns,
        "Median over seeds; lowest and highest with costs and rules. Place: the share of random portfolios "
        "under the same costs that the median exceeds; after costs, and where nobody pays any.",
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


def _claims_table(findings: Findings) -> Table:
    run = {
        "SSE 50": (claims.RETURNS["index"], findings.index_return),
        **{
            row.title: (row.claim, row.main.median("total_return"))
            for row in findings.rows
            if row.claim is not None
        },
    }
    names = [*run, *claims.NOT_RUN]
    return Table(
        "What the paper prints of the same year",
        [
            Column("What", names),
            Column("Paper", [*(p for p, _ in run.values()), *claims.NOT_RUN.values()], Format.PERCENT),
            Column("Here", [*(h for _, h in run.values()), *[None] * len(claims.NOT_RUN)], Format.PERCENT),
        ],
        "The paper's baselines are its own, on its own terms; those without a number here were not run.",
        page=40,
    )


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
            f"{percent(spread.low)} to {percent(spread.high)}; {sum(v > 0 for v in values)} made money, and "
            f"{sum(v >= claims.RETURNS['woven'] for v in values)} reached the paper's return.",
            f"Their signals' mean rank ICs: 95 % lie between {_signed(ics, 2.5)} and {_signed(ics, 97.5)}.",
        ],
        figures=figures,
    )


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
    note = "; ".join(f"{name} {percent(value)}" for name, value in marks.items())
    return Figure(
        title, names, series, Format.INTEGER, log=None, stacked=True, width="half", note=note, height=280
    )


def _placebo(findings: Findings) -> Section | None:
    rows = [row for row in findings.rows if row.shuffled is not None]
    if not rows:
        return None

    def shuffled(key: str) -> list[float | None]:
        return [None if row.shuffled is None else row.shuffled[key] for row in rows]

    table = Table(
        "As it is, and on shuffled labels",
        [
            Column("Method", [row.title for row in rows]),
            Column("Rank IC", [row.main.median("rank_ic_mean") for row in rows], Format.PRECISE),
            Column("shuffled", shuffled("rank_ic_mean"), Format.PRECISE),
            Column("Return", [row.main.median("total_return") for row in rows], Format.PERCENT),
            Column("shuffled", shuffled("total_return"), Format.PERCENT),
            Column("Sharpe", [row.main.median("sharpe") for row in rows], Format.NUMBER),
            Column("shuffled", shuffled("sharpe"), Format.NUMBER),
        ],
        "Seed 0 on shuffled labels, against the median of all seeds as it is.",
        page=40,
    )
    return Section(
        "Shuffled labels",
        50,
        notes=[
            findings.placebo[1],
            "Each method learns once more, with the labels of every session dealt out anew among its names: "
            "the distribution stays, what it says of names goes. Of the woven methods the committee keeps "
            "every seed, since its evidence are labels too. A return that stays is the market's, not the "
            "method's.",
        ],
        tables=[table],
    )


def _left_open(findings: Findings) -> Section:
    return Section(
        "What the paper leaves open",
        60,
        tables=[
            Table(
                "Choices that had to be made",
                [
                    Column("The paper does not say", [what for what, _ in claims.LEFT_OPEN]),
                    Column("Here", [here for _, here in claims.LEFT_OPEN]),
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
