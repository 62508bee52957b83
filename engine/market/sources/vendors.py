"""Every vendor by its name, and the order in which they are asked.

Daily bars: Eastmoney, Tencent, Sina, baostock. No two of them share a host, so whatever bans an address at
one leaves the next alone. Eastmoney comes first because it answers with one request a name; baostock last,
because it allows one connection. Of actions, cninfo tells pay dates and rights, Eastmoney a whole market in a
few requests (``akshare/actions`` asks both); of texts, Eastmoney has news and cninfo the official list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from types import MappingProxyType
from zoneinfo import ZoneInfo

from engine.errors import ConfigError
from engine.market.sources.akshare.actions import CninfoActions, EastmoneyActions
from engine.market.sources.akshare.announced import AnnouncedActions
from engine.market.sources.akshare.eastmoney import EastmoneyDaily
from engine.market.sources.akshare.economy import Economy
from engine.market.sources.akshare.exchanges import ExchangeLists
from engine.market.sources.akshare.members import CsindexMembers
from engine.market.sources.akshare.reports import EastmoneyReports
from engine.market.sources.akshare.sina import SinaDaily
from engine.market.sources.akshare.spells import EastmoneySpells
from engine.market.sources.akshare.tencent import TencentDaily
from engine.market.sources.akshare.texts import CninfoTexts, EastmoneyTexts
from engine.market.sources.baostock import Baostock
from engine.market.sources.remote.caller import Caller
from engine.market.sources.source import Source

Today = Callable[[], date]


@dataclass(frozen=True, slots=True)
class Asking:
    """What vendors are told about what is wanted.

    Parameters
    ----------
    today : callable
        Today's day in Shanghai.
    since : date or None
        Reports of companies are asked for from this period's end on; two years ago where it is None.
    """

    today: Today
    since: date | None = None


Make = Callable[[Caller, Asking], Source]

#: Makers of sources by name, in the order in which they are asked.
VENDORS: Mapping[str, Make] = MappingProxyType(
    {
        "akshare/eastmoney": lambda call, a: EastmoneyDaily(call),
        "akshare/eastmoney-ratios": lambda call, a: EastmoneyDaily(call, ratios=True),
        "akshare/tencent": lambda call, a: TencentDaily(call),
        "akshare/sina": lambda call, a: SinaDaily(call),
        "akshare/exchanges": lambda call, a: ExchangeLists(call),
        "akshare/csindex": lambda call, a: CsindexMembers(call),
        "akshare/actions": lambda call, a: AnnouncedActions(call, today=a.today),
        "akshare/cninfo": lambda call, a: CninfoActions(call),
        "akshare/eastmoney-actions": lambda call, a: EastmoneyActions(call, today=a.today),
        "akshare/eastmoney-spells": lambda call, a: EastmoneySpells(call, today=a.today),
        "akshare/eastmoney-reports": lambda call, a: EastmoneyReports(call, today=a.today, since=a.since),
        "akshare/eastmoney-texts": lambda call, a: EastmoneyTexts(call, today=a.today),
        "akshare/cninfo-texts": lambda call, a: CninfoTexts(call, today=a.today),
        "akshare/economy": lambda call, a: Economy(call),
        "baostock": lambda call, a: Baostock(call, today=a.today, factors=True),
    }
)
#: Asked only by name: others tell the same, and these cost more requests or tell less.
BY_NAME = frozenset({"akshare/eastmoney-ratios", "akshare/cninfo", "akshare/eastmoney-actions"})


def shanghai_today() -> date:
    """Today's day in Shanghai, by the machine's clock."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def vendors(call: Caller, *, today: Today = shanghai_today, since: date | None = None) -> tuple[Source, ...]:
    """Every vendor but those `BY_NAME`, in the order in which they are asked.

    Baostock is among them where its package is installed.

    Parameters
    ----------
    call : Caller
        Runs what asks them, usually in a worker process.
    today, since
        See `Asking`.
    """
    asking = Asking(today, since)
    absent = BY_NAME if find_spec("baostock") else BY_NAME | {"baostock"}
    return tuple(make(call, asking) for name, make in VENDORS.items() if name not in absent)


def chosen(
    names: Sequence[str], call: Caller, *, today: Today = shanghai_today, since: date | None = None
) -> tuple[Source, ...]:
    """Vendors by name, in the order of the names; `vendors` where none is named.

    Parameters
    ----------
    names : sequence of str
        As in `VENDORS`; ``akshare/`` may be left out, and ``akshare`` alone means all that it asks but those
        `BY_NAME`.
    call, today, since
        See `vendors`.

    Raises
    ------
    ConfigError
        If there is no vendor of a name.
    """
    if not names:
        return vendors(call, today=today, since=since)
    wanted: dict[str, None] = {}
    for name in names:
        family = [key for key in VENDORS if key.split("/")[0] == name and key not in BY_NAME]
        found = [key for key in VENDORS if name in (key, key.removeprefix("akshare/"))] or family
        if not found:
            raise ConfigError(f"there is no vendor {name!r}; there are {', '.join(VENDORS)}")
        wanted.update(dict.fromkeys(found))
    asking = Asking(today, since)
    return tuple(VENDORS[name](call, asking) for name in wanted)
