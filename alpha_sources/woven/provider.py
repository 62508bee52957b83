"""`WovenProvider`: seeds, committee and weights behind one `AlphaProvider`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.honesty import Provenance
from alpha_sources.libraries.entry import LibraryEntry
from alpha_sources.libraries.marks import MarkKind
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from alpha_sources.teaching import first_row
from alpha_sources.treatment import Neutralize, Normalise
from alpha_sources.weights.config import Device
from alpha_sources.weights.errors import WeightsError
from alpha_sources.woven.settings import OnFailure, WovenSettings
from engine.errors import AlphaloomError, ConfigError, LookAheadError, ProviderError
from engine.hashing import hash_json
from engine.market.calendar import iso
from engine.market.view import MarketView

if TYPE_CHECKING:
    from alpha_sources.agents import Decision
    from alpha_sources.agents.brief import Archive
    from alpha_sources.history import SignalHistory
    from alpha_sources.llm import Door
    from alpha_sources.llm.config import LlmConfig
    from alpha_sources.llm.costs import Costs
    from alpha_sources.woven.fabric import Fabric
    from alpha_sources.woven.learning import Learner
    from alpha_sources.woven.scoring import Signal
    from engine.report.section import Section

#: marks of seeds that say nothing, or nothing of their own
_USELESS = (MarkKind.DUPLICATE_OF, MarkKind.CONSTANT, MarkKind.LEVEL)
#: raised when the same settings, seeds and market come to weave something else
_LEARNING_VERSION = 2


class WovenProvider(AlphaProvider):
    """Weaves seed alphas into one signal: a committee keeps the credible ones, a model learns their weights.

    After Kou et al., "Automate Strategy Finding with LLM in Quant Investment" (arXiv 2409.06289). Each
    refresh learns weights anew from the market so far; alphas are chosen anew when `alphas_refresh` has come
    due. Without a language model (``llm.mode: offline``) the committee goes by rules.

    Parameters
    ----------
    seeds : str
        Name of a bundled library; see ``alphaloom library list``.
    seeds_path : Path, optional
        A seed file, in the place of a library.
    agents : mapping
        The committee; see `alpha_sources.agents.CommitteeConfig`.
    weights : mapping
        The model of the weights; see `alpha_sources.weights.WeightsConfig`.
    alphas_refresh : str
        When alphas are chosen anew, a rule as ``alpha.refresh``, which says when weights are learned and at
        which alone either happens.
    horizon_sessions : int
        h: labels run from the fill at t+1 to the fill at t+1+h.
    start : date, optional
        Nothing before this day is learned from.
    window_sessions : int, optional
        Rolling window of the last so many realised sessions; by default everything so far.
    min_sessions : int
        Realised sessions with members that the first refresh needs at least.
    normalise, winsorize, neutralize
        What is done to every alpha on every session, as in the provider ``formulas``.
    index_symbol : str, optional
        The index that the market's state and regime are read from; by default the first that the market
        carries of 000300.SH, 000016.SH and 000001.SH.
    smooth_refreshes : int
        The signal is the mean of what the last so many refreshes learned; 1 is the last alone.
    decay_sessions : int
        The signal is the mean of its last so many sessions, the newest counting most; 1 is the last alone.
    news_path : Path, optional
        A folder of dated documents that the committee is shown, as far as they were published.
    brief : mapping
        What the committee is told of the market; see `alpha_sources.agents.brief.BriefConfig`.
    charts : bool
        Whether charts of the market are drawn, for the report and for models that can see.
    mask : bool
        Whether names, codes and dates are hidden from models, so that they cannot tell which year it is.
    mask_names : Path, optional
        With `mask`: a YAML file of further names by symbol, such as English ones, that are hidden too.
    on_failure : {"keep", "stop"}
        What becomes of a run when a refresh after the first fails: the previous snapshot stays in force and
        the result says so, or the run stops.
    seed : int
        Of everything that is drawn; the run's by default.
    llm : LlmConfig, optional
        Handed over by the run: its section ``llm``.

    Raises
    ------
    ConfigError
        If a parameter is not one of those allowed, `mask_names` cannot be read, or ``weights.device: cuda``
        finds no card; the key is named.
    """

    def __init__(
        self,
        seeds: str = "paper_seeds",
        seeds_path: Path | None = None,
        agents: Mapping[str, Any] | None = None,
        weights: Mapping[str, Any] | None = None,
        alphas_refresh: str = "quarter_end",
        horizon_sessions: int = 1,
        start: date | None = None,
        window_sessions: int | None = None,
        min_sessions: int = 250,
        normalise: str = Normalise.RANK,
        winsorize: float | Mapping[str, float] | None = None,
        neutralize: str = Neutralize.NONE,
        index_symbol: str | None = None,
        smooth_refreshes: int = 1,
        decay_sessions: int = 1,
        news_path: Path | None = None,
        brief: Mapping[str, Any] | None = None,
        charts: bool = False,
        mask: bool = False,
        mask_names: Path | None = None,
        on_failure: str = OnFailure.KEEP,
        seed: int = 0,
        llm: LlmConfig | None = None,
    ) -> None:
        given = {key: value for key, value in locals().items() if key not in ("self", "__class__")}
        # null is what a configuration leaves out
        self.settings = WovenSettings.read({key: v for key, v in given.items() if v is not None})
        self._door: Door | None = None
        self._ready: tuple[str, Signal] | None = None
        self._check()

    def _check(self) -> None:
        """Find out now what a refresh would fail by later."""
        _ = self._names
        weights = self.settings.weights
        if weights.device is Device.CUDA and weights.model.is_network:
            from alpha_sources.weights.devices import resolve  # brings torch along

            try:
                resolve(weights.device)
            except WeightsError as problem:
                raise ConfigError(f"alpha.params.{problem}") from None

    def __getstate__(self) -> dict[str, Any]:
        # what is open stays here, and what was made ready is made again
        return {"settings": self.settings, "_door": None, "_ready": None}

    @property
    def history(self) -> int:  # type: ignore[override]  # known once the seeds are read
        """Sessions that any of the seeds looks back, and the market's state."""
        reach = max(entry.parsed.lookback for entry in self.seeds)
        return max(reach + 1, 260) + self.settings.decay_sessions

    @cached_property
    def seeds(self) -> tuple[LibraryEntry, ...]:
        """Those that can be computed and stand for themselves.

        Raises
        ------
        LibraryError
            If there is no such library or file, or it cannot be read.
        ProviderError
            If nothing in it can be computed.
        """
        from alpha_sources.seed import load_seeds

        source = self.settings.seeds_path or self.settings.seeds
        found = [seed for seed in load_seeds(source).without(*_USELESS) if seed.computable]
        if not found:
            raise ProviderError(f"{source} holds no seed that can be computed and stands for itself")
        return tuple(found)

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot | None:
        """Choose alphas if that is due, and learn weights.

        Raises
        ------
        AlphaloomError
            If the first refresh fails, or any with ``on_failure: stop``.
        """
        from alpha_sources.woven.fabric import Fabric

        before = None if previous is None else Fabric.of(previous)
        try:
            return self.learner(view).weave(view, before).snapshot()
        except LookAheadError:
            raise
        except AlphaloomError as problem:
            if before is None or self.settings.on_failure is OnFailure.STOP:
                raise
            return _kept(before, view, problem).snapshot()

    def decide(self, view: MarketView, seeds: Sequence[LibraryEntry] | None = None) -> Decision:
        """What the committee decides at a view's session, as at a first refresh, without learning weights.

        Parameters
        ----------
        view : MarketView
        seeds : sequence of LibraryEntry, optional
            All of them are judged, in place of the provider's own that the market can compute.

        Raises
        ------
        AlphaloomError
            As in a refresh.
        """
        learner = self.learner(view)
        if seeds is not None:
            learner = replace(learner, seeds=seeds)
        return learner.choose(view, first_row(view, learner.settings), None)

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """Score the view's session from the sessions that the signal looks back on alone, (N,)."""
        return self._signal(snapshot).last(view)

    def scores_panel(self, view: MarketView, snapshot: Snapshot | None, start: int) -> NDArray[np.float64]:
        """Score the rows `start` .. ``view.t``, (view.t + 1 - start, N)."""
        return self._signal(snapshot).panel(view, start)

    def fingerprint(self) -> str:
        """Hash of the seeds, of the documents' folder, and of what learns."""
        from importlib.metadata import version

        seeds = [(s.name, s.formula, s.dialect, str(s.category), list(s.needs)) for s in self.seeds]
        return hash_json(
            {
                "version": _LEARNING_VERSION,
                "alphaloom": version("alphaloom"),
                "torch": version("torch").split("+")[0],
                "seeds": seeds,
                "documents": self._archive.hash,
                **({"names": {s: list(n) for s, n in self._names.items()}} if self._names else {}),
            }
        )

    def notes(self, snapshot: Snapshot) -> list[str]:
        """Say that a refresh failed, or that rules decided where a model was to be asked."""
        record = snapshot.payload["record"]
        if record["trouble"] is not None:
            return [
                f"the refresh at {snapshot.as_of} failed, and nothing new is in force: {record['trouble']}"
            ]
        if record["unasked"]:
            return [
                f"at {snapshot.as_of} a language model could not be asked, and rules decided in its place "
                "(agents.on_model_failure: rules); the refresh is not kept"
            ]
        return []

    def provenance(self) -> Provenance:
        """What the seeds and the models could know."""
        head = None if self.settings.seeds_path is None else self._mined(self.settings.seeds_path)
        mined_on = None if head is None or not head.get("mined_on") else date.fromisoformat(head["mined_on"])
        llm = self.settings.llm
        asked = llm is not None and llm.identity() is not None
        masked = (self.settings.mask and asked) or bool(head and head.get("masked"))
        return Provenance.of(self.seeds, llm, masked=masked, mined_on=mined_on)

    @staticmethod
    def _mined(path: Path) -> Mapping[str, Any] | None:
        from alpha_sources.seed import read_mined

        return read_mined(path)

    def costs(self) -> Costs | None:
        """What models have cost so far."""
        return None if self._door is None else self._door.costs()

    def close(self) -> None:
        """Close the door to language models."""
        if self._door is not None:
            self._door.close()

    def sections(self, snapshots: Sequence[Snapshot]) -> list[Section]:
        """Pages on what was chosen and what it weighed."""
        from alpha_sources.woven.pages import woven_sections

        unread = [f"{one.path} was not read: {one.reason}" for one in self._archive.skipped]
        return woven_sections(snapshots, unread)

    def study(self, history: SignalHistory) -> list[Section]:
        """The page on what each alpha weighed, foresaw and added."""
        from alpha_sources.woven.fabric import Fabric
        from alpha_sources.woven.pages import study_section
        from alpha_sources.woven.study import study_of

        learned = [snapshot for snapshot in history.in_force if snapshot is not None]
        if not learned:
            return []
        return [study_section(study_of(history, self.settings), Fabric.of(learned[-1]))]

    def learner(self, view: MarketView) -> Learner:
        """What a refresh at a session of a view is made by."""
        from alpha_sources.libraries.checking import lacking
        from alpha_sources.woven.learning import Learner

        seeds = [seed for seed in self.seeds if not lacking(seed.parsed, view)]
        return Learner(self.settings, seeds, self._archive, self._door_in_use(), self._names)

    @cached_property
    def _names(self) -> Mapping[str, Sequence[str]]:
        """Names that the mask hides besides those the market knows."""
        from alpha_sources.masking import read_names

        path = self.settings.mask_names
        if path is None:
            return {}
        try:
            return read_names(path)
        except ConfigError as problem:
            raise ConfigError(f"alpha.params.mask_names: {problem}") from None

    @cached_property
    def _archive(self) -> Archive:
        """The documents' folder, over all time; a brief takes from it what was out by its session."""
        from alpha_sources.agents.brief import Archive, read_archive

        folder = self.settings.news_path
        return Archive() if folder is None else read_archive(folder)

    def _signal(self, snapshot: Snapshot | None) -> Signal:
        """Make a snapshot ready to score; the last one stays ready, since reading formulas takes a while."""
        from alpha_sources.woven.fabric import Fabric
        from alpha_sources.woven.scoring import Signal

        if snapshot is None:
            raise ProviderError(
                "nothing was learned yet: set alpha.refresh to month_end, quarter_end, once or every N"
            )
        if self._ready is None or self._ready[0] != snapshot.hash:
            self._ready = snapshot.hash, Signal(Fabric.of(snapshot), self.settings)
        return self._ready[1]

    def _door_in_use(self) -> Door | None:
        from alpha_sources.llm import Door
        from alpha_sources.llm.config import Mode

        llm = self.settings.llm
        if llm is None or llm.mode is Mode.OFFLINE:
            return None
        if self._door is None:
            self._door = Door.open(llm, environ=os.environ, seed=self.settings.seed)
        return self._door


def _kept(before: Fabric, view: MarketView, problem: AlphaloomError) -> Fabric:
    """What was woven before, with the record of a refresh that failed."""
    from alpha_sources.woven.fabric import Fabric

    record = {
        "session": iso(view.session),
        "learned_from": None,
        "alphas_chosen": False,
        "trouble": " ".join(str(problem).split()),
        "unasked": False,
        "fit": None,
    }
    return Fabric(before.strands, before.alphas_as_of, before.decision, before.earlier, record)
