"""What can go wrong with a vendor, and the one error that says so."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from engine.errors import DataError


class Trouble(StrEnum):
    """Why a vendor's answer is of no use."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    SERVER = "server"
    NOT_DATA = "not_data"
    EMPTY = "empty"
    COLUMNS = "columns"
    NETWORK = "network"
    DIED = "died"
    STALE = "stale"
    ABSENT = "absent"

    @property
    def words(self) -> str:
        """What happened, for people."""
        return _WORDS[self]

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return _NOW[self]

    @property
    def may_pass(self) -> bool:
        """Whether asking again in a moment may help."""
        return self in (Trouble.TIMEOUT, Trouble.SERVER, Trouble.NETWORK, Trouble.DIED)

    @property
    def of_the_host(self) -> bool:
        """Whether it speaks against the host itself, not against one answer of it."""
        return self not in (Trouble.EMPTY, Trouble.COLUMNS, Trouble.STALE, Trouble.ABSENT)


_WORDS = {
    Trouble.TIMEOUT: "no answer within the deadline",
    Trouble.REFUSED: "the host refuses to answer this address",
    Trouble.SERVER: "the host failed",
    Trouble.NOT_DATA: "a web page came instead of data, perhaps a captcha",
    Trouble.EMPTY: "the answer is empty",
    Trouble.COLUMNS: "the answer has another shape than is known",
    Trouble.NETWORK: "the host cannot be reached",
    Trouble.DIED: "the process that asked ended without an answer",
    Trouble.STALE: "an older session is served as the one that was asked for",
    Trouble.ABSENT: "its client cannot be used",
}
_NOW = {
    Trouble.TIMEOUT: "repeat the command later, or ask another vendor",
    Trouble.REFUSED: "leave it alone for some hours, and ask another vendor meanwhile",
    Trouble.SERVER: "repeat the command later, or ask another vendor",
    Trouble.NOT_DATA: "leave it alone for some hours, and ask another vendor meanwhile",
    Trouble.EMPTY: "check the symbol and the days, or ask another vendor",
    Trouble.COLUMNS: "update its package with pip install -U akshare, or ask another vendor",
    Trouble.NETWORK: "check the network and the proxy settings, then repeat the command",
    Trouble.DIED: "repeat the command, or ask another vendor",
    Trouble.STALE: "repeat the command later, or ask another vendor",
    Trouble.ABSENT: "install it, or name other vendors",
}


class NotAskable(DataError):  # noqa: N818 - says what it is
    """Nobody can be asked, whoever it is: something on this machine is in the way."""


class VendorError(DataError):
    """A vendor gave no usable answer; the message names it, what was asked for, and what now.

    Parameters
    ----------
    vendor : str
        As in the store's manifest: ``akshare/eastmoney``.
    host : str
        Who was asked; empty where that is not known.
    about : str
        The symbol or table that was asked for.
    trouble : Trouble
    detail : str
        What was seen: a status, an exception's first line.
    now : str
        What to do; by default what helps against the trouble in general.
    words : str
        What happened, where the trouble's own words do not fit.
    """

    def __init__(
        self,
        vendor: str,
        host: str,
        about: str,
        trouble: Trouble,
        detail: str = "",
        now: str = "",
        words: str = "",
    ) -> None:
        self.vendor, self.host, self.about = vendor, host, about
        self.trouble, self.detail, self.now, self.words = trouble, detail, now, words
        asked = ", ".join(part for part in (about, host) if part)
        seen = f" ({detail})" if detail else ""
        who, happened = f"{vendor} [{asked}]" if asked else vendor, words or trouble.words
        super().__init__(f"{who}: {happened}{seen}; {now or trouble.remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.vendor, self.host, self.about, self.trouble, self.detail, self.now, self.words)
        return type(self), parts
