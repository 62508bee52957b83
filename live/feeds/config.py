"""The ``quotes`` section of a run configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.market.sources.remote.limits import HostLimits
from live.feeds.eastmoney import EastmoneyFeed
from live.feeds.feed import QuoteFeed, WebFeed
from live.feeds.sina import SinaFeed
from live.feeds.tencent import TencentFeed
from live.feeds.web import Web

Vendor = Literal["tencent", "sina", "eastmoney"]
_FEEDS: dict[str, type[WebFeed]] = {"tencent": TencentFeed, "sina": SinaFeed, "eastmoney": EastmoneyFeed}


class QuotesConfig(BaseModel):
    """Whom to ask for live quotes, and what to trust.

    Parameters
    ----------
    sources : sequence of str
        ``tencent``, ``sina``, ``eastmoney``; where two agree, the first's quote is used.
    allow_one_source : bool
        Trade on a quote that only one source has. By default two independent ones must agree.
    tolerance_ticks : int
        How far two sources' prices may lie apart, in fen.
    max_age_s : float
        Seconds of continuous trading after which a quote is stale.
    clock_tolerance_s : float
        How far a quote's time may lie after this machine's.
    least_coverage : float
        Smallest share of the names asked for that must have trusted quotes, for any of them to be traded.
    connect_s, read_s, deadline_s : float
        Timeouts of one source: of the connection, between two bytes, and for all of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[Vendor, ...] = ("tencent", "sina", "eastmoney")
    allow_one_source: bool = False
    tolerance_ticks: int = Field(1, ge=0, le=10)
    # all of a session's continuous trading; more than the auction lasts is a wrong clock
    max_age_s: float = Field(120.0, gt=0, le=14_220)
    clock_tolerance_s: float = Field(30.0, ge=0, le=600)
    least_coverage: float = Field(2 / 3, gt=0, le=1)
    connect_s: float = Field(3.0, gt=0, le=60)
    read_s: float = Field(5.0, gt=0, le=60)
    deadline_s: float = Field(8.0, gt=0, le=120)

    @model_validator(mode="after")
    def _enough_sources(self) -> QuotesConfig:
        if len(set(self.sources)) != len(self.sources):
            raise ValueError("sources names one vendor twice")
        if len(self.sources) < (1 if self.allow_one_source else 2):
            raise ValueError(
                f"sources names {len(self.sources)}; two must agree. Name another one, or set "
                "allow_one_source: true"
            )
        return self


def quote_feeds(config: QuotesConfig, limits: HostLimits) -> tuple[QuoteFeed, ...]:
    """Make the feeds of a configuration, in its order; each keeps its connection open."""
    return tuple(
        _FEEDS[name](Web(limits, connect_s=config.connect_s, read_s=config.read_s, total_s=config.deadline_s))
        for name in config.sources
    )
