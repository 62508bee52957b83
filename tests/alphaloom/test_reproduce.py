"""`alphaloom reproduce`: an experiment that goes on where it was, mixes nothing, and says what came out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reproduce_helpers import AT, HERE, SLOPE, SMALL_SETS, method, run, small, small_config
from typer.testing import CliRunner

from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.evaluation.trials import TrialLedger
from alpha_sources.woven import WovenProvider
from alphaloom import backtest, load_panel
from alphaloom.cli.app import app
from alphaloom.reproduce import Experiment, Reproduction, reproduce
from alphaloom.reproduce.experiment import VARIANTS, Half, RowJob
from alphaloom.reproduce.methods import METHODS, settings_of
from alphaloom.reproduce.shuffled import ShuffledWovenProvider, shuffled_labels
from alphaloom.sample import sample_paths
from engine.errors import AlphaloomError, ConfigError, OutputError

MAIN = VARIANTS[0].key


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reproduce")


@pytest.fixture(scope="module")
def found(place: Path) -> Reproduction:
    return run(place / "work", place / "trials.db")


def entries(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.parent != folder
    }


# -- rows


def test_a_row_is_the_back_test_of_its_configuration(found: Reproduction) -> None:
    for one in (SLOPE, method("momentum"), method("equal_weight")):
        job = RowJob(one, 0)
        straight = backtest(job.settings(small_config()), keep=False).metrics
        record = json.loads((found.folder / f"{job.place}/{MAIN}.json").read_text())["record"]
        hashes = {"name", "config_hash", "signal_hash"}
        assert record["metrics"].keys() >= straight.keys() - hashes - {"labels"}
        for key in ("total_return", "rank_ic_mean", "fills", "cost_total"):
            assert record["metrics"][key] == straight[key], (one.key, key)


def test_without_costs_nothing_is_paid_and_without_rules_money_is_spent_to_the_share(
    found: Reproduction,
) -> None:
    row = found.findings.row("slope")
    assert row is not None
    costs = {v.variant: v.median("cost_total") for v in row.variants}
    assert costs["costs-off_rules-on"] == costs["costs-off_rules-off"] == 0.0
    assert costs["costs-on_rules-on"] != costs["costs-on_rules-off"] != 0.0
    returns = {v.variant: v.median("total_return") for v in row.variants}
    assert len(set(returns.values())) == 4
    assert row.before_costs.median("total_return") > row.main.median("total_return")  # type: ignore[operator]


def test_every_method_that_learns_has_a_row_on_shuffled_labels(found: Reproduction) -> None:
    rows = {row.method: row for row in found.findings.rows}
    assert rows["slope"].shuffled is not None
    assert rows["slope"].shuffled["rank_ic_mean"] != rows["slope"].main.median("rank_ic_mean")
    assert rows["momentum"].shuffled is None
    assert "Shuffled labels" in (found.folder / "index.html").read_text()
    assert {one.key for one in METHODS if one.learns} >= {
        "woven_mlp", "woven_gated", "gradient_boosting", "mlp_features", "lstm", "genetic",
    }  # fmt: skip


def test_what_draws_is_run_under_every_seed_and_what_does_not_once(found: Reproduction) -> None:
    rows = {row.method: row for row in found.findings.rows}
    assert (rows["slope"].seeds, rows["momentum"].seeds, rows["equal_weight"].seeds) == (2, 1, 1)
    assert len(set(rows["slope"].main.returns)) == 2


def test_a_missing_library_leaves_its_row_out_with_the_reason(found: Reproduction) -> None:
    assert found.findings.row("boosted") is None
    assert "pip install 'alphaloom[boost]'" in found.failed["Boosted"]
    assert "Left out: Boosted" in found.markdown
    page = (found.folder / "index.html").read_text()
    assert "a_library_that_nobody_has" in page


def test_the_index_of_the_page_is_the_benchmark_of_a_back_test(found: Reproduction) -> None:
    straight = backtest(settings_of(method("equal_weight"), small_config(), 0)).metrics
    assert found.findings.index_return == pytest.approx(straight["benchmark_total_return"], abs=1e-12)


def test_places_in_the_null_count_its_portfolios(found: Reproduction) -> None:
    for variant in VARIANTS:
        null = found.findings.null[variant.key]["total_return"]
        assert len(null) == 3
        for row in found.findings.rows:
            one = next(v for v in row.variants if v.variant == variant.key)
            median = one.median("total_return")
            assert median is not None
            assert one.place == pytest.approx(np.mean([value < median for value in null]))


def test_the_verdict_is_on_the_page_and_in_the_table(found: Reproduction) -> None:
    text, page = found.markdown, (found.folder / "index.html").read_text()
    for verdict in found.findings.verdicts:
        assert verdict.because in text
    assert "Kou et al." in page
    assert text == (found.folder / "results.md").read_text()


# -- going on


def test_nothing_is_made_twice_and_the_results_are_the_same_bytes(found: Reproduction, place: Path) -> None:
    before = entries(found.folder)
    results = (found.folder / "results.json").read_bytes()
    again = run(found.folder, place / "trials.db")
    # what lacks a library is tried again: it may have been installed meanwhile
    assert again.done_now == 2
    assert entries(found.folder) == before
    assert (found.folder / "results.json").read_bytes() == results


def test_more_of_the_null_is_added_to_what_is_there(found: Reproduction, place: Path) -> None:
    before = entries(found.folder)
    more = run(found.folder, place / "trials.db", null=4)
    assert len(more.findings.null[MAIN]["total_return"]) == 4
    after = entries(found.folder)
    assert all(after[name] == there for name, there in before.items())


def test_after_a_kill_it_goes_on_and_ends_the_same(found: Reproduction, tmp_path: Path) -> None:
    folder, ledger = tmp_path / "work", tmp_path / "trials.db"
    command = [sys.executable, str(HERE / "reproduce_helpers.py"), str(folder), str(ledger)]
    process = subprocess.Popen(command, env={**os.environ, "ALPHALOOM_HOME": str(tmp_path)})
    deadline = time.monotonic() + 120
    while not list(folder.glob(f"rows/slope/*/{VARIANTS[1].key}.json")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = entries(folder)
    assert not (folder / "results.json").exists()
    rest = run(folder, ledger)
    after = entries(folder)
    done = [name for name in before if not Path(name).name.startswith(".")]
    assert len(done) >= 4
    assert all(after[name] == before[name] for name in done)
    assert rest.opening is not None
    assert (rest.opening.times, rest.opening.excess) == (1, 0)
    fresh = run(found.folder, tmp_path / "other.db")
    assert (folder / "results.json").read_bytes() == (fresh.folder / "results.json").read_bytes()


def test_processes_change_nothing(found: Reproduction, tmp_path: Path) -> None:
    both = run(tmp_path / "work", tmp_path / "trials.db", jobs=2)
    fresh = run(found.folder, tmp_path / "other.db")
    assert both.findings.plain() == fresh.findings.plain()


# -- refusals


def test_results_of_other_data_are_not_mixed(tmp_path: Path) -> None:
    source = Path(sample_paths()["path"])
    frame = pd.read_parquet(source)
    copy = tmp_path / "bars.parquet"
    frame.to_parquet(copy)
    experiment = replace(small(f"data.path={copy}", null=0), methods=(method("equal_weight"),), libraries=())
    arguments = {"at": AT, "out": tmp_path / "work", "ledger": tmp_path / "t.db", "jobs": 1}
    reproduce(experiment, **arguments)  # type: ignore[arg-type]
    before = entries(tmp_path / "work")
    frame.loc[frame.index[-1], "volume"] += 100
    frame.to_parquet(copy)
    with pytest.raises(OutputError, match=r"the data are others.*restore what changed, or name a new --out"):
        reproduce(experiment, **arguments)  # type: ignore[arg-type]
    assert entries(tmp_path / "work") == before


def test_results_of_another_configuration_are_not_mixed(found: Reproduction, place: Path) -> None:
    with pytest.raises(OutputError, match="the configuration is another"):
        run(found.folder, place / "trials.db", "strategy.params.topk=10")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="is not empty and holds no reproduction"):
        run(tmp_path, tmp_path / "t.db")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_damaged_record_is_made_anew(found: Reproduction, place: Path) -> None:
    target = found.folder / f"rows/momentum/seed-0/{MAIN}.json"
    whole = target.read_bytes()
    target.write_bytes(whole.replace(b'"total_return":', b'"total_return":1', 1))
    run(found.folder, place / "trials.db")
    assert target.read_bytes() == whole


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "woven_mpl"], "there is no method 'woven_mpl'; did you mean woven_mlp?"),
        (["--methods", "momentum,momentum"], "'momentum' stands twice"),
        (["--methods", ","], "name at least one"),
        (["--config", "quickstart"], "names no spans"),
        (["--set", "spans.test.end=2024-06-30"], "spans.test.end 2024-06-30 lies after the data"),
        (
            ["--set", "broker={compat: qlib, fees: {buy: 0, sell: 0}, slippage_bps: 0, dividend_tax: false}"],
            "broker.compat",
        ),
    ],
)
def test_a_wrong_experiment_is_refused_before_anything_runs(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, ["reproduce", *arguments, "--out", str(tmp_path / "o")])
    assert isinstance(done.exception, AlphaloomError), (done.exception, done.output)
    assert words in str(done.exception)
    assert not (tmp_path / "o").exists()


def test_the_command_judges_every_library_and_prints_what_the_folder_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    sets = [part for one in SMALL_SETS for part in ("--set", one)]
    rows = ["--methods", "equal_weight", "--null", "0", "--jobs", "1"]
    done = CliRunner().invoke(app, ["reproduce", *sets, *rows])
    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "home" / "reproduce").iterdir()
    assert (folder / "results.md").read_text() in done.stdout
    assert "opened the test span 2023-11-01..2023-12-31 once" in " ".join(done.stdout.split())
    page = (folder / "index.html").read_text()
    for title in ("All seeds", "Alpha101", "GTJA191", "Alpha158", "Random formulas"):
        assert title in page


def test_a_full_experiment_has_ten_seeds_and_learns_every_month() -> None:
    full = Experiment.of(small_config("alpha.refresh=quarter_end"), full=True)
    assert full.seeds == 10
    assert full.base.alpha.refresh == "month_end"
    with pytest.raises(ConfigError, match="--null"):
        Experiment.of(small_config(), null=-1)


# -- the ledger


def test_the_test_span_is_opened_once_a_configuration(found: Reproduction, place: Path) -> None:
    with TrialLedger.open(place / "trials.db") as ledger:
        openings = ledger.openings("paper_sse50")
        tried = ledger.evaluations("paper_sse50")
    assert len(openings) == 1
    assert openings["config_hash"].tolist() == [small_config().hash()]
    # every formula is counted on both spans
    assert tried.groupby("start").size().nunique() == 1
    assert len(tried["start"].unique()) == len(Half)
    assert "once" in found.opening.sentence()  # type: ignore[union-attr]


def test_a_second_folder_of_one_configuration_opens_too_often_and_is_red(
    found: Reproduction, place: Path, tmp_path: Path
) -> None:
    experiment = replace(small(null=0), methods=(method("equal_weight"),), libraries=())
    second = reproduce(
        experiment, at=AT + timedelta(days=1), out=tmp_path / "w", ledger=place / "trials.db", jobs=1
    )
    assert second.opening is not None
    assert (second.opening.times, second.opening.excess) == (2, 1)
    page = (second.folder / "index.html").read_text()
    assert "OPENED TOO OFTEN" in page
    # the cell that counts them is red
    assert '<td class="number up" style="--tint: 1.00">1</td>' in page


# -- placebo


def test_shuffled_labels_keep_each_sessions_labels_and_lose_their_names() -> None:
    labels = np.random.default_rng(1).normal(size=(400, 30))
    labels[3, :10] = np.nan
    days = np.datetime64("2023-01-01", "D") + np.arange(400)
    dealt = shuffled_labels(labels, days, seed=3)
    assert np.array_equal(np.isnan(dealt), np.isnan(labels))
    assert np.array_equal(np.sort(dealt, axis=1), np.sort(labels, axis=1), equal_nan=True)
    known = np.isfinite(labels)
    assert abs(np.corrcoef(dealt[known], labels[known])[0, 1]) < 0.05
    # a session is dealt the same way whenever it is learned from
    later = shuffled_labels(labels[10:], days[10:], seed=3)
    assert np.array_equal(later, dealt[10:])
    assert not np.array_equal(shuffled_labels(labels, days, seed=4), dealt, equal_nan=True)


def test_the_woven_placebo_learns_from_shuffled_labels_and_keeps_every_seed() -> None:
    settings = settings_of(METHODS[0], small_config(), 0, shuffled=True)
    provider = ShuffledWovenProvider(**settings.alpha.params)
    view = load_panel().view("2022-12-30")
    real, dealt = forward_returns(view), provider.learner(view).labels(view)
    assert np.array_equal(np.sort(dealt, axis=1), np.sort(real, axis=1), equal_nan=True)
    known = np.isfinite(real)
    assert (dealt[known] == real[known]).mean() < 0.1
    agents = provider.settings.agents
    assert (agents.threshold, agents.pick, agents.least_sessions) == (0.0, "all_above", 2000)
    assert provider.fingerprint() != WovenProvider(**settings.alpha.params).fingerprint()
