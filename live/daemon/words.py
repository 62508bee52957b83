"""What people are told of an account's tasks, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from engine.broker.orders import REASON_TEXT, Fill, OrderRequest, Reason, Refusal, Side
from live.daemon.telling import News
from live.ledger import ExDated, Learned, Ledger, Note, Planned, Sent, SessionMark, Task, TaskState
from live.notify import Kind, Level
from live.parity import Difference
from live.task_book import TaskEnded

#: why orders are missed whose plan was
NO_PLAN = "there is no plan"
#: lines of a list that are spelled out
_LINES = 12

_KINDS = {
    Task.PREPARE: Kind.SESSION,
    Task.PLAN: Kind.PLAN,
    Task.EXECUTE: Kind.TRADE,
    Task.SETTLE: Kind.SESSION,
}


def of_task(
    ended: TaskEnded, ledger: Ledger, account: str, differences: Sequence[Difference] = ()
) -> News | None:
    """What is to be told of a task that ended; None where nobody needs to know."""
    session, task = ended.session, ended.task
    if ended.state is TaskState.FAILED:
        return _not_done(ended)
    if ended.state is TaskState.MISSED:
        # without a plan there is no more to be said of the orders
        return None if task is Task.REFRESH or ended.note == NO_PLAN else _not_done(ended)
    key = f"{session} {task.value} {ended.state.value}"
    match task:
        case Task.PLAN:
            title = f"{session} planned: {ended.note}"
            return News(key, Kind.PLAN, title, _plan(ledger.plan(session, account)), session=session)
        case Task.EXECUTE:
            title, body = f"{session} sent: {ended.note}", _lines(_notes(ledger, ended, account))
            cut = "protections" in ended.note
            kind, level = (Kind.PROTECTION, Level.WARNING) if cut else (Kind.TRADE, Level.INFO)
            return News(key, kind, title, body, level, session)
        case Task.SETTLE:
            return _settled(ended, ledger, account, differences)
        case Task.REFRESH:
            return _refreshed(ended, ledger, account)
        case _:
            return None


def _not_done(ended: TaskEnded) -> News:
    session, task, state = ended.session, ended.task, ended.state
    # the same failure is told once, another one again
    key = f"{session} {task.value} {state.value}"
    if state is TaskState.FAILED:
        key = f"{key} {ended.note}"[:200]
    level = Level.ERROR if state is TaskState.FAILED else Level.WARNING
    kind = Kind.ERROR if state is TaskState.FAILED else _KINDS[task]
    return News(key, kind, f"{session} {task.value} {state.value}: {ended.note}", "", level, session)


def _settled(ended: TaskEnded, ledger: Ledger, account: str, differences: Sequence[Difference]) -> News:
    session = ended.session
    marks = ledger.entries(session, Task.SETTLE, account, kinds=("mark",))
    mark = next(entry for _, entry in marks if isinstance(entry, SessionMark))
    before = equity_before(ledger, account, session)
    gain = mark.value_fen - before
    title = (
        f"{session} settled: equity {mark.value_fen / 100:,.2f}, {gain / 100:+,.2f} "
        f"({gain / before:+.2%}); {ended.note}"
    )
    went_ex = ledger.entries(session, Task.SETTLE, account, kinds=("ex_date",))
    lines = [_ex_date(entry) for _, entry in went_ex if isinstance(entry, ExDated)]
    sent = ledger.entries(session, Task.EXECUTE, account, kinds=("sent",))
    held_back = {id_: why for _, each in sent if isinstance(each, Sent) for id_, why in each.reasons.items()}
    lines += [_trade(entry, held_back) for _, entry in ledger.trades(session, account)]
    if differences:
        lines += ["differences to the back-test:", *map(str, differences)]
    return News(f"{session} settle done", Kind.SESSION, title, _lines(lines), session=session)


def equity_before(ledger: Ledger, account: str, session: date) -> int:
    """Value of the account when a session began: at the settled close before it, or as it was opened."""
    earlier = [
        record.session
        for record in ledger.tasks(None, account)
        if record.task is Task.SETTLE and record.state is TaskState.DONE and record.session < session
    ]
    if not earlier:
        return ledger.epoch(account).opening_fen
    found = ledger.entries(max(earlier), Task.SETTLE, account, kinds=("mark",))
    return next(entry.value_fen for _, entry in found if isinstance(entry, SessionMark))


def _refreshed(ended: TaskEnded, ledger: Ledger, account: str) -> News | None:
    session = ended.session
    found = ledger.entries(session, Task.REFRESH, account, kinds=("learned",))
    learned = [entry for _, entry in found if isinstance(entry, Learned)]
    if not learned:
        return None
    failed = learned[-1].failed
    lines = [note for one in learned for note in one.notes]
    lines += [str(one.costs["line"]) for one in learned if one.costs.get("line")]
    if learned[-1].labels:
        lines.append(f"labels: {', '.join(learned[-1].labels)}")
    level = Level.WARNING if failed else Level.INFO
    title = f"{session} refresh {ended.note}" if failed else f"{session} refresh: {ended.note}"
    return News(f"{session} refresh done", Kind.REFRESH, title, _lines(lines), level, session)


def _plan(planned: Planned | None) -> str:
    if planned is None:
        return ""
    slots = planned.basket.slot_buys
    lines = [_order(request, planned) for request in planned.basket.orders]
    if slots is not None:
        lines += [_order(request, planned) for request in slots.candidates[: slots.wanted]]
        reserves = len(slots.candidates) - slots.wanted
        if lines and reserves > 0:
            lines.append(f"{reserves} in reserve")
    return _lines(lines)


def _order(request: OrderRequest, planned: Planned) -> str:
    side = "sell" if request.side is Side.SELL else "buy"
    return f"{side} {request.symbol}: {planned.reasons.get(request.order_id, '')}"


def _trade(trade: Fill | Refusal, held_back: Mapping[str, str]) -> str:
    side, symbol = trade.side.value, trade.request.symbol
    if isinstance(trade, Fill):
        return f"{side} {trade.shares} {symbol} at {trade.price_fen / 100:.2f}"
    why = held_back.get(trade.request.order_id)
    if why and trade.reason is Reason.NOT_SENT:
        return f"{side} {symbol} held back by the protections: {why}"
    return f"{side} {symbol} refused: {REASON_TEXT[trade.reason]}"


def _ex_date(entry: ExDated) -> str:
    event = entry.event
    shares = "" if event.shares_after == event.shares_before else f", {event.shares_after} shares now"
    return f"{event.symbol} went ex: {event.terms}{shares}"


def _notes(ledger: Ledger, ended: TaskEnded, account: str) -> list[str]:
    found = ledger.entries(ended.session, ended.task, account, kinds=("note",))
    return [entry.text for _, entry in found if isinstance(entry, Note)]


def _lines(lines: Iterable[str]) -> str:
    said = list(lines)
    if len(said) > _LINES + 1:  # "and 1 more" would be as long as the line it hides
        said = [*said[:_LINES], f"and {len(said) - _LINES} more"]
    return "\n".join(said)
