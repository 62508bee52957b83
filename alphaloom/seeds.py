"""Seeds from documents and lists: what to read, what to try formulas on, where to write."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alpha_sources.evaluation.trials import TrialLedger
from alpha_sources.libraries import load_library
from alpha_sources.llm import Costs, Door
from alpha_sources.masking import Mask
from alpha_sources.seed.documents import Document, Limits, Skipped, each_document, each_file
from alpha_sources.seed.documents.dating import SHANGHAI
from alpha_sources.seed.errors import SeedError
from alpha_sources.seed.examining import Examiner, own_fields_of
from alpha_sources.seed.factory import Factory
from alpha_sources.seed.file import seed_file
from alpha_sources.seed.importing import Imported, import_rows
from alpha_sources.seed.lists import read_list
from alpha_sources.seed.mined import Mined
from alpha_sources.seed.pieces import TextMask
from alpha_sources.seed.settings import FactorySettings
from alphaloom.api import market_of
from alphaloom.config import RunConfig
from alphaloom.home import home
from alphaloom.seed_place import SeedPlace
from alphaloom.whole_file import check_new_file, write_whole
from engine.errors import OutputError
from engine.hashing import hash_json
from engine.market import MarketPanel
from engine.market.calendar import iso
from engine.market.view import MarketView

#: What goes beside the formulas of documents where no model is asked.
OFFLINE_LIBRARY = "paper_seeds"


@dataclass(frozen=True)
class Mining:
    """What a mining run has come to.

    Parameters
    ----------
    mined : Mined
    costs : Costs or None
        Of the language model; None where none could be asked.
    libraries : tuple of str
        Whose formulas are among the seeds.
    """

    mined: Mined
    costs: Costs | None
    libraries: tuple[str, ...]


def mine_seeds(
    documents: Sequence[Path | str],
    out: Path,
    settings: RunConfig,
    *,
    now: datetime,
    environ: Mapping[str, str] | None = None,
    factory: FactorySettings | None = None,
    libraries: Sequence[str] | None = None,
    limits: Limits | None = None,
    mask: bool | TextMask = False,
    names: Mapping[str, Sequence[str]] | None = None,
    project: str | None = None,
    ledger: Path | None = None,
    panel: MarketPanel | None = None,
    force: bool = False,
    on_step: Callable[[Mined], None] | None = None,
    say: Callable[[str, int, int], None] | None = None,
) -> Mining:
    """Mine seeds from documents and write them to a file, which grows as they are found.

    Parameters
    ----------
    documents : sequence of Path or str
        Files and folders.
    out : Path
        The seed file. One that was begun with the same documents, models and settings is continued: what
        was asked is on the cassette and costs nothing.
    settings : RunConfig
        Of which ``llm`` says which model is asked, and the data what formulas are tried on: where it has
        ``spans``, up to the end of ``train``.
    now : datetime
        With its time zone.
    environ : mapping or None
        Where keys are read; None is ``os.environ``.
    factory : FactorySettings or None
    libraries : sequence of str or None
        Libraries whose formulas come first; None takes `OFFLINE_LIBRARY` where no model is asked.
    limits : Limits or None
        What one document may cost: its size, pages, time to read.
    mask : bool or TextMask
        What the model sees goes through it: no names, codes and dates, and no pictures. True makes the mask
        of the data's stocks and indices.
    names : mapping of str to names, or None
        Of stocks by symbol, which that mask hides besides those that the data know: English ones, nicknames.
    project : str or None
        Of the trial ledger: what it has tried is left out.
    ledger : Path or None
        The ledger; None is that of ALPHALOOM_HOME.
    panel : MarketPanel or None
        Instead of the configuration's data.
    force : bool
        Replace a file that is complete, or that something else was written to.
    on_step, say : callable
        As `alpha_sources.seed.Factory.mine` takes them.

    Returns
    -------
    Mining
        Its `mined.unfinished` says why a model was not asked to the end.

    Raises
    ------
    AlphaloomError
        If a document is not there, the file cannot be written, is another process's or holds something
        else, or the data cannot be read.
    """
    chosen, bounds = factory or FactorySettings(), limits or Limits()
    for source in documents:
        if not Path(source).exists():
            raise SeedError(f"{source}: there is no such file or folder")
    if not documents:
        raise SeedError("no document is named: name files or folders")
    place = SeedPlace(out, force=force)
    view, data = _tried_on(settings, panel)
    llm = settings.resolved_llm()
    keys = os.environ if environ is None else environ
    with place, Door.open(llm, environ=keys, seed=settings.seed) as door:
        chosen_libraries = (
            (OFFLINE_LIBRARY,) if libraries is None and door.offline else tuple(libraries or ())
        )
        factory_ = Factory(
            Examiner(view, chosen, tried=_tried(project, ledger)),
            chosen,
            today=now.astimezone(SHANGHAI).date(),
            door=door,
            mask=_mask(mask, view, settings, names),
            data=data if project is None else {**data, "project": project},
            libraries=[load_library(name) for name in chosen_libraries],
            limits=bounds,
        )

        def write(mined: Mined) -> None:
            place.write(mined)
            if on_step is not None:
                on_step(mined)

        place.begin(factory_.mined("it has just begun"), documents, _models(door))
        mined = factory_.mine(_documents(documents, out, bounds), on_step=write, say=say)
        write(mined)
        return Mining(mined, None if door.offline else door.costs(), chosen_libraries)


def import_seeds(
    path: Path,
    out: Path | None,
    settings: RunConfig,
    *,
    now: datetime,
    factory: FactorySettings | None = None,
    keep_all: bool = False,
    panel: MarketPanel | None = None,
    force: bool = False,
) -> Imported:
    """Bring in a list of formulas, a .csv or .xlsx file, and say what is wrong with its rows.

    Parameters
    ----------
    path : Path
    out : Path or None
        The seed file; None writes none.
    settings : RunConfig
        Of which the data say what formulas are tried on, as in `mine_seeds`.
    now : datetime
        With its time zone.
    factory : FactorySettings or None
    keep_all : bool
        Keep duplicates, constants and mere levels too, with marks.
    panel : MarketPanel or None
        Instead of the configuration's data.
    force : bool
        Replace `out`.

    Raises
    ------
    AlphaloomError
        If the list or the data cannot be read, or the file cannot be written.
    """
    chosen = factory or FactorySettings()
    if out is not None:
        if out.suffix.lower() not in (".yaml", ".yml"):
            raise OutputError(f"{out}: a seed file is called .yaml")
        check_new_file(out, force=force)
    if not path.is_file():
        raise SeedError(f"{path}: there is no such file")
    view, data = _tried_on(settings, panel)
    rows = read_list(path, own_fields_of(view))
    today = now.astimezone(SHANGHAI).date()
    found = import_rows(rows, view, chosen, source=path.name, today=today, keep_all=keep_all)
    if out is not None:
        mined = Mined(
            f"Formulas of {path.name}",
            found.seeds,
            found.rejected,
            data=data,
            settings=chosen.plain(),
        )
        write_whole(out, seed_file(mined))
    return found


# -- inside


def _documents(sources: Sequence[Path | str], out: Path, limits: Limits) -> Iterator[Document | Skipped]:
    files: list[Path] = []
    for source in map(Path, sources):
        if source.is_dir():
            yield from each_file(files, limits=limits)
            files = []
            own = (source.resolve(), out.resolve())
            for each in each_document(source, limits=limits):
                name = each.name if isinstance(each, Document) else each.path
                there = own[0] / name
                # neither the seed file nor what a killed run left of it is a document
                if there != own[1] and not _left_over(there, own[1]):
                    yield each
        else:
            files.append(source)
    yield from each_file(files, limits=limits)


def _left_over(path: Path, out: Path) -> bool:
    return path.parent == out.parent and path.name.startswith(f".{out.name}-")


def _models(door: Door) -> tuple[str, ...]:
    """The models that a run may ask."""
    if door.offline:
        return ()
    profile = door.profile()[1]
    return tuple(name for name in (profile.model, profile.transcription_model) if name)


def _tried_on(settings: RunConfig, panel: MarketPanel | None) -> tuple[MarketView, dict[str, Any]]:
    """What formulas are tried on: nothing of a sealed test, and nothing after train."""
    panel = panel or market_of(settings).panel
    last = len(panel.dates) - 1
    if settings.spans is not None:
        panel = panel.seal(settings.spans.test.start)
        days = [day.astype(object) for day in panel.dates]
        within = [row for row, day in enumerate(days) if day <= settings.spans.train.end]
        if not within:
            raise SeedError(
                f"the data begin {iso(panel.dates[0])}, after spans.train ends: there is nothing to try on"
            )
        last = within[-1]
    view = panel.view(last)
    said = {
        "hash": panel.data_hash,
        "first": iso(view.dates[0]),
        "last": iso(view.dates[-1]),
        "symbols": len(view.symbols),
    }
    return view, said


def _mask(
    wanted: bool | TextMask,
    view: MarketView,
    settings: RunConfig,
    names: Mapping[str, Sequence[str]] | None,
) -> TextMask | None:
    if not isinstance(wanted, bool):
        return wanted
    # the salt follows from the configuration, so that a replay sees the same aliases
    salt = hash_json(["seed mask", settings.name, settings.seed])
    return Mask.of_view(view, salt, further=names) if wanted else None


def _tried(project: str | None, ledger: Path | None) -> frozenset[str]:
    if project is None:
        return frozenset()
    path = ledger or home() / "trials.db"
    with TrialLedger.open(path) as trials:
        if project not in trials.projects():
            known = ", ".join(trials.projects()) or "none"
            raise SeedError(f"--project: the ledger {path} has no project {project!r} ({known})")
        return frozenset(str(each) for each in trials.trials(project)["formula_hash"])
