"""The daemon's log: one file that is rotated, on the exchanges' clock, and without secrets.

Values of variables are left out of tracebacks: keys are among them.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import OutputError
from engine.market.phases import SHANGHAI

if TYPE_CHECKING:
    from loguru import Logger, Record

_FORMAT = "{extra[at]} {level: <8} {message}"
_BYTES, _FILES = 5 * 2**20, 10
#: words in the name of an environment variable whose value nobody may read
_SECRET_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|WEBHOOK|_URL$", re.IGNORECASE)
#: shorter values are no secrets, and would be found everywhere
_SHORTEST = 6
_USER_INFO = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")


def redactor(environ: Mapping[str, str], more: frozenset[str] = frozenset()) -> Callable[[str], str]:
    """Make a function that blots out secrets: values of variables by their names, passwords in URLs.

    Parameters
    ----------
    environ : mapping of str to str
    more : frozenset of str
        Names of further variables that hold secrets.
    """
    names = [name for name in environ if _SECRET_NAMES.search(name) or name in more]
    secrets = sorted(
        {environ[name] for name in names if len(environ[name]) >= _SHORTEST}, key=len, reverse=True
    )

    def redact(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return _USER_INFO.sub("***", text)

    return redact


def open_log(file: Path | None, redact: Callable[[str], str], *, verbose: bool = False) -> Logger:
    """Begin the log of this process.

    Parameters
    ----------
    file : Path or None
        Rotated at 5 MB, ten are kept; None: standard error alone.
    redact : callable
        See `redactor`; applied to whole records, tracebacks included.
    verbose : bool
        Write to standard error as well.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from loguru import logger

    logger.remove()
    logger.configure(patcher=_stamp)
    # diagnose would print the values of variables, keys among them
    options: dict[str, Any] = {"format": _FORMAT, "level": "INFO", "backtrace": False, "diagnose": False}
    if file is not None:
        handler = _rotating(file)
        logger.add(lambda text: _write(handler, redact(str(text))), **options)
    if verbose or file is None:
        logger.add(lambda text: _show(redact(str(text))), **options)
    return logger


def _stamp(record: Record) -> None:
    """Let a line say when it was on the exchanges' clock, as the messages and the ledger do."""
    record["extra"]["at"] = record["time"].astimezone(SHANGHAI).isoformat(timespec="milliseconds")


def _rotating(file: Path) -> RotatingFileHandler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8")
        file.chmod(0o600)
    except OSError as problem:
        raise OutputError(f"the log {file} cannot be written: {problem.strerror}") from None
    return handler


def _show(text: str) -> None:
    sys.stderr.write(text)


def _write(handler: RotatingFileHandler, text: str) -> None:
    handler.emit(logging.makeLogRecord({"msg": text.rstrip("\n"), "levelno": logging.INFO}))
