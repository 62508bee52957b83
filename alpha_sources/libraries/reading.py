"""From a file of formulas to texts by key, each with the place it stands at."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from alpha_sources.libraries.errors import LibraryError

#: Larger than any library that was written by hand.
MAX_BYTES = 20_000_000
SUFFIXES = (".csv", ".yaml", ".yml")
#: A key of the file or of an entry under which anything may stand: what `alpha_sources.seed` knows of a mined
#: formula. It is not looked at here.
BESIDE = "mined"

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Record:
    """Texts by key, and where they stand, as in ``mine.csv, row 3``."""

    place: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file: what it says of all its entries, and the entries."""

    head: Record
    rows: tuple[Record, ...]


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    LibraryError
        If it is no .csv or .yaml file, cannot be opened, is too large, or is not UTF-8.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise LibraryError(f"{path}: a library is a {', '.join(SUFFIXES)} file")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LibraryError(f"{path} is larger than {MAX_BYTES:,} bytes: it is no library of formulas")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LibraryError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise LibraryError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None


def read_sheet(text: str, name: str) -> Sheet:
    """Return what a text holds.

    Parameters
    ----------
    text : str
        With lines of comma-separated values under a header, or YAML: a list of entries, or a mapping with
        such a list under ``entries`` and beside it what holds for all of them.
    name : str
        Of the file, for messages; what it ends in tells one from the other.

    Raises
    ------
    LibraryError
        With the row at fault.
    """
    return _csv(text, name) if name.lower().endswith(".csv") else _yaml(text, name)


def _csv(text: str, name: str) -> Sheet:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Record] = []
    keys: list[str] = []
    try:
        for cells in reader:
            place = f"{name}, row {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if not keys:
                keys = [cell.strip().lower() for cell in cells]
                twice = next((key for key in keys if keys.count(key) > 1), None)
                if twice is not None:
                    raise LibraryError(f"{place}: the header has {twice or 'an empty name'!r} twice")
                continue
            if len(cells) > len(keys):
                raise LibraryError(
                    f"{place}: {len(cells)} cells under {len(keys)} columns; quote a formula that has commas"
                )
            if _is_cut(cells):
                raise LibraryError(f"{place}: a formula with commas needs quotes round it")
            texts = {key: cell.strip() for key, cell in zip(keys, cells, strict=False) if cell.strip()}
            rows.append(Record(place, texts))
    except csv.Error as error:
        raise LibraryError(f"{name}, row {reader.line_num}: {error}") from None
    if not keys:
        raise LibraryError(f"{name} is empty: its first row names the columns, name and formula among them")
    return Sheet(Record(name, {}), tuple(rows))


def _is_cut(cells: list[str]) -> bool:
    """Tell whether a bracket is opened in one cell and closed in a later one."""
    left = [cell.count("(") - cell.count(")") for cell in cells]
    first = next((i for i, open_ in enumerate(left) if open_ > 0), len(left))
    return any(open_ < 0 for open_ in left[first:])


def _yaml(text: str, name: str) -> Sheet:
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise LibraryError(f"{name}{line}: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise LibraryError(f"{name} is no YAML: {str(error).splitlines()[0]}") from None
    head: dict[str, str] = {}
    entries = root
    if isinstance(root, yaml.MappingNode):
        entries = None
        for key, value in _pairs(root, name):
            if key == "entries":
                entries = value
            else:
                head[key] = _scalar(value, name, key)
    if not isinstance(entries, yaml.SequenceNode):
        raise LibraryError(f"{name} has no list of entries, such as entries: [{{name: ..., formula: ...}}]")
    rows = tuple(_record(node, name) for node in entries.value)
    return Sheet(Record(name, head), rows)


def _record(node: yaml.Node, name: str) -> Record:
    place = _line(node, name)
    if not isinstance(node, yaml.MappingNode):
        raise LibraryError(f"{place}: an entry is a mapping with name and formula")
    texts = {key: _scalar(value, name, key) for key, value in _pairs(node, name)}
    return Record(place, {key: text for key, text in texts.items() if text})


def _pairs(node: yaml.MappingNode, name: str) -> Iterator[tuple[str, yaml.Node]]:
    seen: set[str] = set()
    for key, value in node.value:
        text = _scalar(key, name, "key").lower()
        if text in seen:
            raise LibraryError(f"{_line(key, name)}: {text} twice")
        seen.add(text)
        if text != BESIDE:
            yield text, value


def _scalar(node: yaml.Node, name: str, key: str) -> str:
    """Return a text as it stands: nothing is read as a number or a date before it is known what it is."""
    if not isinstance(node, yaml.ScalarNode):
        raise LibraryError(f"{_line(node, name)}: {key} is one text; several are separated by commas")
    if node.tag == "tag:yaml.org,2002:null":
        return ""
    return str(node.value).strip()


def _line(node: yaml.Node, name: str) -> str:
    return f"{name}, line {node.start_mark.line + 1}"
