"""`load_panel` from Python: what it cannot do it says in one line."""

from __future__ import annotations

from typing import Any

import pytest

from alphaloom import load_panel
from engine.errors import AlphaloomError, ConfigError


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("sse50", {"foo": 2}, "data.foo: unknown key; known: source, path, universe, membership, "),
        ("sse50", {"unit": "lots"}, "data.unit: unknown key; did you mean units?"),
        (
            "bars.csv",
            {"universe": "600000.SH"},
            "data.universe is one of all, sse50, csi300, or a list of symbols; not '600000.SH'",
        ),
        ("bars.csv", {"tick": "fine"}, "data.tick must be a number or 'none', not 'fine'"),
    ],
)
def test_impossible_options_are_named_in_a_line(source: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_panel(source, **options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_index_that_is_not_bundled_asks_for_a_file_and_its_members() -> None:
    with pytest.raises(AlphaloomError, match=r'^csi300 is not bundled: .*membership="members\.csv"'):
        load_panel("csi300")
