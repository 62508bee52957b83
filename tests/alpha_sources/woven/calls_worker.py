"""A process that refreshes a woven provider through a server of models, and can be killed.

Run as a program: ``python calls_worker.py PARAMS``, where PARAMS is a JSON file of the provider's parameters.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from alpha_sources.llm import LlmConfig
from alpha_sources.woven import WovenProvider
from alphaloom import load_panel

DAY = "2021-09-30"


def start(params: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, __file__, str(params)], stdout=subprocess.PIPE, text=True)


def provider_of(params: dict[str, Any]) -> WovenProvider:
    return WovenProvider(**{**params, "llm": LlmConfig.model_validate(params["llm"])})


if __name__ == "__main__":
    made = provider_of(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print(made.refresh(load_panel("sse50").truncate("2022-03-31").view(DAY), None).hash, flush=True)
