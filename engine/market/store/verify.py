"""Is the store what its manifest says, and what its rules demand? Every file is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.errors import CalendarError
from engine.market.calendar import Calendar, plain_list, xshg
from engine.market.codes import shipped_code_changes
from engine.market.store.contents import wrong_contents
from engine.market.store.files import StoreError, sha256
from engine.market.store.folder import MarketStore, StoreReader, is_of_a_writer
from engine.market.store.manifest import Segment
from engine.market.store.rows import day_numbers, newest_code
from engine.market.store.schema import SCHEMAS, Kind
from engine.market.store.segments import day_span, words_of
from engine.market.store.sessions import contradictions, store_calendar, stored_sessions

_SESSIONS = {Kind.BARS: "session", Kind.INDEX_BARS: "session", Kind.MINUTE_BARS: "session"}
#: where a repair puts what it takes out of the store
DAMAGED = "damaged"
_REPAIR = "restore it from a backup, or alphaloom data verify --repair and import or sync again"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a store.

    Parameters
    ----------
    segment : Segment
        The file it lies in.
    what, remedy : str
    """

    segment: Segment
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.segment.path}: {self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Parameters
    ----------
    files, rows : int
        Looked at.
    faults : tuple of Fault
    leftovers : tuple of str
        Files that no manifest names: a killed writer's, or a merge's that runs now. The next writer removes
        them; they are no fault.
    """

    files: int
    rows: int
    faults: tuple[Fault, ...]
    leftovers: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(store: MarketStore, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Check every file of a store: its checksum, columns, order, days, and that no row is there twice.

    Raises
    ------
    StoreError
        If there is no store, or its manifest is damaged.
    """
    reader = store.reader()
    segments, faults, done = reader.manifest.segments, [], 0
    calendar, wrong_sessions = _calendar(reader)
    faults += wrong_sessions
    for (kind, _), group in groupby(segments, key=lambda s: (s.kind, s.partition)):
        keys = []
        for segment in group:
            found, key = _looked_at(reader, kind, segment, calendar)
            faults += found
            if key is not None:
                keys.append((segment, key))
            done += 1
            if progress is not None:
                progress(done, len(segments))
        faults += _repeated(keys)
    named = {s.path for s in segments}
    left = [
        path.relative_to(store.folder).as_posix()
        for path in sorted(store.folder.rglob("*"))
        if path.is_file() and is_of_a_writer(store.folder, path)
    ]
    leftovers = tuple(path for path in left if path not in named)
    return Verification(len(segments), sum(s.rows for s in segments), tuple(faults), leftovers)


def repair(store: MarketStore, clock: Callable[[], datetime]) -> tuple[Verification, Verification]:
    """Forget the files that are at fault, so that an import or sync fills in what they held.

    Their files are moved into ``damaged/``. Returns what was found before and after.
    """
    before = verify(store)
    if not before.ok:
        with store.writing(clock) as writer:
            gone = list(
                dict.fromkeys(f.segment for f in before.faults if f.segment in writer.manifest.segments)
            )
            for segment in gone:
                path = store.folder / segment.path
                if path.is_file():
                    set_aside(store.folder, path)
                writer.drop(segment)
            writer.commit("repair")
    return before, verify(store)


def set_aside(folder: Path, path: Path) -> None:
    """Keep a copy of a file of the store in ``damaged/``; the file itself is left to the next writer."""
    (folder / DAMAGED).mkdir(exist_ok=True)
    (folder / DAMAGED / path.relative_to(folder).as_posix().replace("/", "-")).write_bytes(path.read_bytes())


def _calendar(reader: StoreReader) -> tuple[Calendar, list[Fault]]:
    """The calendar that rows are held against, and what is wrong with the sessions the store was told of."""
    segments, known = reader.manifest.of(Kind.SESSIONS), xshg()
    try:
        wrong = contradictions(stored_sessions(reader), known)
        if len(wrong):
            what = f"{plain_list(wrong)} by now known as no sessions of the exchange"
            return known, [Fault(segments[0], what, _REPAIR)]
        return store_calendar(reader), []
    except CalendarError as problem:
        return known, [Fault(segments[0], str(problem), _REPAIR)]
    except (StoreError, FileNotFoundError):
        # the file itself is at fault, which is said where it is looked at
        return known, []


def _looked_at(
    reader: StoreReader, kind: Kind, segment: Segment, calendar: Calendar
) -> tuple[list[Fault], Any]:
    """Faults of one file, and its keys as one column of text or numbers if they can be read."""

    def fault(what: str, remedy: str = _REPAIR) -> Fault:
        return Fault(segment, what, remedy)

    path = reader.folder / segment.path
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [fault("it is missing")], None
    except OSError as problem:
        return [fault(f"it cannot be read: {problem.strerror}", "see to the disk and its rights")], None
    if len(data) != segment.bytes:
        return [fault(f"it has {len(data):,} bytes of {segment.bytes:,}: truncated or overwritten")], None
    if sha256(data) != segment.sha256:
        return [fault("its checksum is not the one it was written with")], None
    try:
        table = pq.read_table(pa.BufferReader(data), read_dictionary=words_of(kind))
    except (pa.ArrowException, OSError) as problem:
        return [fault(f"it is no Parquet file: {str(problem).splitlines()[0]}")], None
    wrong = list(wrong_columns(kind, table))
    if wrong:
        return [fault(wrong[0])], None
    keys = keys_of(kind, table)
    found = [*_wrong_rows(kind, segment, table, keys, calendar), *wrong_contents(kind, table)]
    return [fault(what) for what in found], keys


def wrong_columns(kind: Kind, table: Any) -> Iterator[str]:
    """Yield what is wrong with the columns of a file of a table."""
    schema = SCHEMAS[kind]
    for field in schema.columns:
        if field.name not in table.column_names:
            yield f"it lacks the column {field.name}"
        elif table.schema.field(field.name).type != field.type:
            yield f"its column {field.name} holds {table.schema.field(field.name).type}, not {field.type}"
    strange = set(table.column_names) - set(schema.columns.names)
    if strange and not schema.extras:
        yield f"it has a strange column {min(strange)}"


def _wrong_rows(kind: Kind, segment: Segment, table: Any, keys: Any, calendar: Calendar) -> Iterator[str]:
    if len(table) != segment.rows:
        yield f"it has {len(table):,} rows of {segment.rows:,}"
    if day_span(kind, table) != (segment.first, segment.last):
        yield f"its days are not {segment.first}..{segment.last}"
    if len(keys) > 1 and not (keys[1:] >= keys[:-1]).all():
        yield f"its rows are not in order of {', '.join(SCHEMAS[kind].key)}"
    if kind in _SESSIONS:
        days = np.unique(day_numbers(table[_SESSIONS[kind]])).astype("datetime64[D]")
        off = days[~np.isin(days, calendar.sessions)]
        if len(off):
            yield f"it has rows on {off[0]}, which is no session of the exchange"
    if kind is Kind.BARS:
        changes = shipped_code_changes()
        for symbol in sorted(pc.unique(table["symbol"]).to_pylist()):
            if newest_code(symbol, changes) != symbol:
                yield (
                    f"it has rows of {symbol}, which is {newest_code(symbol, changes)} by now; they are read "
                    "as the same stock"
                )


def keys_of(kind: Kind, table: Any) -> Any:
    """(R,) values that order as the table's key does."""
    names = SCHEMAS[kind].key
    if names[0] == "symbol" and names[1:] in (("session",), ("ended_at",)):
        moments = table[names[1]].cast(pa.int32() if names[1] == "session" else pa.int64()).cast(pa.int64())
        return _packed(table["symbol"], np.asarray(moments.to_numpy(), dtype=np.int64))
    parts = [[("" if v is None else str(v)) for v in table[name].to_pylist()] for name in names]
    return np.array(["\x1f".join(cells) for cells in zip(*parts, strict=True)], dtype=np.str_)


def _packed(symbols: Any, moments: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """(R,) symbol and moment as bytes that order as the two do."""
    words = symbols.cast(pa.string()).dictionary_encode().combine_chunks()
    words = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
    width = 12
    vocabulary = np.array(words.dictionary.to_pylist() or [""], dtype=f"S{width}")
    out = np.zeros((len(moments), width + 8), dtype=np.uint8)
    out[:, :width] = vocabulary.view(np.uint8).reshape(-1, width)[words.indices.to_numpy()]
    # a moment before 1970 is none: the exchange is younger
    out[:, width:] = moments.astype(">u8").view(np.uint8).reshape(-1, 8)
    return out.reshape(-1).view(f"S{width + 8}")


def _repeated(keys: list[tuple[Segment, Any]]) -> list[Fault]:
    if not keys:
        return []
    every = np.concatenate([key for _, key in keys])
    if len(np.unique(every)) == len(every):
        return []
    owner = np.repeat(np.arange(len(keys)), [len(key) for _, key in keys])
    order = np.argsort(every, kind="stable")
    twice = np.flatnonzero(every[order[1:]] == every[order[:-1]])
    segment = keys[int(owner[order[twice[0] + 1]])][0]
    what = f"{len(twice):,} of its rows are there twice, here or in another file of {segment.partition}"
    return [Fault(segment, what, _REPAIR)]
