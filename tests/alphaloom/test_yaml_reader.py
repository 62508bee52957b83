"""YAML as people write it."""

from __future__ import annotations

import math
from datetime import date

import pytest

from alphaloom.yaml_reader import YamlError, read_document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1e6), ("-1.5E-3", -1.5e-3), (".5", 0.5), ("2.", 2.0), ("10_000_000", 10_000_000), ("0", 0),
        ("-7", -7), ("0x1F", 31), ("000001", "000001"), ("0.01", 0.01), ("600519", 600519), ("1:30", "1:30"),
        ("true", True), ("yes", True), ("null", None), ("", None), ("~", None), ("none", "none"),
        ("2023-01-03", date(2023, 1, 3)), ("2023-02-30", "2023-02-30"), ("2023-13-01", "2023-13-01"),
        ("600519.SH", "600519.SH"), ("month_end", "month_end"), ("[1.SH, 000001]", ["1.SH", "000001"]),
        ("{open: 开盘}", {"open": "开盘"}), ("'1e6'", "1e6"), ("every 5", "every 5"), ("1e6x", "1e6x"),
    ],
)  # fmt: skip
def test_values_are_what_a_person_means(text: str, value: object) -> None:
    read = read_document(text).value
    assert read == value
    assert type(read) is type(value)


def test_infinity_and_not_a_number_are_read() -> None:
    assert read_document("[.inf, -.inf]").value == [math.inf, -math.inf]
    assert math.isnan(read_document(".nan").value)


def test_every_key_knows_its_line() -> None:
    document = read_document("# head\nname: x\nbroker:\n  cash: 1\n  fees: {buy: 1,\n    sell: 2}\n")
    assert document.lines == {
        ("name",): 2,
        ("broker",): 3,
        ("broker", "cash"): 4,
        ("broker", "fees"): 5,
        ("broker", "fees", "buy"): 5,
        ("broker", "fees", "sell"): 6,
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key a was written on line 1 already"),
        ("x:\n  a: 1\n  a: 2\n", 3, r"the key x\.a was written on line 2 already"),
        ("a: [1\nb: 2\n", 2, "expected"),
        ("a: b: c\n", 1, "not allowed"),
        ("a: \x07\n", None, "special characters"),
        ("a: &x {b: *x}\n", None, "recursion"),
        ("? [1]\n: 2\n", 1, "unhashable"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(YamlError, match=words) as caught:
        read_document(text)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)
