"""What an operator is: its parameters, its rules in words and in code, and where its kernel lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.nodes import Degree, Node
from alpha_sources.formula.units import Unit

Literal = int | float
#: Called with a sentence for every doubt about units or scale.
Warn = Callable[[str], None]
#: (operands, literals, warn) -> unit and degree of the result
ScaleRule = Callable[[tuple[Node, ...], tuple[Literal, ...], Warn], tuple[Unit, Degree]]
#: literals -> sessions
ReachRule = Callable[[tuple[Literal, ...]], int]

KERNELS = "alpha_sources.formula.kernels"


class Family(StrEnum):
    """Where an operator looks: at one cell, back in time, across the names of a session."""

    ARITHMETIC = "arithmetic"
    LOGIC = "logic"
    TIME_SERIES = "time series"
    CROSS_SECTION = "cross-section"
    GROUP = "group"
    REGRESSION = "regression"
    TECHNICAL = "technical"

    @property
    def across_names(self) -> bool:
        """True if it compares the members of a session, each on the scale of that session."""
        return self in (Family.CROSS_SECTION, Family.GROUP, Family.REGRESSION)


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operator.

    Parameters
    ----------
    name : str
        As documentation and expansions call it.
    kind : Kind
        What may stand there.
    default : int, float, str or REQUIRED
        A number, or the text of a formula such as ``close``.
    minimum, maximum : float or None
        Bounds of a literal; a window is at least 1 and a lag at least 0 in any case.
    repeats : bool
        The last parameter may take any number of operands, `default` REQUIRED meaning at least one.
    """

    name: str
    kind: Kind = Kind.PANEL
    default: int | float | str | _Required = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    repeats: bool = False

    @property
    def is_required(self) -> bool:
        """True if it has no default."""
        return isinstance(self.default, _Required)


def no_reach(literals: tuple[Literal, ...]) -> int:
    """Look-back, or burn-in, of an operator that needs no earlier session."""
    return 0


@dataclass(frozen=True, slots=True)
class Operator:
    """One row of the table of operators.

    Either `module` names the file of kernels with a function of the operator's name, called as
    ``kernel(context, *operands_and_literals_in_written_order)``, or `expansion` is a formula over the
    parameters' names and no kernel is needed: a graph to be evaluated has no such operator.

    Parameters
    ----------
    name : str
        In the default dialect.
    parameters : tuple of Parameter
        In written order.
    family : Family
        See `Family`.
    summary : str
        What it computes, in one line.
    notes : str
        Its rules on NaN, ties and windows, beyond those all operators share.
    example : str
        A formula that uses it.
    module : str
        ``elementwise``, ``rolling``, ``recursive``, ``cross_section``, ``group`` or ``regression``.
    expansion : str
        A formula over the parameters' names.
    result : Kind
        Of what it yields.
    scale : ScaleRule or None
        Unit and degree of the result; an expansion needs none.
    lookback, burn_in : ReachRule
        Earlier sessions needed, and further ones until a recursion has forgotten its start.
    fold : callable or None
        The value on constants alone, where it has one.
    check : callable or None
        Returns what is wrong with the literals together, or nothing.
    """

    name: str
    parameters: tuple[Parameter, ...]
    family: Family
    summary: str
    notes: str = ""
    example: str = ""
    module: str = ""
    expansion: str = ""
    result: Kind = Kind.PANEL
    scale: ScaleRule | None = None
    lookback: ReachRule = no_reach
    burn_in: ReachRule = no_reach
    fold: Callable[..., float] | None = None
    check: Callable[[tuple[Literal, ...]], str | None] | None = None

    @property
    def signature(self) -> str:
        """As it is written, with defaults: ``rsi(x=close, n=14)``."""
        parts = []
        for parameter in self.parameters:
            default = "" if parameter.is_required else f"={parameter.default}"
            parts.append(f"{parameter.name}..." if parameter.repeats else f"{parameter.name}{default}")
        return f"{self.name}({', '.join(parts)})"

    @property
    def kernel_name(self) -> str:
        """Dotted name of the kernel, empty for an expansion."""
        return f"{KERNELS}.{self.module}.{self.name}" if self.module else ""

    def kernel(self) -> Callable[..., Any]:
        """Import the kernel's module, now and not before, and return the kernel."""
        found: Callable[..., Any] = getattr(import_module(f"{KERNELS}.{self.module}"), self.name)
        return found

    def written_order(self, operands: tuple[Any, ...], literals: tuple[Any, ...]) -> tuple[Any, ...]:
        """Operands and literals, each in order, as the kernel takes them: in the order of the parameters."""
        arrays, numbers = iter(operands), iter(literals)
        merged: list[Any] = []
        for parameter in self.parameters:
            if parameter.repeats:
                merged.extend(arrays)
            else:
                merged.append(next(arrays) if parameter.kind.is_operand else next(numbers))
        return tuple(merged)
