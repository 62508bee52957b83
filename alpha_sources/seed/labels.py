"""What a formula itself says of the label it bears: its category and its name."""

from __future__ import annotations

import re

from alpha_sources.formula import Formula
from alpha_sources.formula.fields import index_field
from alpha_sources.formula.nodes import FIELD
from alpha_sources.formula.operator import Family
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.terms import Term
from alpha_sources.libraries.categories import Category

_VALUE = frozenset({"pe_ttm", "pb_mrq", "earnings_total", "book_value_total"})
_QUALITY = frozenset({"roe_pct", "roe_ttm", "gross_margin_pct", "gross_profit", "ocf_per_share"})
_GROWTH = frozenset({"net_profit_yoy_pct", "revenue_yoy_pct"})
_EARNINGS = frozenset({"eps", "eps_ttm", "pe_ttm", "earnings_total", "net_profit"})
_BOOK = frozenset({"bvps", "bvps_mrq", "pb_mrq", "book_value_total"})
_SALES = frozenset({"revenue", "revenue_yoy_pct"})
STATEMENTS = frozenset(_VALUE | _QUALITY | _GROWTH | _EARNINGS | _BOOK | _SALES)
_TRADED = frozenset({"volume", "raw_volume", "amount", "turnover"})
_PRICES = frozenset({"open", "high", "low", "close", "vwap", "preclose", "returns"})
_SPREAD = frozenset({"ts_std", "ts_var", "ts_skew", "ts_kurt", "ts_mad", "atr", "true_range"})
_COMOVING = frozenset({"ts_corr", "ts_cov"})
_CHANGES = frozenset({"delay", "delta", "pct_change", "ts_sum", "ts_product", "ts_slope"})
#: A change of a statement over fewer sessions compares a report with itself, but on the day of a new one.
_REPORT = 40
#: From this mean rank correlation with the past return on, the direction of a formula is plain.
_PLAIN = 0.3

#: What a word of a name promises, and the fields of which one must be read.
_PROMISES: tuple[tuple[re.Pattern[str], str, frozenset[str]], ...] = (
    (re.compile(r"dividend|股息", re.I), "dividend", frozenset({"dividend_yield"})),
    (re.compile(r"cash[ _-]?flow|现金流", re.I), "cash flow", frozenset({"ocf_per_share"})),
    (re.compile(r"\bsales|revenue|营业?收入", re.I), "revenue", _SALES),
    (re.compile(r"earnings|\bp/?e\b|市盈率", re.I), "earnings", _EARNINGS),
    (re.compile(r"\bbook\b|\bp/?b\b|市净率", re.I), "book value", _BOOK),
    (re.compile(r"gross[ _]?(?:profit|margin)|毛利", re.I), "gross profit", _QUALITY),
    (re.compile(r"volume|turnover|成交量|换手", re.I), "volume", _TRADED),
)


def theme_of(formula: Formula) -> Category:
    """Return the category that the fields and operators of a formula suggest.

    Used where nobody says: formulas found in documents without a model. It is a rule, not knowledge of the
    idea behind them: what reads an index is macro, what reads statements is fundamental, quality or growth,
    what reads volumes is liquidity, and so on.
    """
    fields, operators = fields_of(formula), operators_of(formula)
    if any(index_field(name) for name in formula.fields):
        return Category.MACRO
    if fields & _GROWTH or (fields & STATEMENTS and operators & _CHANGES and not fields & _PRICES):
        return Category.GROWTH
    if fields & _VALUE or (fields & STATEMENTS and fields & (_PRICES | {"market_cap"})):
        return Category.FUNDAMENTAL
    if fields & STATEMENTS:
        return Category.QUALITY
    if fields & _TRADED:
        return Category.PRICE_VOLUME if operators & _COMOVING and fields & _PRICES else Category.LIQUIDITY
    if any(OPERATORS[name].family is Family.TECHNICAL for name in operators & OPERATORS.keys()):
        return Category.TECHNICAL
    if operators & _SPREAD:
        return Category.VOLATILITY
    if not formula.lookback:
        return Category.BAR if len(fields & _PRICES) > 1 else Category.OTHER
    return Category.MEAN_REVERSION if str(formula).startswith("-") else Category.MOMENTUM


def mislabelled(formula: Formula, category: Category, name: str = "", trend: float = float("nan")) -> str:
    """Return why a formula is not what its label says, or an empty text.

    Only what can be decided is said: a growth rate that reads no statement, a dividend yield that reads
    volumes, a reversal that is high where the price has risen. What a name means beyond the words of a short
    table is not looked at.

    Parameters
    ----------
    formula : Formula
    category : Category
        That it is filed under.
    name : str
        Its name or title.
    trend : float
        Mean rank correlation of its values with the return of the past 20 sessions; NaN if unknown.
    """
    fields = fields_of(formula)
    reads = f"it reads {', '.join(sorted(formula.fields))}"
    filed = f"filed under {category.replace('_', ' ')}"
    if category in _NEEDED:
        of, what = _NEEDED[category]
        if not fields & of:
            return f"{filed}, but names no {what}: {reads}"
    if category is Category.MACRO and not any(index_field(each) for each in formula.fields):
        return f"{filed}, but names no index: {reads}"
    if category in _OF_PRICES and fields & STATEMENTS:
        return f"{filed}, but names a statement: {reads}"
    for pattern, what, promised in _PROMISES:
        if pattern.search(name.replace("_", " ")) and not fields & promised:
            return f"its name says {what}, but {reads}"
    if category is Category.GROWTH and (short := _short_change(formula)):
        sessions = "1 session" if short == 1 else f"{short} sessions"
        return f"named a growth, but over {sessions} a report is compared with itself"
    if category is Category.MEAN_REVERSION and trend > _PLAIN:
        return f"{filed}, but high where the price has risen ({trend:+.2f}): a reversal buys its negative"
    if category is Category.MOMENTUM and trend < -_PLAIN and not fields & _TRADED:
        return f"{filed}, but high where the price has fallen ({trend:+.2f}): momentum buys its negative"
    return ""


def fields_of(formula: Formula) -> set[str]:
    """Fields as they are written, and those that they are computed from."""
    return {term.name for term in _walk(formula.term) if term.op == FIELD} | set(formula.fields)


def operators_of(formula: Formula) -> set[str]:
    """Names of operators, as they are written and as they are computed."""
    return {term.op for term in _walk(formula.term)} | {node.op for node in formula.root.walk()}


def _short_change(formula: Formula) -> int:
    """Sessions over which a statement is compared with itself, if they are fewer than a quarter has."""
    for term in _walk(formula.term):
        if term.op in ("delay", "delta", "pct_change"):
            inner, lags = _walk(term), [part for part in term.parts if isinstance(part, int)]
            if any(t.name in STATEMENTS for t in inner) and lags and 0 < lags[-1] < _REPORT:
                return lags[-1]
    return 0


def _walk(term: Term) -> list[Term]:
    found, waiting = [], [term]
    while waiting:
        found.append(waiting.pop())
        waiting.extend(found[-1].operands)
    return found


_NEEDED: dict[Category, tuple[frozenset[str], str]] = {
    Category.FUNDAMENTAL: (STATEMENTS, "figure of a statement"),
    Category.QUALITY: (STATEMENTS, "figure of a statement"),
    Category.GROWTH: (STATEMENTS, "figure of a statement"),
    Category.LIQUIDITY: (_TRADED | {"market_cap", "high", "low"}, "volume, value or range traded"),
}
_OF_PRICES = (Category.MOMENTUM, Category.MEAN_REVERSION, Category.VOLATILITY, Category.TECHNICAL)
