"""The seed file: a library as the others, and under the key ``mined`` what mining knows beside it.

The same content gives the same bytes: keys in a fixed order, numbers rounded, no clock, no path, no cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from alpha_sources.libraries.marks import MarkKind
from alpha_sources.libraries.reading import read_text
from alpha_sources.seed.errors import SeedError
from alpha_sources.seed.mined import DocumentRecord, Mined
from alpha_sources.seed.proposal import Checks, Origin, Provenance, Rejected, Seed, canonical_hash

#: Of what stands under ``mined``.
FORMAT = 1
_HEAD = (
    "# Made by `alphaloom seed`. Entries are read as those of any library of formulas; what stands under\n"
    "# `mined` says where they come from and what was rejected. `knows_until` is the last day that may have\n"
    "# shaped an entry: a test that begins before it is contaminated.\n"
)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def seed_file(mined: Mined) -> str:
    """Return the text of a seed file."""
    whole = {
        "title": mined.title,
        "mined": _head(mined),
        "entries": [_entry(seed) for seed in mined.seeds],
    }
    # a line for each text, however long: a diff then shows what changed
    return _HEAD + yaml.dump(
        whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=False
    )


def read_mined(path: Path) -> dict[str, Any] | None:
    """Return what stands under ``mined`` at the head of a seed file; None if nothing does.

    Raises
    ------
    SeedError
        If it is of a newer format, or no mapping.
    LibraryError
        If the file cannot be read as text.
    """
    whole = _loaded(path)
    head = whole.get("mined") if isinstance(whole, dict) else None
    if head is None:
        return None
    if not isinstance(head, dict) or not isinstance(head.get("format"), int):
        raise SeedError(f"{path}: what stands under mined is none of ours; mine it again with another --out")
    if head["format"] > FORMAT:
        raise SeedError(
            f"{path}: its format is {head['format']}, this program knows {FORMAT}: use a newer Alphaloom"
        )
    return head


def mined_entries(path: Path) -> dict[str, dict[str, Any]]:
    """Return what stands under ``mined`` of each entry of a file, by name; empty where nothing does."""
    whole = _loaded(path)
    entries = whole.get("entries") if isinstance(whole, dict) else whole
    out = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and "name" in entry:
            said = entry.get("mined")
            out[str(entry["name"])] = said if isinstance(said, dict) else {}
    return out


def _loaded(path: Path) -> Any:
    try:
        return yaml.load(read_text(path), Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise SeedError(f"{path} is no YAML: {str(error).splitlines()[0]}") from None


def _head(mined: Mined) -> dict[str, Any]:
    return _said(
        {
            "format": FORMAT,
            "unfinished": mined.unfinished,
            "mined_on": _day(max((s.proposal.where.mined_on or date.min for s in mined.seeds), default=None)),
            "models": list(mined.models),
            "knowledge_cutoff": _day(mined.knowledge_cutoff),
            "masked": bool(mined.mask),
            "mask": mined.mask,
            "prompts": dict(mined.prompts),
            "data": dict(mined.data),
            "settings": dict(mined.settings),
            "kept": mined.counts(),
            "left_out": mined.reasons(),
            "documents": [_document(each) for each in mined.documents],
            "skipped": [{"name": each.path, "reason": each.reason} for each in mined.skipped],
            "rejected": [_rejected(each) for each in mined.rejected],
        },
        keep=("masked",),
    )


def _document(record: DocumentRecord) -> dict[str, Any]:
    return _said(
        {
            "name": record.name,
            "hash": record.hash,
            "kind": record.kind,
            "title": record.title,
            "language": record.language,
            "published": _day(record.published),
            "published_by": record.published_by,
            "pages": record.pages,
            "summary": record.summary,
            "tradable": record.tradable,
            "categories": list(record.categories),
            "notes": list(record.notes),
            "proposed": record.proposed,
            "kept": record.kept,
        },
        keep=("tradable", "proposed", "kept"),
    )


def _entry(seed: Seed) -> dict[str, Any]:
    proposal, where = seed.proposal, seed.proposal.where
    marks = {
        str(kind): f"{mark.of}: {mark.reason}" if mark.of else mark.reason
        for kind in MarkKind
        for mark in seed.marks
        if mark.kind is kind
    }
    formula = str(seed.formula)
    return _said(
        {
            "name": seed.name,
            "title": " ".join(proposal.title.split()),
            "category": str(proposal.category),
            "formula": formula,
            "source": " ".join(where.source.split()),
            "published": proposal.published,
            "knows_until": _day(where.knows_until),
            "printed": proposal.printed if proposal.printed != formula else "",
            "needs": ", ".join(seed.needs),
            "ic_mean": proposal.ic_mean,
            "icir": proposal.icir,
            **marks,
            "mined": _mined(seed),
        }
    )


def _mined(seed: Seed) -> dict[str, Any]:
    proposal = seed.proposal
    asked = proposal.origin is Origin.MODEL
    return _said(
        {
            "canonical": canonical_hash(seed.formula),
            "origin": str(proposal.origin),
            "proposed": proposal.formula if proposal.formula != str(seed.formula) else "",
            "rationale": proposal.rationale,
            "sign": str(proposal.sign) if asked else "",
            "horizon_sessions": proposal.horizon_sessions,
            "repaired": proposal.repaired or None,
            **_where(proposal.where),
            "checks": _checks(seed.checks),
        }
    )


def _where(where: Provenance) -> dict[str, Any]:
    return {
        "document": where.document,
        "page": where.page,
        "passage": where.passage,
        "passage_found": where.passage_found if where.passage else None,
        "published": _day(where.published),
        "date": _day(where.mined_on),
        "model": where.model,
        "prompt": where.prompt,
        "prompt_hash": where.prompt_hash,
        "cassette_key": where.key,
        "sample": where.sample or None,
    }


def _checks(checks: Checks) -> dict[str, Any]:
    return _said(
        {
            "lookback": checks.lookback,
            "unit": checks.unit,
            "coverage": _number(checks.coverage),
            "varies": _number(checks.varies),
            "price": _number(checks.price),
            "size": _number(checks.size),
            "trend": _number(checks.trend),
            "nearest": checks.nearest,
            "nearest_correlation": _number(checks.nearest_correlation),
            "warnings": list(checks.warnings),
        }
    )


def _rejected(each: Rejected) -> dict[str, Any]:
    proposal = each.proposal
    return _said(
        {
            "name": proposal.name,
            "formula": proposal.formula,
            "category": str(proposal.category),
            "reason": str(each.reason),
            "why": each.why,
            "of": each.of,
            "times": each.times if each.times > 1 else None,
            "origin": str(proposal.origin),
            "source": proposal.where.source,
            "repaired": proposal.repaired or None,
            "cassette_key": proposal.where.key,
        }
    )


def _said(values: Mapping[str, Any], keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """Leave out what is not said."""
    return {
        key: value
        for key, value in values.items()
        if key in keep or not (value is None or value == "" or value == [] or value == {})
    }


def _day(day: date | None) -> str | None:
    return None if day is None or day == date.min else str(day)


def _number(value: float) -> float | None:
    # four digits: another processor must not change the file
    return None if math.isnan(value) else round(float(value), 4) + 0.0
