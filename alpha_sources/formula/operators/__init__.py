"""The table of operators, by family; kernels are named here and imported only when something is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from alpha_sources.formula.operator import Operator
from alpha_sources.formula.operators import arithmetic, cross_section, logic, technical, time_series

#: every operator of the default dialect, in the order of the documentation
ALL: tuple[Operator, ...] = (
    *arithmetic.OPERATORS,
    *logic.OPERATORS,
    *time_series.OPERATORS,
    *cross_section.OPERATORS,
    *technical.OPERATORS,
)

#: the same by name
OPERATORS: Mapping[str, Operator] = MappingProxyType({operator.name: operator for operator in ALL})
