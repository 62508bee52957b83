"""Pages of an assessment: one of the whole batch, one of each alpha."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from alpha_sources.evaluation.assessment import Assessment
from alpha_sources.evaluation.evaluation import AlphaDetail
from alpha_sources.evaluation.groups import GroupKind
from alpha_sources.evaluation.significance_verdict import Verdict
from engine.report.section import Column, Figure, Format, HeatMap, Section, Series, Table

#: curves that can still be told apart
_CURVES = 8
_HALF_WIDTH_LINES = 8

_COLUMNS = (
    ("Rank IC", "rank_ic_mean", Format.PRECISE),
    ("ICIR", "rank_ic_ir", Format.NUMBER),
    ("t", "rank_ic_t", Format.NUMBER),
    ("p", "rank_ic_p", Format.PRECISE),
    ("q", "q", Format.PRECISE),
    ("Beats controls", "control", Format.PERCENT),
    ("Spread", "spread", Format.PERCENT),
    ("Monotone", "monotonicity", Format.NUMBER),
    ("Turnover", "turnover", Format.PERCENT),
    ("Long-short", "long_short_return", Format.PERCENT),
    ("after costs", "long_short_net_return", Format.PERCENT),
    ("Long top after costs", "long_top_net_return", Format.PERCENT),
    ("Size", "size", Format.NUMBER),
    ("Price", "price", Format.NUMBER),
    ("Coverage", "coverage", Format.PERCENT),
)

_BY_GROUP = (
    ("Sessions", "rank_ic_sessions", Format.INTEGER),
    ("Rank IC", "rank_ic_mean", Format.PRECISE),
    ("ICIR", "rank_ic_ir", Format.NUMBER),
    ("t", "rank_ic_t", Format.NUMBER),
    ("Spread", "spread", Format.PERCENT),
    ("Turnover", "turnover", Format.PERCENT),
    ("Long-short", "long_short_return", Format.PERCENT),
    ("after costs", "long_short_net_return", Format.PERCENT),
    ("Drawdown", "long_short_net_drawdown", Format.PERCENT),
)


def batch_sections(
    assessment: Assessment, links: Mapping[str, str] | None = None, notes: tuple[str, ...] = ()
) -> list[Section]:
    """Return the page of a batch.

    Parameters
    ----------
    assessment : Assessment
    links : mapping of alpha to path, optional
        Where its own page lies, relative to this one.
    notes : tuple of str
        Said first, such as how often a test span has been opened.
    """
    sections = [_summary(assessment, links or {}, notes), _cumulative(assessment)]
    if len(assessment.correlations) > 1:
        matrix = assessment.correlations
        heat = HeatMap(
            "Mean rank correlation of a session",
            [str(name) for name in matrix.index],
            [str(name) for name in matrix.columns],
            matrix.to_numpy().tolist(),
            Format.NUMBER,
            "Two alphas near 1 or −1 are one alpha, under two names.",
        )
        sections.append(Section("What goes together", 40, figures=[heat]))
    return sections


def alpha_sections(assessment: Assessment, name: str, notes: tuple[str, ...] = ()) -> list[Section]:
    """Return the page of one alpha.

    Parameters
    ----------
    assessment : Assessment
    name : str
        Of the alpha.
    notes : tuple of str, optional
        Said first, as on the page of a batch, where there is none.
    """
    detail, row = assessment.evaluation[name], assessment.frame.loc[name]
    if not row["rank_ic_sessions"] > 0:
        said = [*notes, str(row["formula"]), f"{row['status']}: {row['reason']}"]
        return [Section("Verdict", 0, notes=[one for one in said if one])]
    return [
        _verdict(row, notes),
        _foresight(detail),
        _quantiles(detail),
        _earnings(detail),
        _groups(detail),
    ]


def _summary(assessment: Assessment, links: Mapping[str, str], notes: tuple[str, ...]) -> Section:
    frame, evaluation = assessment.frame, assessment.evaluation
    order = frame["rank_ic_t"].abs().sort_values(ascending=False, na_position="last").index
    frame = frame.loc[order]
    settings = evaluation.settings
    horizon = settings.horizon_sessions
    columns = [
        Column("Alpha", list(frame.index), links=[links.get(str(name), "") for name in frame.index]),
        Column("Verdict", list(frame["verdict"])),
        *(Column(title, _plain(frame[key]), form) for title, key, form in _columns(frame)),
        Column("Repeats", list(frame["twin"])),
        Column("Formula", list(frame["formula"])),
        Column("Remark", [row.reason or row.sentence for row in frame.itertuples()]),
    ]
    found = assessment.overfitting
    counts = {verdict: int((frame["verdict"] == verdict).sum()) for verdict in Verdict}
    cards: list[tuple[str, Any, Format]] = [
        ("Alphas", len(frame), Format.INTEGER),
        ("Trials ever", assessment.trials, Format.INTEGER),
        ("|t| needed", assessment.needed_t, Format.NUMBER),
        ("Largest |t|", _number(frame["rank_ic_t"].abs().max()), Format.NUMBER),
        ("Told from noise", counts[Verdict.DISTINCT], Format.INTEGER),
        ("Independent alphas", _number(assessment.effective), Format.NUMBER),
        ("Overfitting", None if found is None else found.probability, Format.PERCENT),
    ]
    said = [
        *notes,
        f"Rank IC of the values at a close with the return from the next open to the open {horizon} "
        f"session{'s' * (horizon != 1)} later, over members of the universe that could be bought then.",
        f"Of {assessment.trials:,} useless formulas the best would reach |t| {assessment.needed_t:.2f} one "
        "time in twenty; that is what an alpha must pass to be told from noise.",
    ]
    if found is not None:
        said.append(
            "Chosen on one half of the sessions, the best of the batch is in the worse half of the other in "
            f"{found.probability:.0%} of all ways to halve them; about half is what chance does."
        )
    table = Table("Alphas by the size of t", columns)
    return Section("Is it an alpha?", 0, notes=said, cards=cards, tables=[table])


def _columns(frame: pd.DataFrame) -> list[tuple[str, str, Format]]:
    """Columns of the table; what sources print beside their formulas only where one does."""
    printed = ("Published IC", "published_ic", Format.PRECISE)
    known = frame["published_ic"].notna().any()
    return [_COLUMNS[0], *([printed] if known else []), *_COLUMNS[1:]]


def _cumulative(assessment: Assessment) -> Section:
    ics = assessment.evaluation.rank_ic()
    best = assessment.frame["rank_ic_t"].abs().sort_values(ascending=False).dropna().index[:_CURVES]
    shown = ics[list(best)].dropna(how="all")
    figure = Figure(
        "Cumulative rank IC",
        _dates(shown.index),
        [Series(str(name), _plain(shown[name].fillna(0.0).cumsum())) for name in best],
        Format.NUMBER,
        log=None,
        note=f"The {len(best)} largest by |t|. A straight line is a steady alpha.",
    )
    return Section("In the course of time", 20, figures=[figure])


def _verdict(row: Any, said_first: tuple[str, ...]) -> Section:
    cards = [
        ("Rank IC", row["rank_ic_mean"], Format.PRECISE),
        ("ICIR", row["rank_ic_ir"], Format.NUMBER),
        ("t", row["rank_ic_t"], Format.NUMBER),
        ("|t| needed", row["needed_t"], Format.NUMBER),
        ("q in its batch", row["q"], Format.PRECISE),
        ("Beats controls", row["control"], Format.PERCENT),
        ("Deflated Sharpe", row["deflated_sharpe"], Format.PERCENT),
        ("Coverage", row["coverage"], Format.PERCENT),
    ]
    sentence = f"{row['sentence'][:1].upper()}{row['sentence'][1:]}."
    notes = [one for one in (*said_first, str(row["formula"]), sentence) if one]
    if row["reason"]:
        notes.append(f"{row['reason'][:1].upper()}{row['reason'][1:]}.")
    if row["twin"]:
        notes.append(f"It repeats {row['twin']}.")
    if row["warnings"]:
        notes.append(str(row["warnings"]))
    exposures = ("size", "price", "industry")
    table = Table(
        "What it leans on",
        [
            Column("On", ["size (log market value)", "log price", "industry (share of variance)"]),
            Column("How much", _plain(row[list(exposures)]), Format.NUMBER),
        ],
        "Mean rank correlation of a session with size and price; the share of ranks that industries explain.",
    )
    plain = [(label, _number(value), form) for label, value, form in cards]
    return Section("Verdict", 0, notes=notes, cards=plain, tables=[table])


def _foresight(detail: AlphaDetail) -> Section:
    series, decay = detail.series, detail.decay
    ic = series["rank_ic"].dropna()
    monthly = ic.groupby(pd.DatetimeIndex(ic.index).strftime("%Y-%m")).mean()
    figures = [
        Figure(
            "Cumulative rank IC",
            _dates(ic.index),
            [Series("cumulative", _plain(ic.cumsum()))],
            Format.NUMBER,
            log=None,
        ),
        Figure(
            "Rank IC by month",
            [str(month) for month in monthly.index],
            [Series("rank IC", _plain(monthly), kind="bar")],
            Format.PRECISE,
            width="half",
        ),
        Figure(
            "Decay: rank IC by horizon in sessions",
            [str(horizon) for horizon in decay.index],
            [Series("rank IC", _plain(decay["mean"]), kind="bar")],
            Format.PRECISE,
            width="half",
        ),
    ]
    return Section("Foresight", 10, figures=figures)


def _quantiles(detail: AlphaDetail) -> Section:
    curve, series = detail.quantile_curve, detail.series
    names = [name for name in series.columns if name.startswith("quantile_")]
    known = series[names].dropna(how="all")
    growth = (1.0 + known.fillna(0.0) / detail.settings.horizon_sessions).cumprod()
    figures = [
        Figure(
            "Mean return by quantile",
            [str(q) for q in curve.index],
            [Series("mean return", _plain(curve), kind="bar")],
            Format.PERCENT,
            width="half",
            note="From the lowest values (1) to the highest.",
        ),
        Figure(
            "Growth of 1 in each quantile, before costs",
            _dates(growth.index),
            [Series(name.replace("_", " "), _plain(growth[name])) for name in names[:_HALF_WIDTH_LINES]],
            Format.NUMBER,
            width="half",
        ),
    ]
    return Section("Quantiles", 20, figures=figures)


def _earnings(detail: AlphaDetail) -> Section:
    series = detail.series
    named = {
        "long top": "long_top",
        "long top, after costs": "long_top_net",
        "long-short": "long_short",
        "long-short, after costs": "long_short_net",
    }
    known = series[list(named.values())].dropna(how="all")
    growth = (1.0 + known.fillna(0.0)).cumprod()
    figure = Figure(
        "Growth of 1 in paper portfolios",
        _dates(growth.index),
        [Series(title, _plain(growth[key])) for title, key in named.items()],
        Format.NUMBER,
        note="The top quantile, equally weighted; long-short sells the bottom one, which cannot be done.",
    )
    return Section("What it would have earned", 30, figures=[figure])


def _groups(detail: AlphaDetail) -> Section:
    tables = []
    titles = {
        GroupKind.YEAR: "By year",
        GroupKind.REGIME: "By regime",
        GroupKind.TREND: "By trend of the index",
        GroupKind.STRESS: "Calm or stressed",
        GroupKind.RANGE: "By range of your own",
    }
    for kind, title in titles.items():
        frame = detail.table(kind)
        if frame.empty:
            continue
        columns = [Column(title.removeprefix("By ").capitalize(), [str(name) for name in frame.index])]
        columns += [Column(name, _plain(frame[key]), form) for name, key, form in _BY_GROUP]
        tables.append(Table(title, columns))
    return Section("Does it hold?", 40, tables=tables)


def _dates(index: Any) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in index]


def _plain(values: Any) -> list[float | None]:
    return [_number(value) for value in (values.tolist() if hasattr(values, "tolist") else values)]


def _number(value: Any) -> float | None:
    if value is None or pd.isna(value) or not np.isfinite(value):
        return None
    return float(value)
