"""The benchmark measures what it says: its engines trade the same, and its lines can be read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from alphaloom import backtest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
KEYS = ["engine", "stocks", "sessions", "fills", "seconds", "peak_mb"]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    import bench_engine
    import bench_loop
    import bench_panels
    import bench_peer
    import run_alphaloom

    return SimpleNamespace(
        engine=bench_engine, loop=bench_loop, panels=bench_panels, peer=bench_peer, alphaloom=run_alphaloom
    )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "bench_engine.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_every_engine_answers_with_one_line_of_json() -> None:
    ran = run("--sizes", "12x60", "--engines", "numpy,alphaloom,backtrader", "--repeat", "1", "--json")
    assert ran.returncode == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [list(line) for line in lines] == [KEYS] * 3
    fills = {line["engine"]: line["fills"] for line in lines}
    # k 2, n 1: two buys, then at most a sale and a purchase in each of 58 sessions
    assert 30 < fills["numpy"] <= 118
    assert fills["alphaloom"] == pytest.approx(fills["numpy"], rel=0.1)
    assert fills["backtrader"] == pytest.approx(fills["numpy"], rel=0.1)
    assert all((line["stocks"], line["sessions"]) == (12, 60) for line in lines)
    assert all(line["seconds"] > 0 and line["peak_mb"] > 10 for line in lines)


def test_a_peer_without_an_interpreter_is_skipped_and_a_broken_one_fails() -> None:
    ran = run("--sizes", "12x60", "--engines", "numpy,vectorbt", "--repeat", "1", "--json")
    assert ran.returncode == 0
    assert [json.loads(line)["engine"] for line in ran.stdout.splitlines()] == ["numpy"]
    assert "vectorbt 12×60: skipped: no interpreter" in ran.stderr
    ran = run("--sizes", "12x60", "--engines", "numpy", "--peer", "rqalpha=/no/such/python", "--repeat", "1")
    assert ran.returncode == 1
    assert "rqalpha 12×60: failed" in ran.stderr
    assert "numpy   12×60" in ran.stdout


def test_without_limits_and_suspensions_alphaloom_trades_as_the_bare_loop_fill_for_fill(
    bench: SimpleNamespace, tmp_path: Path
) -> None:
    size = bench.panels.Size(stocks=40, sessions=150, topk=8, n_drop=3)
    market = bench.panels.make_panel(size, events=False)
    market.write(tmp_path)
    folder = bench.peer.Folder(tmp_path)
    config, panel = bench.alphaloom.config_of(size.topk, size.n_drop), bench.alphaloom.panel_of(folder)
    config["broker"] |= {"slippage_bps": 0, "fees": {"buy": 0.00025, "sell": 0.00025, "minimum": 5}}
    result = backtest(config, panel=panel, provider=bench.alphaloom.Matrix(market.scores))

    fen = bench.loop.in_fen
    trades, values = bench.loop.run_loop(
        fen(market.open),
        fen(market.close),
        market.scores,
        size.topk,
        size.n_drop,
        bench.loop.Costs(commission=250, minimum=500, stamp_duty=0),
    )
    expected = pd.DataFrame(
        {
            "date": market.dates[[t.row for t in trades]].astype("datetime64[ms]"),
            "symbol": market.symbols[[t.column for t in trades]],
            "side": ["buy" if t.shares > 0 else "sell" for t in trades],
            "shares": np.abs([t.shares for t in trades]),
            "price": [t.price_fen / 100 for t in trades],
        }
    )
    order = ["date", "symbol", "side"]
    got = result.fills[expected.columns].sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(
        got, expected.sort_values(order, ignore_index=True), check_dtype=False, check_exact=True
    )
    assert fen(result.equity["equity"].to_numpy()).tolist() == values
    assert len(trades) > 400


def test_markets_have_suspensions_and_limit_days_only_when_asked(bench: SimpleNamespace) -> None:
    size = bench.panels.Size.parse("60x200")
    eventful, calm = bench.panels.make_panel(size), bench.panels.make_panel(size, events=False)
    assert 0.001 < (eventful.volume == 0).mean() < 0.02
    assert (calm.volume > 0).all()
    for market, some in ((eventful, True), (calm, False)):
        before = bench.loop.in_fen(market.close[:-1])
        fen = bench.loop.in_fen(market.open[1:])
        up, down = (before * 110 + 50) // 100, (before * 90 + 50) // 100
        assert ((fen >= up) | (fen <= down)).any() == some
        assert (fen <= up).all()
        assert (fen >= down).all()


def test_sizes_choose_their_portfolio(bench: SimpleNamespace) -> None:
    of = bench.panels.Size.parse
    chosen = {text: (of(text).topk, of(text).n_drop) for text in ("12x60", "50x750", "300x1250", "5000x2500")}
    assert chosen == {"12x60": (2, 1), "50x750": (10, 2), "300x1250": (50, 5), "5000x2500": (50, 5)}
    with pytest.raises(ValueError, match="300x1250"):
        of("large")


def test_the_table_sets_every_engine_beside_the_bare_loop(bench: SimpleNamespace) -> None:
    row = bench.engine.Measurement
    done = [row("numpy", 12, 60, 72, 0.5, 30.0), row("alphaloom", 12, 60, 70, 1.0, 140.0)]
    lines = bench.engine._table(done).splitlines()
    assert lines[0].split() == ["engine", "size", "fills", "seconds", "peak", "MB", "×", "numpy"]
    assert lines[2].split() == ["alphaloom", "12×60", "70", "1.000", "140", "2.0"]
    table = bench.engine._markdown(done, [bench.panels.Size.parse("12x60")]).splitlines()
    assert table[0] == "| engine | 12×60, k 2, n 1 |"
    assert table[3] == "| alphaloom | 1 s (2×), 140 MB |"
