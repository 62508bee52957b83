"""The ``data`` section of a run configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.errors import ConfigError
from engine.field_errors import what_is_wrong
from engine.market.universe import INDEX_SIZE
from engine.plugins import nearest


class DataConfig(BaseModel):
    """Where market data come from and how to read them.

    Parameters
    ----------
    source : {"sample", "file", "store"}
        ``sample`` is the bundled data set; the application turns it into a ``file`` section. ``store`` is a
        market store, which brings everything but the universe along.
    path : Path or None
        Quotes, one row per date and symbol, Parquet or CSV; of a store, its folder.
    universe : str or list of str or None
        ``all``, an index (``sse50``, ``csi300``: needs `membership`), or the symbols themselves. None is the
        membership where one is given, else all.
    membership, instruments, actions, fundamentals, index : Path or None
        Further files; see the documentation of the data format. `fundamentals` may be several.
    special_sessions : Path or None
        Sessions with rules of their own: the first of a delisting period, the first after relisting.
    code_changes : Path or None
        Changes of code, in addition to the bundled ones.
    macro : Path or None
        Figures of the economy: series, visible_date, value, period_end; each series is a field of its name.
    texts : Path or None
        News and announcements: published_at, title, body, source, symbol, kind.
    calendar_extra : Path or None
        Sessions of the exchange past those that are known: the column session, every one of them.
    columns : dict of str to str
        Our name of a column to the file's: ``{"open": "开盘"}``.
    units : {"shares", "lots"}
        What the file's volume counts; a lot is 100 shares.
    calendar : {"xshg", "data"}
        The exchange's sessions, or the dates found in the file (synthetic data).
    tick : float or None
        Price tick in CNY, to which prices are rounded; ``none`` for prices off any grid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["sample", "file", "store"] = "sample"
    path: Path | None = None
    universe: str | list[str] | None = None
    membership: Path | None = None
    instruments: Path | None = None
    actions: Path | None = None
    fundamentals: Path | list[Path] | None = None
    index: Path | None = None
    special_sessions: Path | None = None
    code_changes: Path | None = None
    macro: Path | None = None
    texts: Path | None = None
    calendar_extra: Path | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    units: Literal["shares", "lots"] = "shares"
    calendar: Literal["xshg", "data"] = "xshg"
    tick: float | Literal["none"] | None = 0.01

    @field_validator("universe")
    @classmethod
    def _known_universe(cls, value: str | list[str] | None) -> str | list[str] | None:
        if isinstance(value, str) and value != "all" and value not in INDEX_SIZE:
            raise ValueError(f"is one of all, {', '.join(INDEX_SIZE)}, or a list of symbols; not {value!r}")
        return value

    @field_validator("tick")
    @classmethod
    def _positive_tick(cls, value: float | str | None) -> float | None:
        if value is None or isinstance(value, str):
            return None
        if not 0.0 < value < float("inf"):
            raise ValueError(f"is a price above 0, or none; not {value}")
        return value

    @property
    def named_index(self) -> str | None:
        """The index whose members are the universe, if it is one."""
        return self.universe if isinstance(self.universe, str) and self.universe != "all" else None

    @property
    def tick_size(self) -> float | None:
        """The tick in CNY, or None where prices lie on no grid."""
        return self.tick if isinstance(self.tick, float) else None

    @property
    def synthetic(self) -> bool:
        """Whether the data follow neither the exchange's sessions nor its price grid."""
        return self.calendar == "data" and self.tick_size is None

    @property
    def fundamentals_files(self) -> tuple[Path, ...]:
        """`fundamentals` as a tuple, whatever way it was written."""
        if self.fundamentals is None:
            return ()
        return tuple(self.fundamentals) if isinstance(self.fundamentals, list) else (self.fundamentals,)


def data_config(**options: Any) -> DataConfig:
    """Build a `DataConfig` of what a Python caller wrote.

    Raises
    ------
    ConfigError
        If a key is unknown or a value is none of those allowed, in one line that names ``data.<key>``.
    """
    try:
        return DataConfig(**options)
    except ValidationError as problem:
        errors = problem.errors()
    key = str(errors[0]["loc"][0])
    if errors[0]["type"] == "extra_forbidden":
        hint = nearest(key, DataConfig.model_fields) or f"; known: {', '.join(DataConfig.model_fields)}"
        raise ConfigError(f"data.{key}: unknown key{hint}")
    # a union complains once for each of its members, and those that got furthest understood most
    here = [error for error in errors if error["loc"][0] == key]
    depth = max(len(error["loc"]) for error in here)
    what = what_is_wrong(*(error for error in here if len(error["loc"]) == depth))
    raise ConfigError(f"data.{key} {what}" if what.startswith(("must ", "is ")) else f"data.{key}: {what}")
