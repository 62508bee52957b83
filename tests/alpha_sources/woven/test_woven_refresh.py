from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alpha_sources.refresh_store import RefreshStore
from alpha_sources.snapshot import Snapshot
from alpha_sources.woven.fabric import Fabric
from engine.errors import ProviderError


def test_a_refresh_says_what_was_chosen_and_what_it_weighs(sample, make):
    snapshot = make().refresh(sample.view("2021-09-30"), None)
    fabric = Fabric.of(snapshot)
    assert fabric.alphas_as_of == "2021-09-30"
    assert {alpha.name for alpha in fabric.strands[0].alphas} == set(fabric.decision["kept"])
    assert fabric.record["alphas_chosen"]
    assert fabric.record["trouble"] is None
    weights = fabric.strands[0].fitted.weights(np.full((1, 10), np.nan))
    assert np.isfinite(weights).all()


def test_weights_are_learned_at_each_refresh_and_alphas_when_their_rule_is_due(make, walk):
    signal = walk(make())
    fabrics = [Fabric.of(snapshot) for snapshot in signal.snapshots]
    learned = [fabric.strands[0].as_of for fabric in fabrics]
    assert learned == ["2021-08-30", "2021-08-31", "2021-09-30", "2021-10-29"]
    assert [f.alphas_as_of for f in fabrics] == ["2021-08-30", "2021-08-30", "2021-09-30", "2021-09-30"]


def test_a_quarter_that_ends_between_two_refreshes_is_not_passed_over(make, walk):
    signal = walk(make(), last="2021-11-05", rule="every 15")
    chosen = [Fabric.of(snapshot).alphas_as_of for snapshot in signal.snapshots]
    assert chosen == ["2021-08-30", "2021-08-30", "2021-10-20"]


def test_the_whole_provider_knows_nothing_later(sample, make, walk):
    """Scores on t are unchanged when everything after t is gone, refreshes included."""
    whole = walk(make(smooth_refreshes=2, decay_sessions=3))
    for day in ("2021-09-30", "2021-10-29"):
        cut = walk(make(smooth_refreshes=2, decay_sessions=3), last=day, panel=sample.truncate(day))
        assert cut.snapshots == whole.snapshots[: len(cut.snapshots)]
        for row, scores in cut.used.items():
            np.testing.assert_array_equal(scores, whole.used[row])


def test_the_same_is_learned_from_a_market_whose_future_is_another(sample, make):
    row = sample.row("2021-09-30")
    other = dict(sample.fields)
    for name in ("open", "close", "volume"):
        other[name] = sample.field(name).copy()
        other[name][row + 1 :] *= np.random.default_rng(1).uniform(0.5, 2, other[name][row + 1 :].shape)
    other = replace(sample, fields=other)
    assert make().refresh(other.view(row), None) == make().refresh(sample.view(row), None)


def test_a_finished_walk_replays_without_learning(make, walk, tmp_path, monkeypatch):
    store = RefreshStore(tmp_path)
    first = walk(make(), store=store)
    provider = make()
    monkeypatch.setattr(type(provider), "refresh", lambda *_: pytest.fail("learned again"))
    again = walk(provider, store=store)
    assert again.snapshots == first.snapshots
    assert all(refresh.found for refresh in again.refreshes)


def test_other_seeds_are_learned_anew(make, walk, tmp_path, seeds):
    store = RefreshStore(tmp_path / "kept")
    walk(make(), last="2021-08-30", store=store)
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text("\n".join(seeds.read_text().splitlines()[:-1]))
    (refresh,) = walk(make(seeds_path=fewer), last="2021-08-30", store=store).refreshes
    assert not refresh.found


# -- failures


def test_a_first_refresh_without_enough_sessions_says_what_to_do(sample, make):
    with pytest.raises(ProviderError, match=r"min_sessions is 100: begin the run later"):
        make().refresh(sample.view("2021-02-01"), None)


def test_a_refresh_that_fails_keeps_what_was_there_and_says_so(make, walk, monkeypatch):
    provider = make()
    from alpha_sources.woven.learning import Learner

    whole = Learner.weigh

    def weigh(self, view, first, alphas, before):
        if str(view.session) == "2021-09-30":
            raise ProviderError("the tide was out")
        return whole(self, view, first, alphas, before)

    monkeypatch.setattr(Learner, "weigh", weigh)
    signal = walk(provider)
    assert [note.split(":")[0] for note in signal.notes] == [
        "the refresh at 2021-09-30 failed, and nothing new is in force"
    ]
    fabrics = [Fabric.of(snapshot) for snapshot in signal.snapshots]
    assert [f.strands[0].as_of for f in fabrics] == ["2021-08-30", "2021-08-31", "2021-08-31", "2021-10-29"]
    # what was due then is made up for at the next
    assert fabrics[3].alphas_as_of == "2021-10-29"
    assert "2021-09-30" in str(provider.sections(signal.snapshots)[-1].notes)


def test_with_stop_a_refresh_that_fails_ends_the_run(make, walk, monkeypatch):
    from alpha_sources.woven.learning import Learner

    whole = Learner.weigh
    monkeypatch.setattr(
        Learner,
        "weigh",
        lambda self, view, *rest: whole(self, view, *rest) if str(view.session) < "2021-09" else 1 / 0,
    )
    with pytest.raises(ProviderError, match="2021-09-30 in refresh"):
        walk(make(on_failure="stop"))


def test_scores_without_a_snapshot_name_the_setting(sample, make):
    with pytest.raises(ProviderError, match=r"set alpha\.refresh"):
        make().scores(sample.view("2021-09-30"), None)


# -- snapshots


def test_a_snapshot_scores_the_same_after_a_journey_to_disk(sample, make, tmp_path):
    view = sample.view("2021-09-30")
    snapshot = make().refresh(view, None)
    read = Snapshot.load(snapshot.save(tmp_path))
    np.testing.assert_array_equal(make().scores(view, read), make().scores(view, snapshot))


def test_formulas_that_no_longer_parse_are_named(sample, make):
    snapshot = make().refresh(sample.view("2021-09-30"), None)
    alphas = [dict(alpha) for alpha in snapshot.payload["strands"][0]["alphas"]]
    alphas[0]["formula"] = "moon_phase(close)"
    strand = dict(snapshot.payload["strands"][0]) | {"alphas": alphas}
    broken = Snapshot(payload={**snapshot.payload, "strands": [strand]}, arrays=snapshot.arrays)
    with pytest.raises(ProviderError, match=r"'moon_phase\(close\)' is no formula of this version"):
        make().scores(sample.view("2021-09-30"), broken)


def test_weights_of_another_shape_are_refused(sample, make):
    snapshot = make().refresh(sample.view("2021-09-30"), None)
    name = next(iter(snapshot.arrays))
    broken = Snapshot(payload=snapshot.payload, arrays={**snapshot.arrays, name: np.zeros(1)})
    with pytest.raises(ProviderError, match=f"snapshot {broken.hash[:12]}"):
        make().scores(sample.view("2021-09-30"), broken)


def test_a_tampered_file_is_refused(sample, make, tmp_path):
    folder = make().refresh(sample.view("2021-09-30"), None).save(tmp_path)
    path = folder / "arrays.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ProviderError, match="changed after it was written"):
        Snapshot.load(folder)


def test_another_providers_snapshot_is_refused(sample, make):
    with pytest.raises(ProviderError, match="not of this version of the woven provider"):
        make().scores(sample.view("2021-09-30"), Snapshot(payload={"mine": 1}))
