from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError


@pytest.fixture
def snapshot():
    return Snapshot(
        provider="agents",
        params_hash="ab" * 32,
        as_of="2023-03-31",
        parent="cd" * 32,
        payload={"kept": ["动量", "ts_rank(close, 10)"], "theta": {"momentum": 0.7, "value": 0.1}, "n": None},
        arrays={
            "weights": np.array([[0.1, np.nan], [np.inf, -0.0]]),
            "mask": np.array([True, False]),
            "empty": np.zeros((0, 3), dtype=np.float32),
        },
    )


def test_a_snapshot_comes_back_as_it_was_stored(snapshot, tmp_path):
    folder = snapshot.save(tmp_path / "store")
    assert folder == tmp_path / "store" / snapshot.hash
    assert sorted(p.name for p in folder.iterdir()) == ["arrays.safetensors", "snapshot.json"]
    back = Snapshot.load(folder)
    assert back == snapshot
    assert (back.provider, back.as_of, back.parent) == ("agents", "2023-03-31", "cd" * 32)
    assert back.payload == snapshot.payload
    for name, array in snapshot.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == array.dtype


def test_a_snapshot_without_arrays_can_be_stored(tmp_path):
    snapshot = Snapshot(payload={"a": 1})
    assert Snapshot.load(snapshot.save(tmp_path)) == snapshot


def test_saving_again_changes_nothing_and_leaves_no_scratch(snapshot, tmp_path):
    folder = snapshot.save(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert snapshot.save(tmp_path) == folder
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == [snapshot.hash]


def test_the_hash_of_a_known_snapshot_stays_what_it_is():
    # stored runs are found by this: a change here breaks every one of them
    snapshot = Snapshot(provider="p", params_hash="h", as_of="2023-01-03", payload={"b": 1, "a": [1.5]},
                        arrays={"w": np.arange(3.0)})  # fmt: skip
    assert snapshot.hash == "91191b77418b0b8990990fc3a490b357cc588f60efc3579bda509d4e022cbaf0"


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "other"},
        {"params_hash": "00"},
        {"as_of": "2023-04-03"},
        {"parent": None},
        {"payload": {"kept": []}},
        {"arrays": {"weights": np.zeros(2)}},
    ],
)
def test_every_part_counts_in_the_hash(snapshot, change):
    names = ("provider", "params_hash", "as_of", "parent", "payload", "arrays")
    parts = {name: getattr(snapshot, name) for name in names}
    assert Snapshot(**parts) == snapshot
    assert Snapshot(**{**parts, **change}) != snapshot


def test_order_of_keys_and_layout_of_memory_do_not_count():
    w = np.arange(6.0).reshape(2, 3)
    a = Snapshot(payload={"x": 1, "y": (1, 2)}, arrays={"w": w, "v": w[0]})
    b = Snapshot(payload={"y": [1, 2], "x": 1}, arrays={"v": w[0].astype(">f8"), "w": np.asfortranarray(w)})
    assert a == b
    assert hash(a) == hash(b)


def test_arrays_and_payload_are_read_only(snapshot):
    with pytest.raises(ValueError, match="read-only"):
        snapshot.arrays["weights"][0, 0] = 1.0
    with pytest.raises(TypeError):
        snapshot.arrays["more"] = np.zeros(1)
    with pytest.raises(TypeError):
        snapshot.payload["theta"]["momentum"] = 1.0


def test_what_the_maker_does_to_its_own_values_afterwards_does_not_reach_the_snapshot():
    weights, payload = np.ones(2), {"kept": ["a"]}
    snapshot = Snapshot(payload=payload, arrays={"w": weights})
    weights[0] = 9.0
    payload["kept"].append("b")
    assert snapshot.arrays["w"][0] == 1.0
    assert snapshot.payload["kept"] == ("a",)


def test_a_snapshot_can_be_pickled(snapshot):
    back = pickle.loads(pickle.dumps(snapshot))
    assert back == snapshot
    assert not back.arrays["weights"].flags.writeable


def test_stamping_keeps_what_was_learned(snapshot):
    stamped = snapshot.stamped(provider="p", params_hash="h", as_of="2023-05-04", parent=None)
    assert (stamped.provider, stamped.as_of, stamped.payload) == ("p", "2023-05-04", snapshot.payload)
    assert stamped.hash != snapshot.hash


@pytest.mark.parametrize("payload", [{"x": float("nan")}, {"x": np.int64(1)}, {"x": {1, 2}}, {"x": object()}])
def test_a_payload_that_is_no_json_is_refused(payload):
    with pytest.raises(ProviderError, match="payload must be JSON"):
        Snapshot(payload=payload)


def test_a_payload_that_is_no_mapping_is_refused():
    with pytest.raises(ProviderError, match="payload must be a mapping, not list"):
        Snapshot(payload=[1, 2])


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.array([1j])])
def test_an_array_that_is_no_numbers_is_refused(array):
    with pytest.raises(ProviderError, match="snapshot array 'w' has dtype"):
        Snapshot(arrays={"w": array})


def test_a_tampered_payload_is_refused(snapshot, tmp_path):
    record = snapshot.save(tmp_path) / "snapshot.json"
    record.write_text(record.read_text().replace("0.7", "0.8"))
    with pytest.raises(ProviderError, match="was changed after it was written"):
        Snapshot.load(record.parent)


def test_a_tampered_array_is_refused(snapshot, tmp_path):
    file = snapshot.save(tmp_path) / "arrays.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ProviderError, match="was changed after it was written"):
        Snapshot.load(file.parent)


def test_an_added_key_is_refused(snapshot, tmp_path):
    record = snapshot.save(tmp_path) / "snapshot.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "comment": "trust me"}))
    with pytest.raises(ProviderError, match="must hold exactly"):
        Snapshot.load(record.parent)


@pytest.mark.parametrize("name", ["snapshot.json", "arrays.safetensors"])
def test_a_missing_part_is_named(snapshot, tmp_path, name):
    folder = snapshot.save(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ProviderError, match=f"no snapshot in .*: {name} is missing"):
        Snapshot.load(folder)


@pytest.mark.parametrize("name", ["snapshot.json", "arrays.safetensors"])
def test_a_truncated_part_is_refused(snapshot, tmp_path, name):
    file = snapshot.save(tmp_path) / name
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(ProviderError, match="cannot be read"):
        Snapshot.load(file.parent)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(max_dims=3, max_side=3),
)


@given(
    payload=st.dictionaries(TEXT, JSON, max_size=3), arrays=st.dictionaries(st.sampled_from("abc"), ARRAYS)
)
def test_any_snapshot_survives_the_disk(tmp_path_factory, payload, arrays):
    snapshot = Snapshot(provider="p", payload=payload, arrays=arrays)
    back = Snapshot.load(snapshot.save(tmp_path_factory.mktemp("store")))
    assert back == snapshot
    assert back.payload == snapshot.payload
