"""Cross-sectional regressions on the members of a session."""

from __future__ import annotations

from alpha_sources.formula.context import Context, Panel, Value
from alpha_sources.formula.kernels import _ranks


def regression_resid(context: Context, y: Value, *factors: Value) -> Panel:
    """What of y a constant and the factors do not explain.

    NaN where the members with every value are fewer than coefficients plus one. A factor that the others
    explain adds nothing.
    """
    return _ranks.residuals(context, y, factors)
