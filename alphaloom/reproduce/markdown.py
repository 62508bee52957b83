"""The results as Markdown: one table, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping

from alphaloom.reproduce.claims import LATE, SOURCE, return_of
from alphaloom.reproduce.experiment import VARIANTS
from alphaloom.reproduce.findings import Findings, RowFound
from alphaloom.reproduce.methods import spans_of
from alphaloom.reproduce.opening import Opening
from alphaloom.reproduce.statistics import Spread
from alphaloom.reproduce.verdict import share

_HEAD = (
    "",
    "Return",
    "before costs",
    "Sharpe",
    "Drawdown",
    "Rank IC",
    "Chance beaten (before costs)",
    "Paper",
)


def results_markdown(findings: Findings, opening: Opening | None, failed: Mapping[str, str]) -> str:
    """Return the table of the third question and the verdicts.

    Parameters
    ----------
    findings : Findings
    opening : Opening or None
        Said where it is one too many.
    failed : mapping of str to str
        What is left out, with the reason.
    """
    test = spans_of(findings.experiment.base).test
    lines = [
        f"| {' | '.join(_HEAD)} |",
        f"|{'|'.join(['---', *['---:'] * (len(_HEAD) - 1)])}|",
    ]
    if findings.index_return is not None:
        cells = [f"Index {findings.experiment.base.index}", percent(findings.index_return)]
        claim = percent(return_of("index", findings.experiment.base))
        lines.append(_line([*cells, "", "", "", "", "", claim]))
    lines += [_line(_cells(row)) for row in findings.rows]
    null = findings.null[VARIANTS[0].key]["total_return"]
    if null:
        bare = findings.null[_NO_COSTS]["total_return"]
        cells = [f"{len(null)} random portfolios", spread(Spread.of(null)), spread(Spread.of(bare))]
        lines.append(_line([*cells, "", "", spread(_ics(findings), decimals=4), "", ""]))
    lines += [
        "",
        f"Returns from {test.start} to {test.end}: median over seeds, in brackets the range; with costs and "
        f"rules unless said otherwise. Chance beaten: share of the random portfolios. Paper: {SOURCE}.",
        "",
        *([LATE, ""] if any(row.late for row in findings.rows) else []),
        *(f"- {sentence}" for sentence in findings.sentences),
    ]
    if opening is not None and opening.excess:
        lines.append(f"- **{opening.sentence()}**")
    lines += [f"- Left out: {what}: {why}" for what, why in failed.items()]
    return "\n".join(lines) + "\n"


_NO_COSTS = VARIANTS[2].key


def _ics(findings: Findings) -> Spread | None:
    return Spread.of(findings.null[VARIANTS[0].key]["rank_ic_mean"])


def _cells(row: RowFound) -> list[str]:
    main, bare = row.main, row.before_costs
    return [
        row.title,
        spread(main.spreads["total_return"]),
        spread(bare.spreads["total_return"], short=True),
        number(main.spreads["sharpe"]),
        percent(None if main.spreads["max_drawdown"] is None else main.spreads["max_drawdown"].median),
        number(main.spreads["rank_ic_mean"], 4),
        f"{share(main.place)} ({share(bare.place)})" if share(main.place) else "",
        percent(row.claim),
    ]


def percent(value: float | None) -> str:
    """Return ``−7.6 %``; empty for None."""
    return "" if value is None else f"{value:+.1%}".replace("-", "−").replace("%", " %")


def number(value: Spread | None, decimals: int = 2) -> str:
    """Return the median with a sign; empty for None."""
    return "" if value is None else f"{value.median:+.{decimals}f}".replace("-", "−")


def spread(value: Spread | None, *, short: bool = False, decimals: int | None = None) -> str:
    """Return ``−7.6 % (−9.1 to −2.0)``, or a number so; the median alone if short or of one seed."""
    if value is None:
        return ""
    if decimals is not None:
        low, high = (f"{one:+.{decimals}f}".replace("-", "−") for one in (value.low, value.high))
        return f"{number(value, decimals)} ({low} to {high})"
    if short or value.count == 1:
        return percent(value.median)
    low, high = (f"{100 * one:+.1f}".replace("-", "−") for one in (value.low, value.high))
    return f"{percent(value.median)} ({low} to {high})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
