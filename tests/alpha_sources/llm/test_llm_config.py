"""The section `llm`: wrong settings are refused in words, and a key written by mistake is never shown."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alpha_sources.llm import LlmConfig, Profile
from alpha_sources.llm.backoff import retry_after_s, wait_s
from alpha_sources.llm.config import Retries
from alpha_sources.llm.key import Key

NOW = datetime(2024, 1, 2, 7, 0, tzinfo=UTC)
LOCAL = {"base_url": "http://127.0.0.1:11434/v1", "model": "qwen3"}
PRICES = {"input_per_million": 1, "output_per_million": 2}


def test_nothing_is_asked_unless_said() -> None:
    config = LlmConfig()
    assert config.mode == "offline" and config.currency is None


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"mode": "record"}, "mode record needs a profile"),
        ({"profiles": {"a": LOCAL}, "profile": "b"}, "there is no profile 'b' under llm.profiles (a)"),
        ({"profiles": {"a": LOCAL}, "budget": {"money": 5}}, "profile 'a' has none"),
        (
            {
                "profiles": {
                    "a": LOCAL | {"prices": PRICES},
                    "b": LOCAL | {"prices": PRICES | {"currency": "CNY"}},
                }
            },
            "prices are in CNY and USD",
        ),
        ({"budget": {"calls": -1}}, "greater than or equal to 0"),
        ({"repairs": 11}, "less than or equal to 10"),
        ({"tape": "x"}, "Extra inputs"),
    ],
)
def test_a_section_that_contradicts_itself_is_refused(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as problem:
        LlmConfig(**section)
    assert words in str(problem.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "api.openai.com/v1"}, "must be an address such as"),
        ({"base_url": "ftp://host/v1"}, "must be an address such as"),
        ({"base_url": "https://me:SECRET@host/v1"}, "without user, password or query"),
        ({"base_url": "https://host/v1?api_key=SECRET"}, "without user, password or query"),
        ({"base_url": "https://host:SECRET/v1"}, "must be an address such as"),
        ({"key_variable": "sk-SECRET"}, "must be the name of an environment variable"),
        ({"key_variable": "SECRETabc"}, "must be the name of an environment variable"),
        ({"api_key": "SECRET"}, "Extra inputs"),
        ({"vision": True}, "vision needs tokens_per_image"),
        ({"max_tokens": 500, "max_tokens_limit": 100}, "max_tokens_limit must be at least max_tokens (500)"),
        ({"extra": {"tools": []}}, "must not hold tools: the door sets it, and gives models no tools"),
        ({"timeout_s": float("inf")}, "finite"),
        ({"prices": PRICES | {"currency": "dollars"}}, "pattern"),
    ],
)
def test_a_profile_that_cannot_work_is_refused_and_no_secret_is_shown(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as problem:
        Profile(**{**LOCAL, **change})
    assert words in str(problem.value) and "SECRET" not in str(problem.value)


def test_a_key_is_neither_printed_nor_pickled() -> None:
    key = Key.of(Profile(**LOCAL, key_variable="MY_KEY"), {"MY_KEY": " sk-12345678/90 "})
    assert repr(key) == "Key(MY_KEY)" and key.reveal() == "sk-12345678/90"
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(key)
    for echoed in ("sk-12345678/90", "sk-12345678%2F90", "sk-12345678\\/90"):
        assert key.hide(f"Bearer {echoed}!") == "Bearer [key]!"


def test_a_stand_in_for_a_key_is_an_ordinary_word() -> None:
    key = Key.of(Profile(**LOCAL, key_variable="MY_KEY"), {"MY_KEY": "EMPTY"})
    assert key.hide("EMPTY is an answer") == "EMPTY is an answer"


@given(st.integers(1, 30), st.integers(), st.text(), st.none() | st.floats(0, 1e6))
def test_waits_grow_up_to_a_cap_and_never_undercut_what_was_asked(
    attempt: int, seed: int, key: str, asked: float | None
) -> None:
    retries = Retries(base_s=2, cap_s=20)
    wait = wait_s(attempt, retries, seed=seed, key=key, asked_s=asked)
    assert wait == wait_s(attempt, retries, seed=seed, key=key, asked_s=asked)
    longest = min(20.0, 2.0 * 2 ** (attempt - 1))
    assert wait >= longest / 2
    assert wait == asked if wait > longest else wait <= longest


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e99"}, 1e9),
        ({"retry-after": "Tue, 02 Jan 2024 07:00:30 GMT"}, 30),
        ({"retry-after": "Tue, 02 Jan 2024 06:00:00 GMT"}, 0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ],
)
def test_what_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds


def test_the_section_can_be_read_without_client_database_or_kernels() -> None:
    heavy = ("openai", "sqlalchemy", "numba", "pandas")
    code = f"import sys, alpha_sources.llm.config; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "openai" not in out and "sqlalchemy" not in out and "numba" not in out
