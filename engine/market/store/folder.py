"""`MarketStore`: a folder of segments with a manifest; many readers, one writer at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.market.store.files import PARTIAL, StoreError, not_written, write_whole
from engine.market.store.lock import writer_lock
from engine.market.store.manifest import (
    NAME,
    NEW_MANIFEST,
    Commit,
    Manifest,
    ManifestDamaged,
    Segment,
    read_manifest,
)
from engine.market.store.rows import codes_of
from engine.market.store.schema import Kind
from engine.market.store.segments import (
    damaged,
    open_segment,
    partitions,
    read_segment,
    to_merge,
    together,
    write_segment,
)

if TYPE_CHECKING:
    from engine.market.calendar import Calendar
    from engine.market.load import LoadedMarket

T = TypeVar("T")
LOCK = "writing.lock"
#: there while the first step of a new store is under way, so that what it leaves is known for that
_FIRST_STEP = f"{PARTIAL}first-step"
#: what a sync keeps of its questions, beside the store
_BESIDE = ("asked.db", "asked.db-journal")
_SEGMENT = re.compile(r"[0-9a-f]{16}\.parquet")
_ATTEMPTS = 5


class StoreReader:
    """The store as it was after one commit, whatever is written meanwhile.

    Parameters
    ----------
    folder : Path
    manifest : Manifest
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self._footers: dict[str, Any] = {}
        self._bounds: dict[str, _GroupBounds | None] = {}

    def open(self, segment: Segment) -> Any:
        """Open a segment; its footer is read once."""
        file = open_segment(self.folder, segment, self._footers.get(segment.path))
        self._footers[segment.path] = file.metadata
        return file

    def rows(
        self,
        kind: Kind,
        *,
        symbols: Sequence[str] | None = None,
        first: date | None = None,
        last: date | None = None,
        columns: Sequence[str] | None = None,
        exactly: bool = True,
    ) -> Any:
        """Read a table, or a part of it, as a `pyarrow.Table`; unsorted where it lies in several segments.

        Parameters
        ----------
        kind : Kind
        symbols : sequence of str, optional
            Only rows of these.
        first, last : date, optional
            Only rows of these days, inclusive; of tables that are cut by days.
        columns : sequence of str, optional
            Only these columns; those that a segment lacks come as null.
        exactly : bool
            False: rows of other symbols that lie beside the wanted ones may come along.
        """
        found = []
        bounds = [day.isoformat() if day else "" for day in (first, last)]
        for segment in self.manifest.of(kind, *bounds):
            with self.open(segment) as file:
                groups = self._groups(segment, file, symbols)
                names = file.schema_arrow.names
                wanted = names if columns is None else [c for c in columns if c in names]
                if symbols is not None and "symbol" not in wanted:
                    wanted = [*wanted, "symbol"]
                try:
                    part = file.read_row_groups(groups, columns=wanted)
                except (pa.ArrowException, OSError) as problem:
                    raise damaged(self.folder / segment.path, str(problem).splitlines()[0]) from problem
            inside = [
                None if segment.first >= bounds[0] else first,
                None if not bounds[1] or segment.last <= bounds[1] else last,
            ]
            found.append(_only(kind, part, symbols if exactly else None, *inside))
        return together(kind, found)

    def _groups(self, segment: Segment, file: Any, symbols: Sequence[str] | None) -> list[int]:
        """Row groups that may hold some of the symbols, by the bounds in the file's footer, read once."""
        every = list(range(file.num_row_groups))
        if symbols is None or "symbol" not in file.schema_arrow.names:
            return every
        if segment.path not in self._bounds:
            self._bounds[segment.path] = _GroupBounds.of(file)
        bounds = self._bounds[segment.path]
        return every if bounds is None else bounds.holding(symbols)

    def coverage(
        self, symbols: Sequence[str] | None = None, first: date | None = None, last: date | None = None
    ) -> Coverage:
        """Say which names have bars, and on which days the first and last of these bars fall.

        Parameters
        ----------
        symbols : sequence of str, optional
            Look at these names only.
        first, last : date, optional
            Look at these days only, inclusive.
        """
        if symbols is None and not first and not last:
            # the manifest knows the days
            segments = self.manifest.of(Kind.BARS)
            names = pc.unique(self.rows(Kind.BARS, columns=("symbol",))["symbol"]).to_pylist()
            ends = [date.fromisoformat(day) for s in segments for day in (s.first, s.last)]
            return Coverage(tuple(sorted(names)), min(ends, default=None), max(ends, default=None))
        rows = self.rows(Kind.BARS, symbols=symbols, first=first, last=last, columns=("symbol", "session"))
        if not len(rows):
            return Coverage((), None, None)
        bounds = pc.min_max(rows["session"]).as_py()
        return Coverage(tuple(sorted(pc.unique(rows["symbol"]).to_pylist())), bounds["min"], bounds["max"])


class Coverage(NamedTuple):
    """Names that have bars, ascending, and the days of the first and last bar; None where there is none."""

    symbols: tuple[str, ...]
    first: date | None
    last: date | None


class _GroupBounds(NamedTuple):
    """(G,) first and last symbol of each row group of a file."""

    first: NDArray[np.str_]
    last: NDArray[np.str_]

    @classmethod
    def of(cls, file: Any) -> _GroupBounds | None:
        """Read them from the footer; None where it does not tell."""
        place = file.schema_arrow.names.index("symbol")
        groups = (file.metadata.row_group(group) for group in range(file.num_row_groups))
        told = [group.column(place).statistics for group in groups]
        if not told or any(each is None or not each.has_min_max for each in told):
            return None
        return cls(np.array([each.min for each in told]), np.array([each.max for each in told]))

    def holding(self, symbols: Sequence[str]) -> list[int]:
        """Groups between whose ends one of the symbols lies."""
        wanted = np.array(sorted(symbols), dtype=np.str_)
        none_before = np.searchsorted(wanted, self.first)
        within = np.searchsorted(wanted, self.last, side="right") > none_before
        return [int(group) for group in np.flatnonzero(within)]


def _only(kind: Kind, part: Any, symbols: Sequence[str] | None, first: date | None, last: date | None) -> Any:
    from engine.market.store.schema import SCHEMAS

    keep = None
    if symbols is not None and "symbol" in part.column_names:
        ordered = np.array(sorted(symbols), dtype=np.str_)
        keep = pa.array(codes_of(part["symbol"], ordered) >= 0)
    day = SCHEMAS[kind].day
    for bound, holds in ((first, pc.greater_equal), (last, pc.less_equal)):
        if bound is not None and day in part.column_names:
            mask = holds(part[day], pa.scalar(bound, pa.date32()))
            keep = mask if keep is None else pc.and_(keep, mask)
    return part if keep is None else part.filter(keep)


class StoreWriter(StoreReader):
    """Adds rows to a store; only `commit` changes what others see. Made by :meth:`MarketStore.writing`."""

    def __init__(self, folder: Path, manifest: Manifest, clock: Callable[[], datetime]) -> None:
        super().__init__(folder, manifest)
        self.clock = clock
        self._added: dict[Kind, list[Any]] = {}
        self._replaced: dict[Kind, Any] = {}
        self._gone: list[Segment] = []

    @property
    def now(self) -> datetime:
        """The clock's time without fractions of a second."""
        return self.clock().replace(microsecond=0)

    def add(self, kind: Kind, table: Any) -> None:
        """Add rows whose keys the table does not hold yet (the caller has seen to that)."""
        if len(table):
            self._added.setdefault(kind, []).append(table)

    def replace(self, kind: Kind, table: Any) -> None:
        """Put a whole table in place of the stored one: for the small ones, whose rows change."""
        self._replaced[kind] = table

    def drop(self, segment: Segment) -> None:
        """Forget the rows of a segment."""
        self._gone.append(segment)

    def commit(self, source: str, *, accepted: Sequence[str] = ()) -> bool:
        """Store what was added since the last commit, whole; False if there was nothing.

        Raises
        ------
        StoreError
            If the disk refuses; the store is as it was.
        """
        counts: dict[str, int] = {}
        gone, new = list(self._gone), []
        if not self.manifest.commits and (self._replaced or self._added):
            write_whole(self.folder / _FIRST_STEP, b"")
        try:
            for kind, table in self._replaced.items():
                gone += [s for s in self.manifest.of(kind) if s not in gone]
                new += [write_segment(self.folder, kind, name, p) for name, p in partitions(kind, table)]
                counts[kind] = len(table)
            for kind, tables in self._added.items():
                table = together(kind, tables)
                counts[kind] = len(table)
                for name, part in partitions(kind, table):
                    there = [s for s in self.manifest.of(kind) if s.partition == name and s not in gone]
                    merged = to_merge(there, len(part))
                    rows = [part, *(read_segment(self.folder, s) for s in merged)]
                    new.append(write_segment(self.folder, kind, name, together(kind, rows)))
                    gone += merged
            if not counts and not gone:
                return False
            step = Commit(
                self.manifest.sequence + 1,
                self.now.isoformat(),
                source,
                counts,
                tuple(accepted),
            )
            manifest = self.manifest.after(step, gone, new)
            manifest.save(self.folder)
        finally:
            self._added, self._replaced, self._gone = {}, {}, []
        self.manifest = manifest
        self.sweep()
        return True

    def sweep(self) -> None:
        """Remove files that no manifest names: what a merge has replaced, and what a killed writer left."""
        named = {segment.path for segment in self.manifest.segments}
        for path in sorted(self.folder.rglob("*")):
            here = path.relative_to(self.folder).as_posix() not in named
            if here and path.is_file() and is_of_a_writer(self.folder, path):
                try:
                    path.unlink(missing_ok=True)
                except OSError:  # open elsewhere, on Windows: the next writer's turn
                    continue


def is_of_a_writer(folder: Path, path: Path) -> bool:
    """Whether a file below a store's folder is one that writers make: a segment, or a part of one.

    Segments are called by their content; whatever else lies there is somebody's own, and stays.
    """
    segment = path.relative_to(folder).parts[0] in set(Kind) and _SEGMENT.fullmatch(path.name)
    return bool(segment) or path.name.startswith(PARTIAL)


class MarketStore:
    """Market data in a folder.

    Parameters
    ----------
    folder : Path
        Need not exist; it is made when something is first written.

    Raises
    ------
    StoreError
        If the folder is a file, or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        if self.folder.is_file():
            raise StoreError(f"{self.folder} is a file; a market store is a folder")

    @property
    def exists(self) -> bool:
        """Whether anything was ever stored here."""
        return (self.folder / NAME).is_file()

    def reader(self) -> StoreReader:
        """Return the store as it is now.

        Raises
        ------
        StoreError
            If there is no store, or its manifest is damaged.
        """
        self.refuse_headless()
        if not self.exists:
            raise StoreError(
                f"{self.folder} holds no market store; fill one with alphaloom data sync (from vendors on "
                "the network), import-csv sse50 (the bundled sample), import-csv FILE or import-qlib DIR"
            )
        return StoreReader(self.folder, read_manifest(self.folder))

    def read(self, question: Callable[[StoreReader], T]) -> T:
        """Return what `question` answers of one state of the store, even while a writer replaces files.

        Raises
        ------
        StoreError
            If the store is missing or damaged.
        """
        for _ in range(_ATTEMPTS):
            reader = self.reader()
            try:
                return question(reader)
            except FileNotFoundError as problem:
                missing = problem.filename
                if read_manifest(self.folder).sequence == reader.manifest.sequence:
                    break
        raise StoreError(
            f"{missing} is missing; restore it from a backup, or run alphaloom data verify --repair, which "
            "forgets it, and import or sync again"
        )

    @contextmanager
    def writing(self, clock: Callable[[], datetime], timeout_s: float = 10.0) -> Iterator[StoreWriter]:
        """Yield the store's only writer; what it has not committed is forgotten at the end.

        Parameters
        ----------
        clock : callable
            Returns the time at which rows were fetched, naive, in Asia/Shanghai.
        timeout_s : float
            How long to wait for another process that is writing.

        Raises
        ------
        StoreBusy
            If another process holds the store for longer.
        StoreError
            If the folder cannot be written to or holds something else, or the manifest is damaged.
        """
        self.refuse_headless()
        self._refuse_foreign()
        with writer_lock(self.folder / LOCK, timeout_s):
            writer = StoreWriter(self.folder, read_manifest(self.folder), clock)
            writer.sweep()
            yield writer

    def panel(
        self,
        universe: str | list[str] | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        *,
        calendar: Calendar | None = None,
    ) -> LoadedMarket:
        """Read a checked panel; see :func:`engine.market.store.panel.store_panel`."""
        from engine.market.store.panel import store_panel

        return store_panel(self, universe, start, end, calendar=calendar)

    def refuse_headless(self) -> None:
        """Stop where there are files of a store without a manifest: a writer would take them for leftovers.

        Raises
        ------
        ManifestDamaged
        """
        if self.exists or not self.folder.is_dir() or (self.folder / _FIRST_STEP).exists():
            return
        files = sum(1 for kind in Kind for _ in (self.folder / kind).rglob("*.parquet"))
        if files:
            raise ManifestDamaged(
                f"{self.folder} holds {files:,} files of a market store, and no {NAME} that names them; "
                f"{NEW_MANIFEST}"
            )

    def _refuse_foreign(self) -> None:
        try:
            if self.folder.is_dir() and not self.exists:
                known = {*Kind, LOCK, *_BESIDE}
                strange = sorted(
                    p.name
                    for p in self.folder.iterdir()
                    if p.name not in known and not p.name.startswith(PARTIAL)
                )
                if strange:
                    raise StoreError(
                        f"{self.folder} holds {strange[0]}, and no market store; name an empty or new folder"
                    )
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise not_written(self.folder, problem) from problem
