"""The cassette: every request and its reply in one SQLite file, found again by what was asked."""

from alpha_sources.llm.cassette.cassette import Cassette, Claim, Recorded, Unfinished
from alpha_sources.llm.cassette.owner import Owner

__all__ = ["Cassette", "Claim", "Owner", "Recorded", "Unfinished"]
