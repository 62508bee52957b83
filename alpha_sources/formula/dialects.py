"""How papers and tools spell the same operators: a switch of the parser, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Operator, Parameter
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.parser import Grammar

#: An operator's name in the default dialect, or rewritings told apart by the number of values.
Spelling = str | tuple[Operator, ...]


def rewritten(name: str, parameters: str, expansion: str, least: int | None = None) -> Operator:
    """Return a spelling whose values come in another order or number.

    Parameters
    ----------
    name : str
        As it is spelled.
    parameters : str
        Names with a kind, as in ``x, n:window, p:condition``; without one a panel.
    expansion : str
        What it means in the default dialect.
    least : int or None
        The smallest window or lag, where it is above that of the kind.
    """
    made = []
    for part in parameters.split(","):
        value, _, kind = part.strip().partition(":")
        made.append(
            Parameter(value, Kind(kind or "panel"), minimum=least if kind in ("window", "lag") else None)
        )
    return Operator(name, tuple(made), Family.TIME_SERIES, expansion, expansion=expansion)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way of writing.

    Parameters
    ----------
    name : str
        As `parse` takes it.
    grammar : Grammar
        What the symbols mean.
    spellings : mapping of str to Spelling
        Its own names, which go before everyone's.
    fields : mapping of str to str
        Names that stand for a formula of the default dialect.
    fractional_windows : bool
        Windows may be written as 8.93345 and are rounded down, as in the Alpha101 paper.
    window_extremes : bool
        max(x, 14) with a whole number of 2 or more is ts_max(x, 14).
    adv : bool
        ``adv20`` is the mean value traded over 20 sessions.
    """

    name: str
    grammar: Grammar = field(default_factory=Grammar)
    spellings: Mapping[str, Spelling] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    fractional_windows: bool = False
    window_extremes: bool = True
    adv: bool = False

    def find(self, name: str, count: int) -> Operator | None:
        """Return the operator of a name in lower case, called with so many values; None if there is none."""
        spelling = self.spellings.get(name) or COMMON.get(name)
        if spelling is None:
            return OPERATORS.get(name)
        if isinstance(spelling, str):
            return OPERATORS.get(spelling)
        return next((op for op in spelling if len(op.parameters) == count), spelling[-1])

    def names(self) -> set[str]:
        """Every operator's name that the dialect knows."""
        return {*self.spellings, *OPERATORS, *COMMON}


#: Spellings that every dialect understands, where its own table does not say otherwise.
COMMON: Mapping[str, Spelling] = MappingProxyType(
    {
        "ma": "ts_mean", "mean": "ts_mean", "avg": "ts_mean", "average": "ts_mean", "ts_avg": "ts_mean",
        "sum": "ts_sum", "std": "ts_std", "stddev": "ts_std", "stdev": "ts_std", "ts_stddev": "ts_std",
        "ts_std_dev": "ts_std", "ts_stdev": "ts_std", "tsmean": "ts_mean", "tssum": "ts_sum",
        "tsstd": "ts_std", "tsvar": "ts_var", "tsema": "ema", "var": "ts_var", "variance": "ts_var",
        "skew": "ts_skew",
        "skewness": "ts_skew", "ts_skewness": "ts_skew", "kurt": "ts_kurt",
        "kurtosis": "ts_kurt", "ts_kurtosis": "ts_kurt",
        "hhv": "ts_max", "tsmax": "ts_max", "highest": "ts_max",
        "llv": "ts_min", "tsmin": "ts_min", "lowest": "ts_min",
        "hhvbars": "ts_argmax", "llvbars": "ts_argmin", "mad": "ts_mad", "avedev": "ts_mad",
        "ts_arg_max": "ts_argmax", "argmax": "ts_argmax", "tsargmax": "ts_argmax",
        "ts_arg_min": "ts_argmin", "argmin": "ts_argmin", "tsargmin": "ts_argmin",
        "tsrank": "ts_rank", "median": "ts_median", "med": "ts_median", "ts_med": "ts_median",
        "prod": "ts_product", "product": "ts_product", "ts_prod": "ts_product",
        "corr": "ts_corr", "correlation": "ts_corr", "ts_correlation": "ts_corr",
        "cov": "ts_cov", "covariance": "ts_cov", "coviance": "ts_cov", "ts_covariance": "ts_cov",
        "slope": "ts_slope", "rsquare": "ts_rsquare", "resi": "ts_resid",
        "ref": "delay", "lag": "delay", "shift": "delay", "ts_delay": "delay",
        "diff": "delta", "ts_delta": "delta", "roc": "pct_change", "ts_returns": "pct_change",
        "ts_pct_change": "pct_change", "ts_pctchange": "pct_change", "pctchange": "pct_change",
        "ts_decay": "decay_linear", "ts_decay_linear": "decay_linear", "decaylinear": "decay_linear",
        "ts_ema": "ema", "ewma": "ema", "smean": "sma", "ts_wma": "wma", "count": "ts_count",
        "barslast": "days_since",
        "if": "where", "iif": "where", "iff": "where", "if_else": "where", "ifelse": "where",
        "and": "logical_and", "or": "logical_or", "not": "logical_not",
        "subtract": "sub", "multiply": "mul", "divide": "div", "negate": "neg", "negative": "neg",
        "ln": "log", "pow": "power",
        "signed_power": "signedpower", "maximum": "max", "minimum": "min", "clamp": "clip",
        "cs_rank": "rank", "csrank": "rank", "cs_zscore": "zscore", "cszscore": "zscore",
        "cs_demean": "demean", "cs_scale": "scale",
        "normalize": "zscore", "indneutralize": "group_neutralize", "industry_neutralize": "group_neutralize",
        "ind_neutralize": "group_neutralize", "tr": "true_range", "macd": "macd_dif",
        "boll_up": "bollinger_upper", "boll_upper": "bollinger_upper", "bb_upper": "bollinger_upper",
        "upper_band": "bollinger_upper",
        "boll_down": "bollinger_lower", "boll_lower": "bollinger_lower", "bb_lower": "bollinger_lower",
        "lower_band": "bollinger_lower",
        "boll_mid": "bollinger_middle", "bb_middle": "bollinger_middle", "middle_band": "bollinger_middle",
        "bollinger_b": "bollinger_percent",
        "willr": "williams_r", "cmf": "chaikin_money_flow", "adosc": "chaikin_oscillator",
        "sma": (rewritten("sma", "x, n:window", "ts_mean(x, n)"), OPERATORS["sma"]),
        "sumif": (rewritten("sumif", "x, n:window, p:condition", "ts_sumif(x, p, n)"),),
        "inv": (rewritten("inv", "x", "1 / x"),),
        "log1p": (rewritten("log1p", "x", "log(1 + x)"),),
        "rma": (rewritten("rma", "x, n:window", "sma(x, n, 1)"),),
        "every": (rewritten("every", "p:condition, n:window", "ts_count(p, n) == n"),),
        "exist": (rewritten("exist", "p:condition, n:window", "ts_count(p, n) > 0"),),
        "cross": (rewritten("cross", "x, y", "x > y && delay(x, 1) <= delay(y, 1)"),),
        "regbeta": (rewritten("regbeta", "y, x, n:window", "ts_cov(y, x, n) / ts_var(x, n)", 2),),
        "regresi": (
            rewritten(
                "regresi", "y, x, n:window",
                "y - ts_mean(y, n) - ts_cov(y, x, n) / ts_var(x, n) * (x - ts_mean(x, n))",
                3,
            ),
        ),
    }
)  # fmt: skip

DEFAULT = Dialect(name="alphaloom")

ALPHA101 = Dialect(
    name="alpha101",
    grammar=Grammar(attributes=("indclass.sector", "indclass.industry", "indclass.subindustry")),
    fields={
        "indclass.sector": "industry", "indclass.industry": "industry", "indclass.subindustry": "industry",
    },
    fractional_windows=True,
    adv=True,
)  # fmt: skip

GTJA191 = Dialect(
    name="gtja191",
    grammar=Grammar(single_equals=True, pointwise=True),
    spellings={
        "delay": (rewritten("delay", "x", "delay(x, 1)"), OPERATORS["delay"]),
        "wma": (rewritten("wma", "x, n:window", "decay_power(x, n, 0.9)"),),
        "sumac": (rewritten("sumac", "x, n:window", "ts_sum(x, n)"),),
        "filter": (rewritten("filter", "x, p:condition", "where(p, x, 0)"),),
    },
    fields={
        "dtm": "where(open <= delay(open, 1), 0, max(high - open, open - delay(open, 1)))",
        "dbm": "where(open >= delay(open, 1), 0, max(open - low, open - delay(open, 1)))",
        "tr": "true_range()",
        "hd": "high - delay(high, 1)",
        "ld": "delay(low, 1) - low",
        "banchmarkindexclose": "index_close", "benchmarkindexclose": "index_close",
        "banchmarkindexopen": "index_open", "benchmarkindexopen": "index_open",
    },
)  # fmt: skip

QLIB = Dialect(
    name="qlib",
    grammar=Grammar(caret=False),
    spellings={
        # Ref(x, 0) is the first value of the series there, and a negative one is the future
        "ref": (rewritten("ref", "x, n:lag", "delay(x, n)", 1),),
        "max": "ts_max", "min": "ts_min", "greater": "max", "less": "min",
        "rank": "ts_rank", "quantile": "ts_quantile",
        "idxmax": (rewritten("idxmax", "x, n:window", "n - ts_argmax(x, n)", 2),),
        "idxmin": (rewritten("idxmin", "x, n:window", "n - ts_argmin(x, n)", 2),),
    },
    window_extremes=False,
)  # fmt: skip

DIALECTS: Mapping[str, Dialect] = MappingProxyType({d.name: d for d in (DEFAULT, ALPHA101, GTJA191, QLIB)})


def dialect_of(name: str) -> Dialect:
    """Return the dialect of a name."""
    try:
        return DIALECTS[name]
    except (KeyError, TypeError):
        raise FormulaError(f"no dialect {name!r}; there are {', '.join(DIALECTS)}") from None
