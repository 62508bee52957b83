"""Telling what an exception of a vendor's client means, from the exception and the last answer it saw."""

from __future__ import annotations

from dataclasses import dataclass

from engine.market.sources.remote.failure import Trouble

#: statuses by which hosts turn an address away; 456 is Sina's
REFUSALS = frozenset({401, 403, 405, 407, 418, 423, 429, 451, 456})
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a host's last answer.

    Parameters
    ----------
    host : str
    status : int
    is_page : bool
        Whether it is a web page, where data were asked for.
    """

    host: str
    status: int
    is_page: bool = False


#: errors that quote an address they cannot use
_OF_ADDRESSES = frozenset({"requests.exceptions.InvalidURL", "urllib3.exceptions.LocationValueError"})


class Refused(OSError):  # noqa: N818 - says what happened
    """The host has answered with a status that is no success."""


def status_trouble(status: int) -> Trouble | None:
    """Trouble that a status alone tells of; None for a success."""
    if status in REFUSALS:
        return Trouble.REFUSED
    if status >= 500:
        return Trouble.SERVER
    return Trouble.NOT_DATA if status >= 400 else None


def trouble_of(problem: BaseException, seen: Seen | None) -> tuple[Trouble, str]:
    """Say what an exception means, and show its first line.

    Parameters
    ----------
    problem : BaseException
    seen : Seen or None
        The last answer before it; None if no answer came.
    """
    text = str(problem).strip()
    line = (text.splitlines()[0] if text else "")[:_SHOWN]
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(problem).__mro__}
    name = type(problem).__name__
    if seen is not None and (trouble := status_trouble(seen.status)) is not None:
        return trouble, f"status {seen.status}"
    if kinds & {"requests.exceptions.Timeout", "builtins.TimeoutError"} or "timed out" in line.lower():
        return Trouble.TIMEOUT, name
    if kinds & _OF_ADDRESSES or "proxy syntax" in line.lower():
        # vendors' addresses are well formed, so it is a proxy's, and the text may quote its password
        return Trouble.NETWORK, f"{name}: HTTPS_PROXY is no address; write # and / in it as %23, %2F"
    if _is_network(kinds):
        return Trouble.NETWORK, f"{name}: {_innermost(problem)}"
    if seen is not None and seen.is_page:
        return Trouble.NOT_DATA, name
    if "json" in name.lower() and "decode" in name.lower():
        return Trouble.NOT_DATA, f"{name}: {line}"
    if line.startswith("No tables found"):
        return Trouble.NOT_DATA, line
    if "Length mismatch" in line:
        return Trouble.COLUMNS, line
    if isinstance(problem, KeyError) and problem.args[:1] and problem.args[0] in ("data", "result"):
        return Trouble.EMPTY, f"no {problem.args[0]!r} in it"
    if isinstance(problem, (TypeError, ValueError)) and ("NoneType" in line or "No objects to conc" in line):
        return Trouble.EMPTY, line
    return Trouble.COLUMNS, f"{name}: {line}"


def _is_network(kinds: set[str]) -> bool:
    return bool(
        kinds
        & {
            "requests.exceptions.RequestException",
            "urllib3.exceptions.HTTPError",
            "builtins.ConnectionError",
            "ssl.SSLError",
            "socket.gaierror",
            "urllib.error.URLError",
            "http.client.HTTPException",
            "curl_cffi.curl.CurlError",
        }
    ) and not any(kind.endswith(".JSONDecodeError") for kind in kinds)


def _innermost(problem: BaseException) -> str:
    """First line of what lies below wrapped exceptions of the network, without addresses in memory."""
    text = str(problem)
    for mark in ("Caused by ", "): "):
        if mark in text:
            text = text.rsplit(mark, 1)[1]
    line = (text.splitlines() or [""])[0].strip("'\" ")
    while line.endswith(")") and line.count(")") > line.count("("):
        line = line[:-1].rstrip("'\" ")
    return line[:_SHOWN]
