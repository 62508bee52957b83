"""Plain text and Markdown."""

from __future__ import annotations

import re
from datetime import date, datetime

import yaml

from alpha_sources.seed.documents.cleaning import clean, one_line
from alpha_sources.seed.documents.dating import SHANGHAI, read_date
from alpha_sources.seed.documents.decoding import decode
from alpha_sources.seed.documents.document import DateSource, Page, Publication
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.parts import Parts

_FRONT = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"^#{1,2}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_DATE_KEYS = ("published", "date", "publish_date", "publication_date", "发布日期", "日期")


def read_text(data: bytes, limits: Limits) -> Parts:
    """Return a text as one page.

    Raises
    ------
    DocumentError
        If it is no text, or longer than the limits.
    """
    text, notes = _decoded(data, limits)
    return Parts((Page(1, text),), notes=notes)


def read_markdown(data: bytes, limits: Limits) -> Parts:
    """Return a Markdown text as one page, without its front matter, which may give a title and a date.

    Raises
    ------
    DocumentError
        As `read_text`.
    """
    text, notes = _decoded(data, limits)
    title, dates = "", []
    found = _FRONT.match(text)
    if found:
        said = _front_matter(found.group(1))
        text = text[found.end() :].lstrip("\n")
        title = str(said.get("title") or "")
        for key in _DATE_KEYS:
            day = day_of(said.get(key))
            if day:
                dates.append(Publication(day, DateSource.FRONT_MATTER, f"{key}: {day.isoformat()}"))
    heading = _HEADING.search(text[:20_000])
    if not title and heading:
        title = heading.group(1)
    return Parts((Page(1, text),), one_line(title), tuple(dates), notes=notes)


def day_of(value: object) -> date | None:
    """Return the day that a YAML value names, in Shanghai, or None."""
    if isinstance(value, datetime):
        return (value.astimezone(SHANGHAI) if value.tzinfo else value).date()
    if isinstance(value, date):
        return value
    return read_date(str(value)) if isinstance(value, str | int) else None


def _decoded(data: bytes, limits: Limits) -> tuple[str, tuple[str, ...]]:
    decoded = decode(data)
    text = clean(decoded.text)
    limits.check("characters", len(text), "characters of text")
    return text, () if decoded.encoding.startswith("utf") else (f"its text is {decoded.encoding}",)


def _front_matter(text: str) -> dict[str, object]:
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):  # a rule between two lines, not front matter
        return {}
    return {str(key).lower(): value for key, value in said.items()} if isinstance(said, dict) else {}


def read_sidecar(data: bytes, name: str) -> tuple[Publication | None, str]:
    """Return the date and the title that a file beside a document gives it.

    Parameters
    ----------
    data : bytes
        YAML with ``published``, ``title``, or both.
    name : str
        Of the sidecar file, for messages.

    Raises
    ------
    DocumentError
        If it holds anything else.
    """
    remedy = "it holds published: 2023-05-12 and title: ..., or one of them"
    try:
        said = yaml.safe_load(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError):
        raise DocumentError(f"its sidecar {name} is no YAML in UTF-8; {remedy}") from None
    if not isinstance(said, dict) or not said or not set(said) <= {"published", "title"}:
        raise DocumentError(f"its sidecar {name} has other keys than it may; {remedy}")
    published = said.get("published")
    day = day_of(published)
    if published is not None and day is None:
        raise DocumentError(f"its sidecar {name}: published is no date; {remedy}")
    detail = f"{name}: {day.isoformat()}" if day else ""
    found = Publication(day, DateSource.SIDECAR, detail) if day else None
    return found, one_line(str(said.get("title") or ""))
