"""Column types: whole numbers stay whole, whatever the database would make of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Dialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeDecorator

from live.errors import LedgerError


class NotWhole(LedgerError, DontWrapMixin):  # noqa: N818 - says what it is
    """A number of fen or shares is not a whole one."""


class Whole(TypeDecorator[int]):
    """A 64-bit integer that refuses floats, even 12.0: SQLite would keep 12.5, PostgreSQL would round it."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Refuse what is not a Python int."""
        if value is None or type(value) is int:
            return value
        raise NotWhole(f"{value!r} is not a whole number; fen and shares are stored as integers")


def whole(name: str, *, least: int | None = None, optional: bool = False) -> list[Any]:
    """Return a column of whole numbers and its checks, for a table's argument list.

    Parameters
    ----------
    least : int, optional
        The smallest value allowed.
    optional : bool
        Whether the value may be missing.
    """
    may_be_null = f"{name} IS NULL OR " if optional else ""
    typed = CheckConstraint(f"{may_be_null}typeof({name}) = 'integer'", name=f"{name}_is_whole")
    # PostgreSQL's bigint holds nothing else
    parts: list[Any] = [Column(name, Whole, nullable=optional), typed.ddl_if(dialect="sqlite")]
    if least is not None:
        parts.append(CheckConstraint(f"{may_be_null}{name} >= {least}", name=f"{name}_at_least_{least}"))
    return parts
