"""Mean rank ICs by library and category: of all seeds, of those in force, and beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alpha_sources.evaluation.regimes import Regime, classify
from alphaloom.config import RunConfig
from alphaloom.reproduce import claims
from alphaloom.reproduce.experiment import LIBRARIES, Half, RowJob
from alphaloom.reproduce.findings import GroupIc
from alphaloom.reproduce.folder import WorkFolder
from alphaloom.reproduce.foresight import Judgement, MeanIc, kept_in_force, mean_of
from alphaloom.reproduce.methods import METHODS, settings_of, spans_of
from alphaloom.reproduce.verdict import Verdict, on_foresight
from engine.market import MarketPanel

#: of a regime, for a mean
_FEWEST_SESSIONS = 10


def selections(base: RunConfig, folder: WorkFolder) -> list[Mapping[str, Any]]:
    """Selections of the paper's method through the test span."""
    job = RowJob(METHODS[0], 0)
    learned = folder.read(f"{job.place}/learned")
    if learned is None or learned.get("config_hash") != settings_of(METHODS[0], base, 0).hash():
        return []
    return list(learned.get("kept", ()))


_TITLES = {
    "paper_seeds": "All seeds",
    "paper_released": "The 37 released seeds",
    "alpha101": "Alpha101",
    "gtja191": "GTJA191",
    "alpha158": "Alpha158",
    "random_formulas": "Random formulas",
}


def group_ics(
    judged: Mapping[tuple[str, Half], Judgement | None], kept: Sequence[Mapping[str, Any]]
) -> tuple[tuple[GroupIc, ...], tuple[GroupIc, ...], tuple[GroupIc, ...]]:
    """Sum up what was judged.

    Parameters
    ----------
    judged : mapping of (library, half) to Judgement or None
    kept : sequence of {"as_of", "names"}
        Selections of the paper's method, in order.

    Returns
    -------
    groups : tuple of GroupIc
        By library, the kept seeds among them.
    categories, of_kept : tuples of GroupIc
        Of all seeds and of the kept ones, by category.
    """
    groups = []
    for library in LIBRARIES:
        halves = [judged[library, half] for half in Half]
        if any(one is not None for one in halves):
            learned, tested = (None if one is None else MeanIc.of(one.ics) for one in halves)
            groups.append(GroupIc(_TITLES[library], learned, tested))
    train, test = judged["paper_seeds", Half.TRAIN], judged["paper_seeds", Half.TEST]
    if kept and (train is not None or test is not None):
        first = list(kept[0]["names"])
        in_force = None if test is None else MeanIc.of_sessions(*kept_in_force(test, kept))
        # on the training span they were chosen by this very number
        chosen = None if train is None else train.of_names(first)
        groups.insert(1, GroupIc("Kept seeds", chosen, in_force))
    categories, of_kept = [], []
    known = train if train is not None else test
    for category in [] if known is None else dict.fromkeys(known.categories.tolist()):
        printed = claims.CATEGORY_IC.get(category)
        title = category.replace("_", " ")
        categories.append(
            GroupIc(
                title,
                None if train is None else train.of_category(category),
                None if test is None else test.of_category(category),
                None if printed is None else printed.all,
            )
        )
        of_kept.append(_kept_category(title, category, train, test, kept, printed))
    return tuple(groups), tuple(categories), tuple(of_kept)


def _kept_category(
    title: str,
    category: str,
    train: Judgement | None,
    test: Judgement | None,
    kept: Sequence[Mapping[str, Any]],
    printed: claims.CategoryIc | None,
) -> GroupIc:
    known = train if train is not None else test
    members = [] if known is None else known.names[known.categories == category].tolist()
    here = [{**one, "names": [n for n in one["names"] if n in members]} for one in kept]
    return GroupIc(
        title,
        None if train is None or not here else train.of_names(list(here[0]["names"])),
        None if test is None or not here else MeanIc.of_sessions(*kept_in_force(test, here)),
        None if printed is None else printed.kept,
    )


def foresight_verdict(test: Judgement | None, kept: Sequence[Mapping[str, Any]]) -> Verdict:
    """Answer the second question from the seeds on the test span and the selections in force."""
    if test is None or not kept:
        return on_foresight(None, None, None)
    daily, count = kept_in_force(test, kept)
    everyone = mean_of(test.ics)
    return on_foresight(
        MeanIc.of_sessions(daily, count), MeanIc.of(test.ics), MeanIc.of_sessions(daily - everyone)
    )


def by_regime(judged: Judgement | None, base: RunConfig, panel: MarketPanel) -> dict[str, dict[str, float]]:
    """Mean rank IC of the seeds by category and regime on the training span, where it has sessions enough."""
    if judged is None or base.index is None:
        return {}
    train = spans_of(base).train
    last = int(np.searchsorted(panel.dates, np.datetime64(train.end), side="right")) - 1
    view = panel.view(last)
    codes = dict(
        zip(np.datetime_as_string(view.dates, unit="D").tolist(), classify(view, base.index), strict=True)
    )
    of_day = np.array([int(codes[str(day)]) for day in judged.days])
    out: dict[str, dict[str, float]] = {}
    for regime in Regime:
        rows = of_day == int(regime)
        if regime is Regime.UNKNOWN or rows.sum() < _FEWEST_SESSIONS:
            continue
        title = f"{regime.label.replace('_', ', ')} ({int(rows.sum())})"
        out[title] = {
            category: MeanIc.of(judged.ics[rows][:, judged.categories == category]).mean
            for category in dict.fromkeys(judged.categories.tolist())
        }
    return out
