"""Conformance checks as pytest tests, for the test files of those who write providers.

>>> from alphaloom.testing import provider_suite
>>> from my_alpha import LowTurnover
>>> test_low_turnover = provider_suite(lambda: LowTurnover(20))

makes one test for each check: ``test_low_turnover[future_in_scores]`` and so on.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from alpha_sources.conformance import (
    CHECKS,
    CheckFailedError,
    Fault,
    Finding,
    Options,
    Subject,
    Verdict,
    needs,
    run_check,
)
from alpha_sources.provider import AlphaProvider
from alphaloom.conformity import read_setting
from engine.market import MarketPanel

__all__ = ["ProviderNote", "provider_suite"]


class ProviderNote(UserWarning):
    """What a check has to say of a provider that conforms."""


class _Overdue(BaseException):
    """A call takes too long. No Exception, so that no provider catches it."""


def provider_suite(
    provider: Callable[[], AlphaProvider] | str,
    panel: MarketPanel | None = None,
    *,
    config: str | Path | Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    sessions: int = 8,
    seed: int = 0,
    time_limit: float = 60.0,
) -> Callable[[str], None]:
    """Return a parametrised test, one case for each conformance check; give it a name that begins with test_.

    Parameters
    ----------
    provider : callable or str
        Makes a fresh instance each time it is called (``lambda: LowTurnover(20)``, or the class itself), or
        a name as in a configuration (``my_alpha.py:LowTurnover``).
    panel : MarketPanel, optional
        The market to check it on; by default the configuration's data.
    config, sets
        As in `alphaloom.backtest`: whose data and span are used, and whose parameters where `provider` is
        a name. By default the quickstart's, on the bundled sample. Not read where `panel` is given and
        `provider` is callable.
    sessions, seed, time_limit
        Sessions drawn at random, seed of the draw, and seconds that any one call may take. The time limit
        is kept on the main thread of systems with alarm signals, as pytest's is.

    Notes
    -----
    Notes of a check are shown as warnings; checks with nothing to check are skipped. Data are loaded when the
    first test runs, not when it is collected.
    """
    examination = _Examination(provider, panel, config, sets, Options(sessions, seed, time_limit))

    @pytest.mark.parametrize("check", list(CHECKS))
    def test(check: str) -> None:
        __tracebackhide__ = True
        finding = examination.finding(check)
        if finding.verdict is Verdict.FAILED:
            pytest.fail(finding.text, pytrace=False)
        if finding.verdict is Verdict.SKIPPED:
            pytest.skip(finding.message)
        if finding.verdict is Verdict.NOTED:
            warnings.warn(ProviderNote(f"{check}: {finding.message}"), stacklevel=1)

    return test


class _Examination:
    """One provider's checks, each run when it is asked for, after those it needs."""

    def __init__(
        self,
        provider: Callable[[], AlphaProvider] | str,
        panel: MarketPanel | None,
        config: str | Path | Mapping[str, Any] | None,
        sets: Sequence[str],
        options: Options,
    ) -> None:
        self._provider, self._panel, self._config, self._sets = provider, panel, config, sets
        self._options = options
        self._findings: dict[str, Finding] = {}

    def finding(self, check: str) -> Finding:
        """Return the outcome of a check."""
        if check not in self._findings:
            before = {needed: self.finding(needed) for needed in needs(check)}
            try:
                with _no_alarm_left():
                    self._findings[check] = run_check(check, self._subject, before)
            except CheckFailedError as problem:  # it cannot even be made
                unmade = problem.finding("shape")
                later = Finding(check, Verdict.SKIPPED, "cannot be told as long as shape fails")
                self._findings[check] = unmade if check == "shape" else later
            except _Overdue as exc:
                self._findings[check] = Finding(check, Verdict.FAILED, str(exc), Fault.HANGS)
        return self._findings[check]

    @cached_property
    def _subject(self) -> Subject:
        provider, panel, options = self._provider, self._panel, self._options
        name = provider if isinstance(provider, str) else getattr(provider, "__name__", "the provider")
        if isinstance(provider, str) or panel is None:
            setting = read_setting(
                provider if isinstance(provider, str) else None,
                self._config,
                self._sets,
                panel=panel,
            )
            panel = setting.panel
            options = replace(options, first=setting.options.first, last=setting.options.last)
            make = setting.provider.make if isinstance(provider, str) else provider
        else:
            make = provider
        return Subject(name, make, panel, options, self._watch, lets_through=(KeyboardInterrupt, _Overdue))

    def _watch(self, what: str, allowance: float) -> None:
        if not _has_alarms():
            return
        seconds = self._options.time_limit + allowance

        def overdue(*_: object) -> None:
            raise _Overdue(f"{what} takes longer than {seconds:g} s")

        signal.signal(signal.SIGALRM, overdue)
        signal.setitimer(signal.ITIMER_REAL, seconds)


@contextmanager
def _no_alarm_left() -> Iterator[None]:
    """Give back the alarm to whoever had it, pytest-timeout for instance."""
    if not _has_alarms():
        yield
        return
    handler, (left, interval) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, handler)


def _has_alarms() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
