"""``alphaloom agents``: let the committee sit, and ask why an alpha is in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from rich.console import Console

    from alpha_sources.agents import Decision

agents_app = typer.Typer(help="Which seeds are credible, and why.", no_args_is_help=True)

Day = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Default: the last there is.")]
#: of labels, so that texts stand under one another
_WIDTH = 12


@agents_app.callback()
def agents() -> None:
    """Let the committee sit, and ask it why."""


@agents_app.command()
def decide(
    day: Day = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="A library or a seed file. Default: the configuration's.")
    ] = None,
    config: Annotated[
        str, typer.Option("--config", help="Whose data, agents and language model.")
    ] = "quickstart",
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a key, like --set alpha.params.agents.threshold=0.6; as often as needed.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Print every seed, not only those kept.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the whole record, as JSON; must not exist.")
    ] = None,
) -> None:
    """Let the committee judge seeds at the close of a day, and print what it keeps.

    Nothing later than that day is read. Without a language model it goes by
    rules.
    """
    import os
    from datetime import UTC, datetime

    from rich.console import Console

    from alpha_sources.agents.explanation import explained
    from alphaloom.committee import sit
    from alphaloom.config import load_config
    from engine.errors import OutputError
    from engine.hashing import canonical_json

    if out is not None and out.exists():
        raise OutputError(f"{out} exists; name another --out, or remove it first")
    console = Console(highlight=False)
    settings = load_config(config, sets=sets or [], environ=os.environ)
    with console.status("judging"):
        sitting = sit(settings, _day(day), seeds=seeds, at=datetime.now(UTC))
    decision = sitting.decision
    if out is not None:
        try:
            out.write_text(canonical_json(decision.to_payload()) + "\n", encoding="utf-8")
        except OSError as problem:
            raise OutputError(f"cannot write {out}: {problem.strerror}") from None
    _print_scores(console, decision, every)
    record = [] if out is None else [("record", str(out))]
    if sitting.tried is not None:
        record.insert(0, ("trials", sitting.tried.line()))
    _print_lines(console, [*explained(decision), ("cost", decision.costs), *record])


@agents_app.command()
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or one with its snapshots.")],
    day: Day = None,
    alpha: Annotated[
        str | None, typer.Option("--alpha", metavar="NAME", help="Why this one is in, or is not.")
    ] = None,
) -> None:
    """Say what the committee of a run decided, and why an alpha is in.

    With a date it is the decision in force at its close.
    """
    from rich.console import Console

    from alpha_sources.agents.explanation import explained, reasons
    from alpha_sources.agents.reading import decision_at, decisions_of

    console = Console(highlight=False)
    decisions = decisions_of(run)
    decision = decision_at(decisions, _day(day))
    if alpha is not None:
        _print_lines(console, [("decided", f"at the close of {decision.as_of}"), *reasons(decision, alpha)])
        return
    _print_scores(console, decision, every=False)
    _print_lines(console, explained(decision))
    if len(decisions) > 1:
        days = ", ".join(one.as_of for one in decisions)
        _print_lines(console, [("refreshes", days)])


def _day(text: str | None) -> date | None:
    from alpha_sources.evaluation.settings import as_day

    return None if text is None else as_day(text, "--date")


def _print_lines(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    from alphaloom.cli.output import print_labelled

    for label, text in lines:
        print_labelled(console, label, text, width=_WIDTH)


def _print_scores(console: Console, decision: Decision, every: bool) -> None:
    from alpha_sources.agents.decision import CONFIDENCE
    from alphaloom.cli.columns import print_columns

    agents = decision.agents
    greek = [f"{'θ' if agent == CONFIDENCE else 'ρ'} {agent}" for agent in agents]
    rows = [["alpha", "category", "rank IC", "± error", *greek, "score", *(["verdict"] if every else [])]]
    kept = [decision[name] for name in decision.kept]
    others = [one for one in decision.opinions if not one.kept] if every else []
    for one in [*kept, *sorted(others, key=lambda o: (-(o.score or -1.0), o.name))]:
        seen = one.like_today
        rows.append(
            [
                one.name if one.sign > 0 else f"−{one.name}",
                one.category,
                "" if seen is None or seen.mean is None else f"{seen.mean:+.4f}",
                "" if seen is None or seen.error is None else f"{seen.error:.4f}",
                *(f"{one.marks[agent].value:.2f}" if agent in one.marks else "" for agent in agents),
                "" if one.score is None else f"{one.score:.3f}",
                *([one.verdict.replace("_", " ")] if every else []),
            ]
        )
    print_columns(console, rows)
    console.print()
