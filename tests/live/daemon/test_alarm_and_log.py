"""Being woken, and what is written down of it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from loguru import logger

from engine.market.phases import SHANGHAI
from live.daemon.alarm import Alarm
from live.daemon.loop import Stopping, StopSign
from live.log import open_log, redactor


def now() -> datetime:
    return datetime.now(SHANGHAI)


def test_the_alarm_rings_at_its_moment_and_the_heart_beats_meanwhile() -> None:
    beats: list[float] = []
    with Alarm(now, lambda: beats.append(time.monotonic()), 0.2) as alarm:
        moment = now() + timedelta(seconds=1)
        alarm.sleep_until(moment, lambda: None)
        assert moment <= now() + timedelta(milliseconds=20)
        assert len(beats) >= 2
        # a moment that has passed rings at once, however long ago it was
        begun = time.monotonic()
        alarm.sleep_until(now() - timedelta(days=3), lambda: None)
        assert time.monotonic() - begun < 4


def test_a_sign_ends_the_sleep() -> None:
    sign = StopSign()
    with Alarm(now, lambda: None, 60) as alarm:
        sign.put("enough")
        with pytest.raises(Stopping, match="enough"):
            alarm.sleep_until(now() + timedelta(hours=1), sign.raise_if_set)


def test_secrets_are_blotted_out_of_messages_and_tracebacks(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-very-secret", "TELEGRAM": "tgram://123:abc/chat", "HOME": "/root"}
    redact = redactor(environ, frozenset({"TELEGRAM"}))
    file = tmp_path / "logs" / "paper.log"
    log = open_log(file, redact)
    try:
        log.info("asked with {}", environ["OPENAI_API_KEY"])
        log.info("told {}", environ["TELEGRAM"])
        log.info("ledger {}", "postgresql://trader:hunter2@db/paper")
        secret_local = environ["OPENAI_API_KEY"]
        try:
            raise ValueError(f"401 for {secret_local}")
        except ValueError as problem:
            log.opt(exception=problem).error("a defect")
    finally:
        logger.remove()
    text = file.read_text(encoding="utf-8")
    assert "a defect" in text
    assert "ValueError: 401 for ***" in text
    for secret in ("sk-very-secret", "123:abc", "hunter2"):
        assert secret not in text
    assert file.stat().st_mode & 0o077 == 0


def test_the_log_is_on_the_exchanges_clock_wherever_the_machine_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "paper.log"
    try:
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        before = now()
        open_log(file, redactor({})).info("begun")
        after = now()
    finally:
        logger.remove()
        monkeypatch.undo()
        time.tzset()
    stamp, _, rest = file.read_text(encoding="utf-8").partition(" ")
    assert stamp.endswith("+08:00")
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(stamp) <= after
    assert rest.split() == ["INFO", "begun"]


def test_the_log_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.log._BYTES", 2000)
    monkeypatch.setattr("live.log._FILES", 3)
    log = open_log(tmp_path / "paper.log", redactor({}))
    try:
        for n in range(200):
            log.info("line {} of a long life", n)
    finally:
        logger.remove()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["paper.log", "paper.log.1", "paper.log.2", "paper.log.3"]
    assert "line 199 " in (tmp_path / "paper.log").read_text(encoding="utf-8")
