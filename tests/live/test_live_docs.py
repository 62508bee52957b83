"""The settings that the pages on quotes, protections and notifications show are settings that work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from live.feeds import Doubt, QuotesConfig, Verdict
from live.notify import Kind, Level, NotifyConfig
from live.protections import ProtectionsConfig

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "section", "model"),
    [
        ("live_quotes", "quotes", QuotesConfig),
        ("protections", "protections", ProtectionsConfig),
        ("notifications", "notify", NotifyConfig),
    ],
)
def test_the_settings_shown_work_and_every_setting_is_shown(
    page: str, section: str, model: type[BaseModel]
) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    model.model_validate(shown[section])
    hidden = {"connect_s", "read_s"}  # finer timeouts, in the configuration's own documentation
    assert set(model.model_fields) - set(shown[section]) <= hidden


def test_every_reason_kind_and_level_is_named() -> None:
    quotes = (DOCS / "live_quotes.md").read_text(encoding="utf-8")
    messages = (DOCS / "notifications.md").read_text(encoding="utf-8")
    assert [word for word in (*Doubt, *Verdict) if f"`{word}`" not in quotes and word != "trusted"] == []
    assert [word for word in (*Kind, *Level) if f"`{word}`" not in messages] == []
