"""What the indices of the mainland's market are called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: symbol: names, in Chinese and in English; further symbols of the same index have the same names
INDEX_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "000001.SH": (
            "上证综合指数", "上证综指", "上证指数", "沪指", "SSE Composite", "SSE Composite Index",
            "Shanghai Composite", "Shanghai Composite Index",
        ),
        "399001.SZ": (
            "深证成份指数", "深证成指", "深成指", "SZSE Component", "SZSE Component Index",
            "Shenzhen Component", "Shenzhen Component Index",
        ),
        "399006.SZ": ("创业板指数", "创业板指", "ChiNext Index", "ChiNext Price Index"),
        "000016.SH": ("上证50指数", "上证50", "SSE 50", "SSE 50 Index"),
        "000300.SH": ("沪深300指数", "沪深300", "CSI 300", "CSI 300 Index", "HS 300", "SHSZ 300"),
        "000905.SH": ("中证500指数", "中证500", "CSI 500", "CSI 500 Index"),
        "000852.SH": ("中证1000指数", "中证1000", "CSI 1000", "CSI 1000 Index"),
        "000906.SH": ("中证800指数", "中证800", "CSI 800", "CSI 800 Index"),
        "932000.SH": ("中证2000指数", "中证2000", "CSI 2000", "CSI 2000 Index"),
        "000688.SH": ("科创50指数", "科创50", "STAR 50", "STAR 50 Index"),
        "000985.SH": ("中证全指指数", "中证全指", "CSI All Share", "CSI All Share Index"),
    }
)  # fmt: skip

#: the same index under the other exchange's code
TWINS: Mapping[str, str] = MappingProxyType(
    {"399300.SZ": "000300.SH", "399905.SZ": "000905.SH", "399852.SZ": "000852.SH", "399906.SZ": "000906.SH"}
)
