"""The bundled sample: real SSE 50 data, 2019-12-31 to 2023-12-29; see the README beside this file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

BENCHMARK = "000016.SH"


def sample_paths() -> dict[str, Any]:
    """Return the ``data`` keys that point at the sample's files."""
    folder = Path(str(files(__name__)))
    return {
        "path": folder / "sse50_daily.parquet",
        "universe": "sse50",
        "membership": folder / "sse50_membership.csv",
        "instruments": folder / "instruments.csv",
        "actions": folder / "corporate_actions.csv",
        "fundamentals": [folder / "fundamentals_pit.csv", folder / "reports_sse50.csv"],
        "index": folder / "index_daily.parquet",
    }
