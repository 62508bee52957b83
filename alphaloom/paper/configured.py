"""The configuration of an account: kept with its epoch, and refused when it is another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from alphaloom.config import RunConfig, load_config
from engine.span import SpanConfig
from live.errors import LedgerConflict
from live.ledger import AccountWriter, Ledger


def account_name(settings: RunConfig) -> str:
    """Name of a configuration's account, where none is given."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", settings.name).strip("-_")
    return name[:64] or "paper"


def spanning(settings: RunConfig, span: SpanConfig) -> RunConfig:
    """The configuration over other days; where its files lie stays the same."""
    return settings.model_copy(update={"span": span})


def stored_settings(ledger: Ledger, account: str | None) -> tuple[str, RunConfig]:
    """Return an account's name and the configuration of its open epoch.

    Raises
    ------
    LedgerConflict
        If it no longer means what it meant, after an upgrade.
    """
    epoch, stored = ledger.epoch(account), ledger.configuration(account)
    settings = load_config(stored["config"])
    settings._base = Path(stored["base"])
    if settings.hash() != epoch.config_hash:
        raise LedgerConflict(
            f"the configuration of account {epoch.account!r} means something else to this version of "
            "Alphaloom; reset the account with it: alphaloom paper reset CONFIG"
        )
    return epoch.account, settings


def open_or_explain(
    ledger: Ledger, writer: AccountWriter, settings: RunConfig, cash_fen: int, at: datetime
) -> bool:
    """Make an account; False if it is there, unchanged.

    Raises
    ------
    LedgerConflict
        If it runs with another configuration; what differs is named.
    """
    try:
        return writer.open(cash_fen, settings.hash(), as_stored(settings), at=at)
    except LedgerConflict:
        stored = ledger.configuration(writer.name)["config"]
        changed = list(_changes(stored, settings.plain()))
        if not changed:
            raise
        more = f" and {len(changed) - 2} more" if len(changed) > 2 else ""
        raise LedgerConflict(
            f"account {writer.name!r} runs with another configuration: {', '.join(changed[:2])}{more}; a "
            "changed configuration needs a new epoch (alphaloom paper reset) or another account (--account)"
        ) from None


def as_stored(settings: RunConfig) -> dict[str, Any]:
    """What an epoch keeps of the configuration it was opened with."""
    return {"config": settings.plain(), "base": str(settings.base)}


def _changes(stored: Any, now: Any, key: str = "") -> Iterator[str]:
    """Name the keys under which two configurations differ, with both values."""
    if isinstance(stored, dict) and isinstance(now, dict):
        for name in sorted({*stored, *now}):
            yield from _changes(stored.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif isinstance(now, dict) and stored is None:
        yield from _changes({}, _set_in(now), key)
    elif isinstance(stored, dict) and now is None:
        yield from _changes(_set_in(stored), {}, key)
    elif stored != now:
        yield f"{key} is {_short(stored)}, {'and not set now' if now is None else f'not {_short(now)}'}"


def _set_in(section: dict[str, Any]) -> dict[str, Any]:
    """What a section that is there or not sets, without what it leaves off."""
    return {name: value for name, value in section.items() if value}


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
