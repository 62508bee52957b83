"""Protections: limits in code that the orders of a paper account do not pass, each with its reason."""

from live.protections.config import ProtectionsConfig
from live.protections.outcome import (
    Action,
    Cut,
    Protected,
    Protection,
    ProtectionState,
    read_kill_switch,
)
from live.protections.protect import protect

__all__ = [
    "Action",
    "Cut",
    "Protected",
    "Protection",
    "ProtectionState",
    "ProtectionsConfig",
    "protect",
    "read_kill_switch",
]
