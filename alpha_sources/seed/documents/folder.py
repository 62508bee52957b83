"""A folder of documents: what was read, and what was not and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from alpha_sources.seed.documents.document import Document
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.reading import SIDECAR, Named, read_named
from alpha_sources.seed.documents.source import open_source
from engine.processes import DiedError, Line, TimedOutError, started

#: Seconds until a process is expected to have begun.
_STARTING = 60.0
#: With which a process ends that was started by its own start: a script without a guard. No other ends so.
_UNGUARDED = 76
_UNSEEN = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not among the documents.

    Parameters
    ----------
    path : str
        Below the folder, with ``/``.
    reason : str
        In one line.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Documents:
    """What a folder holds, both in the order of the names.

    Parameters
    ----------
    read : tuple of Document
    skipped : tuple of Skipped
    """

    read: tuple[Document, ...]
    skipped: tuple[Skipped, ...]


def read_folder(folder: Path | str, *, limits: Limits | None = None) -> Documents:
    """Return all documents of a folder and of the folders in it.

    No file makes it fail: what cannot be read is skipped with the reason. Files of equal bytes are one
    document. Symbolic links are not followed, so that nothing outside the folder is read. Each document is
    read in a process of its own making, which is ended when it takes too long or too much memory.

    Parameters
    ----------
    folder : Path or str
    limits : Limits, optional
        For each document.

    Returns
    -------
    Documents

    Raises
    ------
    DocumentError
        If there is no such folder, or the script has no guard.

    Notes
    -----
    Processes are spawned: a script that calls this has ``if __name__ == "__main__":`` round its call.
    """
    found = tuple(each_document(folder, limits=limits))
    skipped = (each for each in found if isinstance(each, Skipped))
    return Documents(
        tuple(each for each in found if isinstance(each, Document)),
        tuple(sorted(skipped, key=lambda each: each.path)),
    )


def each_document(folder: Path | str, *, limits: Limits | None = None) -> Iterator[Document | Skipped]:
    """Yield documents of a folder one by one, as `read_folder`, so that few are held at a time.

    Raises
    ------
    DocumentError
        If there is no such folder, or the script has no guard.
    """
    top = Path(folder)
    if not top.is_dir():
        raise DocumentError(f"{top} is no folder: name one that holds documents")
    bounds = limits or Limits()
    groups, skipped = _survey(top, bounds)
    yield from skipped
    yield from _read_apart(groups, bounds)


def each_file(files: Sequence[Path | str], *, limits: Limits | None = None) -> Iterator[Document | Skipped]:
    """Yield single files as `each_document` does those of a folder: in a process apart, equal bytes once.

    Parameters
    ----------
    files : sequence of Path or str
        Each is called by its name alone.
    limits : Limits, optional
        For each document.
    """
    bounds = limits or Limits()
    groups: dict[str, list[Named]] = {}
    for file in files:
        path = Path(file)
        name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        try:
            groups.setdefault(open_source(path, bounds).hash, []).append(Named(path, name))
        except DocumentError as error:
            yield Skipped(name, str(error))
    yield from _read_apart(list(groups.values()), bounds)


def _survey(top: Path, limits: Limits) -> tuple[list[list[Named]], list[Skipped]]:
    """Return files grouped by content, and what is none of them."""
    groups: dict[str, list[Named]] = {}
    skipped: list[Skipped] = []
    for path, reason in sorted(_walk(top), key=lambda each: _below(top, each[0])):
        name = _below(top, path)
        if reason:
            skipped.append(Skipped(name, reason))
            continue
        if name.endswith(SIDECAR):
            if not path.with_name(path.name.removesuffix(SIDECAR)).exists():
                skipped.append(Skipped(name, "a sidecar of a document that is not there"))
            continue
        try:
            groups.setdefault(open_source(path, limits).hash, []).append(Named(path, name))
        except DocumentError as error:
            skipped.append(Skipped(name, str(error)))
    return list(groups.values()), skipped


def _walk(top: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file with the reason not to read it, or an empty one."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            yield folder, f"a folder that cannot be listed: {error.strerror}"
            continue
        for entry in entries:
            path = Path(entry.path)
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except OSError as error:
                yield path, f"it cannot be looked at: {error.strerror}"
                continue
            if entry.name.startswith((".", "~$")) or entry.name.lower() in _UNSEEN:
                yield path, "a hidden or temporary file"
            elif stat.S_ISLNK(mode):
                yield path, "a symbolic link: put the document itself here"
            elif stat.S_ISDIR(mode):
                waiting.append(path)
            elif stat.S_ISREG(mode):
                yield path, ""
            else:
                yield path, "no regular file"


def _below(top: Path, path: Path) -> str:
    # a name that is no text is shown with its bytes escaped, so that it can be written anywhere
    name = path.relative_to(top).as_posix()
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _read_apart(groups: list[list[Named]], limits: Limits) -> Iterator[Document | Skipped]:
    """Yield an answer for every group; a process that dies or hangs costs only the document it was at."""
    done = 0
    while done < len(groups):
        with _reader(groups[done:], limits) as line:
            try:
                line.hear(_STARTING)
            except (DiedError, TimedOutError) as problem:
                raise DocumentError(_not_started(problem)) from None
            for answer in _answers(line, groups[done:], limits):
                yield answer
                done += 1


@contextmanager
def _reader(groups: list[list[Named]], limits: Limits) -> Iterator[Line]:
    """Start the process that reads; one that is itself being started ends instead, without a word."""
    with ExitStack() as stack:
        try:
            line = stack.enter_context(started(_answer_all, groups, limits))
        except RuntimeError as problem:
            # a spawned process runs the script again; the script came here, and not to its end
            if "bootstrapping" not in str(problem):
                raise
            raise SystemExit(_UNGUARDED) from None
        yield line


def _not_started(problem: Exception) -> str:
    if f"exit code {_UNGUARDED}" in str(problem):
        return (
            "documents are read in a process of their own, which runs your script from the top as it starts: "
            'put what your script does under `if __name__ == "__main__":`'
        )
    return f"documents are read in a process of their own, and none could be started ({problem})"


def _answers(line: Line, groups: list[list[Named]], limits: Limits) -> Iterator[Document | Skipped]:
    for group in groups:
        try:
            yield line.hear(limits.reading_seconds)
        except TimedOutError:
            yield Skipped(
                group[0].name,
                f"it was not read within {limits.reading_seconds} s (limit reading_seconds): split it",
            )
            return
        except DiedError as error:
            yield Skipped(group[0].name, f"its reader {error}: the file is damaged, or needs too much memory")
            return


def _answer_all(say: Callable[[object], None], groups: Sequence[Sequence[Named]], limits: Limits) -> None:
    """Read one document after the other; runs in a process of its own."""
    _bound_memory(limits.reading_bytes)
    say(None)
    for group in groups:
        say(_answer(group, limits))


def _answer(group: Sequence[Named], limits: Limits) -> Document | Skipped:
    name = group[0].name
    try:
        return read_named(group, limits)
    except DocumentError as error:
        return Skipped(name, str(error).removeprefix(f"{name}: "))
    except MemoryError:
        return Skipped(name, "it needs more memory than limits.reading_bytes allows: split it")
    except Exception as error:  # a defect of ours or of a reader must not cost the other documents
        return Skipped(name, f"its reader failed with {type(error).__name__}: report this, with the file")


def _bound_memory(number: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (number, number))
