"""What the committee is worth: the paper's two windows, an ablation, and three kinds of investor.

    python benchmarks/agents_study.py                # all three, on the bundled sample, without a model
    python benchmarks/agents_study.py --json out.json

Everything lies within the train span, 2021-01-01..2022-12-31: nothing of 2023 is read. Refreshes are month
ends; each decision sees what is known at its close, and is measured on the sessions up to the next.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents import CommitteeConfig, Decision, decide
from alpha_sources.agents.book import Ride
from alpha_sources.agents.confidence import standard_error
from alpha_sources.evaluation import judge
from alpha_sources.formula import evaluate
from alpha_sources.libraries import LibraryEntry, load_library
from alpha_sources.treatment import Treatment
from alphaloom import load_panel
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.market.view import MarketView

Array = NDArray[np.float64]

TRAIN_END = "2022-12-30"
WINDOWS = (("case 1", "2021-12-31", "2022-09-30"), ("case 2", "2022-10-01", TRAIN_END))
PAPER_CASES = (
    "momentum and volume: RSI, MACD, moving averages",
    "volatility and economic: ATR, Bollinger width, gross profit, operating income ratio",
)
_DRAWS = 200
#: how the risk agents are compared: as the settings stand, and by rho alone in two ways
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "the settings as they stand": {},
    "rho alone, the best 15 %": {
        "confidence_weight": 0.0,
        "threshold_quantile": 0.85,
        "pick": "all_above",
        "least_categories": 0,
    },
    "rho alone, the best 20 %, two a category": {"confidence_weight": 0.0, "threshold_quantile": 0.8},
}


@dataclass(frozen=True)
class Kept:
    """What some committee kept at each refresh.

    Parameters
    ----------
    rows : sequence of int
        Of the refreshes in the panel.
    names : sequence of tuple of str
    """

    rows: Sequence[int]
    names: Sequence[tuple[str, ...]]


def month_ends(panel: MarketPanel, first: str, last: str) -> list[int]:
    """Rows of the last session of each month within two days."""
    months = panel.dates.astype("datetime64[M]")
    inside = (panel.dates >= np.datetime64(first)) & (panel.dates <= np.datetime64(last))
    return [t for t in range(len(months) - 1) if inside[t] and months[t] != months[t + 1]]


def walk(
    panel: MarketPanel, seeds: Sequence[LibraryEntry], config: CommitteeConfig, rows: Sequence[int]
) -> list[Decision]:
    """Let a committee sit at each of some rows."""
    decisions: list[Decision] = []
    for t in rows:
        decisions.append(decide(panel.view(t), seeds, config, previous=decisions))
    return decisions


def kept_of(rows: Sequence[int], decisions: Sequence[Decision]) -> Kept:
    """Return what decisions kept."""
    return Kept(rows, [one.kept for one in decisions])


@dataclass(frozen=True, eq=False)
class Field:
    """The seeds on the train span, computed once.

    Parameters
    ----------
    view : MarketView
        Ends with the train span.
    ics : mapping of str to (T,) float64 array
        Rank IC of each seed on every session.
    ranks : mapping of str to (T, N) float64 array
        Centred ranks.
    """

    view: MarketView
    ics: Mapping[str, Array]
    ranks: Mapping[str, Array]

    @classmethod
    def of(cls, view: MarketView, seeds: Sequence[LibraryEntry]) -> Field:
        """Judge the seeds and rank their values."""
        found = judge({one.name: one.parsed for one in seeds if one.computable}, view, decay_sessions=1)
        usable = [one.name for one in found.judged if one.measured.status.judged]
        ics = {one.name: one.measured.rank_ic for one in found.judged if one.name in usable}
        by_name = {one.name: one for one in seeds}
        none = np.zeros(len(view.symbols))
        ranks = {
            name: Treatment().apply(view.universe, evaluate(by_name[name].parsed, view)[0], none, None)
            for name in usable
        }
        return cls(view, ics, ranks)

    def series(self, kept: Kept) -> Array:
        """(T,) mean rank IC of the alphas in force: each session belongs to the last refresh up to it."""
        out = np.full(len(self.view), np.nan)
        for first, end, names in self._spells(kept):
            there = [self.ics[name][first:end] for name in names if name in self.ics]
            if there:
                values = np.array(there)
                known = np.isfinite(values)
                count = known.sum(axis=0)
                sums = np.where(known, values, 0.0).sum(axis=0)
                out[first:end] = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
        return out

    def woven(self, kept: Kept) -> Array:
        """(T, N) mean centred rank of the alphas in force; a missing one counts as neutral."""
        out = np.full((len(self.view), len(self.view.symbols)), np.nan)
        for first, end, names in self._spells(kept):
            values = [np.nan_to_num(self.ranks[name][first:end]) for name in names if name in self.ranks]
            if values:
                out[first:end] = np.mean(values, axis=0)
        return np.where(self.view.universe, out, np.nan)

    def _spells(self, kept: Kept) -> list[tuple[int, int, tuple[str, ...]]]:
        ends = [*kept.rows[1:], len(self.view)]
        return list(zip(kept.rows, ends, kept.names, strict=True))


def interval(series: Array) -> tuple[float, float, float, int]:
    """Mean, and its 95 % interval by the automatic Newey-West error, and sessions."""
    known = series[np.isfinite(series)]
    mean, error = float(known.mean()), standard_error(known, -1)
    return mean, mean - 1.96 * error, mean + 1.96 * error, len(known)


def ablation(panel: MarketPanel, seeds: Sequence[LibraryEntry]) -> list[dict[str, Any]]:
    """Rank IC on the month that follows, of what each committee kept over 2022."""
    rows = month_ends(panel, "2021-12-01", "2022-11-30")
    field = Field.of(panel.view(TRAIN_END), seeds)
    committees = {
        "full committee": CommitteeConfig(),
        "experts learned": CommitteeConfig(experts="learned"),
        "inverted alphas allowed": CommitteeConfig(allow_inverted=True),
        "no confidence agent (rho alone)": CommitteeConfig(confidence_weight=0.0),
        "no risk agent (theta alone)": CommitteeConfig(confidence_weight=1.0),
        "no regime conditioning": CommitteeConfig(regime_conditional=False),
    }
    table = []
    walks = {name: walk(panel, seeds, config, rows) for name, config in committees.items()}
    full = kept_of(rows, walks["full committee"])
    for name, decisions in walks.items():
        table.append(_row(name, field, kept_of(rows, decisions), full, decisions))
    judged = [tuple(sorted(one.name for one in d.opinions if one.marks)) for d in walks["full committee"]]
    table.append(_row("all judged seeds", field, Kept(rows, judged), full))
    table.append(_drawn(field, full, judged))
    return table


def _row(
    name: str, field: Field, kept: Kept, full: Kept, decisions: Sequence[Decision] = ()
) -> dict[str, Any]:
    signed = (
        _signed(field, decisions) if any(one.sign < 0 for d in decisions for one in d.opinions) else field
    )
    mean, low, high, sessions = interval(signed.series(kept))
    composite = judge({"woven": signed.woven(kept)}, field.view, start=_start(field, kept), decay_sessions=1)
    woven = interval(composite["woven"].measured.rank_ic)
    difference = interval(signed.series(kept) - field.series(full))
    return {
        "committee": name,
        "alphas": float(np.mean([len(names) for names in kept.names])),
        "sessions": sessions,
        "rank_ic": mean,
        "low": low,
        "high": high,
        "woven": woven[0],
        "woven_low": woven[1],
        "woven_high": woven[2],
        "less_full": None if kept == full else difference[:3],
    }


def _signed(field: Field, decisions: Sequence[Decision]) -> Field:
    """The same field with the signs that decisions chose, spell by spell."""
    ics = {name: values.copy() for name, values in field.ics.items()}
    ranks = {name: values.copy() for name, values in field.ranks.items()}
    rows = [int(np.searchsorted(field.view.dates, np.datetime64(one.as_of))) for one in decisions]
    for first, end, decision in zip(rows, [*rows[1:], len(field.view)], decisions, strict=True):
        for one in decision.opinions:
            if one.sign < 0:
                ics[one.name][first:end] *= -1.0
                ranks[one.name][first:end] *= -1.0
    return Field(field.view, ics, ranks)


def _drawn(field: Field, full: Kept, judged: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Random choices of as many alphas: the mean over many, and where 95 % of them lie."""
    random = np.random.default_rng(20220101)
    means, woven, above = [], [], 0
    own = interval(field.series(full))[0]
    for _ in range(_DRAWS):
        names = [
            tuple(random.choice(pool, size=min(len(kept), len(pool)), replace=False).tolist())
            for kept, pool in zip(full.names, judged, strict=True)
        ]
        kept = Kept(full.rows, names)
        means.append(interval(field.series(kept))[0])
        above += means[-1] >= own
        if len(woven) < 20:
            found = judge({"w": field.woven(kept)}, field.view, start=_start(field, kept), decay_sessions=1)
            woven.append(interval(found["w"].measured.rank_ic)[0])
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "committee": f"random, as many ({_DRAWS} draws; share at least as good as full {above / _DRAWS:.0%})",
        "alphas": float(np.mean([len(names) for names in full.names])),
        "sessions": interval(field.series(full))[3],
        "rank_ic": float(np.mean(means)),
        "low": float(low),
        "high": float(high),
        "woven": float(np.mean(woven)),
        "woven_low": float(np.min(woven)),
        "woven_high": float(np.max(woven)),
        "less_full": None,
    }


def _start(field: Field, kept: Kept) -> str:
    return iso(field.view.dates[kept.rows[0]])


def profiles(
    panel: MarketPanel,
    seeds: Sequence[LibraryEntry],
    settings: Mapping[str, Mapping[str, Any]] = SETTINGS,
) -> list[dict[str, Any]]:
    """Books of a committee with one risk agent: the top quarter by what it kept, daily, after fees.

    ``walk`` is chosen month by month and measured on the month that follows, over 2022; ``train`` is chosen
    at the end of the train span and measured on that very span. All settings that were tried are here.
    """
    rows = month_ends(panel, "2021-12-01", "2022-11-30")
    field = Field.of(panel.view(TRAIN_END), seeds)
    first = int(np.flatnonzero(field.view.panel().universe_known)[0])
    table: list[dict[str, Any]] = []
    for setting, options in settings.items():
        conservative: Kept | None = None
        for name in ("conservative", "neutral", "aggressive"):
            config = CommitteeConfig.read({"profile": name, **options})
            last = decide(field.view, seeds, config)
            kept = kept_of(rows, walk(panel, seeds, config, rows))
            conservative = conservative or kept
            table.append(
                {
                    "setting": setting,
                    "profile": name,
                    "alphas": float(np.mean([len(names) for names in kept.names])),
                    "walk": _ride(field, kept),
                    "train": _ride(field, Kept([first], [last.kept])),
                    "shared_with_conservative": _shared(kept, conservative),
                }
            )
    return table


def _ride(field: Field, kept: Kept) -> dict[str, float]:
    found = judge(
        {"woven": field.woven(kept)}, field.view, start=_start(field, kept), decay_sessions=1, quantiles=4
    )
    ride = Ride.of(found["woven"].series["long_top_net"].dropna().to_numpy())
    return {"gain": ride.gain, "volatility": ride.volatility, "drawdown": ride.drawdown, "tail": ride.tail}


def _shared(mine: Kept, theirs: Kept) -> float:
    shares = [
        len(set(a) & set(b)) / max(len(set(a) | set(b)), 1)
        for a, b in zip(mine.names, theirs.names, strict=True)
    ]
    return float(np.mean(shares))


def windows(panel: MarketPanel, seeds: Sequence[LibraryEntry]) -> list[dict[str, Any]]:
    """The paper's two cases: the brief in words, the regime, and what is kept, side by side."""
    from alpha_sources.agents.brief import make_brief

    out = []
    for (name, first, last), paper in zip(WINDOWS, PAPER_CASES, strict=True):
        t = int(np.searchsorted(panel.dates, np.datetime64(first), side="right")) - 1
        view = panel.view(t)
        brief = make_brief(view, index_symbol="000016.SH")
        decision = decide(view, seeds, CommitteeConfig(), brief=brief)
        scores: dict[str, list[float]] = {}
        for one in decision.opinions:
            if one.score is not None:
                scores.setdefault(one.category, []).append(one.score)
        out.append(
            {
                "case": name,
                "from": decision.as_of,
                "to": last,
                "regime": decision.regime,
                "foresight_from": f"{decision.level} ({decision.level_sessions})",
                "paper": paper,
                "categories": {c: float(np.mean(v)) for c, v in scores.items()},
                "kept": {n: decision[n].score for n in decision.kept},
                "kept_category": {n: decision[n].category for n in decision.kept},
                "brief": [one.text for one in brief.items[:8]],
            }
        )
    return out


def main() -> None:
    """Print all three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="paper_seeds", help="a library's name or a file")
    parser.add_argument("--json", help="file for the numbers")
    options = parser.parse_args()
    panel = load_panel("sse50")
    panel = panel.truncate(int(np.searchsorted(panel.dates, np.datetime64(TRAIN_END))))
    seeds = load_library(options.seeds).entries
    clock = time.process_time()
    found = {
        "windows": windows(panel, seeds),
        "ablation": ablation(panel, seeds),
        "profiles": profiles(panel, seeds),
    }
    for case in found["windows"]:
        print(
            f"\n{case['case']}: {case['from']}..{case['to']}, {case['regime']}, from {case['foresight_from']}"
        )
        print(f"  the paper picked  {case['paper']}")
        mean = sorted(case["categories"].items(), key=lambda one: -one[1])
        print("  mean score        " + ", ".join(f"{c} {v:.2f}" for c, v in mean))
        kept = [f"{n} ({case['kept_category'][n]} {s:.2f})" for n, s in case["kept"].items()]
        print("  kept              " + ", ".join(kept))
        for line in case["brief"]:
            print(f"  brief             {line}")
    print("\nrank IC of what was kept, on the month that followed, 2022 (95 % intervals)")
    for row in found["ablation"]:
        less = row["less_full"]
        told = ""
        if less is not None and math.isfinite(less[0]):
            told = f"  less full {less[0]:+.4f} [{less[1]:+.4f}, {less[2]:+.4f}]"
        print(
            f"  {row['committee']:<34} {row['alphas']:5.1f} alphas  mean IC {row['rank_ic']:+.4f} "
            f"[{row['low']:+.4f}, {row['high']:+.4f}]  woven {row['woven']:+.4f} "
            f"[{row['woven_low']:+.4f}, {row['woven_high']:+.4f}]{told}"
        )
    print("\nbooks of one risk agent each, top quarter of its alphas, after fees")
    for row in found["profiles"]:
        if row["profile"] == "conservative":
            print(f"  {row['setting']}")
        for part, told in (("walk", "month by month, 2022"), ("train", "chosen and measured on 2021-2022")):
            ride = row[part]
            print(
                f"    {row['profile']:<13} {told:<33} volatility {ride['volatility']:.1%}  drawdown "
                f"{ride['drawdown']:.1%}  tail {ride['tail']:.1%}  gain {ride['gain']:+.1%}"
            )
        print(
            f"    {'':<13} shares {row['shared_with_conservative']:.0%} of its alphas with the conservative"
        )
    print(f"\n{time.process_time() - clock:.0f} s of processor time")
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
