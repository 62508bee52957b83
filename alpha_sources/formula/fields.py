"""The fields a formula may name, with their unit and how they scale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.nodes import FIELD, FLAT, Degree, Node
from alpha_sources.formula.units import CNY, NONE, PRICE, RATIO, SHARE, Unit

#: adjusted prices: base = raw × adj_factor
PER_ADJUSTMENT = Degree(Fraction(1), Fraction(0))
#: adjusted volumes: base = raw ÷ share_factor
PER_SHARES = Degree(Fraction(0), Fraction(1))
#: figures per share: base = raw × share_factor
PER_SHARE_FIGURE = Degree(Fraction(0), Fraction(-1))

#: An index that is not named is the first of these that the panel carries, else the first by symbol.
INDEX_ORDER = ("000016.SH", "000300.SH", "000905.SH", "000852.SH", "000001.SH")
_INDEX = re.compile(r"index_(open|high|low|close|volume|return)(?:_(\d{6}))?")


@dataclass(frozen=True, slots=True)
class Field:
    """A name that stands for data.

    Parameters
    ----------
    name : str
        As a formula writes it.
    unit : Unit
        Of a value.
    degree : Degree
        How a value scales; see `alpha_sources.formula.nodes.Degree`.
    kind : Kind
        Panel, condition or group.
    summary : str
        What it holds.
    expansion : str
        A formula, for a field that is computed from others.
    broadcast : bool
        The same for every symbol of a session.
    lookback : int
        Earlier sessions that a value is computed from.
    """

    name: str
    unit: Unit
    degree: Degree
    summary: str
    kind: Kind = Kind.PANEL
    expansion: str = ""
    broadcast: bool = False
    lookback: int = 0

    def node(self) -> Node:
        """Return the field as a node of a graph."""
        return Node(
            FIELD,
            params=(self.name,),
            kind=self.kind,
            unit=self.unit,
            degree=self.degree,
            lookback=self.lookback,
        )


@dataclass(frozen=True, slots=True)
class IndexField:
    """An index's bars as a field: which bar, and of which index (None: the panel's benchmark)."""

    bar: str
    code: str | None

    def symbol(self, carried: Iterable[str]) -> str | None:
        """Return the symbol that is meant among those a panel carries, or None."""
        symbols = sorted(carried)
        if self.code is not None:
            return next((s for s in symbols if s.partition(".")[0] == self.code), None)
        return next((s for s in INDEX_ORDER if s in symbols), symbols[0] if symbols else None)


def index_field(name: str) -> IndexField | None:
    """Read ``index_close`` or ``index_close_000300``; None for any other name."""
    match = _INDEX.fullmatch(name)
    return IndexField(bar=match[1], code=match[2]) if match else None


def _prices() -> list[Field]:
    said = {
        "open": "first price of the session",
        "high": "highest price of the session",
        "low": "lowest price of the session",
        "close": "last price of the session",
        "preclose": "previous close, ex-right on an ex-date",
        "vwap": "average price of the session, amount over volume",
    }
    fields = [Field(n, PRICE, PER_ADJUSTMENT, f"{text}, adjusted to the session") for n, text in said.items()]
    fields += [Field(f"raw_{n}", PRICE, FLAT, f"{text}, as it was quoted") for n, text in said.items()]
    fields += [
        Field(f"adj_{n}", PRICE, FLAT, f"{text}, times the backward adjustment factor")
        for n, text in said.items()
    ]
    return fields


_FIXED = (
    Field("volume", SHARE, PER_SHARES, "shares traded, adjusted for bonus and rights issues to the session"),
    Field("raw_volume", SHARE, FLAT, "shares traded, as they were counted"),
    Field("amount", CNY, FLAT, "value traded"),
    Field("turnover", RATIO, FLAT, "shares traded over shares that float"),
    Field("returns", RATIO, FLAT, "change of the adjusted close over one session"),
    Field("market_cap", CNY, FLAT, "value of the shares that float, where turnover is known"),
    Field("trading", RATIO, FLAT, "not suspended", Kind.BOOLEAN),
    Field("is_st", RATIO, FLAT, "under special treatment", Kind.BOOLEAN),
    Field("industry", RATIO, FLAT, "industry, as classified today", Kind.GROUP),
    Field("board", RATIO, FLAT, "board of the exchange", Kind.GROUP),
)

_FUNDAMENTALS = (
    Field("pe_ttm", RATIO, FLAT, "price over earnings per share of four quarters"),
    Field("pb_mrq", RATIO, FLAT, "price over book value per share of the last quarter"),
    Field("eps", PRICE, PER_SHARE_FIGURE, "earnings per share of the period reported"),
    Field("eps_ttm", PRICE, PER_SHARE_FIGURE, "earnings per share of four quarters"),
    Field("bvps", PRICE, PER_SHARE_FIGURE, "book value per share reported"),
    Field("bvps_mrq", PRICE, PER_SHARE_FIGURE, "book value per share of the last quarter"),
    Field("ocf_per_share", PRICE, PER_SHARE_FIGURE, "operating cash flow per share"),
    Field("roe_pct", RATIO, FLAT, "return on equity of the period reported, in %"),
    Field("roe_ttm", RATIO, FLAT, "return on equity of four quarters"),
    Field("gross_margin_pct", RATIO, FLAT, "gross margin, in %"),
    Field("net_profit", CNY, FLAT, "net profit of the period reported"),
    Field("net_profit_yoy_pct", RATIO, FLAT, "growth of net profit on the year, in %"),
    Field("revenue", CNY, FLAT, "revenue of the period reported"),
    Field("revenue_yoy_pct", RATIO, FLAT, "growth of revenue on the year, in %"),
)

_COMPUTED = (
    Field(
        "book_value_total", CNY, FLAT, "book value of the shares that float", expansion="market_cap / pb_mrq"
    ),
    Field("earnings_total", CNY, FLAT, "earnings of the shares that float", expansion="market_cap / pe_ttm"),
    Field("gross_profit", CNY, FLAT, "gross profit", expansion="revenue * gross_margin_pct / 100"),
    Field("shares", SHARE, FLAT, "shares that float", expansion="market_cap / raw_close"),
)

_INDEX_BARS = {
    "open": "opening level", "high": "highest level", "low": "lowest level", "close": "closing level",
    "volume": "shares traded", "return": "change of the closing level over one session",
}  # fmt: skip


def _index(name: str, parsed: IndexField) -> Field:
    whose = f"index {parsed.code}" if parsed.code else "the benchmark index"
    unit = {"return": RATIO, "volume": SHARE}.get(parsed.bar, NONE)
    summary = f"{_INDEX_BARS[parsed.bar]} of {whose}"
    return Field(name, unit, FLAT, summary, broadcast=True, lookback=int(parsed.bar == "return"))


#: Every field known without a panel, by name; those of a named index come beside them.
CATALOGUE: Mapping[str, Field] = MappingProxyType(
    {
        field.name: field
        for field in (
            *_prices(),
            *_FIXED,
            *_FUNDAMENTALS,
            *_COMPUTED,
            *(_index(f"index_{bar}", IndexField(bar, None)) for bar in _INDEX_BARS),
        )
    }
)

#: Other spellings, of papers and data vendors.
FIELD_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "ret": "returns", "vol": "volume",
        "pre_close": "preclose", "prev_close": "preclose", "cap": "market_cap", "marketcap": "market_cap",
        "turnover_rate": "turnover", "turn": "turnover", "pe": "pe_ttm", "pb": "pb_mrq",
        "book_value": "bvps_mrq", "book_value_per_share": "bvps_mrq", "earnings_per_share": "eps",
        "benchmark_close": "index_close", "benchmark_return": "index_return",
        "adjclose": "adj_close",
    }
)  # fmt: skip

#: Names that people ask for and no panel can answer, with what to use instead.
UNAVAILABLE: Mapping[str, str] = MappingProxyType(
    {
        "operating_income": "operating income is not in the data; net_profit and revenue are",
        "ebitda": "EBITDA is not in the data; net_profit and ocf_per_share are",
        "dividend_yield": "dividends are in the corporate actions, not among the fields",
        "adj_factor": "prices are adjusted already: close is adjusted, raw_close is not",
    }
)


def find_field(name: str, own: Mapping[str, str]) -> Field | None:
    """Return the field of a name in lower case, or None.

    Parameters
    ----------
    name : str
        As written, in lower case.
    own : mapping of str to str
        The panel's own names: lower case to as they are.
    """
    known = CATALOGUE.get(name)
    if known is None and name in own:
        # nothing is known of it: it agrees with every unit and is taken as it is
        return Field(own[name], NONE, FLAT, "a field of the panel's own")
    if known is None and (parsed := index_field(name)):
        return _index(name, parsed)
    if known is None and name in FIELD_ALIASES:
        return CATALOGUE[FIELD_ALIASES[name]]
    return known
