"""What was paid once is never paid again, whoever asks, in whatever order, and whoever is killed."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from llm_questions import MOOD, Mood, Seeds, question
from llm_server import KEY, LlmServer, completion, says, status
from llm_worker import config, start
from sqlalchemy import create_engine

from alpha_sources.llm import Attachment, Cassette, Door, Prompt
from alpha_sources.llm.cassette import Claim, Owner, Recorded
from alpha_sources.llm.cassette.schema import SCHEMA, metadata
from alpha_sources.llm.errors import AnswerError, CassetteMissError, RefusalError, ServerError
from alpha_sources.llm.prompt import Message, Role
from alpha_sources.llm.reply import Received
from alpha_sources.llm.request import Request, Task
from engine.errors import ConfigError
from engine.sqlite import DatabaseError, DatabaseLocked

Opener = Callable[..., Door]
NOW = datetime(2024, 1, 2, 7, 0, tzinfo=UTC)
WORDS = [f"question {n}" for n in range(6)]
GONE = "http://127.0.0.1:9/v1"


def scores(server: LlmServer) -> None:
    """Give every request another score, so that replies cannot be mixed up."""
    server.answer = lambda body: json.dumps({"score": len(server.asked) / 100})


def test_a_replay_gives_the_same_answers_without_key_or_network(server: LlmServer, open_door: Opener) -> None:
    scores(server)
    first = {words: open_door("record").ask(question(words), Mood) for words in WORDS}
    server.close()
    replay = open_door("replay", environ={}, profile={"base_url": GONE})
    for words in random.Random(1).sample(WORDS, len(WORDS)):  # in any order
        assert replay.ask(question(words), Mood) == first[words]
    assert len(server.asked) == len(WORDS)
    costs = replay.costs()
    assert (costs.calls, costs.input_tokens, costs.replayed) == (0, 0, len(WORDS))
    assert costs.models == ("thinker-1",) and costs.money == 0


def test_a_second_recording_asks_only_what_is_new(server: LlmServer, open_door: Opener) -> None:
    scores(server)
    old = open_door("record").ask(question("old"), Mood)
    door = open_door("record")
    assert door.ask(question("old"), Mood) == old
    door.ask(question("new"), Mood)
    assert len(server.asked) == 2
    assert (door.costs().calls, door.costs().replayed) == (1, 1)


def test_a_conversation_with_repairs_and_more_room_is_replayed_step_by_step(
    server: LlmServer, open_door: Opener
) -> None:
    server.then(
        says("prose"), says("{", finish="length"), says(MOOD), says("prose"), says("prose"), says("prose")
    )
    server.then(says(None, refusal="no"))
    door = open_door("record")
    assert door.ask(question("one"), Mood).score == 0.5
    errors = []
    for turn in (door, open_door("replay", environ={})):
        assert turn.ask(question("one"), Mood).score == 0.5
        with pytest.raises(AnswerError) as problem:
            turn.ask(question("two"), Mood)
        with pytest.raises(RefusalError) as refusal:
            turn.ask(question("three"), Mood)
        errors.append((str(problem.value), str(refusal.value)))
    assert errors[0] == errors[1] and len(server.asked) == 7


def test_a_reply_is_found_whatever_format_it_was_asked_in(server: LlmServer, open_door: Opener) -> None:
    server.formats = ()
    answer = open_door("record").ask(question(), Seeds)
    for form in ("json_schema", "json_object", "text"):
        assert open_door("replay", profile={"format": form}).ask(question(), Seeds) == answer


def test_the_same_question_asked_n_times_has_n_answers(server: LlmServer, open_door: Opener) -> None:
    scores(server)
    first = [open_door("record").ask(question(), Mood, sample=n).score for n in range(3)]
    assert len(set(first)) == 3
    replay = open_door("replay", environ={})
    assert [replay.ask(question(), Mood, sample=n).score for n in (2, 0, 1)] == [first[n] for n in (2, 0, 1)]
    with pytest.raises(CassetteMissError, match="sample 3 was not recorded, only 0, 1, 2"):
        replay.ask(question(), Mood, sample=3)
    with pytest.raises(ValueError, match="sample must be at least 0"):
        replay.ask(question(), Mood, sample=-1)


PICTURE = Attachment("image/png", b"\x89PNG\r\n\x1a\n1")


@pytest.mark.parametrize(
    ("asked", "profile", "words"),
    [
        ({}, {"model": "thinker-2"}, r"model: recorded 'thinker-1', asked 'thinker-2'"),
        ({}, {"temperature": 0.5}, r"parameters\.temperature: recorded nothing, asked '0\.5'"),
        ({"max_tokens": 9}, {}, r"parameters\.max_tokens: recorded '4096', asked '9'"),
        ({"prompt": question("How is the weather?")}, {}, r"message 2 \(user\) from character 12: recorded"),
        ({"answer": Seeds}, {}, "differs in the schema of the answer"),
        ({"attachments": [PICTURE]}, {}, "attachments: 0 recorded, 1 asked"),
    ],
)
def test_a_miss_says_what_differs_and_asks_nobody(
    server: LlmServer, open_door: Opener, asked: dict, profile: dict, words: str
) -> None:
    eyes = {"vision": True, "tokens_per_image": 10}
    open_door("record", profile=eyes).ask(question(), Mood)
    door = open_door("replay", profile={**eyes, **profile})
    given = {"prompt": question(), "answer": Mood, **asked}
    with pytest.raises(CassetteMissError, match=words) as problem:
        door.ask(**given)
    assert "mood.v1: no reply is recorded on" in str(problem.value) and "\n" not in str(problem.value)
    assert len(server.asked) == 1


def test_the_nearest_recorded_request_is_one_of_the_same_prompt(server: LlmServer, open_door: Opener) -> None:
    door = open_door("record")
    door.ask(question("How is it?"), Mood)
    door.ask(Prompt.of("other.v3", "[user]\nSomething else").render(), Mood)
    with pytest.raises(
        CassetteMissError, match=r"nearest recorded request \(mood\.v1\) differs in message 2"
    ):
        open_door("replay").ask(question("How are they?"), Mood)


def test_an_image_is_kept_as_its_hash(server: LlmServer, open_door: Opener, cassette: Path) -> None:
    picture = Attachment("image/png", b"\x89PNG\r\n\x1a\n" + b"A" * 3000)
    eyes = {"vision": True, "tokens_per_image": 10}
    open_door("record", profile=eyes).ask(question(), Mood, attachments=[picture])
    stored = cassette.read_bytes()
    assert picture.sha256.encode() in stored and b"AAAAAAAA" not in stored and b"QUFBQUFB" not in stored
    other = Attachment("image/png", b"\x89PNG\r\n\x1a\nB")
    with pytest.raises(CassetteMissError, match=r"attachment 1: recorded [0-9a-f]{12} .3008 bytes., asked"):
        open_door("replay", profile=eyes).ask(question(), Mood, attachments=[other])


def test_live_calls_leave_no_trace(server: LlmServer, open_door: Opener, cassette: Path) -> None:
    door = open_door("live")
    door.ask(question(), Mood)
    door.ask(question(), Mood)
    assert len(server.asked) == 2 and not cassette.exists()
    assert "idempotency-key" not in server.asked[0].headers


def test_to_replay_what_was_never_recorded_makes_no_file(open_door: Opener, cassette: Path) -> None:
    with pytest.raises(DatabaseError, match=r"cassette .*run\.db: there is no such file"):
        open_door("replay")
    assert not cassette.parent.exists()


def test_recording_needs_a_file(server: LlmServer) -> None:
    from alpha_sources.llm import LlmConfig

    profiles = {"local": {"base_url": server.url, "model": "m"}}
    for mode in ("record", "replay"):
        with pytest.raises(ConfigError, match=f"llm.mode {mode} needs a file: set llm.cassette"):
            Door.open(LlmConfig(mode=mode, profiles=profiles), environ={})


# ---- several at once


def test_threads_that_ask_the_same_pay_once(server: LlmServer, cassette: Path) -> None:
    server.slow_s = 0.1
    with (
        Door.open(config(cassette, server.url), environ={"TEST_LLM_KEY": KEY}) as door,
        ThreadPoolExecutor(4) as pool,
    ):
        answers = set(pool.map(lambda _: door.ask(question(), Mood).score, range(4)))
        assert len(answers) == 1 and len(server.asked) == 1
        assert (door.costs().calls, door.costs().replayed) == (1, 3)


def test_processes_that_record_on_one_cassette_pay_once(server: LlmServer, cassette: Path) -> None:
    scores(server)
    server.slow_s = 0.02
    worker = start(cassette, server.url, 8)
    assert worker.stdout is not None and worker.stdout.readline() == "open\n"
    with Door.open(config(cassette, server.url), environ={"TEST_LLM_KEY": KEY}) as door:
        here = [door.ask(question(f"number {number}"), Mood).score for number in range(8)]
    out, errors = worker.communicate(timeout=60)
    assert worker.returncode == 0, errors
    *there, counts = out.splitlines()
    assert [float(score) for score in there] == here
    assert len(server.asked) == 8 == int(counts.split()[0]) + door.costs().calls
    with Cassette.open(cassette) as kept:
        assert len(kept) == 8 and kept.unfinished() == []


def test_a_process_killed_at_any_moment_pays_nothing_twice(server: LlmServer, cassette: Path) -> None:
    scores(server)
    server.slow_s = 0.02
    chance, kills, interrupted = random.Random(3), 0, 0
    while True:
        worker = start(cassette, server.url, 12)
        assert worker.stdout is not None and worker.stdout.readline() == "open\n"
        if kills == 2:
            out, errors = worker.communicate(timeout=60)
            assert worker.returncode == 0, errors
            interrupted = int(out.splitlines()[-1].split()[2])
            break
        time.sleep(chance.uniform(0.05, 0.2))
        worker.kill()
        worker.communicate()
        kills += 1
    # what was under way is asked again, with the same idempotency key: the server charges once for each
    sent = [one.headers["idempotency-key"] for one in server.asked]
    assert len(server.charged) == len(set(server.charged)) == 12
    assert len(sent) - 12 <= kills  # at most the one that was under way at each kill
    with Cassette.open(cassette) as kept:
        assert len(kept) == 12 and kept.unfinished() == []
    assert interrupted <= kills
    with Door.open(config(cassette, GONE, "replay"), environ={}) as replay:
        for number in range(12):
            replay.ask(question(f"number {number}"), Mood)


def test_a_reply_is_on_disk_before_it_is_used(
    server: LlmServer, open_door: Opener, cassette: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alpha_sources.llm import inquiry as module

    def die(content: str, model: type) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "read_answer", die)
        open_door("record").ask(question(), Mood)
    assert open_door("replay", environ={}).ask(question(), Mood).score == -1


# ---- claims

REQUEST = Request(Task.CHAT, "m", {"max_tokens": 5}, (Message(Role.USER, "hello"),), label="greet.v1")


def owner(process: int, started: str = "") -> Owner:
    return Owner(Owner.this_process().host, process, started)


def claimed(path: Path, by: Owner, at: datetime = NOW) -> Claim | Recorded:
    with Cassette.open(path, create=True, owner=by) as kept:
        return kept.claim(REQUEST, 0, now=at, seconds=60)


def a_dead_process() -> int:
    import subprocess
    import sys

    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_who_asks_first_is_waited_for_while_it_lives(cassette: Path) -> None:
    me = Owner.this_process()
    other = Owner("another-machine", 1)
    assert claimed(cassette, other) is Claim.WON
    assert claimed(cassette, me) is Claim.TAKEN
    assert claimed(cassette, me, NOW + timedelta(seconds=59)) is Claim.TAKEN
    assert claimed(cassette, me, NOW + timedelta(seconds=61)) is Claim.INTERRUPTED


def test_who_is_gone_is_not_waited_for(cassette: Path) -> None:
    me = Owner.this_process()
    assert claimed(cassette, owner(a_dead_process())) is Claim.WON
    with Cassette.open(cassette) as kept:
        (row,) = kept.unfinished()
        assert (row.label, row.since, row.owner.host) == ("greet.v1", NOW, me.host)
    assert claimed(cassette, me) is Claim.INTERRUPTED
    assert claimed(cassette, me) is Claim.TAKEN


@pytest.mark.skipif(not Owner.this_process().started, reason="the system does not say when a process began")
def test_a_process_number_that_is_used_again_is_another_process(cassette: Path) -> None:
    me = Owner.this_process()
    assert claimed(cassette, owner(me.process, "1")) is Claim.WON
    assert claimed(cassette, me) is Claim.INTERRUPTED


def test_the_first_reply_stands_and_says_whether_it_may_have_been_paid_twice(cassette: Path) -> None:
    claimed(cassette, owner(a_dead_process()))
    claimed(cassette, Owner.this_process())
    with Cassette.open(cassette) as kept:
        first = kept.store(REQUEST, 0, Received("{}", "text", 0.5, 1), now=NOW)
        assert first.interrupted == 1 and kept.unfinished() == []
        assert kept.store(REQUEST, 0, Received("[]", "text", 0.5, 1), now=NOW).body == "{}"
        assert kept.claim(REQUEST, 0, now=NOW, seconds=1) == first


def test_a_failed_call_leaves_no_claim(server: LlmServer, open_door: Opener, cassette: Path) -> None:
    server.then(*[status(500)] * 2)
    with pytest.raises(ServerError):
        open_door("record", retries={"attempts": 2}).ask(question(), Mood)
    with Cassette.open(cassette) as kept:
        assert kept.unfinished() == [] and len(kept) == 0


# ---- files


def test_a_changed_reply_is_not_used(server: LlmServer, open_door: Opener, cassette: Path) -> None:
    open_door("record").ask(question(), Mood)
    with closing(sqlite3.connect(cassette)) as connection:
        connection.execute("UPDATE replies SET reply = ?", (json.dumps(completion('{"score": 1}')),))
        connection.commit()
    with pytest.raises(DatabaseError, match=r"the reply to mood\.v1 .* is not what was recorded"):
        open_door("replay").ask(question(), Mood)


@pytest.mark.parametrize("mode", ["record", "replay"])
@pytest.mark.parametrize("damage", ["cut", "text", "foreign", "newer"])
def test_a_file_that_is_no_cassette_is_refused_and_left_as_it_is(
    server: LlmServer, open_door: Opener, cassette: Path, damage: str, mode: str
) -> None:
    for number in range(3):
        open_door("record").ask(question(f"{number}" * 3000), Mood)
    words = {
        "cut": "damaged and was left as it is",
        "text": "no SQLite database and was left as it is",
        "foreign": "the database of something else, no cassette",
        "newer": "version 0099, this program knows 0001",
    }[damage]
    content = cassette.read_bytes()
    if damage == "cut":
        cassette.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        cassette.write_bytes(b"formula,ic\n")
    else:
        if damage == "foreign":
            cassette.unlink()
        with closing(sqlite3.connect(cassette)) as connection:
            newer = "UPDATE cassette_version SET version_num = '0099'"
            connection.execute(newer if damage == "newer" else "CREATE TABLE recipes (name TEXT)")
            connection.commit()
    content = cassette.read_bytes()
    with pytest.raises(DatabaseError, match=words):
        open_door(mode)
    assert cassette.read_bytes() == content


def test_a_cassette_that_somebody_holds_is_not_waited_for_for_ever(cassette: Path) -> None:
    with (
        Cassette.open(cassette, create=True, timeout_s=0.2) as kept,
        closing(sqlite3.connect(cassette, isolation_level=None)) as holder,
    ):
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked, match=r"cassette .*another process has held it"):
            kept.claim(REQUEST, 0, now=NOW, seconds=1)
        holder.execute("COMMIT")


def test_migrations_lead_to_the_tables_of_the_program(cassette: Path, tmp_path: Path) -> None:
    def tables(file: Path) -> dict[str, str]:
        with closing(sqlite3.connect(file)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            return {name: sql for name, sql in rows if name != SCHEMA.version_table}

    Cassette.open(cassette, create=True).close()
    metadata.create_all(create_engine(f"sqlite:///{tmp_path / 'straight.db'}"))
    assert tables(cassette) == tables(tmp_path / "straight.db")


def test_the_key_of_a_request_stays_what_it_is() -> None:
    # a cassette that was recorded years ago must still be found
    assert REQUEST.key == "3867d02f475d4fcf8e9e2c00c2ab4c8308e46ed87873350aa22bb189a50087d7"
