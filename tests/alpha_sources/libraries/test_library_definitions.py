"""A sample of each published library against its definitions, written anew in pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from library_bars import Bars
from library_definitions import ALPHA101, ALPHA158, GTJA191, Definition

from alpha_sources.formula import evaluate
from alpha_sources.libraries import load_library
from alphaloom import load_panel
from engine.market import MarketPanel

CASES = [
    (library, name, definition)
    for library, definitions in (("alpha101", ALPHA101), ("gtja191", GTJA191), ("alpha158", ALPHA158))
    for name, definition in definitions.items()
]


@pytest.fixture(scope="module")
def panel() -> MarketPanel:
    return load_panel("sse50")


@pytest.fixture(scope="module")
def bars(panel: MarketPanel) -> Bars:
    return Bars.of(panel)


@pytest.fixture(scope="module")
def values(panel: MarketPanel) -> dict[str, np.ndarray]:
    libraries = {library: load_library(library) for library, _, _ in CASES}
    formulas = [libraries[library].entry(name).parsed for library, name, _ in CASES]
    found = evaluate(formulas, panel.view(len(panel.dates) - 1))
    return {name: each for (_, name, _), each in zip(CASES, found, strict=True)}


def test_there_are_ten_of_each() -> None:
    assert [len(each) for each in (ALPHA101, GTJA191, ALPHA158)] == [10, 10, 10]


@pytest.mark.parametrize(("library", "name", "definition"), CASES, ids=[name for _, name, _ in CASES])
def test_a_formula_is_its_definition(
    library: str, name: str, definition: Definition, bars: Bars, values: dict[str, np.ndarray]
) -> None:
    ours = values[name][bars.member.to_numpy()]
    with np.errstate(all="ignore"):
        theirs = pd.DataFrame(definition(bars)).to_numpy(dtype=float)[bars.member.to_numpy()]
    assert np.isfinite(theirs).mean() > 0.5, "the definition says little"
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs), err_msg="cells with a value")
    both = np.isfinite(ours)
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-9, atol=1e-9)
