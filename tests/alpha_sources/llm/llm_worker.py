"""A process that asks questions in a row and can be killed.

Run as a program: ``python llm_worker.py CASSETTE URL QUESTIONS``. Each answer is reported on stdout.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import openai  # slow: not between "open" and the first question
from llm_questions import Mood, question
from llm_server import KEY

from alpha_sources.llm import Door, LlmConfig


def start(cassette: Path, url: str, questions: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, str(cassette), url, str(questions)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def config(cassette: Path, url: str, mode: str = "record") -> LlmConfig:
    profile = {"base_url": url, "model": "thinker-1", "key_variable": "TEST_LLM_KEY", "timeout_s": 20}
    return LlmConfig(mode=mode, profiles={"local": profile}, cassette=cassette)


if __name__ == "__main__":
    path, url, count = sys.argv[1:]
    with Door.open(config(Path(path), url), environ={"TEST_LLM_KEY": KEY}) as door:
        assert openai.OpenAI
        print("open", flush=True)
        for number in range(int(count)):
            print(door.ask(question(f"number {number}"), Mood).score, flush=True)
        print(door.costs().calls, door.costs().replayed, door.costs().interrupted, flush=True)
