"""Whether a configuration can be run at all, found out before an account is made of it."""

from __future__ import annotations

from contextlib import suppress

from engine.broker.shell import AShareBroker
from engine.errors import AlphaloomError, StrategyError, TooFewBars
from engine.runner import run_strategy
from live.run import PaperRun


class _Ready(AlphaloomError):  # noqa: N818 - says what it is
    """The strategy stands at its first session."""


class _Curtain(AShareBroker):
    def next(self) -> None:
        raise _Ready


def rehearse(run: PaperRun) -> None:
    """Load strategy and provider and start them, up to the first session of the span; nothing is decided.

    Raises
    ------
    AlphaloomError
        If they cannot be made or refuse to start: what a back-test of the span would end with.
    """
    trader = run.trader()
    try:
        with suppress(_Ready):
            run_strategy(
                run.panel,
                trader.strategy,
                trader.params,
                broker=run.broker,
                span=run.span,
                benchmark=run.benchmark,
                make_broker=_Curtain,
            )
    except StrategyError as problem:
        # an account may begin with fewer sessions than its indicators need, and wait for them
        if not isinstance(problem.__cause__, TooFewBars):
            raise
    finally:
        if trader.signal is not None:
            trader.signal.provider.close()
