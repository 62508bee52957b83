"""What was found wrong with market data: findings, and the report that holds them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.errors import DataError

#: Examples a finding carries at most.
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of trouble.

    Parameters
    ----------
    kind : str
        Short name, stable for programs: ``bad_ohlc``.
    message : str
        What is wrong and what to do, in words.
    count : int
        How many rows, names or sessions, as the message says.
    examples : tuple of str
        At most three, each with its symbol and session.
    """

    kind: str
    message: str
    count: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f"; e.g. {'; '.join(self.examples)}" if self.examples else ""
        return f"{self.kind}: {self.message}{shown}"


class InvalidDataError(DataError):
    """Data were refused; `report` says everything that was found, not only the first."""

    def __init__(self, message: str, report: ValidationReport) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[type[InvalidDataError], tuple[str, ValidationReport]]:
        return InvalidDataError, (str(self), self.report)


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Everything found while loading: errors refuse the data, warnings are to be read.

    Printing it gives the whole in words.
    """

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the data can be used."""
        return not self.errors

    def raise_if_errors(self, source: str) -> None:
        """Raise `InvalidDataError` (a `DataError`) naming `source` if there is any error."""
        if self.errors:
            raise InvalidDataError(f"{source}: {'; '.join(map(str, self.errors))}", self)

    def __str__(self) -> str:
        head = f"{counted(len(self.errors), 'error')}, {counted(len(self.warnings), 'warning')}"
        lines = [f"error    {finding}" for finding in self.errors]
        lines += [f"warning  {finding}" for finding in self.warnings]
        return "\n".join([head, *lines])


@dataclass(slots=True)
class Findings:
    """Collects findings while data are read."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def error(self, kind: str, message: str, count: int, examples: Iterable[str] = ()) -> None:
        """Note something that refuses the data."""
        self.errors.append(Finding(kind, message, count, tuple(examples)[:EXAMPLES]))

    def warn(self, kind: str, message: str, count: int, examples: Iterable[str] = ()) -> None:
        """Note something a reader should know."""
        self.warnings.append(Finding(kind, message, count, tuple(examples)[:EXAMPLES]))

    def report(self) -> ValidationReport:
        """Freeze what was found so far."""
        return ValidationReport(tuple(self.errors), tuple(self.warnings))


def counted(n: int, noun: str) -> str:
    """``no rows``, ``1 row``, ``1,234 rows``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}" if n else f"no {noun}s"
