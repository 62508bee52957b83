"""What a woven provider says its seeds and models could know."""

from __future__ import annotations

from datetime import date

from alpha_sources.honesty import Honesty, Label
from alpha_sources.woven import WovenProvider

MINED = """\
title: mined
mined: {{format: 1, mined_on: '2022-06-01', masked: {masked}}}
entries:
- {{name: calm, category: volatility, formula: '-ts_std(returns, 60)', knows_until: '2020-06-30'}}
"""


def labels(provider: WovenProvider, start: str) -> tuple[Label, ...]:
    return Honesty.of(date.fromisoformat(start), date(2023, 12, 31), [], provider.provenance()).labels


def test_seeds_older_than_the_test_are_clean(make):
    assert labels(make(), "2021-01-01") == (Label.CLEAN,)
    assert labels(make(), "2020-06-30") == (Label.CONTAMINATED,)


def test_the_day_of_mining_counts_and_so_does_a_mask(make, tmp_path):
    path = tmp_path / "mined.yaml"
    path.write_text(MINED.format(masked="false"))
    assert labels(make(seeds_path=path), "2022-01-01") == (Label.CONTAMINATED,)
    assert labels(make(seeds_path=path), "2022-06-02") == (Label.CLEAN,)
    path.write_text(MINED.format(masked="true"))
    assert labels(make(seeds_path=path), "2022-06-02") == (Label.MASKED,)


def test_the_bundled_library_knows_the_years_of_the_sample():
    assert labels(WovenProvider(), "2023-01-01") == (Label.CONTAMINATED,)
