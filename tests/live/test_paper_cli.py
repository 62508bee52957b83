"""``alphaloom paper``: what a person sees, and what is refused."""

from __future__ import annotations

import shlex
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "alphaloom"))

from cli_helpers import Cli, commands, listing

DAYS = "--from", "2023-06-01", "--to", "2023-06-09"
DB = "--db", "paper.db"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    return commands(monkeypatch, capsys, ("paper",))


def test_a_replay_prints_every_session_and_ends_verified(cli: Cli, tmp_path: Path) -> None:
    ran = cli("replay", "paper_demo", *DAYS, "--speed", "200", *DB, "--out", "out")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert [line[:10] for line in lines[:7]] == [f"2023-06-0{day}" for day in (1, 2, 5, 6, 7, 8, 9)]
    assert all(line.endswith("equal to its back-test") for line in lines[:7])
    assert lines[7] == "paper-demo  7 sessions played, 7 in all"
    assert lines[9] == "  parity   7 of 7 sessions equal their back-test, fill by fill"
    assert lines[10].startswith("  ledger   sound, ")
    assert {"out/equity.parquet", "out/fills.parquet"} <= listing(tmp_path)


def test_at_full_speed_too_and_again_it_has_nothing_left_to_do(cli: Cli) -> None:
    assert cli("replay", "paper_demo", *DAYS, *DB, "-q").code == 0
    again = cli("replay", "paper_demo", *DAYS, *DB)
    assert again.code == 0
    assert "goes on after 7 of 7 sessions" in again.out
    assert "nothing left to play, 7 in all" in again.out


def test_the_days_of_an_account(cli: Cli) -> None:
    assert cli("init", "paper_demo", "--from", "2023-06-01", *DB).out.startswith(
        "account paper-demo opened; first session 2023-06-01"
    )
    assert "is there already, unchanged" in cli("init", "paper_demo", "--from", "2023-06-01", *DB).out
    assert "no session yet" in cli("status", *DB).out
    planned = cli("step", "--session", "2023-06-01", "--task", "plan", *DB)
    assert [line.split()[1] for line in planned.out.splitlines()] == ["prepare", "refresh", "plan"]
    plan = cli("plan", *DB).out
    assert "Plan of 2023-06-01" in plan and "ranked 1 of 50, not held" in plan
    assert "in reserve" not in plan.splitlines()[2]
    settled = cli("step", "--session", "2023-06-01", *DB)
    assert [line.split()[1] for line in settled.out.splitlines()] == ["execute", "settle", "parity"]
    status = cli("status", *DB).out
    assert (
        "settled to 2023-06-01" in status and "13 fills" in status and "At the close of 2023-06-01" in status
    )
    assert "equal to its back-test" in cli("parity", "--session", "2023-06-01", *DB).out
    assert cli("verify", *DB).out.startswith("sound: 1 account, 1 epoch")
    assert "is archived, epoch 2 begins" in cli("reset", "-y", *DB).out
    assert cli("export", "--epoch", "1", "--out", "old", *DB).code == 0


def test_a_ledger_that_is_not_there_or_holds_nothing(cli: Cli) -> None:
    for command in (
        ("verify",),
        ("status",),
        ("plan",),
        ("step", "--session", "2023-06-01"),
        ("export", "--out", "o"),
    ):
        assert "there is no such file; start one with alphaloom paper init" in cli(*command, *DB).refused()
    sqlite3.connect("empty.db").close()
    assert cli("verify", "--db", "empty.db").refused()


def test_an_edited_row_is_found(cli: Cli) -> None:
    cli("replay", "paper_demo", *DAYS, *DB, "-q")
    with sqlite3.connect("paper.db") as connection:
        connection.execute("UPDATE positions SET shares = shares + 100")
    ran = cli("verify", *DB)
    assert ran.code == 1
    assert "fault  account 'paper-demo', epoch 1: positions" in ran.out
    assert "is not sound" in cli("replay", "paper_demo", *DAYS, *DB).refused()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--from", "2023-13-01", "--to", "2023-06-09"), "--from: '2023-13-01' is no date"),
        (("--from", "2023-06-09", "--to", "2023-06-01"), "2023-06-01 runs backwards"),
        (("--from", "2023-06-03", "--to", "2023-06-04"), "holds no session"),
        (("--from", "2023-06-01", "--to", "2024-06-04"), "lies after the data"),
        ((*DAYS, "--speed", "0"), "--speed: '0' is no speed"),
        ((*DAYS, "--speed", "fast"), "--speed: 'fast' is no speed"),
        ((*DAYS, "--account", "my account"), "account 'my account'"),
        ((*DAYS, "--db", "nowhere/paper.db"), "nowhere"),
        ((*DAYS, "--set", "broker.compat=qlib", "--set", "broker.slippage_bps=0", "--set",
          "broker.fill=open", "--set", "broker.fees={buy: 0.001, sell: 0.001}"), "compat qlib"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_refused_and_nothing_is_written(
    cli: Cli, tmp_path: Path, args: tuple[str, ...], said: str
) -> None:
    assert (
        said in cli("replay", "paper_demo", *args, "--out", "out", *(() if "--db" in args else DB)).refused()
    )
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "paper.db").exists()


def test_a_folder_that_holds_something_is_refused_before_anything_is_played(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    assert "is not empty" in cli("replay", "paper_demo", *DAYS, *DB, "--out", "out").refused()
    assert not (tmp_path / "paper.db").exists()


def test_a_finished_replay_may_be_asked_for_its_files_again_but_not_for_those_of_another(
    cli: Cli, tmp_path: Path
) -> None:
    command = "replay", "paper_demo", *DAYS, "--out", "out", "-q"
    assert cli(*command, *DB).code == 0
    before = (tmp_path / "out" / "equity.parquet").read_bytes()
    (tmp_path / "out" / "fills.parquet").unlink()
    assert cli(*command, *DB).code == 0
    assert (tmp_path / "out" / "equity.parquet").read_bytes() == before
    assert len(listing(tmp_path / "out")) == 5
    assert "is not empty" in cli(*command, "--db", "other.db").refused()


def test_without_any_ledger_the_way_to_one_is_named(cli: Cli) -> None:
    assert "start one with alphaloom paper init" in cli("status").refused()


def test_the_page_on_paper_trading_works_as_printed(cli: Cli, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "paper_trading.md").read_text(encoding="utf-8")
    commands = [line for line in page.splitlines() if line.startswith("alphaloom paper ")]
    assert len(commands) == 11
    for command in commands:
        args = shlex.split(command, comments=True)[2:]
        if args[0] == "reset":
            args.append("--yes")
        ran = cli(*args)
        assert ran.code == 0, f"{command}: {ran.err}"
    assert {"runs/paper/equity.parquet", "runs/mine/equity.parquet"} <= listing(tmp_path)
