"""Members of indices, as China Securities Index Company lists them today."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.errors import DataError
from engine.market.sources.answers import Answer, rows
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind
from engine.market.universe import INDEX_SIZE

MEMBERS = (
    "日期", "指数代码", "指数名称", "指数英文名称", "成分券代码", "成分券名称", "成分券英文名称", "交易所",
    "交易所英文名称",
)  # fmt: skip
#: universes to the codes under which the company lists them
CODES = {"sse50": "000016", "csi300": "000300", "csi500": "000905", "csi1000": "000852"}
_HOST = "oss-ch.csindex.com.cn"


def member_table(answer: Answer, universe: str) -> Any:
    """Read ``index_stock_cons_csindex``: one list of one day, as many names as the index has."""
    answer.has_exactly(MEMBERS).is_about("指数代码", CODES[universe])
    days = np.unique(answer.days("日期"))
    if len(days) != 1:
        answer.refuse(f"the list is of {len(days)} days")
    symbols, kept = answer.stocks("成分券代码")
    size = INDEX_SIZE.get(universe)
    members = sorted({symbol for symbol, keep in zip(symbols, kept, strict=True) if keep})
    if len(members) != len(answer) or (size is not None and len(members) != size):
        answer.refuse(f"{len(members)} members, not {size or len(answer)}")
    return table_of(Kind.MEMBERSHIP, rows(("universe", [universe] * len(members)), ("symbol", members)))


class CsindexMembers(VendorSource):
    """Today's members of SSE 50, CSI 300, CSI 500 and CSI 1000: one request an index, a workbook.

    No history is told; membership grows by a list a day. The list carries the day it was written for, which
    is the last session's.
    """

    name = "akshare/csindex"
    hosts = frozenset({_HOST})
    offers = frozenset({Kind.MEMBERSHIP})

    def membership(self, universe: str) -> Any:
        """Today's list: `in_date` is null.

        Raises
        ------
        DataError
            If the universe is no index that the company lists.
        """
        if universe not in CODES:
            raise DataError(f"{self.name} lists no members of {universe!r}; it has {', '.join(CODES)}")
        answer = self.ask("index_members", _HOST, f"members of {universe}", code=CODES[universe])
        return member_table(answer, universe)
