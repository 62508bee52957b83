"""The checks, in order, and how they are run: here, or in a process that may hang."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alpha_sources.conformance.answers import (
    check_determinism,
    check_hidden_state,
    check_nan_rules,
    check_shape,
)
from alpha_sources.conformance.findings import (
    CheckFailedError,
    Conformance,
    Fault,
    Finding,
    Verdict,
    skipped,
)
from alpha_sources.conformance.future import (
    check_future_in_refresh,
    check_future_in_scores,
    check_scores_panel,
)
from alpha_sources.conformance.own_data import check_own_data
from alpha_sources.conformance.reach import check_history, check_symbols
from alpha_sources.conformance.reading import watching
from alpha_sources.conformance.speed import check_speed
from alpha_sources.conformance.subject import Options, Subject
from alpha_sources.conformance.transport import check_snapshot, check_worker
from alpha_sources.llm.config import LlmConfig
from alpha_sources.loading import ALPHA_SOURCES, handed, load_provider
from alpha_sources.provider import AlphaProvider
from engine.errors import AlphaloomError, ProviderError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.plugins import describe, load_object
from engine.processes import DiedError, TimedOutError, started

Check = Callable[[Subject], Finding]

#: every check by its name, in the order of the report
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "shape": check_shape,
        "nan_rules": check_nan_rules,
        "determinism": check_determinism,
        "hidden_state": check_hidden_state,
        "future_in_scores": check_future_in_scores,
        "future_in_refresh": check_future_in_refresh,
        "scores_panel": check_scores_panel,
        "history": check_history,
        "symbols": check_symbols,
        "own_data": check_own_data,
        "snapshot": check_snapshot,
        "worker": check_worker,
        "speed": check_speed,
    }
)
#: what must not have failed for a check to tell anything
_NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "shape": (),
        "nan_rules": ("shape",),
        "determinism": ("shape",),
        "history": ("shape", "determinism", "hidden_state", "future_in_scores"),
        "symbols": ("shape", "determinism", "hidden_state", "future_in_scores"),
        "own_data": ("shape", "determinism", "hidden_state", "future_in_scores"),
        "worker": ("shape", "determinism", "hidden_state", "future_in_scores"),
        "speed": ("shape",),
    }
)
_USUALLY = ("shape", "determinism")
#: seconds for a process to start and take over the market
_STARTING = 120.0
#: and for large libraries to be imported
_IMPORTING = 60.0


@dataclass(frozen=True, slots=True)
class Named:
    """A provider as a configuration names it; made where it is checked.

    Parameters
    ----------
    name : str
        ``package.module:Class``, ``path/to/file.py:Class`` or a short name.
    params : mapping
        Keyword arguments.
    base : Path or None
        Folder that relative paths start from.
    seed : int
        Handed to a provider that takes a ``seed``.
    label : str
        What to call it in words; by default its name.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    base: Path | None = None
    seed: int = 0
    label: str = ""

    def make(self) -> AlphaProvider:
        """Make a fresh instance."""
        cls = load_object(self.name, ALPHA_SOURCES, self.base)
        # offline: it is asked again and again about markets that never were, which no cassette has
        params = handed(cls, self.params, seed=self.seed, llm=LlmConfig())
        return load_provider(self.name, params, self.base)


def needs(name: str) -> tuple[str, ...]:
    """Return the checks that must not have failed for this one to tell anything."""
    return _NEEDS.get(name, _USUALLY)


def run_check(name: str, subject: Subject, before: Mapping[str, Finding]) -> Finding:
    """Run one check.

    Parameters
    ----------
    name : str
        One of `CHECKS`.
    subject : Subject
        The provider.
    before : mapping of str to Finding
        Outcomes of the checks in `needs` of it, by name.
    """
    for needed in needs(name):
        if before[needed].verdict is Verdict.FAILED:
            return skipped(name, f"cannot be told as long as {needed} fails")
    try:
        return CHECKS[name](subject)
    except CheckFailedError as problem:
        return problem.finding(name)
    except AlphaloomError as problem:
        return CheckFailedError(Fault.RAISES, str(problem)).finding(name)


def check_here(
    make: Callable[[], AlphaProvider],
    panel: MarketPanel,
    options: Options | None = None,
    name: str | None = None,
    on_finding: Callable[[Finding], None] | None = None,
) -> Conformance:
    """Check a provider within this process; one that hangs, hangs.

    Parameters
    ----------
    make : callable
        Makes a fresh instance.
    panel : MarketPanel
        The market to check it on.
    options : Options, optional
        How thoroughly.
    name : str, optional
        What to call it; by default its class.
    on_finding : callable, optional
        Told of every outcome.
    """
    clock = time.perf_counter()
    findings: dict[str, Finding] = {}
    try:
        subject = Subject(name or "", make, panel, options or Options())
    except CheckFailedError as problem:
        findings["shape"] = problem.finding("shape")
        if on_finding is not None:
            on_finding(findings["shape"])
        return Conformance(name or "the provider", "", _whole(findings, "shape"), time.perf_counter() - clock)
    for check in CHECKS:
        findings[check] = run_check(check, subject, findings)
        if on_finding is not None:
            on_finding(findings[check])
    seconds = time.perf_counter() - clock
    return Conformance(subject.name, described(subject), list(findings.values()), seconds)


def check_apart(
    provider: Named,
    panel: MarketPanel,
    options: Options | None = None,
    on_finding: Callable[[Finding], None] | None = None,
    on_check: Callable[[str], None] | None = None,
) -> Conformance:
    """Check a provider in a process of its own, which is ended when a call takes longer than the time limit.

    Parameters
    ----------
    provider : Named
        What to load there.
    panel : MarketPanel
        The market to check it on.
    options : Options, optional
        How thoroughly.
    on_finding, on_check : callable, optional
        Told of every outcome, and what is being checked.

    Raises
    ------
    AlphaloomError
        If the provider cannot be loaded or there is nothing to check it on.
    """
    options = options or Options()
    clock = time.perf_counter()
    findings: dict[str, Finding] = {}
    market, doing, allowance, check = "", "starting", _STARTING, "shape"

    def note(finding: Finding) -> None:
        findings[finding.check] = finding
        if on_finding is not None:
            on_finding(finding)

    with started(_examine, provider, panel, options) as line:
        try:
            while True:
                said = line.hear(options.time_limit + allowance)
                match said:
                    case ("doing", doing, allowance):
                        pass
                    case ("check", check):
                        doing, allowance = "", 0.0
                        if on_check is not None:
                            on_check(check)
                    case ("market", market):
                        pass
                    case ("refused", problem):
                        raise problem
                    case Finding():
                        note(said)
                    case "done":
                        break
        except TimedOutError as exc:
            what = f"{doing} takes longer than {exc.seconds:g} s; a longer --time-limit allows it"
            note(CheckFailedError(Fault.HANGS, what, _session_in(doing)).finding(check))
        except DiedError as exc:
            note(
                CheckFailedError(Fault.DIES, f"during {doing} the process {exc}", _session_in(doing)).finding(
                    check
                )
            )
    name = provider.label or provider.name
    return Conformance(name, market, _whole(findings, check), time.perf_counter() - clock)


def described(subject: Subject) -> str:
    """Return what a provider is checked on, in words."""
    dates, rows = subject.panel.dates, subject.rows
    return (
        f"{len(rows)} sessions of {iso(dates[rows[0]])}..{iso(dates[rows[-1]])}, "
        f"{subject.panel.shape[1]} symbols, seed {subject.options.seed}"
    )


def _examine(say: Callable[[Any], None], provider: Named, panel: MarketPanel, options: Options) -> None:
    files: list[str] = []
    say(("doing", "importing it", _IMPORTING))
    try:
        with watching(files):
            load_object(provider.name, ALPHA_SOURCES, provider.base)

        def watch(what: str, allowance: float) -> None:
            say(("doing", what, allowance))

        # whoever is interrupted is the provider: Ctrl-C does not come here
        label = provider.label or provider.name
        subject = Subject(label, provider.make, panel, options, watch, files, lets_through=())
    except CheckFailedError as problem:
        say(problem.finding("shape"))
        say("done")
        return
    except AlphaloomError as problem:
        say(("refused", type(problem)(str(problem))))
        return
    except BaseException as problem:
        say(("refused", ProviderError(f"importing {provider.name} failed: {describe(problem)}")))
        return
    findings: dict[str, Finding] = {}
    for check in CHECKS:
        say(("check", check))
        findings[check] = run_check(check, subject, findings)
        if check == "shape":
            say(("market", described(subject)))
        say(findings[check])
    say("done")


def _whole(findings: Mapping[str, Finding], last: str) -> list[Finding]:
    """Return a finding for every check, those included that were not reached."""
    return [findings.get(name) or skipped(name, f"not reached: {last} did not end") for name in CHECKS]


def _session_in(doing: str) -> str | None:
    _, found, session = doing.partition(" at ")
    return session if found else None
