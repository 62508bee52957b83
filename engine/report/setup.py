"""What was run, in one line, for the head of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engine.result import Result

_INDICES: Final = {"sse50": "SSE 50", "csi300": "CSI 300", "all": "all names"}
_PRICES: Final = {"open": "open", "vwap": "VWAP", "close": "close"}
_MOST: Final = 4
"""So many parameters at most; all of them stand under Settings."""


def setup_line(result: Result) -> str:
    """Strategy and scores, fill prices, costs, cash, universe and benchmark, from the configuration.

    At the end stands what language models cost, where the run asked any.

    What it does not say is left out: the report fills in no defaults of its own. Empty without one. What was
    handed over as an object stands in ``run["given"]``, ``provider`` by its class and ``panel`` as true:
    there the configuration does not tell what was run.
    """
    config, given = result.config, _section(result.run, "given")
    broker = _section(config, "broker")
    parts = [
        _strategy(config, _scores(config, given) if "signal_hash" in result.metrics else ""),
        _fills(broker),
        _fees(_section(broker, "fees")),
        _slippage(broker.get("slippage_bps")),
        _cash(broker.get("cash")),
        _universe({"path": "panel in memory"} if given.get("panel") else _section(config, "data")),
        f"benchmark {config['benchmark']}" if config.get("benchmark") else "",
        _lowered(str(_section(result.run, "llm").get("line") or "")),
    ]
    line = "\u00a0· ".join(part for part in parts if part)
    return line[:1].upper() + line[1:] if line.startswith(("fills", "sells")) else line


def _lowered(words: str) -> str:
    return words[:1].lower() + words[1:]


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def _scores(config: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    alpha = _section(config, "alpha")
    if given.get("provider"):
        return str(given["provider"])
    name = _name(alpha.get("provider"))
    return name and name + _given(_section(alpha, "params"))


def _strategy(config: Mapping[str, Any], scores: str) -> str:
    strategy = _section(config, "strategy")
    name, params = _name(strategy.get("name")), dict(_section(strategy, "params"))
    if name == "topk_dropn":
        name = f"Top-{params.pop('topk', 'k')}/Drop-{params.pop('n_drop', 'n')}{_given(params)}"
    return " on ".join(part for part in (name, scores) if part)


def _name(value: Any) -> str:
    """A name without the folders that its file lies in."""
    return str(value or "").replace("\\", "/").rsplit("/", 1)[-1]


def _given(params: Mapping[str, Any]) -> str:
    """Parameters in parentheses, short values only; of several things under one key, how many."""
    said = []
    for key, value in params.items():
        if isinstance(value, list | Mapping) and len(value) > 1:
            said.append(f"{len(value)} {key}")
        elif isinstance(value, bool | int | float | str) and len(_name(value)) <= 40:
            said.append(f"{key} {_name(value)}")
    shown = [*said[:_MOST], "…"] if len(said) > _MOST or len(said) < len(params) else said
    return f" ({', '.join(shown)})" if shown else ""


def _fills(broker: Mapping[str, Any]) -> str:
    fill = _section(broker, "fill")
    sell, buy = (_PRICES.get(str(fill.get(side, "")), "") for side in ("sell", "buy"))
    like = ", matched as in Qlib" if broker.get("compat") == "qlib" else ""
    if not sell or not buy:
        return ""
    if sell == buy:
        return f"fills at the next {sell}{like}"
    return f"sells at the next {sell}, buys at the next {buy}{like}"


def _fees(fees: Mapping[str, Any]) -> str:
    least = fees.get("minimum")
    floor = f", at least {least:,.10g} CNY" if _number(least) and least else ""
    if _number(fees.get("commission")):
        return f"commission {_percent(fees['commission'])}{floor}, with stamp duty and transfer fee"
    if not _number(fees.get("buy")) or not _number(fees.get("sell")):
        return ""
    if not fees["buy"] and not fees["sell"] and not floor:
        return "no fees"
    return f"fees {_percent(fees['buy'])} on buys, {_percent(fees['sell'])} on sales{floor}"


def _slippage(bps: Any) -> str:
    if not _number(bps):
        return ""
    return f"slippage {bps:g}\u00a0bps" if bps else "no slippage"


def _cash(cash: Any) -> str:
    return f"starting cash {cash:,.0f} CNY" if _number(cash) else ""


def _universe(data: Mapping[str, Any]) -> str:
    universe = data.get("universe")
    if isinstance(universe, list):
        return f"{len(universe)} name{'s' if len(universe) != 1 else ''} chosen"
    said = _INDICES.get(str(universe), str(universe)) if universe else ""
    if data.get("source") == "sample":
        return f"{said or 'SSE 50'} of the bundled sample"
    return said or _name(data.get("membership")) or _name(data.get("path"))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _percent(rate: float) -> str:
    return f"{rate * 100:.10g}%"
