"""Where lasting state lives."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """Return ``ALPHALOOM_HOME``, or the platform's data folder; it need not exist yet."""
    return Path(os.environ.get("ALPHALOOM_HOME") or platformdirs.user_data_dir("alphaloom")).expanduser()
