"""Configurations: precedence, paths, and errors that name the place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alphaloom.config import RunConfig, load_config
from alphaloom.shipped import shipped_config, shipped_names
from engine.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_file_beats_defaults_environment_beats_file_and_set_beats_all(tmp_path: Path) -> None:
    file = write(tmp_path / "c.yaml", "broker: {cash: 1, slippage_bps: 1, sizing: at_decision}\nseed: 1\n")
    environ = {"ALPHALOOM__BROKER__CASH": "2", "ALPHALOOM__BROKER__SLIPPAGE_BPS": "2", "OTHER": "x"}
    config = load_config(file, sets=["broker.cash=3"], environ=environ)
    assert (config.broker.cash, config.broker.slippage_bps, config.broker.sizing) == (3, 2, "at_decision")
    assert config.seed == 1
    assert config.broker.dividend_tax is False


def test_paths_in_a_file_start_at_the_file_and_in_set_at_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    file = write(
        tmp_path / "there" / "c.yaml",
        "data: {source: file, path: bars.csv, index: idx.csv, fundamentals: [a.csv, /b.csv]}\n"
        "alpha: {provider: mine.py:Mine, params: {path: s.csv, model_path: m.bin, name: x.csv}}\n",
    )
    config = load_config(file, sets=["data.index=other.csv", "strategy.name=my.py:S"])
    there, here = tmp_path / "there", tmp_path / "here"
    assert config.data.path == there / "bars.csv"
    assert config.data.index == here / "other.csv"
    assert config.data.fundamentals == [there / "a.csv", Path("/b.csv")]
    assert config.alpha.provider == f"{there / 'mine.py'}:Mine"
    assert config.alpha.params == {
        "path": str(there / "s.csv"),
        "model_path": str(there / "m.bin"),
        "name": "x.csv",
    }
    assert config.strategy.name == f"{here / 'my.py'}:S"


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ("broker.slipage_bps=3", ["--set broker.slipage_bps: unknown key; did you mean slippage_bps?"]),
        ("brokr.cash=3", ["--set brokr.cash: unknown key 'brokr'; did you mean broker?"]),
        ("broker.cash=-1", ["--set broker.cash: must be greater than 0, not -1"]),
        ("broker.fill=high", ["--set broker.fill: must be 'open', 'vwap' or 'close', not 'high'"]),
        ("broker.fees={buy: 0.1, commission: 0.1, sell: 0.2}", ["broker.fees", "not both"]),
        ("broker.fees.commission=0.01", ["--set broker.fees.commission: must be at most 0.003, not 0.01"]),
        ("span={start: 2023-02-01, end: 2023-01-01}", ["span", "2023-02-01", "after end"]),
        ("span.start=2023-02-30", ["span.start", "2023-02-30"]),
        ("alpha.refresh=sometimes", ["alpha.refresh", "sometimes", "month_end"]),
        ("foo", ["--set 'foo'", "key=value"]),
        ("data.units=pounds", ["data.units", "'shares' or 'lots'"]),
    ],
)
def test_a_wrong_value_is_one_line_that_names_key_and_origin(sets: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("quickstart", sets=[sets])
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_an_unknown_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "c.yaml", "broker: {csh: 1}\n")
    with pytest.raises(ConfigError, match=r"c\.yaml, line 1: unknown key 'broker\.csh'; did you mean cash"):
        load_config(file)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    file = write(tmp_path / "c.yaml", "name: x\nbroker: {cash: 1\nseed: 2\n")
    with pytest.raises(ConfigError, match=r"c\.yaml, line \d"):
        load_config(file)


def test_a_list_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a mapping of keys"):
        load_config(write(tmp_path / "c.yaml", "- 1\n"))


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="quickstart"):
        load_config("no_such_thing")


def test_flat_fees_replace_the_dated_ones() -> None:
    config = load_config("quickstart", sets=["broker.fees={buy: 0.0005, sell: 0.0015, minimum: 5}"])
    assert config.broker.fees.model_dump() == {"buy": 0.0005, "sell": 0.0015, "minimum": 5}


def test_the_hash_ignores_where_files_lie_but_not_what_is_asked(tmp_path: Path) -> None:
    def hashed(folder: str, cash: int) -> str:
        return load_config(
            {"data": {"source": "file", "path": f"{folder}/bars.csv"}, "broker": {"cash": cash}}
        ).hash()

    assert hashed("/a", 1) == hashed("/b", 1) != hashed("/a", 2)


def test_a_dumped_configuration_is_the_same_configuration(tmp_path: Path) -> None:
    for name in shipped_names():
        config = load_config(name)
        again = load_config(write(tmp_path / f"{name}.yaml", yaml.safe_dump(config.plain())))
        assert again.hash() == config.hash()
        assert again.resolved_data() == config.resolved_data()


def test_the_sample_brings_its_benchmark_unless_told_otherwise() -> None:
    assert RunConfig().index == "000016.SH"
    assert load_config({"benchmark": None}).index is None
    assert load_config({"data": {"source": "file", "path": "x.csv"}}).index is None


def test_shipped_configurations_are_found_by_name_and_path() -> None:
    assert shipped_config("quickstart") == shipped_config("configs/quickstart.yaml") is not None
    assert shipped_config("elsewhere/quickstart") is None


@pytest.mark.parametrize(
    "sets",
    [
        ["alpha.provider=scores_file", "alpha.params.path=/s.csv"],
        ["alpha.params.path=/s.csv", "alpha.provider=scores_file"],
        ["alpha={provider: scores_file, params: {path: /s.csv}}"],
    ],
)
def test_another_provider_does_not_inherit_the_parameters_of_the_first(sets: list[str]) -> None:
    assert load_config("quickstart", sets=sets).alpha.params == {"path": "/s.csv"}
    kept = load_config("quickstart", sets=["alpha.provider=reversal", "alpha.params.lookback=5"])
    assert kept.alpha.params == {"lookback": 5}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("topk=20", "strategy.params.topk"),
        ("cash=1", "broker.cash"),
        ("broker.topk=3", "strategy.params.topk"),
    ],
)
def test_a_key_written_in_the_wrong_place_is_shown_the_right_one(written: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown key.*did you mean {meant}"):
        load_config("quickstart", sets=[written])


def test_one_kind_of_fees_replaces_the_other_key_by_key() -> None:
    flat = load_config("quickstart", sets=["broker.fees.buy=0.001", "broker.fees.sell=0.002"])
    assert flat.broker.fees.model_dump() == {"buy": 0.001, "sell": 0.002, "minimum": 0.0}
    with pytest.raises(ConfigError, match=r"broker\.fees.*sell"):
        load_config("quickstart", sets=["broker.fees={buy: 0.001}"])


def test_a_slash_in_a_parameter_is_not_taken_for_a_path() -> None:
    def hashed(formula: str) -> str:
        return load_config({"alpha": {"params": {"formula": formula}}}).hash()

    assert hashed("close/open") != hashed("volume/open")
