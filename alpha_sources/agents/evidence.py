"""Evidence: what every seed did up to the refresh, as the judge finds it, and nothing later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents.book import Book, book_of, capacity, daily_amounts, universe_returns
from alpha_sources.agents.config import CommitteeConfig
from alpha_sources.agents.foresight import OVERALL, Conditions, Foresight, conditions_of
from alpha_sources.evaluation.batch import Judged, judge_stream
from alpha_sources.evaluation.ground import Ground, prepare
from alpha_sources.evaluation.groups import GroupKind
from alpha_sources.evaluation.regimes import Regime, classify
from alpha_sources.evaluation.settings import Settings
from alpha_sources.evaluation.store import ResultStore
from alpha_sources.formula import Formula, FormulaError, evaluate_stream, parse
from alpha_sources.libraries import LibraryEntry
from engine.errors import ConfigError, DataError
from engine.market.calendar import iso
from engine.market.view import MarketView

Array = NDArray[np.float64]

#: sessions on which alphas are compared with each other, spread evenly over the span
_COMPARED = 60


@dataclass(frozen=True, eq=False, slots=True)
class Seen:
    """What one seed did, as its formula is written.

    Parameters
    ----------
    entry : LibraryEntry
    judged : Judged or None
        None where no formula computes it.
    status, reason : str
        Why it is not judged; ``ok`` where it is.
    overall, like_today : Foresight
        Over the whole span, and over the sessions like today's.
    by_regime : mapping of str to Foresight
        Regimes with at least one session.
    level : str
        What `like_today` is of: the conditions' level, or ``all`` for an alpha that was seldom seen in such.
    """

    entry: LibraryEntry
    judged: Judged | None
    status: str
    reason: str
    overall: Foresight
    like_today: Foresight
    by_regime: Mapping[str, Foresight]
    level: str = OVERALL

    @property
    def usable(self) -> bool:
        """Whether it is judged."""
        return self.status == "ok"

    @property
    def rank_ic(self) -> Array:
        """(T,) rank IC of every session."""
        if self.judged is None:
            raise DataError(f"{self.entry.name} was not judged: {self.reason}")
        return self.judged.measured.rank_ic


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """What a committee knows of all seeds.

    Parameters
    ----------
    view : MarketView
    ground : Ground
        Of the judge.
    conditions : Conditions
    seen : tuple of Seen
        In the order of the seeds.
    market : (T,) float64 array
        Daily returns of the whole universe.
    last_label : date or None
        The last session whose label is known: horizon + 1 sessions before the view's.
    """

    view: MarketView
    ground: Ground
    conditions: Conditions
    seen: tuple[Seen, ...]
    market: Array
    last_label: date | None

    @property
    def usable(self) -> tuple[Seen, ...]:
        """Those that are judged."""
        return tuple(one for one in self.seen if one.usable)


@dataclass(frozen=True, eq=False, slots=True)
class Held:
    """What is known of a seed with the sign it would be used with.

    Parameters
    ----------
    book : Book
    sample : (S, N) float64 array
        Values on the sessions on which alphas are compared.
    """

    book: Book
    sample: Array


def gather(
    view: MarketView,
    seeds: Sequence[LibraryEntry],
    config: CommitteeConfig,
    *,
    horizon_sessions: int = 1,
    start: date | None = None,
    store: ResultStore | None = None,
) -> Evidence:
    """Judge seeds on what is known at the close of the view's session.

    Parameters
    ----------
    view : MarketView
    seeds : sequence of LibraryEntry
        With names that differ.
    config : CommitteeConfig
    horizon_sessions : int
    start : date, optional
        First decision day that counts.
    store : ResultStore, optional
        Of the judge.

    Raises
    ------
    ConfigError
        If there is no seed, or two bear one name.
    DataError
        If there are too few sessions, or not one seed can be judged.

    Notes
    -----
    Labels are open to open; those of the last horizon + 1 sessions are not known yet and are left out, which
    is the purge.
    """
    _check_names(seeds)
    settings = Settings(
        horizon_sessions=horizon_sessions,
        decay_sessions=1,
        quantiles=config.quantiles,
        min_names=config.min_names,
        start=start,
        commission=config.commission,
        slippage_bps=config.slippage_bps,
        index_symbol=config.index_symbol,
    )
    ground = prepare(view, settings)
    sessions = int(ground.groups.inside[0].sum())
    day = iso(view.session)
    if sessions < config.least_sessions:
        raise DataError(
            f"the committee needs {config.least_sessions} sessions with a known universe up to {day} and has "
            f"{sessions}; start later, or lower agents.least_sessions"
        )
    realised = np.isfinite(ground.label_means) & (ground.label_names > 0)
    realised &= np.arange(len(view)) < len(view) - 1 - horizon_sessions
    regime = Regime.UNKNOWN
    if ground.index_symbol is not None:
        regime = Regime(int(classify(view, ground.index_symbol)[-1]))
    conditions = conditions_of(
        ground.groups,
        realised,
        regime,
        conditional=config.regime_conditional,
        least=config.regime_sessions,
    )
    judged = _judged(seeds, ground, store)
    seen = tuple(_seen(one, judged.get(one.name), ground, conditions, config) for one in seeds)
    if not any(one.usable for one in seen):
        first = seen[0]
        raise DataError(
            f"none of {len(seen)} seeds can be judged at {day}; {first.entry.name}: {first.reason}"
        )
    last = np.flatnonzero(realised & ground.groups.inside[0])
    return Evidence(
        view=view,
        ground=ground,
        conditions=conditions,
        seen=seen,
        market=universe_returns(ground),
        last_label=view.dates[last[-1]].astype(object) if len(last) else None,
    )


def hold(
    evidence: Evidence,
    signs: Mapping[str, int],
    config: CommitteeConfig,
    *,
    store: ResultStore | None = None,
) -> dict[str, Held]:
    """Return the book of every judged seed with the sign it would be used with.

    Parameters
    ----------
    evidence : Evidence
    signs : mapping of str to int
        1 or -1 of every judged seed.
    config : CommitteeConfig
    store : ResultStore, optional
    """
    ground, view = evidence.ground, evidence.view
    members = ground.fills.members
    amounts = daily_amounts(view)
    rows = compared_rows(evidence)
    usable = evidence.usable
    series = {one.entry.name: _series(one.judged) for one in usable if one.judged is not None}
    turned = {name: inverse(one, view) for one in usable if signs[name := one.entry.name] < 0}
    for judged in judge_stream(turned.items(), ground, store=store, keep_series=True):
        series[judged.name] = _series(judged)
    held = {}
    stream = evaluate_stream([one.entry.parsed for one in usable], view)
    for one, (_, values) in zip(usable, stream, strict=True):
        name = one.entry.name
        signed = signs[name] * np.asarray(values, dtype=np.float64)
        room = capacity(
            signed, members, amounts, quantiles=config.quantiles, participation=config.participation
        )
        book = book_of(series[name], evidence.market, config.quantiles, room)
        held[name] = Held(book, signed[rows])
    return held


def compared_rows(evidence: Evidence) -> NDArray[np.int64]:
    """Return the sessions on which alphas are compared with each other: at most 60, spread evenly."""
    inside = np.flatnonzero(evidence.ground.groups.inside[0])
    places = np.linspace(0, len(inside) - 1, min(_COMPARED, len(inside)))
    return np.unique(inside[np.round(places).astype(np.int64)])


def inverse(one: Seen, view: MarketView) -> Formula:
    """Return a seed's formula with the other sign.

    Raises
    ------
    ConfigError
        If the formula is too large to be negated.
    """
    try:
        return parse(f"-({one.entry.parsed})", fields=view.field_names)
    except FormulaError as problem:
        raise ConfigError(
            f"{one.entry.name} cannot be inverted ({problem.reason}); set agents.allow_inverted to false"
        ) from None


def _judged(seeds: Sequence[LibraryEntry], ground: Ground, store: ResultStore | None) -> dict[str, Judged]:
    """Judge what formulas compute; those that may lack a field apart, since one spoils a whole block."""
    there = set(ground.view.field_names)
    formulas = {one.name: one.parsed for one in seeds if one.computable}
    found: dict[str, Judged] = {}
    for lacking in (False, True):
        some = [(n, f) for n, f in formulas.items() if (not there.issuperset(f.fields)) == lacking]
        found |= {one.name: one for one in judge_stream(some, ground, store=store, keep_series=True)}
    return found


def _series(judged: Judged) -> Array:
    series = judged.measured.series
    if series is None:
        raise DataError(f"the series of {judged.name} were not kept")
    return series


def _check_names(seeds: Sequence[LibraryEntry]) -> None:
    if not seeds:
        raise ConfigError("the committee has no seed to judge; name a library or a seed file")
    names = [one.name for one in seeds]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"the seeds hold {twice!r} twice; names must differ")


def _seen(
    entry: LibraryEntry,
    judged: Judged | None,
    ground: Ground,
    conditions: Conditions,
    config: CommitteeConfig,
) -> Seen:
    none = Foresight(0, float("nan"), float("nan"), float("nan"))
    if judged is None:
        reason = next((str(mark.reason) for mark in entry.marks), "no formula")
        return Seen(entry, None, "not_computable", reason, none, none, {})
    measured, quantiles = judged.measured, config.quantiles
    status, reason = ("ok" if measured.status.judged else str(measured.status)), measured.reason
    overall = Foresight.read(measured.measures, 0, quantiles)
    like_today = Foresight.read(measured.measures, conditions.group, quantiles)
    if status == "ok" and overall.sessions < config.least_alpha_sessions:
        status = "too_few_sessions"
        reason = f"a rank IC on {overall.sessions} sessions; at least {config.least_alpha_sessions}"
    elif status == "ok" and not overall.known:
        status, reason = "constant_ic", "its rank IC is the same on every session"
    by_regime = {
        ground.groups.names[group]: found
        for group in ground.groups.positions(GroupKind.REGIME)
        if (found := Foresight.read(measured.measures, group, quantiles)).sessions
    }
    made = Seen(entry, judged, status, reason, overall, like_today, by_regime, conditions.level)
    # an alpha that was seldom seen in this regime is taken as it was overall
    enough = like_today.known and like_today.sessions >= min(config.regime_sessions, conditions.sessions)
    return made if enough else replace(made, like_today=overall, level=OVERALL)
