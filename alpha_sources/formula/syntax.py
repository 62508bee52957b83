"""What is written, before anything is known of names: a tree of calls, names and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Number:
    """A literal; `is_whole` says that it was written without point and exponent."""

    value: float
    is_whole: bool
    position: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A field, or an operator whose parameters all have defaults."""

    name: str
    written: str
    position: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    """An operator and its operands; `symbol` is how it was written, if not as a function."""

    name: str
    args: tuple[Expression, ...]
    position: int
    symbol: str = ""
    depth: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", 1 + max((arg.depth for arg in self.args), default=0))


Expression = Number | Name | Call
