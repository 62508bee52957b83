"""The main job on the bundled data, from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_sources.provider import AlphaProvider
from alphaloom import Result, backtest, load_panel
from alphaloom.shipped import shipped_names
from engine.errors import AlphaloomError, ConfigError, OutputError, ProviderError
from engine.market import MarketPanel

YEAR = ["span.start=2023-01-01", "span.end=2023-12-31"]


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return load_panel("sse50")


@pytest.fixture(scope="module")
def result() -> Result:
    return backtest("quickstart")


#: those that learn for minutes: their last weeks have to do here
SLOW = {"woven_sse50", "paper_sse50"}


@pytest.mark.parametrize("name", sorted(set(shipped_names()) - {"csi300", "paper_live"} - SLOW))
def test_every_shipped_configuration_runs_as_it_is(name: str) -> None:
    made = backtest(name)
    assert made.metrics["fills"] > 0
    if made.config["data"]["source"] == "sample":
        assert made.metrics["benchmark_total_return"] == pytest.approx(-0.361054, abs=1e-6)


@pytest.mark.parametrize("name", sorted(SLOW & set(shipped_names())))
def test_configurations_that_learn_run_over_their_last_weeks(name: str) -> None:
    made = backtest(name, sets=["span.start=2023-12-11"])
    assert made.metrics["fills"] > 0
    assert made.metrics["labels"] == ["in_test_refresh", "contaminated"]
    titles = {section.title for section in made.sections}
    assert {"Agents", "Weights", "Refreshes"} <= titles


def test_the_csi300_configuration_says_which_files_it_needs() -> None:
    with pytest.raises(AlphaloomError, match=r"data\.path"):
        backtest("csi300")
    with pytest.raises(AlphaloomError, match=r"data\.membership"):
        backtest("csi300", sets=["data.path=bars.parquet"])


def test_the_live_configuration_says_how_its_store_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path))
    with pytest.raises(AlphaloomError, match="alphaloom data sync"):
        backtest("paper_live")


def test_the_benchmark_of_2023_is_minus_11_73_percent() -> None:
    made = backtest("quickstart", sets=YEAR)
    assert round(made.metrics["benchmark_total_return"], 4) == -0.1173
    assert made.equity["benchmark"].iloc[-1] == pytest.approx(2326.17, abs=0.005)
    assert made.metrics["sessions"] == len(made.equity) == 242
    assert made.fills["date"].min() == pd.Timestamp("2023-01-03"), (
        "the first decision is made the evening before"
    )


def test_cash_and_positions_are_the_equity_to_the_fen_on_every_session(result: Result) -> None:
    equity = result.equity.set_index("date")
    positions = result.positions.groupby("date")["value_cny"].sum().reindex(equity.index, fill_value=0.0)
    fen = (equity["equity"] * 100).round() - (equity["cash"] * 100).round() - (positions * 100).round()
    assert (fen == 0).all()
    assert (equity["cash"] >= 0).all()


@pytest.mark.parametrize("tax", ["false", "true"])
def test_fills_and_events_explain_every_change_of_cash_to_the_fen(tax: str) -> None:
    made = backtest("quickstart", sets=[f"broker.dividend_tax={tax}"])
    fills, events = made.fills, made.events
    sign = np.where(fills["side"] == "buy", -1.0, 1.0)
    moved = sign * fills["amount_cny"] - fills[["commission", "stamp_duty", "transfer_fee"]].sum(axis=1)
    daily = moved.groupby(fills["date"]).sum().add(events.groupby("date")["cash_cny"].sum(), fill_value=0.0)
    cash = 10_000_000 + daily.reindex(made.equity["date"], fill_value=0.0).cumsum().to_numpy()
    assert (np.abs(cash - made.equity["cash"].to_numpy()) < 0.005).all()
    assert ("dividend_tax" in set(events["kind"])) is (tax == "true")


def test_nothing_is_sold_on_the_session_it_was_bought(result: Result) -> None:
    sides = result.fills.groupby(["date", "symbol"])["side"].nunique()
    assert (sides == 1).all()
    bought_today = result.fills[result.fills["side"] == "buy"].set_index(["date", "symbol"])["shares"]
    free = result.positions.set_index(["date", "symbol"])["sellable"]
    held = result.positions.set_index(["date", "symbol"])["shares"]
    assert ((held - free).reindex(bought_today.index) == bought_today).all()


def test_stamp_duty_is_halved_on_2023_08_28(result: Result) -> None:
    sold = result.fills[result.fills["side"] == "sell"].set_index("date")
    before, after = sold.loc["2023-08-25"], sold.loc["2023-08-28"]
    assert ((before["stamp_duty"] - before["amount_cny"] * 0.001).abs() <= 0.005001).all()
    assert ((after["stamp_duty"] - after["amount_cny"] * 0.0005).abs() <= 0.005001).all()


def test_frames_have_the_columns_and_types_others_rely_on(result: Result) -> None:
    assert list(result.equity) == ["date", "equity", "cash", "cost", "turnover", "benchmark"]
    fills = [
        "date", "symbol", "side", "shares", "price", "amount_cny", "commission", "stamp_duty", "transfer_fee",
        "order_id",
    ]  # fmt: skip
    assert list(result.fills) == fills
    assert set(result.orders) == {
        *fills,
        "decided_on",
        "shares_requested",
        "shares_filled",
        "status",
        "reason",
    }
    assert list(result.positions) == ["date", "symbol", "shares", "sellable", "close", "value_cny", "weight"]
    assert result.fills["shares"].dtype == np.int64
    assert (result.fills["shares"] > 0).all()
    assert set(result.fills["side"]) == {"buy", "sell"}
    assert result.orders["order_id"].is_unique
    assert (result.orders["decided_on"] < result.orders["date"]).all()


def test_two_runs_give_the_same_bytes(tmp_path: Path, result: Result) -> None:
    first, second = result.save(tmp_path / "a"), backtest("quickstart").save(tmp_path / "b")
    assert (first / "result.json").read_bytes() == (second / "result.json").read_bytes()
    assert (first / "report.html").read_bytes() == (second / "report.html").read_bytes()
    for name in ("equity", "fills", "orders", "positions", "events"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(first / f"{name}.parquet"), pd.read_parquet(second / f"{name}.parquet")
        )


def test_a_saved_configuration_gives_the_same_result(tmp_path: Path, result: Result) -> None:
    folder = result.save(tmp_path / "run")
    again = backtest(folder / "config.yaml")
    assert again.metrics == result.metrics


def test_result_json_has_null_and_never_nan(tmp_path: Path) -> None:
    folder = backtest("quickstart", sets=["benchmark=null", *YEAR]).save(tmp_path / "run")
    text = (folder / "result.json").read_text(encoding="utf-8")
    numbers = json.loads(text, parse_constant=pytest.fail)
    for key in ("benchmark_total_return", "excess_return", "information_ratio", "beta"):
        assert numbers[key] is None
    assert numbers["version"]
    assert len(numbers["config_hash"]) == len(numbers["data_hash"]) == 64


class Oracle(AlphaProvider):
    """Scores that are the return from the fill to the next fill: they know tomorrow, unless shifted."""

    def __init__(self, table: np.ndarray, shift: int) -> None:
        self.table, self.shift = table, shift

    def scores(self, view, snapshot):  # type: ignore[no-untyped-def]
        row = view.t - self.shift
        return self.table[row] if row >= 0 else np.full(len(view.symbols), np.nan)


def test_tomorrows_returns_earn_absurdly_and_yesterdays_do_not(panel: MarketPanel) -> None:
    opens = panel.adjusted("open")
    table = np.full(opens.shape, np.nan)
    table[:-2] = opens[2:] / opens[1:-1] - 1.0
    knows = backtest("quickstart", sets=YEAR, panel=panel, provider=Oracle(table, 0))
    late = backtest("quickstart", sets=YEAR, panel=panel, provider=Oracle(table, 2))
    assert knows.metrics["total_return"] > 10
    assert knows.metrics["rank_ic_mean"] == pytest.approx(1.0)
    assert late.metrics["total_return"] < 0.2
    assert abs(late.metrics["rank_ic_mean"]) < 0.1


def test_a_scores_file_trades_the_session_after_its_date(tmp_path: Path, panel: MarketPanel) -> None:
    dates = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"), name="date")
    opens = pd.DataFrame(panel.adjusted("open"), index=dates, columns=panel.symbols).rename_axis(
        columns="symbol"
    )
    tomorrow = (opens.shift(-2) / opens.shift(-1) - 1.0).stack().rename("score")
    tomorrow.reset_index().to_parquet(tmp_path / "t.parquet")
    late = tomorrow.groupby("symbol").shift(1).dropna()
    late.reset_index().to_csv(tmp_path / "shifted.csv", index=False)

    def earned(name: str) -> float:
        sets = ["alpha={provider: scores_file, params: {path: " + str(tmp_path / name) + "}}", *YEAR]
        return float(backtest("quickstart", sets=sets).metrics["total_return"])

    assert earned("t.parquet") > 10
    assert earned("shifted.csv") < 0.5


def test_scores_for_unknown_symbols_are_refused_by_name(tmp_path: Path) -> None:
    pd.DataFrame({"date": ["2023-01-03"], "symbol": ["000001.SZ"], "score": [1.0]}).to_csv(
        tmp_path / "s.csv", index=False
    )
    sets = ["alpha={provider: scores_file, params: {path: " + str(tmp_path / "s.csv") + "}}"]
    with pytest.raises(AlphaloomError, match=r"000001\.SZ"):
        backtest("quickstart", sets=sets)


class Broken(AlphaProvider):
    def __init__(self, how: str) -> None:
        self.how = how

    def scores(self, view, snapshot):  # type: ignore[no-untyped-def]
        if self.how == "raises":
            raise KeyError("nope")
        return np.zeros(3)


@pytest.mark.parametrize(("how", "words"), [("raises", "KeyError"), ("shape", r"\(77,\)")])
def test_a_provider_that_fails_is_named_with_the_session(how: str, words: str) -> None:
    with pytest.raises(ProviderError, match=rf"Broken.*2022-12-30.*{words}"):
        backtest("quickstart", sets=YEAR, provider=Broken(how))


def test_more_names_than_the_universe_has_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"strategy\.params\.topk: 51 .* universe of 50"):
        backtest("quickstart", sets=["strategy.params.topk=51"])


def test_a_run_folder_appears_whole_or_not_at_all(
    tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "precious.txt").write_text("x")
    with pytest.raises(OutputError, match="not empty"):
        result.save(taken)
    assert [p.name for p in taken.iterdir()] == ["precious.txt"]

    def full_disk(self: Result) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Result, "report_html", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        result.save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["taken"], "no partial folder is left behind"


def test_every_parameter_of_the_strategy_changes_something(panel: MarketPanel) -> None:
    def run(*sets: str) -> Result:
        return backtest("quickstart", sets=[*YEAR, *sets], panel=panel)

    base = run()
    different = {
        "strategy.params.risk_degree=0.5", "strategy.params.hold_thresh=10",
        "strategy.params.rebalance=weekly", "strategy.params.rebalance=every 3",
        "strategy.params.weighting=score", "strategy.params.max_weight=0.05",
        "strategy.params.cash_buffer=0.3", "broker.sizing=at_decision", "broker.participation=0.0005",
        "broker.lot=1000", "broker.dividend_tax=true", "broker.slippage_bps=0", "broker.fill=close",
        "broker.fees={buy: 0, sell: 0}", "broker.cash=1000000", "alpha.params.normalise=zscore",
        "alpha.params.neutralize=industry", "alpha.params.formulas.reversal=null",
        "alpha.params.weights={reversal: 3}",
        "broker.fill={sell: open, buy: vwap}", "data.actions=null", "strategy.params.method_sell=random",
        "strategy.params.method_buy=random",
    }  # fmt: skip
    for change in different:
        loads_anew = change.startswith("data.")
        other = backtest("quickstart", sets=[*YEAR, change]) if loads_anew else run(change)
        assert other.metrics["total_return"] != base.metrics["total_return"], change
        assert other.metrics["config_hash"] != base.metrics["config_hash"], change
    assert run("strategy.params.cash_buffer=0.3").equity.eval("cash / equity").min() > 0.2
    assert run("strategy.params.max_weight=0.05").positions["weight"].median() < 0.06


def weekly(panel: MarketPanel, path: Path) -> Path:
    """Scores on the last session of every week only."""
    rows = [row for row, day in enumerate(panel.dates) if panel.calendar.ends_week(day) and row > 20]
    frame = pd.DataFrame(-panel.field("returns")[rows], index=panel.dates[rows].astype("datetime64[ns]"))
    frame.columns = pd.Index([str(s) for s in panel.symbols])
    frame.rename_axis("date").reset_index().to_parquet(path)
    return path


def test_a_session_without_any_score_is_no_decision(tmp_path: Path, panel: MarketPanel) -> None:
    scores = f"alpha={{provider: scores_file, params: {{path: {weekly(panel, tmp_path / 's.parquet')}}}}}"
    made = backtest("quickstart", sets=[scores, *YEAR], panel=panel)
    held = made.positions.groupby("date").size()
    assert held.iloc[10:].min() == 13
    assert any("scored nothing on" in warning for warning in made.warnings)
    assert made.fills["date"].nunique() < 60


class Peeks(AlphaProvider):
    """Digs the whole panel out of an array."""

    def scores(self, view, snapshot):  # type: ignore[no-untyped-def]
        opens = view.field("open").base
        later = opens[min(view.t + 2, len(opens) - 1)]
        return later / opens[min(view.t + 1, len(opens) - 1)] - 1.0


class Remembers(AlphaProvider):
    """Gives another answer when asked again."""

    def __init__(self) -> None:
        self.calls = 0

    def scores(self, view, snapshot):  # type: ignore[no-untyped-def]
        self.calls += 1
        return np.arange(len(view.symbols)) * float(self.calls)


class Oversteps(AlphaProvider):
    def scores(self, view, snapshot):  # type: ignore[no-untyped-def]
        return view.view(view.t + 1).field("close")[-1]


@pytest.mark.parametrize("provider", [Peeks(), Remembers()], ids=["peeks", "remembers"])
def test_a_provider_whose_scores_need_the_future_is_found_out(provider: AlphaProvider) -> None:
    with pytest.raises(ProviderError, match="change when later sessions are deleted"):
        backtest("quickstart", sets=YEAR, provider=provider)


def test_overstepping_the_view_is_the_providers_fault() -> None:
    with pytest.raises(
        ProviderError, match=r"^provider Oversteps at 2022-12-30 in scores: a view at 2022-12-30"
    ):
        backtest("quickstart", sets=YEAR, provider=Oversteps())


def test_dividend_tax_without_a_table_of_dividends_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"broker\.dividend_tax needs .* data\.actions"):
        backtest("quickstart", sets=["data.actions=null", "broker.dividend_tax=true"])


def test_an_order_has_one_row_however_many_pieces_it_was_sent_in(panel: MarketPanel) -> None:
    rich = backtest("quickstart", sets=["broker.cash=3000000000", *YEAR], panel=panel)
    assert rich.orders["order_id"].is_unique
    assert not rich.fills["order_id"].is_unique, "orders above the exchange's cap are sent in pieces"
    assert rich.fills["shares"].max() <= 1_000_000
    by_order = rich.fills.groupby("order_id")[["shares", "amount_cny", "commission"]].sum()
    filled = rich.orders[rich.orders["shares_filled"] > 0].set_index("order_id")
    pd.testing.assert_frame_equal(
        by_order.sort_index(), filled[["shares", "amount_cny", "commission"]].sort_index(), check_exact=False
    )
    cut = rich.orders["status"] == "partial"
    assert rich.orders.loc[cut, "reason"].notna().all()
    assert (rich.orders.loc[~cut & (rich.orders["shares_filled"] > 0), "status"] == "filled").all()


def test_what_a_cap_leaves_open_is_one_order_over_several_sessions(panel: MarketPanel) -> None:
    sets = [
        "broker.participation=0.0005",
        "broker.order_sessions=4",
        "strategy.params.rebalance=monthly",
        *YEAR,
    ]
    made = backtest("quickstart", sets=sets, panel=panel)
    assert made.orders["order_id"].is_unique
    sessions = made.fills.groupby("order_id")["date"].nunique()
    assert sessions.max() > 1
    day = backtest("quickstart", sets=[*sets, "broker.order_sessions=1"], panel=panel)
    assert made.orders["shares_filled"].sum() > day.orders["shares_filled"].sum()


def test_the_reason_is_text_even_where_every_order_was_filled(tmp_path: Path) -> None:
    folder = backtest("buy_and_hold", sets=[*YEAR, "broker.cash=1000000000"]).save(tmp_path / "run")
    import pyarrow.parquet as pq

    assert str(pq.read_schema(folder / "orders.parquet").field("reason").type) in ("string", "large_string")
