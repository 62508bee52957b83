"""A mining run that is killed, or interrupted, goes on where it was and pays nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from llm_server import KEY, LlmServer
from seed_folder import configuration
from seed_model import Mine, Model

from alpha_sources.seed import load_seeds, read_mined
from alphaloom.config import load_config
from engine.errors import OutputError

ROOT = Path(__file__).resolve().parents[4]


def started(documents: Path, out: Path, config: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "alphaloom", "seed", "mine", str(documents), "--out", str(out)]
    command += ["--config", str(config), "--factory", "against=[paper_seeds]"]
    environ = {**os.environ, "TEST_LLM_KEY": KEY}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environ
    )


@pytest.mark.slow
def test_a_run_killed_in_the_middle_goes_on_and_pays_no_call_twice(
    documents: Path, mine: Mine, server: LlmServer, tmp_path: Path
) -> None:
    config, out = configuration(tmp_path / "run.yaml", server, tmp_path), tmp_path / "killed.yaml"
    server.slow_s = 0.1
    first = started(documents, out, config)
    while len(server.charged) < 5 and first.poll() is None:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    if out.exists():  # what it had mined is a library, whole
        assert len(load_seeds(out)) and read_mined(out)["unfinished"] == "it is under way"  # type: ignore[index]
    second = started(documents, out, config)
    said, errors = second.communicate(timeout=120)
    assert second.returncode == 0, errors
    assert "from the cassette" in said.splitlines()[-1]
    # transcriptions are not charged by this server; of eleven questions none was paid twice
    assert len(server.charged) == len(set(server.charged)) == 11
    server.close()
    whole = mine(documents, "whole.yaml", config=load_config(config))
    assert whole.costs.calls == 0 and not whole.mined.unfinished
    assert (tmp_path / "whole.yaml").read_bytes() == out.read_bytes()
    assert KEY not in said + errors


def test_an_interruption_keeps_what_was_mined(
    documents: Path, mine: Mine, model: Model, tmp_path: Path
) -> None:
    seen: list[str] = []

    def stop(mined: Any) -> None:
        seen.append(mined.unfinished)
        if len(mined.seeds) == 2 and "interrupted" not in mined.unfinished:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mine(documents, on_step=stop)
    assert seen[-1] == "it was interrupted"
    assert len(load_seeds(tmp_path / "seeds.yaml")) == 2
    finished = mine(documents)
    assert not finished.mined.unfinished and finished.costs.replayed > 0


def test_a_file_is_continued_only_with_the_same_settings_and_never_lost(
    documents: Path, mine: Mine, settings: Any, tmp_path: Path
) -> None:
    out = tmp_path / "seeds.yaml"
    mine(documents, config=settings(budget={"calls": 2}, concurrency=1))
    with pytest.raises(OutputError, match=r"was begun with other settings; name another file, or .* --force"):
        mine(documents, factory={"most": 7})
    mine(documents)
    before = out.read_bytes()
    with pytest.raises(OutputError, match=r"is complete; name another file"):
        mine(documents)
    mine(documents, force=True)
    assert out.read_bytes() == before
    out.write_text("title: my own\nentries: []\n", encoding="utf-8")
    with pytest.raises(OutputError, match="was not mined"):
        mine(documents)
