"""When a document may first be known.

A back-test may use a document from its publication on. A date that is too late costs a few sessions, one
that is too early lets the back-test know the future; so among doubtful dates the latest wins.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone

from alpha_sources.seed.documents.document import DateSource, Publication

#: China has kept no summer time since 1991.
SHANGHAI = timezone(timedelta(hours=8))
#: What programs write when they know no date: epochs of file systems and spreadsheets, the template that
#: python-docx copies (2013-12-23 23:15 UTC, in Shanghai the 24th), the fixed dates of reproducible PDF files.
_EMPTY_DATES = frozenset(
    {
        date(1601, 1, 1),
        date(1899, 12, 30),
        date(1899, 12, 31),
        date(1900, 1, 1),
        date(1904, 1, 1),
        date(1970, 1, 1),
        date(1980, 1, 1),
        date(2000, 1, 1),
        date(2013, 12, 23),
        date(2013, 12, 24),
    }
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2099
#: Said by a person about this very document: these win over what is guessed from names and programs.
_STATED = (DateSource.SIDECAR, DateSource.FRONT_MATTER, DateSource.PAGE_HEAD)

_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)
_PDF = re.compile(
    r"D?:?(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{2}'?\d{2})?.*)?", re.IGNORECASE
)
_CHINESE = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(?:(\d{1,2})\s*[日号])?")
_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})")
_YEAR = re.compile(r"\d{4}")
_IN_NAMES = (
    re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)"),
    re.compile(r"(?<!\d)((?:19|20)\d{2})[-_.](\d{1,2})[-_.](\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)((?:19|20)\d{2})年(\d{1,2})月(\d{1,2})[日号]"),
    re.compile(r"(?<!\d)((?:19|20)\d{2})[-_](\d{2})()(?![-_.]?\d)"),
    re.compile(r"(?<!\d)((?:19|20)\d{2})年(\d{1,2})月()(?!\d)"),
)


def read_date(text: str) -> date | None:
    """Return the day that a text names, in Shanghai, or None if it names none.

    Parameters
    ----------
    text : str
        Such as ``2023-05-12``, ``2023-05-12T20:00:00Z`` (the 13th in Shanghai), ``D:20230512093000+08'00'``,
        ``2023年5月12日``; of ``2023-05`` and ``2023`` the last day is returned.
    """
    text = text.strip()
    for pattern in (_ISO, _PDF):
        found = pattern.fullmatch(text)
        if found:
            return _moment(*found.groups())
    found = _CHINESE.fullmatch(text) or _MONTH.fullmatch(text)
    if found:
        year, month, *day = found.groups()
        return _day(year, month, day[0] if day else None)
    return _day(text, "12", "31") if _YEAR.fullmatch(text) else None


def date_in_name(name: str) -> date | None:
    """Return the latest day that stands in a file's name, or None.

    A year alone is none: it says what a report is about more often than when it came out.
    """
    days = (_day(*found.groups()) for pattern in _IN_NAMES for found in pattern.finditer(name))
    return max((day for day in days if day), default=None)


def from_metadata(texts: Iterable[tuple[str, str | datetime | None]]) -> tuple[Publication, ...]:
    """Return what programs wrote into a file, without the dates they write when they know none.

    Parameters
    ----------
    texts : iterable of (key, value)
        As in ``("ModDate", "D:20230512")``.
    """
    found = []
    for key, value in texts:
        text = value.isoformat(timespec="seconds") if isinstance(value, datetime) else value or ""
        day = read_date(text)
        if day and day not in _EMPTY_DATES:
            found.append(Publication(day, DateSource.METADATA, f"{key} {day.isoformat()}"))
    return tuple(found)


def decide(candidates: Iterable[Publication]) -> Publication | None:
    """Return the date to rely on.

    A sidecar file wins over front matter, and that over the head of a web page; else the latest of the dates
    in names and metadata. Of equal rank, too, the latest.
    """
    found = list(candidates)
    for source in _STATED:
        stated = [each for each in found if each.source is source]
        if stated:
            return max(stated, key=lambda each: each.day)
    return max(found, key=lambda each: each.day, default=None)


def _moment(
    year: str,
    month: str,
    day: str,
    hour: str | None = None,
    minute: str | None = None,
    second: str | None = None,
    zone: str | None = None,
) -> date | None:
    plain = _day(year, month, day)
    if plain is None or hour is None or minute is None or zone is None:
        return plain
    digits = "+0000" if zone in "Zz" else zone.replace(":", "").replace("'", "")
    try:
        offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
        moment = datetime(
            plain.year,
            plain.month,
            plain.day,
            int(hour),
            int(minute),
            int(second or 0),
            tzinfo=timezone(-offset if digits[0] == "-" else offset),
        )
        return moment.astimezone(SHANGHAI).date()
    except (ValueError, OverflowError):
        return plain


def _day(year: str, month: str, day: str | None) -> date | None:
    try:
        if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
            return None
        return date(int(year), int(month), int(day) if day else monthrange(int(year), int(month))[1])
    except (ValueError, IndexError):
        return None
