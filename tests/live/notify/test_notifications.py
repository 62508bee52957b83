"""Messages on their way to people: real senders, local servers, and secrets that stay where they are."""

from __future__ import annotations

import base64
import email
import json
import os
import pickle
import signal
import socketserver
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from datetime import date
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from pydantic import ValidationError
from vendors.server import Answer, Request, VendorServer

from engine.errors import ConfigError
from live.notify import Delivery, Kind, Level, Message, Notifier, NotifyConfig, Outcome

pytest.importorskip("apprise")

SECRET = "s3cr3t-t0ken-9f8e7d"
PLAN = Message(Kind.PLAN, "5 sales, 5 buys", "卖出 600519.SH", Level.INFO, date(2026, 1, 5), "demo")


class Box:
    """A server that keeps what it was sent, and answers as it is told."""

    def __init__(self) -> None:
        self.answer = Answer("{}")
        self.server = VendorServer(self.routes)

    def routes(self, request: Request) -> Answer:
        return self.answer

    @property
    def url(self) -> str:
        return self.server.url.replace("http://", "json://") + f"/{SECRET}"

    @property
    def got(self) -> list[dict[str, str]]:
        return [request.json for request in self.server.log]


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    yield made
    made.server.close()


def config(*channels: dict[str, object], **more: object) -> NotifyConfig:
    own = channels or ({"name": "phone", "url_env": "PHONE"},)
    return NotifyConfig.model_validate({"enabled": True, "channels": own, **more})


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def notified(
    messages: list[Message], settings: NotifyConfig, environ: dict[str, str], clock: Clock | None = None
) -> list[Delivery]:
    heard: list[Delivery] = []
    monotonic = clock or time.monotonic
    notifier = Notifier(settings, environ=environ, record=heard.append, monotonic=monotonic)
    for message in messages:
        notifier.tell(message)
    assert notifier.close(60.0)
    return heard


# -- what arrives


def test_a_message_arrives_with_account_session_and_level(box: Box) -> None:
    (delivery,) = notified([PLAN], config(), {"PHONE": box.url})
    assert delivery == Delivery(PLAN, "phone", Outcome.SENT)
    (got,) = box.got
    assert got["title"] == "[demo 2026-01-05] 5 sales, 5 buys"
    assert (got["message"], got["type"]) == ("卖出 600519.SH", "info")


def test_a_message_without_a_body_is_its_title(box: Box) -> None:
    notified([Message(Kind.HALT, "halted by hand", level=Level.ERROR)], config(), {"PHONE": box.url})
    (got,) = box.got
    assert (got["title"], got["message"], got["type"]) == ("halted by hand", "halted by hand", "failure")


def test_channels_take_their_kinds_and_levels(box: Box) -> None:
    settings = config(
        {"name": "all", "url_env": "A"},
        {"name": "errors", "url_env": "B", "level": "error"},
        {"name": "plans", "url_env": "C", "kinds": ["plan", "halt"], "level": "info"},
    )
    error = Message(Kind.ERROR, "sync failed", level=Level.ERROR)
    heard = notified([PLAN, error], settings, dict.fromkeys("ABC", box.url))
    assert [(d.channel, d.message.kind.value) for d in heard] == [
        ("all", "plan"), ("plans", "plan"), ("all", "error"), ("errors", "error"),
    ]  # fmt: skip
    assert len(box.got) == 4


def test_a_title_that_names_the_session_is_not_given_it_twice() -> None:
    day = date(2026, 1, 5)
    assert Message(Kind.PLAN, "2026-01-05 planned: 5 buys", session=day, account="a").headline == (
        "[a] 2026-01-05 planned: 5 buys"
    )
    assert Message(Kind.PLAN, "planned", session=day).headline == "[2026-01-05] planned"
    assert Message(Kind.DAEMON, "daemon started").headline == "daemon started"


def test_a_long_title_is_cut_between_words_and_stands_whole_in_the_text() -> None:
    long = "execute missed: " + "no source has quotes; " * 10
    message = Message(Kind.TRADE, long, "asked again", account="demo")
    assert message.subject == "[demo] execute missed: " + "no source has quotes; " * 6 + "no\u2026"
    assert len(message.subject) <= 160 and message.text == f"{long}\nasked again"
    assert Message(Kind.TRADE, long).text == long
    assert PLAN.subject == PLAN.headline and PLAN.text == PLAN.body


def test_signs_and_lines_arrive_as_they_were_written(
    box: Box, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram refuses what is no HTML; a mail in HTML would run all lines together."""
    for name, value in box.server.environment().items():
        monkeypatch.setenv(name, value)
    box.answer = Answer.of_json({"ok": True})
    body = "sell 100 600519.SH: R&D < 0\nbuy 200 601318.SH: *first*"
    channels = [{"name": "telegram", "url_env": "T"}, {"name": "mail", "url_env": "M"}]
    environ = {"T": SERVICES["api.telegram.org"], "M": mail_to(mailbox)}
    heard = notified([Message(Kind.PLAN, "2 orders", body)], config(*channels), environ)
    assert [d.outcome for d in heard] == [Outcome.SENT] * 2
    (telegram,) = box.got
    assert telegram["parse_mode"] == "HTML"
    assert "R&amp;D &lt; 0" in telegram["text"] and "\n" in telegram["text"]
    mail = email.message_from_string(mailbox.mails[0])
    plain = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    assert plain[0].get_payload(decode=True).decode().splitlines() == body.splitlines()  # type: ignore[union-attr]


def test_what_is_longer_than_a_service_takes_comes_in_parts(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in box.server.environment().items():
        monkeypatch.setenv(name, value)
    box.answer = Answer.of_json({"errcode": 0})
    lines = [f"{n}: refused, and why at some length in a sentence of its own" for n in range(60)]
    lines += ["停牌，没有成交" * 40] * 3
    messages = [Message(Kind.SESSION, "settled", "\n".join(part)) for part in (lines[:60], lines[60:])]
    heard = notified(messages, config(), {"PHONE": SERVICES["qyapi.weixin.qq.com"]})
    assert [d.outcome for d in heard] == [Outcome.SENT] * 2
    parts = [got["text"]["content"] for got in box.got]  # type: ignore[index]
    assert len(parts) == 4 and max(len(part.encode()) for part in parts) <= 2048
    # parts end between words
    whole = ["settled", *lines[:60], "settled", *lines[60:]]
    assert "".join("".join(parts).split()) == "".join("".join(whole).split())


SERVICES = {
    "api.telegram.org": f"tgram://123456789:{SECRET}AbCdEfGhIjKlMnOpQ/987654321",
    "qyapi.weixin.qq.com": f"wecombot://{SECRET}",
    "oapi.dingtalk.com": f"dingtalk://{SECRET.replace('-', '')}",
    "open.feishu.cn": f"feishu://{SECRET}",
    "hooks.example.com": f"jsons://hooks.example.com/{SECRET}",
}


def test_the_common_services_are_reached_over_tls(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in box.server.environment().items():
        monkeypatch.setenv(name, value)
    box.answer = Answer.of_json({"ok": True, "errcode": 0, "code": 0, "StatusCode": 0})
    channels = [{"name": f"c{n}", "url_env": f"C{n}"} for n in range(len(SERVICES))]
    environ = {f"C{n}": address for n, address in enumerate(SERVICES.values())}
    heard = notified([PLAN], config(*channels), environ)
    assert [d.outcome for d in heard] == [Outcome.SENT] * len(SERVICES), heard
    assert box.server.hosts() == list(SERVICES)
    for request in box.server.log:
        sent = json.dumps(json.loads(request.body), ensure_ascii=False)
        assert "600519.SH" in sent and "5 sales, 5 buys" in sent, request.host


def test_services_that_refuse_with_status_200_are_not_taken_for_success(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in box.server.environment().items():
        monkeypatch.setenv(name, value)
    says = {
        "qyapi.weixin.qq.com": {"errcode": 93000, "errmsg": f"invalid webhook url {SECRET}"},
        "oapi.dingtalk.com": {"errcode": 310000, "errmsg": "keywords not in content"},
        "open.feishu.cn": {"code": 19001, "msg": "param invalid"},
        "api2.pushdeer.com": {"code": 80501, "error": "key is invalid"},
    }
    box.server.routes = lambda request: Answer.of_json(says[request.host])
    channels = [{"name": f"c{n}", "url_env": f"C{n}"} for n in range(4)]
    addresses = {**SERVICES, "api2.pushdeer.com": "pushdeers://api2.pushdeer.com/key"}
    heard = notified([PLAN], config(*channels), {f"C{n}": addresses[host] for n, host in enumerate(says)})
    assert [d[2:] for d in heard] == [
        (Outcome.FAILED, f"the service refused it with code {code}") for code in (93000, 310000, 19001, 80501)
    ]


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that asks for a password and keeps what it gets."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[str] = []
        self.logins: list[str] = []
        self.refuses = False


class _Smtp(socketserver.StreamRequestHandler):
    server: Mailbox

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 localhost")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "EHLO":
                self.say("250-localhost")
                self.say("250 AUTH PLAIN")
            elif verb == "AUTH":
                self.server.logins.append(base64.b64decode(line.split()[2]).decode())
                self.say(f"535 wrong password {SECRET}" if self.server.refuses else "235 welcome")
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (text := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(text)
                self.server.mails.append("".join(lines))
                self.say("250 kept")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def mail_to(mailbox: Mailbox) -> str:
    port = mailbox.server_address[1]
    return f"mailto://me:{SECRET}@127.0.0.1:{port}?mode=insecure&from=me@example.com&to=you@example.com"


def test_a_mail_arrives(mailbox: Mailbox) -> None:
    (delivery,) = notified([PLAN], config(), {"PHONE": mail_to(mailbox)})
    assert delivery.outcome is Outcome.SENT, delivery
    (raw,) = mailbox.mails
    mail = email.message_from_string(raw)
    assert str(make_header(decode_header(mail["Subject"]))) == "[demo 2026-01-05] 5 sales, 5 buys"
    assert "you@example.com" in mail["To"]
    parts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    payloads = [part.get_payload(decode=True) for part in (parts or [mail])]
    assert any("600519.SH" in p.decode() for p in payloads if isinstance(p, bytes))
    assert mailbox.logins == [f"\0me\0{SECRET}"]


def test_a_mail_server_that_refuses_the_password(mailbox: Mailbox) -> None:
    mailbox.refuses = True
    (delivery,) = notified([PLAN], config(), {"PHONE": mail_to(mailbox)})
    assert delivery.outcome is Outcome.FAILED and SECRET not in delivery.why


# -- failures


def test_a_service_that_refuses_is_recorded_and_raises_nothing(box: Box) -> None:
    statuses = (401, 404, 429, 500)
    box.server.routes = lambda request: Answer(f"no {SECRET}", status=int(request.path[1:]))
    channels = [{"name": f"c{n}", "url_env": f"C{n}"} for n in statuses]
    environ = {f"C{n}": box.url.replace(SECRET, str(n)) for n in statuses}
    heard = notified([PLAN], config(*channels), environ)
    again = "; it is tried again in 1 min"
    assert [d[2:] for d in heard] == [
        (Outcome.FAILED, f"the service answered with status {n}{again if n in (429, 500) else ''}")
        for n in statuses
    ]


def test_a_service_that_cannot_be_reached(box: Box) -> None:
    (delivery,) = notified([PLAN], config(), {"PHONE": f"json://127.0.0.1:9/{SECRET}"})
    why = "the service cannot be reached; it is tried again in 1 min"
    assert delivery[2:] == (Outcome.FAILED, why)


def test_a_message_is_told_late_when_the_network_is_back(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the network is gone for, its own message is gone for too."""
    monkeypatch.setattr("live.notify.notifier._AGAIN_S", (0.2, 0.2, 0.2, 0.2))
    answers = iter([Answer("", status=503), Answer("", status=429)])
    box.server.routes = lambda request: next(answers, Answer("{}"))
    heard: list[Delivery] = []
    with Notifier(config(), environ={"PHONE": box.url}, record=heard.append) as notifier:
        notifier.tell(Message(Kind.QUOTES, "no quotes", "asked again", Level.WARNING))
        until = time.monotonic() + 30
        while len(heard) < 3 and time.monotonic() < until:
            time.sleep(0.02)
    assert [d.outcome.value for d in heard] == ["failed", "failed", "sent"]
    assert (
        box.got[-1]["message"] == "asked again\n(sent 0 min late: this channel could not be reached before)"
    )


def test_a_message_is_not_tried_for_ever_nor_where_it_is_refused(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.notify.notifier._AGAIN_S", (0.1, 0.1))
    box.server.routes = lambda request: Answer("", status=int(request.path[1:]))
    channels = [{"name": "busy", "url_env": "A"}, {"name": "refuses", "url_env": "B"}]
    environ = {"A": box.url.replace(SECRET, "503"), "B": box.url.replace(SECRET, "403")}
    heard: list[Delivery] = []
    with Notifier(config(*channels), environ=environ, record=heard.append) as notifier:
        notifier.tell(PLAN)
        until = time.monotonic() + 30
        while len(heard) < 4 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.5)
    assert [d.channel for d in heard] == ["busy", "refuses", "busy", "busy"]
    assert heard[-1].why == "the service answered with status 503"


def test_a_service_that_drips_is_given_up(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.notify.dispatch._STARTING_S", 3.0)
    box.answer = Answer("x" * 200, drip_s=1.0)
    begun = time.monotonic()
    (delivery,) = notified([PLAN], config(deadline_s=0.5), {"PHONE": box.url})
    assert delivery[2:] == (Outcome.FAILED, "no answer within the deadline; it is tried again in 1 min")
    assert time.monotonic() - begun < 15


def test_one_channel_that_fails_does_not_keep_the_others(box: Box) -> None:
    settings = config({"name": "gone", "url_env": "GONE"}, {"name": "phone", "url_env": "PHONE"})
    heard = notified([PLAN], settings, {"GONE": "json://127.0.0.1:9/x", "PHONE": box.url})
    assert [d.outcome for d in heard] == [Outcome.FAILED, Outcome.SENT]


def test_telling_returns_at_once_and_closing_waits_no_longer_than_told(box: Box) -> None:
    box.answer = Answer("{}", delay_s=30.0)
    heard: list[Delivery] = []
    notifier = Notifier(config(), environ={"PHONE": box.url}, record=heard.append)
    begun = time.monotonic()
    for n in range(300):
        notifier.tell(Message(Kind.SESSION, f"message {n}"))
    assert time.monotonic() - begun < 1.0
    assert notifier.close(1.0) is False
    assert time.monotonic() - begun < 8.0
    assert {d.outcome for d in heard} >= {Outcome.DROPPED}  # more than can wait
    assert "200 messages wait already" in heard[0].why


def test_a_recorder_with_a_defect_disturbs_nothing(box: Box) -> None:
    def record(delivery: Delivery) -> None:
        raise RuntimeError("the ledger is closed")

    notifier = Notifier(config(), environ={"PHONE": box.url}, record=record)
    notifier.tell(PLAN)
    notifier.tell(Message(Kind.HALT, "halted"))
    assert notifier.close(60.0) and len(box.got) == 2


def child_of(notifier: Notifier) -> int:
    child = notifier._dispatch._child
    assert child is not None
    return child.pid


def test_the_last_message_goes_out_although_everything_is_being_stopped(box: Box) -> None:
    """Ctrl-C and service managers signal every process of the program."""
    box.answer = Answer("{}", delay_s=0.5)
    heard: list[Delivery] = []
    with Notifier(config(), environ={"PHONE": box.url}, record=heard.append) as notifier:
        notifier.tell(Message(Kind.DAEMON, "daemon stopped"))
        for each in (signal.SIGTERM, signal.SIGINT):
            os.kill(child_of(notifier), each)
    assert [d.outcome for d in heard] == [Outcome.SENT]


def test_between_messages_nothing_is_kept_running(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.notify.notifier._IDLE_S", 0.05)
    heard: list[Delivery] = []
    with Notifier(config(), environ={"PHONE": box.url}, record=heard.append) as notifier:
        until = time.monotonic() + 20
        while notifier._dispatch._child is not None and time.monotonic() < until:
            time.sleep(0.02)
        assert notifier._dispatch._child is None
        notifier.tell(PLAN)
    assert [d.outcome for d in heard] == [Outcome.SENT]


def test_nothing_is_left_of_a_program_that_was_killed(box: Box) -> None:
    script = textwrap.dedent(
        """
        import os, time
        from live.notify import *
        channels = [{"name": "phone", "url_env": "PHONE"}]
        config = NotifyConfig.model_validate({"enabled": True, "channels": channels})
        notifier = Notifier(config, environ=os.environ)
        print(notifier._dispatch._child.pid, flush=True)
        time.sleep(60)
        """
    )
    command = [sys.executable, "-c", script]
    environ = {**os.environ, "PHONE": box.url}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        courier = int(program.stdout.readline())
        program.kill()
    until = time.monotonic() + 20
    while is_running(courier) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(courier)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # whoever adopts it may be slow to bury it
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


# -- repetitions


def test_the_same_message_is_told_once_an_hour_with_its_count(box: Box) -> None:
    clock = Clock()
    heard: list[Delivery] = []
    notifier = Notifier(config(), environ={"PHONE": box.url}, record=heard.append, monotonic=clock)

    def tell(message: Message) -> None:
        before = len(heard)
        notifier.tell(message)
        while len(heard) == before:
            time.sleep(0.01)

    trouble = Message(Kind.QUOTES, "no quotes", level=Level.WARNING)
    for _ in range(3):
        tell(trouble)
    tell(PLAN)
    clock.now += 3601
    tell(trouble)
    clock.now += 10
    assert notifier.close(60.0)
    assert [d.outcome.value for d in heard] == ["sent", "suppressed", "suppressed", "sent", "sent"]
    assert "(happened 2 more times since it was last told)" in box.got[-1]["message"]


def test_a_message_that_failed_may_be_told_again_at_once(box: Box) -> None:
    box.answer = Answer("", status=500)
    heard = notified([PLAN, PLAN], config(), {"PHONE": box.url}, Clock())
    assert [d.outcome for d in heard] == [Outcome.FAILED, Outcome.FAILED]


def test_a_flood_ends_at_the_hours_most(box: Box) -> None:
    many = [Message(Kind.ERROR, f"error {n}") for n in range(4)]
    heard = notified(many, config(most_per_hour=2), {"PHONE": box.url}, Clock())
    assert [d.outcome.value for d in heard] == ["sent", "sent", "suppressed", "suppressed"]
    assert heard[-1].why == "2 messages in an hour already"


def test_after_a_flood_people_are_told_how_much_they_did_not_hear(box: Box) -> None:
    clock = Clock()
    heard: list[Delivery] = []
    notifier = Notifier(
        config(most_per_hour=1), environ={"PHONE": box.url}, record=heard.append, monotonic=clock
    )
    for n in range(4):
        notifier.tell(Message(Kind.ERROR, f"error {n}"))
    until = time.monotonic() + 60
    while len(heard) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    clock.now += 3601
    notifier.tell(PLAN)
    assert notifier.close(60.0)
    assert box.got[-1]["message"].endswith(
        "\n(3 other messages not sent here: more than 1 in an hour; the log has them)"
    )


# -- configuration


def test_it_is_off_by_default(box: Box) -> None:
    with Notifier(NotifyConfig(), environ={}) as notifier:
        notifier.tell(PLAN)
    assert not box.got and not any(t.name == "notifier" for t in threading.enumerate())


def test_what_is_off_imports_nothing_and_starts_nothing() -> None:
    script = textwrap.dedent(
        """
        import os, sys, threading
        from live.notify import *
        with Notifier(NotifyConfig(channels=[{"name": "a", "url_env": "PHONE"}]), environ={}) as notifier:
            notifier.tell(Message(Kind.HALT, "halted"))
            print("apprise" in sys.modules, threading.active_count(), notifier._dispatch._child)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1", "None"]


def test_an_address_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigError, match=r"phone has its address in \$PHONE, which is not set"):
        Notifier(config(), environ={})


def test_an_address_that_means_nothing_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError) as problem:
        Notifier(config(), environ={"PHONE": f"nonsense://{SECRET}"})
    assert "phone ($PHONE): its address is none that apprise understands" in str(problem.value)
    assert SECRET not in str(problem.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"enabled": True}, {"channels": [{"name": "x", "url": f"json://{SECRET}"}]},
        {"channels": [{"name": "x", "url_env": "json://host"}]},
        {"channels": [{"name": "x", "url_env": "A"}, {"name": "x", "url_env": "B"}]},
        {"channels": [{"name": "x", "url_env": "A", "kinds": ["gossip"]}]}, {"most_per_hour": 0},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NotifyConfig.model_validate(wrong)


# -- secrets


def test_an_address_shows_itself_nowhere(box: Box) -> None:
    notifier = Notifier(config(), environ={"PHONE": box.url})
    (channel,) = notifier._channels
    shown = [repr(channel.address), str(channel.address), f"{channel.address!r}", repr(vars(channel))]
    assert not any(SECRET in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(channel.address)
    notifier.close()


def test_no_secret_reaches_a_log_of_the_program(box: Box, mailbox: Mailbox, tmp_path: Path) -> None:
    """Everything is logged at the finest level, and every way of failing is tried."""
    script = textwrap.dedent(
        """
        import logging, os, sys, faulthandler
        logging.basicConfig(level=logging.DEBUG, filename=sys.argv[1])
        logging.captureWarnings(True)
        from loguru import logger
        logger.add(sys.argv[1] + ".loguru", level="TRACE", diagnose=False)
        from live.notify import *
        channels = [{"name": f"c{n}", "url_env": f"CHANNEL_{n}"} for n in range(4)]
        config = NotifyConfig.model_validate({"enabled": True, "channels": channels, "deadline_s": 5})
        def record(delivery):
            print(delivery)
            logger.warning("{}", delivery)
        with Notifier(config, environ=os.environ, record=record) as notifier:
            notifier.tell(Message(Kind.ERROR, "trouble", level=Level.ERROR))
            print(vars(notifier), notifier._channels[0].__dict__)
        try:
            Notifier(config, environ={**os.environ, "CHANNEL_0": "x" + os.environ["CHANNEL_0"]})
        except Exception:
            logger.exception("refused")
        """
    )
    mailbox.refuses = True
    box.answer = Answer(f"wrong token {SECRET}", status=403)
    log = tmp_path / "log"
    environ = {
        "CHANNEL_0": box.url, "CHANNEL_1": mail_to(mailbox), "CHANNEL_2": f"json://127.0.0.1:9/{SECRET}",
        "CHANNEL_3": box.url.replace("json://", f"json://me:{SECRET}@").replace(f"/{SECRET}", "/hook"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, str(log)],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Outcome.FAILED") >= 4
    texts = [done.stdout, done.stderr, *(path.read_text() for path in tmp_path.iterdir())]
    assert len(texts) == 4 and "its address is none" in texts[-1] + texts[-2]
    assert not any(SECRET in text for text in texts)


def test_the_address_is_no_argument_that_others_could_read(box: Box) -> None:
    box.answer = Answer("{}", delay_s=1.0)
    notifier = Notifier(config(), environ={"PHONE": box.url})
    notifier.tell(PLAN)
    seen = []
    until = time.monotonic() + 20
    while not box.server.log and time.monotonic() < until:
        time.sleep(0.02)
    child = notifier._dispatch._child
    if child is not None:
        seen.append(Path(f"/proc/{child.pid}/cmdline").read_bytes())
    assert seen and b"courier.py" in seen[0] and SECRET.encode() not in seen[0]
    notifier.close()
