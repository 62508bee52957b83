"""Where a body comes from, by mode: cassette, server, or both in turn. A reply is used once it is kept."""

from __future__ import annotations

from collections.abc import Callable

from alpha_sources.llm.caller import Caller
from alpha_sources.llm.cassette import Cassette, Claim, Recorded
from alpha_sources.llm.clock import Clock
from alpha_sources.llm.config import Mode
from alpha_sources.llm.costs import Event, Tally
from alpha_sources.llm.errors import CassetteMissError, OfflineError
from alpha_sources.llm.request import Request

_POLL_S = 0.2
#: Beyond what a step may take, before its claim runs out: it may also have to wait for its turn. Whether a
#: process of the same machine still lives is known at once.
_MARGIN_S = 600.0


class Source:
    """Gets the body of a reply.

    Parameters
    ----------
    mode : Mode
    cassette : Cassette or None
        Needed to record and to replay.
    clock : Clock
    tally : Tally
    """

    def __init__(self, mode: Mode, cassette: Cassette | None, clock: Clock, tally: Tally) -> None:
        self._mode, self._cassette, self._clock, self._tally = mode, cassette, clock, tally

    def body(self, request: Request, sample: int, caller: Callable[[], Caller]) -> str:
        """Return the body of a reply.

        Parameters
        ----------
        request : Request
        sample : int
        caller : callable
            Makes who calls the server; not called where the cassette has the reply.

        Raises
        ------
        OfflineError
            In mode ``offline``.
        CassetteMissError
            In mode ``replay``, if the reply was not recorded.
        LlmError
            What the caller says.
        """
        if self._mode is Mode.OFFLINE:
            raise OfflineError(f"{request.label}: no model is asked in mode offline; set llm.mode to record")
        if self._mode is Mode.LIVE or self._cassette is None:
            return caller().call(request, sample, name=None, busy=lambda _: None).body
        found = self._cassette.find(request, sample)
        if found is None and self._mode is Mode.REPLAY:
            why = self._cassette.why_missing(request, sample)
            raise CassetteMissError(
                f"{request.label}: no reply is recorded on {self._cassette.path} (key {request.key[:12]}, "
                f"sample {sample}): {why}; record it with llm.mode=record"
            )
        if found is None:
            found = self._recorded(self._cassette, request, sample, caller)
        else:
            self._tally.count(Event.REPLAYED)
        return found.body

    def _recorded(
        self, cassette: Cassette, request: Request, sample: int, caller: Callable[[], Caller]
    ) -> Recorded:
        asks = caller()  # without a key there is nothing to claim
        while True:
            got = cassette.claim(request, sample, now=self._clock.now(), seconds=_MARGIN_S)
            if isinstance(got, Recorded):
                self._tally.count(Event.REPLAYED)
                return got
            if got is not Claim.TAKEN:
                break
            self._clock.sleep(_POLL_S)
        if got is Claim.INTERRUPTED:
            self._tally.count(Event.INTERRUPTED)

        def busy(seconds: float) -> None:
            cassette.renew(request, sample, now=self._clock.now(), seconds=seconds + _MARGIN_S)

        try:
            name = f"alphaloom-{request.key[:40]}-{sample}"
            received = asks.call(request, sample, name=name, busy=busy)
            return cassette.store(request, sample, received, now=self._clock.now())
        except BaseException:
            cassette.release(request, sample)
            raise
