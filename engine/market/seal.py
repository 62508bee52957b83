"""The seal: a panel without its test span.

A promise not to look is worth little where thousands of formulas are tried. A sealed panel is a real copy of
the rows before the test span: no array, index bar, action, text or pickle of it holds a later one, so that no
function that is given it, or a view of it, can read the test span, on purpose or not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import DataError, SealedSpan
from engine.market.calendar import iso, to_session

if TYPE_CHECKING:
    from engine.market.panel import MarketPanel


def sealed(panel: MarketPanel, day: Any) -> MarketPanel:
    """Return a copy of a panel that ends before `day`.

    Parameters
    ----------
    panel : MarketPanel
        A panel that is sealed already stays sealed from its earlier day on.
    day : date-like
        First day that is out of reach; it need not be a session, nor lie within the data.

    Returns
    -------
    MarketPanel
        What it is asked for from `day` on raises `SealedSpan`. The trading calendar goes on, as it is known
        in advance, and symbols keep their columns.

    Raises
    ------
    DataError
        If no session of the panel lies before `day`.
    """
    session = to_session(day)
    if panel.sealed_from is not None:
        session = min(session, panel.sealed_from)
    rows = int(np.searchsorted(panel.dates, session))
    if not rows:
        first = f"; the data begin {iso(panel.dates[0])}" if len(panel.dates) else ""
        raise DataError(f"sealed from {iso(session)}, the panel holds no session to select on{first}")
    return replace(panel.truncate(rows - 1), sealed_from=session)


def sealed_span(panel: MarketPanel, asked: str) -> SealedSpan:
    """Return the error of someone who asks a sealed panel for more than it holds."""
    assert panel.sealed_from is not None
    last = iso(panel.dates[-1])
    return SealedSpan(
        f"{asked} lies in the span that is sealed from {iso(panel.sealed_from)}; what is chosen once per run "
        f"sees the sessions up to {last}"
    )
