"""Qlib's Alpha158, which is a rule: 9 shapes of the bar, 4 prices, 29 statistics over 5 windows each."""

from __future__ import annotations

from collections.abc import Iterator

from alpha_sources.libraries.categories import Category
from alpha_sources.libraries.reading import Record, Sheet

#: Sessions; the default of the handler.
WINDOWS = (5, 10, 20, 30, 60)
#: What Qlib adds below a fraction that may be 0.
_DUST = "1e-12"

_HEAD = {
    "title": "Qlib's feature set Alpha158, by its rule",
    "dialect": "qlib",
    "source": "Qlib (Yang et al., arXiv 2009.11189), handler Alpha158",
    "published": "2020",
    # the day on which Qlib's repository and paper appeared
    "knows_until": "2020-09-22",
}

_RANGE = f"($high-$low+{_DUST})"
_TOP, _BOTTOM = "Greater($open, $close)", "Less($open, $close)"

_BARS = {
    "KMID": ("body over the open", "($close-$open)/$open"),
    "KLEN": ("range over the open", "($high-$low)/$open"),
    "KMID2": ("body over the range", f"($close-$open)/{_RANGE}"),
    "KUP": ("upper shadow over the open", f"($high-{_TOP})/$open"),
    "KUP2": ("upper shadow over the range", f"($high-{_TOP})/{_RANGE}"),
    "KLOW": ("lower shadow over the open", f"({_BOTTOM}-$low)/$open"),
    "KLOW2": ("lower shadow over the range", f"({_BOTTOM}-$low)/{_RANGE}"),
    "KSFT": ("close against the middle of the range, over the open", "(2*$close-$high-$low)/$open"),
    "KSFT2": ("close against the middle of the range, over it", f"(2*$close-$high-$low)/{_RANGE}"),
}

_PRICES = ("open", "high", "low", "vwap")


def _moves(field: str) -> tuple[str, str, str]:
    """Rises, falls and sizes of the changes of a field, summed over n sessions."""
    change, fall = f"{field}-Ref({field}, 1)", f"Ref({field}, 1)-{field}"
    return (
        f"Sum(Greater({change}, 0), {{n}})",
        f"Sum(Greater({fall}, 0), {{n}})",
        f"(Sum(Abs({change}), {{n}})+{_DUST})",
    )


_UP, _DOWN, _WAY = _moves("$close")
_MORE, _LESS, _TURN = _moves("$volume")
_ROSE, _FELL = "Mean($close>Ref($close, 1), {n})", "Mean($close<Ref($close, 1), {n})"
_WEIGHED = "Abs($close/Ref($close, 1)-1)*$volume"
_WHOLE = "rises and falls add up to the whole"

#: Name: category, what it measures, formula with {n} for the window, statistic that it repeats and why.
_ROLLING: dict[str, tuple[Category, str, str, str]] = {
    "ROC": (Category.MOMENTUM, "close of n sessions ago over the close", "Ref($close, {n})/$close", ""),
    "MA": (Category.MEAN_REVERSION, "mean close over the close", "Mean($close, {n})/$close", ""),
    "STD": (Category.VOLATILITY, "deviation of closes over the close", "Std($close, {n})/$close", ""),
    "BETA": (Category.MOMENTUM, "slope of closes over the close", "Slope($close, {n})/$close", ""),
    "RSQR": (Category.TECHNICAL, "R squared of a line through closes", "Rsquare($close, {n})", ""),
    "RESI": (
        Category.MEAN_REVERSION, "distance from a line through closes, over the close",
        "Resi($close, {n})/$close", "",
    ),
    "MAX": (Category.TECHNICAL, "highest high over the close", "Max($high, {n})/$close", ""),
    "MIN": (Category.TECHNICAL, "lowest low over the close", "Min($low, {n})/$close", ""),
    "QTLU": (
        Category.TECHNICAL, "80 % quantile of closes over the close",
        "Quantile($close, {n}, 0.8)/$close", "",
    ),
    "QTLD": (
        Category.TECHNICAL, "20 % quantile of closes over the close",
        "Quantile($close, {n}, 0.2)/$close", "",
    ),
    "RANK": (Category.TECHNICAL, "percentile of the close among n", "Rank($close, {n})", ""),
    "RSV": (
        Category.TECHNICAL, "place of the close in the range of n sessions",
        f"($close-Min($low, {{n}}))/(Max($high, {{n}})-Min($low, {{n}})+{_DUST})", "",
    ),
    "IMAX": (
        Category.TECHNICAL, "place of the highest high among n, the oldest first",
        "IdxMax($high, {n})/{n}", "",
    ),
    "IMIN": (
        Category.TECHNICAL, "place of the lowest low among n, the oldest first",
        "IdxMin($low, {n})/{n}", "",
    ),
    "IMXD": (
        Category.TECHNICAL, "sessions from the low to the high, over n",
        "(IdxMax($high, {n})-IdxMin($low, {n}))/{n}", "",
    ),
    "CORR": (
        Category.PRICE_VOLUME, "correlation of close and logarithm of volume",
        "Corr($close, Log($volume+1), {n})", "",
    ),
    "CORD": (
        Category.PRICE_VOLUME, "correlation of the changes of close and of volume",
        "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), {n})", "",
    ),
    "CNTP": (Category.MOMENTUM, "share of sessions with a rise", _ROSE, ""),
    "CNTN": (Category.MOMENTUM, "share of sessions with a fall", _FELL, ""),
    "CNTD": (Category.MOMENTUM, "share of rises less share of falls", f"{_ROSE}-{_FELL}", ""),
    "SUMP": (Category.TECHNICAL, "rises over the whole way of the close", f"{_UP}/{_WAY}", ""),
    "SUMN": (Category.TECHNICAL, "falls over the whole way of the close", f"{_DOWN}/{_WAY}", "SUMP"),
    "SUMD": (Category.TECHNICAL, "rises less falls over the whole way", f"({_UP}-{_DOWN})/{_WAY}", "SUMP"),
    "VMA": (Category.LIQUIDITY, "mean volume over the volume", f"Mean($volume, {{n}})/($volume+{_DUST})", ""),
    "VSTD": (
        Category.LIQUIDITY, "deviation of volume over the volume",
        f"Std($volume, {{n}})/($volume+{_DUST})", "",
    ),
    "WVMA": (
        Category.PRICE_VOLUME, "variation of volume-weighted moves",
        f"Std({_WEIGHED}, {{n}})/(Mean({_WEIGHED}, {{n}})+{_DUST})", "",
    ),
    "VSUMP": (Category.LIQUIDITY, "rises over the whole way of the volume", f"{_MORE}/{_TURN}", ""),
    "VSUMN": (Category.LIQUIDITY, "falls over the whole way of the volume", f"{_LESS}/{_TURN}", "VSUMP"),
    "VSUMD": (
        Category.LIQUIDITY, "rises less falls over the whole way",
        f"({_MORE}-{_LESS})/{_TURN}", "VSUMP",
    ),
}  # fmt: skip


def sheet() -> Sheet:
    """Return the 158 as the rows of a file would be."""
    place = "alpha158"
    return Sheet(Record(place, _HEAD), tuple(Record(f"{place}, {row['name']}", row) for row in _rows()))


def _rows() -> Iterator[dict[str, str]]:
    for name, (title, formula) in _BARS.items():
        yield {"name": name, "title": title, "category": Category.BAR, "formula": formula}
    for price in _PRICES:
        row = {
            "name": f"{price.upper()}0",
            "title": f"{price} over the close",
            "category": Category.BAR,
            "formula": f"${price}/$close",
        }
        if price == "open":
            row["duplicate_of"] = "KMID: one over it plus 1"
        yield row
    for stem, (category, title, template, repeats) in _ROLLING.items():
        for n in WINDOWS:
            row = {
                "name": f"{stem}{n}",
                "title": f"{title}, {n} sessions",
                "category": category,
                "formula": template.format(n=n),
            }
            if repeats:
                row["duplicate_of"] = f"{repeats}{n}: {_WHOLE}"
            yield row
