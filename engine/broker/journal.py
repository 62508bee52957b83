"""The journal of a run: what a result is made of.

A run has tens of thousands of trades and positions. They are kept as columns of plain values, which cost a
fraction of the memory of as many objects and nothing in garbage collection, and become objects when read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

from engine.broker.account import Receivable
from engine.broker.marks import Marks, values_of
from engine.broker.orders import ExDate, Fill, OrderRequest, Refusal, Trade


class SessionRecord(NamedTuple):
    """The account at the close of one session, in fen."""

    row: int
    cash_fen: int
    value_fen: int
    fees_fen: int
    bought_fen: int
    sold_fen: int


class Holding(NamedTuple):
    """One position at the close of one session."""

    row: int
    symbol: str
    shares: int
    sellable: int
    close_fen: float
    value_fen: int


#: What is kept of every trade: its row, the request as id, symbol, side, day and the rest, and the fill.
_COLUMNS = ("row", "order_id", "symbol", "side", "decided_day", "terms", *Fill._fields[2:])
_WIDTH = len(_COLUMNS)
_REFUSED = 0, None, 0, 0, 0, 0


class TradeLog(Sequence[tuple[int, Trade]]):
    """Fills and refusals with the panel's row of their session, in the order of matching."""

    __slots__ = ("_cells", "_terms")

    def __init__(self, trades: Iterable[tuple[int, Trade]] = ()) -> None:
        self._cells: list[Any] = []
        self._terms: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row, trade in trades:
            self.extend(row, (trade,))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TradeLog) and self._cells == other._cells

    # it can grow, so it is no key; the base class says otherwise
    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._cells) // _WIDTH

    @overload
    def __getitem__(self, i: int) -> tuple[int, Trade]: ...

    @overload
    def __getitem__(self, i: slice) -> list[tuple[int, Trade]]: ...

    def __getitem__(self, i: int | slice) -> Any:
        if isinstance(i, slice):
            return [self._at(n) for n in range(len(self))[i]]
        return self._at(range(len(self))[i])

    def __iter__(self) -> Iterator[tuple[int, Trade]]:
        return map(self._at, range(len(self)))

    def _at(self, i: int) -> tuple[int, Trade]:
        row, order_id, symbol, side, day, terms, *fill = self._cells[i * _WIDTH : (i + 1) * _WIDTH]
        request = OrderRequest(order_id, symbol, side, day, *terms)
        if fill[1] is None:
            return row, Refusal(request, side, fill[6], fill[7])
        return row, Fill(request, side, *fill)

    def extend(self, row: int, trades: Iterable[Trade]) -> None:
        """Add the trades of a session."""
        cells = self._cells
        for trade in trades:
            request = trade[0]
            # most orders are alike in all the rest: one tuple for them
            terms = self._terms.setdefault(request[4:], request[4:])
            if isinstance(trade, Fill):
                cells += (row, *request[:4], terms, *trade[2:])
            else:
                cells += (row, *request[:4], terms, *_REFUSED, *trade[2:], 0, 0, 0)

    def column(self, name: str) -> list[Any]:
        """One value of every trade: ``row``, ``order_id``, ``symbol``, ``decided_day``, or a field of `Fill`.

        A refusal has no price (None), and zeros for the rest.
        """
        return self._cells[_COLUMNS.index(name) :: _WIDTH]


@dataclass(slots=True)
class MarkLog:
    """Positions at the closes of a run.

    `rows` and `sizes` are sessions and the number of positions at each. The other lists hold the positions
    one after the other: place of the symbol in `symbols`, shares, sellable shares, close in fen.
    """

    symbols: Sequence[str] = ()
    whole: bool = True
    rows: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    shares: list[int] = field(default_factory=list)
    sellable: list[int] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)

    def append(self, row: int, columns: list[int], marks: Marks) -> None:
        """Add the positions of a session."""
        self.rows.append(row)
        self.sizes.append(len(columns))
        self.columns += columns
        self.shares += marks.shares
        self.sellable += marks.sellable
        self.closes += marks.closes_fen

    def last(self) -> list[Holding]:
        """Positions of the last session that was added."""
        if not self.rows or not self.sizes[-1]:
            return []
        tail = slice(-self.sizes[-1], None)
        closes, shares = self.closes[tail], self.shares[tail]
        names = [self.symbols[column] for column in self.columns[tail]]
        values = values_of(closes, shares, self.whole)
        return list(
            map(Holding, [self.rows[-1]] * len(names), names, shares, self.sellable[tail], closes, values)
        )

    def values(self) -> list[Any]:
        """Value of every position in fen."""
        return values_of(self.closes, self.shares, self.whole)

    def __iter__(self) -> Iterator[Holding]:
        rows = (row for row, size in zip(self.rows, self.sizes, strict=True) for _ in range(size))
        names = map(self.symbols.__getitem__, self.columns)
        return map(Holding, rows, names, self.shares, self.sellable, self.closes, self.values())


@dataclass
class Journal:
    """Everything that happened, in order."""

    sessions: list[SessionRecord] = field(default_factory=list)
    marks: MarkLog = field(default_factory=MarkLog)
    trades: TradeLog = field(default_factory=TradeLog)
    ex_dates: list[tuple[int, ExDate]] = field(default_factory=list)
    received: list[tuple[int, Receivable]] = field(default_factory=list)
    """Dividends paid after their ex-dates."""
    ended: dict[str, int] = field(default_factory=dict)
    """Symbols still held after their last row, with that row."""

    @property
    def holdings(self) -> list[Holding]:
        """Positions at the close of every session."""
        return list(self.marks)
