from __future__ import annotations

import pickle
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from alpha_sources.loading import ALPHA_SOURCES, load_provider, params_hash
from alpha_sources.provider import AlphaProvider
from alpha_sources.reversal import ReversalProvider
from alpha_sources.scores_file import ScoresFileProvider
from engine.errors import ConfigError, DataError, ProviderError
from engine.plugins import list_entry_points, load_object

MINE = """
    import numpy as np
    from pathlib import Path
    from alpha_sources.provider import AlphaProvider

    class Mine(AlphaProvider):
        def __init__(self, lookback, *, scale: float = 1.0, table: Path | None = None):
            self.lookback, self.scale, self.table = lookback, scale, table

        def scores(self, view, snapshot):
            return np.full(len(view.symbols), self.scale)

    class Unfinished(AlphaProvider):
        pass

    class Failing(Mine):
        def __init__(self, lookback=1):
            raise RuntimeError("no such luck")

    class Stranger:
        pass

    def function():
        pass
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module into a working folder that nothing has been imported from; forget it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    before = set(sys.modules)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    yield write
    for name in set(sys.modules) - before:
        if name.startswith(("alphaloom_plugin_", "mine", "broken", "lame")):
            del sys.modules[name]


@pytest.fixture
def install(write, tmp_path, monkeypatch):
    """Put a distribution with entry points on the path, as pip would."""

    def install(points: str, distribution: str = "stub") -> None:
        site = tmp_path / f"site_{distribution}"
        info = f"site_{distribution}/{distribution}-1.0.dist-info"
        write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        write(f"{info}/entry_points.txt", points)
        monkeypatch.syspath_prepend(str(site))

    return install


def refused(name: str, params: dict | None = None, base: Path | None = None) -> str:
    with pytest.raises(ProviderError) as caught:
        load_provider(name, params or {}, base)
    message = str(caught.value)
    assert "\n" not in message
    return message


# -- the three spellings


def test_by_dotted_path():
    provider = load_provider("alpha_sources.reversal:ReversalProvider", {"lookback": 5})
    assert isinstance(provider, ReversalProvider)
    assert provider.lookback == 5


def test_by_dotted_path_in_the_working_folder(write):
    write("mine_package/alphas.py", MINE)
    assert load_provider("mine_package.alphas:Mine", {"lookback": 3}).lookback == 3


def test_by_file_relative_to_the_configuration(write, tmp_path):
    write("configs/mine.py", MINE)
    assert load_provider("mine.py:Mine", {"lookback": 3}, tmp_path / "configs").lookback == 3
    assert load_provider("configs/mine.py:Mine", {"lookback": 4}).lookback == 4
    assert load_provider(f"{tmp_path}/configs/mine.py:Mine", {"lookback": 5}).lookback == 5


def test_a_file_is_run_once_until_it_changes(write):
    write("mine.py", MINE)
    first = load_object("mine.py:Mine", ALPHA_SOURCES)
    assert load_object("mine.py:Mine", ALPHA_SOURCES) is first
    # of the same length and within the same second, which Python's bytecode cache would not notice
    write("mine.py", MINE.replace("scale: float = 1.0", "scale: float = 2.0"))
    assert load_provider("mine.py:Mine", {"lookback": 1}).scale == 2.0


def test_a_provider_from_a_file_can_be_pickled(write):
    write("mine.py", MINE)
    provider = load_provider("mine.py:Mine", {"lookback": 3})
    back = pickle.loads(pickle.dumps(provider))
    assert type(back) is type(provider)
    assert back.lookback == 3


def test_a_file_is_compiled_under_its_own_future_imports_only(write):
    write("mine.py", MINE)
    assert load_object("mine.py:Mine", ALPHA_SOURCES).__init__.__annotations__["scale"] is float


def test_two_files_of_one_name_are_two_modules(write):
    write("a/mine.py", MINE)
    write("b/mine.py", MINE.replace("scale: float = 1.0", "scale: float = 2.0"))
    assert load_provider("a/mine.py:Mine", {"lookback": 1}).scale == 1.0
    assert load_provider("b/mine.py:Mine", {"lookback": 1}).scale == 2.0


def test_by_entry_point(install, write):
    write("site_stub/mine_stub.py", MINE)
    install("[alphaloom.alpha_sources]\nmy_short_name = mine_stub:Mine\n")
    assert load_provider("my_short_name", {"lookback": 7}).lookback == 7
    assert list_entry_points("alphaloom.alpha_sources")["my_short_name"] == "mine_stub:Mine"


def test_the_base_class_itself_is_never_named_as_a_candidate(write):
    write("mine.py", "from alpha_sources.provider import AlphaProvider\n")
    assert "it has no AlphaProvider at all" in refused("mine.py:Alpha")


# -- what can go wrong


def test_an_unknown_short_name_lists_the_known_and_the_nearest(install):
    install("[alphaloom.alpha_sources]\nmy_momentum = mine:Mine\nmy_value = mine:Mine\n")
    message = refused("my_momentun")
    assert "no alpha provider is called 'my_momentun'; did you mean my_momentum?" in message
    assert "my_value" in message
    assert "package.module:Class" in message


def test_a_short_name_that_two_packages_offer_is_refused(install):
    install("[alphaloom.alpha_sources]\nclash = mine_one:Mine\n", "one")
    install("[alphaloom.alpha_sources]\nclash = mine_two:Mine\n", "two")
    assert refused("clash") == (
        "2 installed packages offer the alpha provider 'clash'; write one of mine_one:Mine, mine_two:Mine"
    )


def test_an_entry_point_to_nowhere(install):
    install("[alphaloom.alpha_sources]\nlost = no_such_module_anywhere:Mine\n")
    assert "there is no module 'no_such_module_anywhere'" in refused("lost")


@pytest.mark.parametrize("name", ["mine.py", "alpha_sources.reversal.ReversalProvider"])
def test_a_module_without_a_class(write, name):
    assert f"{name!r} names no class; write {name}:Class" in refused(name)


def test_no_such_module(write):
    assert "there is no module 'no_such_package', neither" in refused("no_such_package.alphas:Mine")
    assert "there is no module 'alpha_sources.no_such', neither" in refused("alpha_sources.no_such:Mine")


def test_no_such_file(write, tmp_path):
    path = tmp_path / "elsewhere" / "mine.py"
    assert refused("mine.py:Mine", base=path.parent) == f"alpha provider: there is no file {path}"


@pytest.mark.parametrize("by_file", [True, False])
@pytest.mark.parametrize(
    ("text", "error", "line"),
    [
        ("x = 1\n\ny = 1 / 0\n", "ZeroDivisionError: division by zero", 3),
        ("x = (1,\n", "SyntaxError: '(' was never closed", 1),
        ("\nimport no_such_dependency\n", "ModuleNotFoundError: No module named 'no_such_dependency'", 2),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye", 2),
        ("import json\njson.loads('{')\n", "JSONDecodeError: Expecting property name", 2),
        ("def f():\n    raise ValueError('two\\nlines')\nf()\n", "ValueError: two lines", 2),
    ],
)
def test_a_file_that_fails_to_import_is_named_with_the_line(write, text, error, line, by_file):
    path = write("broken.py", text)
    before = set(sys.modules)
    message = refused("broken.py:Mine" if by_file else "broken:Mine")
    assert error in message
    assert f"{path}:{line}" in message
    assert not any("broken" in name for name in set(sys.modules) - before)


def test_no_such_class_lists_the_candidates(write):
    path = write("mine.py", MINE)
    assert refused("mine.py:Nine") == (
        f"alpha provider: {path} has no class 'Nine'; did you mean Mine?; it has Failing, Mine, Unfinished"
    )


@pytest.mark.parametrize("name", ["Stranger", "function"])
def test_something_else_than_a_provider(write, name):
    write("mine.py", MINE)
    message = refused(f"mine.py:{name}")
    assert f"{name} in" in message
    assert "is no AlphaProvider; derive it from alpha_sources.provider.AlphaProvider" in message


def test_a_provider_without_scores(write):
    write("mine.py", MINE)
    assert "'mine.py:Unfinished' does not implement scores" in refused("mine.py:Unfinished")


def test_a_wrong_argument_is_named(write):
    write("mine.py", MINE)
    assert refused("mine.py:Mine", {"lookback": 1, "skale": 2}) == (
        "alpha provider 'mine.py:Mine' has no parameter 'skale'; did you mean scale?; "
        "it accepts lookback, scale, table"
    )


def test_a_missing_argument_is_named(write):
    write("mine.py", MINE)
    assert refused("mine.py:Mine") == (
        "alpha provider 'mine.py:Mine' needs the parameter lookback; it accepts lookback, scale, table"
    )


def test_a_constructor_that_raises(write):
    path = write("mine.py", MINE)
    line = MINE.splitlines().index('            raise RuntimeError("no such luck")') + 1
    assert refused("mine.py:Failing").endswith(f"cannot be made: RuntimeError: no such luck ({path}:{line})")


def test_an_error_of_ours_keeps_its_type():
    with pytest.raises(ConfigError, match=r"ReversalProvider': lookback must be at least 1 session, not 0"):
        load_provider("alpha_sources.reversal:ReversalProvider", {"lookback": 0})


def test_a_strategy_is_loaded_by_the_same_door(write):
    from engine.errors import StrategyError
    from engine.plugins import PluginKind

    write("mine.py", MINE)
    kind = PluginKind("strategy", "alphaloom.strategies", dict, StrategyError)
    with pytest.raises(StrategyError, match=r"^strategy: Mine in .* is no dict"):
        load_object("mine.py:Mine", kind)


# -- paths among the parameters


def test_a_path_is_taken_from_the_configuration(write, tmp_path):
    write("mine.py", MINE)
    assert load_provider("mine.py:Mine", {"lookback": 1, "table": "x/y.csv"}).table == tmp_path / "x/y.csv"
    provider = load_provider("alpha_sources.scores_file:ScoresFileProvider", {"path": "s.csv"}, Path("conf"))
    assert isinstance(provider, ScoresFileProvider)
    assert provider.path == Path("conf/s.csv")


def test_the_hash_of_the_parameters_is_the_same_in_every_folder():
    def of(path, name="dir/mine.py:Mine"):
        return params_hash(name, {"path": path, "n": 3}, ScoresFileProvider)

    assert of("a/scores.csv") == of(Path("/b/scores.csv")) == of("scores.csv", "elsewhere/mine.py:Mine")
    assert of("a/scores.csv") != of("a/other.csv")
    assert params_hash("reversal", {"lookback": 20}) != params_hash("reversal", {"lookback": 21})
    assert params_hash("reversal", {}) != params_hash("scores_file", {})
    # text that is no path counts whole
    assert params_hash("p", {"expr": "a/b"}) != params_hash("p", {"expr": "c/b"})


@pytest.mark.parametrize("value", [object(), float("nan"), {"deep": [float("inf")]}])
def test_a_parameter_that_cannot_be_recorded_is_named(value):
    with pytest.raises(ProviderError, match=r"alpha\.params\.model: .* cannot be recorded"):
        params_hash("p", {"model": value})


def test_importing_the_contract_loads_no_heavy_library(write):
    import subprocess

    root = Path(sys.modules[AlphaProvider.__module__].__file__).parents[1]
    heavy = "{'torch', 'safetensors', 'akshare', 'openai', 'pandas'}"
    code = f"import sys, alpha_sources.provider; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert out.stdout.strip() == "[]"


def test_a_missing_scores_file_is_found_out_on_first_use_not_on_loading(write, panel):
    provider = load_provider("alpha_sources.scores_file:ScoresFileProvider", {"path": "missing.csv"})
    with pytest.raises(DataError, match=r"there is no scores file .*missing\.csv"):
        provider.scores(panel.view(0), None)
