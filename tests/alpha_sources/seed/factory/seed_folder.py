"""The folder of the issue: an English note, a Chinese one, a chart, a statement and a recorded call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from document_makers import CHINESE, ENGLISH, pdf_bytes, png_bytes, recording_bytes, xlsx_bytes
from llm_server import LlmServer

from alphaloom.config import RunConfig, load_config

#: What the test's server hears in a recording of one second.
HEARD = "heard "


def write_documents(folder: Path) -> None:
    folder.mkdir()
    (folder / "english.pdf").write_bytes(pdf_bytes([ENGLISH, ("Volatility clusters and reverts.",)]))
    (folder / "english.pdf.meta.yaml").write_text("published: 2022-05-12\n", encoding="utf-8")
    front = "---\ntitle: 研究笔记\ndate: 2022-11-30\n---\n"
    (folder / "chinese.md").write_text(front + "\n\n".join(CHINESE), encoding="utf-8")
    (folder / "chart.png").write_bytes(png_bytes())
    (folder / "statement.xlsx").write_bytes(xlsx_bytes())
    (folder / "call.wav").write_bytes(recording_bytes(1.0))


def configuration(path: Path, server: LlmServer, tmp_path: Path) -> Path:
    """A configuration in a file whose model is the local server."""
    profile = {
        "base_url": server.url,
        "model": "reader-1",
        "key_variable": "TEST_LLM_KEY",
        "vision": True,
        "tokens_per_image": 1000,
        "transcription_model": "hearer-1",
        "concurrency": 1,
    }
    llm = {"mode": "record", "profiles": {"local": profile}, "cassette": str(tmp_path / "killed.db")}
    path.write_text(yaml.safe_dump({"name": "seeds", "data": {"source": "sample"}, "llm": llm}))
    return path


def configured(
    server: LlmServer,
    cassette: Path,
    mode: str = "record",
    *,
    budget: dict[str, Any] | None = None,
    **profile: Any,
) -> RunConfig:
    """A configuration in memory, with changes of its profile."""
    local = {
        "base_url": server.url,
        "model": "reader-1",
        "key_variable": "TEST_LLM_KEY",
        "timeout_s": 20,
        "vision": True,
        "tokens_per_image": 1000,
        "transcription_model": "hearer-1",
        "knowledge_cutoff": "2023-10-01",
        **profile,
    }
    llm = {
        "mode": mode,
        "profiles": {"local": local},
        "cassette": str(cassette),
        "retries": {"attempts": 1},
        "repairs": 1,
        **({"budget": budget} if budget else {}),
    }
    return load_config({"name": "seeds", "data": {"source": "sample"}, "llm": llm})
