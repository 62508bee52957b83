"""`alphaloom reproduce`: an experiment that goes on where it was, mixes nothing, and says what came out."""

from __future__ import annotations

import html
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from reproduce_helpers import AT, HERE, SLOPE, SMALL_SETS, method, run, small, small_config
from typer.testing import CliRunner

from alpha_sources.agents import Decision
from alpha_sources.agents.decision import Fallback, Opinion, Verdict
from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.evaluation.trials import TrialLedger
from alpha_sources.loading import ALPHA_SOURCES, handed
from alpha_sources.provider import AlphaProvider
from alpha_sources.woven import WovenProvider
from alpha_sources.woven.fabric import Fabric
from alphaloom import backtest, load_panel
from alphaloom.api import market_of, signal_of
from alphaloom.cli.app import app
from alphaloom.config import load_config
from alphaloom.reproduce import Experiment, Reproduction, reproduce
from alphaloom.reproduce.experiment import VARIANTS, Half, RowJob, Variant
from alphaloom.reproduce.methods import METHODS, Group, Method, Placebo, settings_of
from alphaloom.reproduce.portfolios import variant_settings
from alphaloom.reproduce.shuffled import ShuffledWovenProvider, dealt_seeds, shuffled_labels
from alphaloom.reproduce.unlimited import unlimited
from alphaloom.sample import sample_paths
from engine.errors import AlphaloomError, ConfigError, OutputError
from engine.market import LoadedMarket
from engine.plugins import load_object
from engine.span import resolve_span

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
    shuffled = rows["slope"].shuffled
    assert shuffled is not None
    assert len(set(shuffled.ics)) == 2, "every deal is another"
    spread = shuffled.spreads["rank_ic_mean"]
    assert spread is not None
    assert (spread.low, spread.high) == (min(shuffled.ics), max(shuffled.ics))
    assert rows["slope"].main.median("rank_ic_mean") not in shuffled.ics
    assert rows["momentum"].shuffled is None
    assert "Shuffled labels" in (found.folder / "index.html").read_text()
    assert {one.key for one in METHODS if one.placebo is not None} == {
        "woven_mlp", "woven_gated", "woven_released", "without_weights",
        "gradient_boosting", "mlp_features", "lstm", "genetic",
    }  # fmt: skip


def test_scores_on_shuffled_labels_are_those_of_a_walk_from_session_to_session(found: Reproduction) -> None:
    job = RowJob(SLOPE, 1, shuffled=True)
    stored = np.load(found.folder / f"{job.place}/scores.npz")
    settings = job.settings(small_config())
    panel = load_panel()
    signal = signal_of(settings, panel)
    assert signal is not None
    walked = np.stack([signal.scores_at(int(row)) for row in stored["rows"]])
    assert np.array_equal(stored["scores"], walked, equal_nan=True)
    assert len(signal.refreshes) > 1


def test_what_draws_is_run_under_every_seed_and_what_does_not_once(found: Reproduction) -> None:
    rows = {row.method: row for row in found.findings.rows}
    assert (rows["slope"].seeds, rows["momentum"].seeds, rows["equal_weight"].seeds) == (2, 1, 1)
    assert len(set(rows["slope"].main.returns)) == 2


def test_a_missing_library_leaves_its_row_out_with_the_reason(found: Reproduction) -> None:
    assert found.findings.row("boosted") is None
    assert "Boosted" in found.failed, "all of its runs failed for one reason, which is said once"
    assert "pip install 'alphaloom[boost]'" in found.failed["Boosted"]
    assert "Left out: Boosted" in found.markdown
    page = (found.folder / "index.html").read_text()
    assert "a_library_that_nobody_has" in page


@pytest.mark.parametrize(
    ("key", "library", "extra"),
    [("gradient_boosting", "lightgbm", "boost"), ("genetic", "deap", "baselines")],
)
def test_without_its_library_a_baseline_is_left_out_and_the_rest_is_there(
    key: str, library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # what import finds where nothing is installed
    experiment = replace(
        small(null=0), methods=(method(key), method("equal_weight")), seeds=1, shuffles=1, libraries=()
    )
    done = reproduce(experiment, at=AT, out=tmp_path / "w", ledger=tmp_path / "t.db", jobs=1)
    assert [row.method for row in done.findings.rows] == ["equal_weight"]
    assert f"needs {library}" in done.failed[method(key).title]
    assert f"pip install 'alphaloom[{extra}]'" in done.markdown


def test_a_part_of_a_row_that_fails_is_named_and_the_others_stay(tmp_path: Path) -> None:
    provider = f"{HERE / 'reproduce_provider.py'}:FailsOnce"
    shaky = Method("shaky", "Shaky", Group.BASELINE, provider, placebo=Placebo(provider))
    experiment = replace(small(null=0), methods=(shaky,), seeds=3, shuffles=1, libraries=())
    done = reproduce(experiment, at=AT, out=tmp_path / "w", ledger=tmp_path / "t.db", jobs=1)
    row = done.findings.row("shaky")
    assert row is not None
    assert row.seeds == 2
    (what,) = done.failed
    assert what == "Shaky, seed 1"
    assert "the second is not lucky" in done.failed[what]


def test_the_index_of_the_page_is_the_benchmark_of_a_back_test(found: Reproduction) -> None:
    straight = backtest(settings_of(method("equal_weight"), small_config(), 0)).metrics
    assert found.findings.index_return == pytest.approx(straight["benchmark_total_return"], abs=1e-12)


def test_places_in_the_null_count_its_portfolios(found: Reproduction) -> None:
    for variant in VARIANTS:
        null = found.findings.null[variant.key]["total_return"]
        assert len(null) == (3 if variant.rules else 0)
        for row in found.findings.rows:
            one = next(v for v in row.variants if v.variant == variant.key)
            median = one.median("total_return")
            assert median is not None
            place = np.mean([value < median for value in null]) if null else np.nan
            assert one.place == pytest.approx(place, nan_ok=True)


def test_the_verdict_is_on_the_page_and_in_the_table(found: Reproduction) -> None:
    text, page = found.markdown, (found.folder / "index.html").read_text()
    for verdict in found.findings.verdicts:
        assert verdict.because in text
    assert "Kou et al." in page
    assert text == (found.folder / "results.md").read_text()


def test_without_rules_a_price_at_its_limit_can_be_traded_and_a_suspended_name_cannot() -> None:
    base = small_config()
    market = market_of(base)
    panel = market.panel
    span = resolve_span(panel, settings_of(method("momentum"), base, 0).span)
    members = np.flatnonzero(panel.universe[span.clock_start] & (panel.field("trading")[span.start] > 0))
    sealed, idle = members[:2].tolist()
    fields = {name: values.copy() for name, values in panel.fields.items()}
    limit = np.floor(fields["preclose"][span.start, sealed] * 110 + 0.5) / 100
    for name in ("open", "high", "low", "close", "vwap"):
        fields[name][span.start, sealed] = limit
        fields[name][span.start, idle] = fields["preclose"][span.start, idle]
    for name in ("trading", "volume", "amount"):
        fields[name][span.start, idle] = 0.0
    market = LoadedMarket(replace(panel, fields=fields), market.report)
    settings = settings_of(method("momentum"), base, 0)
    best = np.zeros(len(panel.symbols))
    best[[sealed, idle]] = 9.0

    class Best(AlphaProvider):
        def scores(self, view: Any, snapshot: Any) -> Any:
            return best

    reasons = {}
    for rules in (True, False):
        variant = Variant(costs=True, rules=rules)
        where = market if rules else unlimited(market, span)
        done = backtest(variant_settings(settings, variant), panel=where, provider=Best(), keep=False)
        first = done.orders.drop_duplicates("symbol").set_index("symbol")
        reasons[rules] = [first.loc[panel.symbols[n], "reason"] for n in (sealed, idle)]
        if not rules:
            bought = done.fills.set_index("symbol").loc[[panel.symbols[sealed]]].iloc[0]
            assert bought["price"] == pytest.approx(limit)
    assert reasons[True] == ["limit_up", "suspended"]
    assert pd.isna(reasons[False][0])
    assert reasons[False][1] == "suspended"


def test_refused_orders_are_told_by_reason_and_add_up(found: Reproduction) -> None:
    for row in found.findings.rows:
        rejected = row.main.spreads["rejected"]
        assert rejected is not None
        if row.seeds == 1:
            assert sum(row.refused.values()) == rejected.median
    assert "t_plus_1" not in {reason for row in found.findings.rows for reason in row.refused}


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
        (["--set", "strategy.name=equal_weight"], "reads no scores"),
        (
            ["--set", "alpha={provider: momentum}"],
            "alpha.provider is momentum, and rows are made of the paper's",
        ),
        (["--set", "benchmark=399999.SZ"], "benchmark 399999.SZ: the data have no such index"),
        (["--set", "spans.openings=0"], "spans.openings: must be at least 1, not 0"),
        (["--shuffles", "2000"], "--shuffles must be from 0 to 1000, not 2000"),
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
    rows = Counter(job.shuffled for job in full.rows())
    # nine methods draw and three do not; eight learn from labels
    assert rows == {False: 9 * 10 + 3, True: 8 * 5}
    assert len(list(full.nulls())) == 20
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
    sentence = html.escape(second.opening.sentence())
    assert sentence.startswith("OPENED TOO OFTEN")
    assert f'<p class="alarm" role="alert">{sentence}</p>' in (second.folder / "index.html").read_text()
    assert f"- **{second.opening.sentence()}**" in second.markdown


def test_a_configuration_says_how_often_its_test_span_may_be_opened(
    found: Reproduction, tmp_path: Path
) -> None:
    ledger = tmp_path / "trials.db"
    only = {"methods": (method("equal_weight"),), "libraries": ()}
    twice = Experiment.of(small_config("spans.openings=2"), null=0)
    # it is the same experiment: whoever allows more finds what is there, and what was opened is counted on
    assert twice.base.hash() == small_config().hash()
    assert (twice.openings, Experiment.of(small_config()).openings) == (2, 1)
    reproduce(replace(small(null=0), **only), at=AT, out=tmp_path / "a", ledger=ledger, jobs=1)  # type: ignore[arg-type]
    later = AT + timedelta(days=1)
    second = reproduce(replace(twice, **only), at=later, out=tmp_path / "b", ledger=ledger, jobs=1)  # type: ignore[arg-type]
    assert second.opening is not None
    assert (second.opening.times, second.opening.allowed, second.opening.excess) == (2, 2, 0)
    assert "2 times, of 2 allowed" in second.opening.sentence()
    assert 'class="alarm"' not in (second.folder / "index.html").read_text()


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


def test_the_woven_placebo_learns_from_shuffled_labels() -> None:
    settings = settings_of(METHODS[0], small_config(), 0, shuffled=True)
    provider = ShuffledWovenProvider(**settings.alpha.params)
    view = load_panel().view("2022-12-30")
    real, dealt = forward_returns(view), provider.learner(view).labels(view)
    assert np.array_equal(np.sort(dealt, axis=1), np.sort(real, axis=1), equal_nan=True)
    known = np.isfinite(real)
    assert (dealt[known] == real[known]).mean() < 0.1
    assert provider.fingerprint() != WovenProvider(**settings.alpha.params).fingerprint()


def test_the_woven_placebo_weaves_seeds_that_its_committee_did_not_keep() -> None:
    base = load_config("paper_sse50")
    view = load_panel().view("2022-12-30")
    woven = []
    for deal in range(2):
        settings = settings_of(method("without_weights"), base, deal, shuffled=True)
        provider = ShuffledWovenProvider(**settings.alpha.params, seed=deal)
        snapshot = provider.refresh(view, None)
        assert snapshot is not None
        fabric = Fabric.of(snapshot)
        kept = fabric.decision["kept"]
        names = fabric.strands[0].names
        assert len(names) == len(kept) > 5
        assert set(names) <= {seed.name for seed in provider.seeds}
        # of some eighty seeds a draw meets few of those that were kept
        assert len(set(names) & set(kept)) <= len(kept) / 2
        woven.append(names)
    assert set(woven[0]) != set(woven[1])


def opinion(name: str, verdict: Verdict, sign: int = 1) -> Opinion:
    return Opinion(name, "momentum", "close", "close", verdict, "", sign)


def test_the_woven_placebo_gets_as_many_seeds_as_the_committee_keeps_drawn_from_all() -> None:
    kept = ("s3", "s1")
    opinions = [
        opinion(f"s{i}", Verdict.KEPT if f"s{i}" in kept else Verdict.BELOW_THRESHOLD) for i in range(20)
    ]
    opinions += [opinion("unknown", Verdict.NOT_JUDGED), opinion("twin", Verdict.DUPLICATE)]
    decision = Decision(
        "2022-12-30", None, 1, 400, "bull_calm", "all", 400, tuple(opinions), kept, 0.5, Fallback.NONE, {}
    )
    deals = [dealt_seeds(decision, seed) for seed in range(200)]
    assert all(tuple(deal) == kept and len(set(deal.values())) == 2 for deal in deals)
    times = Counter(name for deal in deals for name in deal.values())
    assert set(times) == {f"s{i}" for i in range(20)}
    assert max(times.values()) < 40, "none is preferred: 20 of 400 draws each"
    assert dealt_seeds(decision, 7) == dealt_seeds(replace(decision, opinions=tuple(reversed(opinions))), 7)
    assert dealt_seeds(replace(decision, as_of="2023-03-31"), 7) != dealt_seeds(decision, 7)


def test_every_deal_of_a_placebo_is_told_its_number() -> None:
    boosted = method("gradient_boosting")
    params = [settings_of(boosted, small_config(), deal, shuffled=True).alpha.params for deal in range(3)]
    assert [one["shuffle_labels"] for one in params] == [1, 2, 3]
    woven = settings_of(METHODS[0], small_config(), 2, shuffled=True)
    cls = load_object(woven.alpha.provider, ALPHA_SOURCES)
    handed_over = handed(cls, woven.alpha.params, seed=woven.seed, llm=woven.llm)
    assert handed_over["seed"] == 2
