"""The wheel: what is in it, and that it works for a user who can write next to nowhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"alphaloom", "engine", "strategies", "alpha_sources", "live"}
NOBODY = 65534


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user can read, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="alphaloom-wheel-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    pytest.importorskip("build", reason="the test extra brings it")
    isolated = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        *isolated,
        "--outdir",
        str(place / "dist"),
        str(ROOT),
    ]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    (file,) = (place / "dist").glob("*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_five_packages_and_nothing_beside_them(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == PACKAGES
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".log"))]


def test_every_file_of_the_packages_is_in_the_wheel(names: set[str]) -> None:
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {f"alphaloom/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    assert {name for name in names if ".dist-info/" not in name} == here | shipped
    for needed in (
        "alphaloom/configs/quickstart.yaml",
        "alphaloom/sample/sse50_daily.parquet",
        "engine/rules/tables/stamp_duty.csv",
        "engine/report/static/report.css",
        "engine/report/templates/report.html.j2",
        "engine/report/vendor/echarts.min.js",
        "alphaloom/py.typed",
    ):
        assert needed in names


def test_licences_and_entry_points_are_in_the_wheel(wheel: Path, names: set[str]) -> None:
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(entry_points).decode()
    assert "alphaloom = alphaloom.cli:main" in text
    assert "[alphaloom.alpha_sources]" in text
    assert "[alphaloom.strategies]" in text


@pytest.fixture(scope="module")
def environment(place: Path, wheel: Path) -> Path:
    """A fresh environment with the wheel in it; the heavy packages are borrowed from ours."""
    folder = place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python(folder)), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    # only now, or pip would find our own installation; its own .pth files are not read from here
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = subprocess.run(
        [python(folder), "-c", ask], capture_output=True, text=True, check=True
    ).stdout.strip()
    ours = {sysconfig.get_paths()[key] for key in ("purelib", "platlib")}
    (Path(site) / "borrowed.pth").write_text("".join(f"{path}\n" for path in sorted(ours)))
    return folder


def python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="module")
def user(environment: Path) -> dict[str, Any]:
    """As whom to run: root becomes nobody, where nobody can read the interpreter; others stay."""
    if os.name == "nt" or os.getuid() != 0:
        return {}
    nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        tried = subprocess.run(
            [python(environment), "-c", "import numpy"], capture_output=True, cwd="/", **nobody
        )
    except OSError:
        return {}
    return nobody if tried.returncode == 0 else {}


@pytest.fixture(scope="module")
def homeless(place: Path) -> dict[str, str]:
    """Variables of a user whose only writable place is the temporary folder."""
    temporary = place / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    nowhere = "/proc/nonexistent"
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "ALPHALOOM", "XDG"))
    }
    roots = ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "ALPHALOOM_HOME")
    return {**env, **dict.fromkeys(roots, nowhere), "TMPDIR": str(temporary)}


def test_the_wheel_wins_over_the_checkout(environment: Path, homeless: dict[str, str]) -> None:
    ask = (
        "import alphaloom, engine, live; print(alphaloom.__file__, engine.__file__, live.__file__, sep='\\n')"
    )
    ran = subprocess.run(
        [python(environment), "-c", ask], capture_output=True, text=True, cwd="/", env=homeless
    )
    assert ran.returncode == 0, ran.stderr
    for file in ran.stdout.split():
        assert Path(file).is_relative_to(environment)


@pytest.mark.skipif(os.name == "nt", reason="its root and its users are others")
def test_a_backtest_from_the_root_folder_by_a_user_without_a_home(
    environment: Path, user: dict[str, Any], homeless: dict[str, str]
) -> None:
    before = set(Path("/").iterdir())
    ran = subprocess.run(
        [environment / "bin" / "alphaloom", "backtest"],
        capture_output=True, text=True, cwd="/", env=homeless, **user,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "quickstart"
    assert lines[1].startswith("  Span ")
    assert lines[-1].startswith("report  ")
    report = Path(lines[-1].removeprefix("report  "))
    assert report.stat().st_size > 10_000
    assert report.is_relative_to(homeless["TMPDIR"])
    assert set(Path("/").iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="its root and its users are others")
def test_a_run_folder_that_cannot_be_written_is_refused_in_a_line(
    environment: Path, user: dict[str, Any], homeless: dict[str, str]
) -> None:
    command = [environment / "bin" / "alphaloom", "backtest", "--out", "/proc/nonexistent/run"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd="/", env=homeless, **user)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: cannot write to /proc")
    assert ran.stderr.count("\n") == 1
