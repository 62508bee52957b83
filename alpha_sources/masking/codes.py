"""Codes of stocks and indices in the spellings of vendors, exchanges and brokers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from alpha_sources.masking.aliases import unlisted
from alpha_sources.masking.rules import Rule

#: how an exchange is spelled, and its suffix in a symbol
_EXCHANGES = {
    "SH": ("sh", "ss", "sse", "shse", "xshg"),
    "SZ": ("sz", "szse", "xshe"),
    "BJ": ("bj", "bse", "bjse", "xbse"),
    "": ("ch", "cn", "c1", "c2", "cg", "cs"),  # mainland: the exchange follows from the code
}
_SUFFIX_OF = {word: suffix for suffix, words in _EXCHANGES.items() for word in words}
_WORDS = "|".join(sorted(_SUFFIX_OF, key=len, reverse=True))
_BEFORE = "|".join(sorted((w for w, s in _SUFFIX_OF.items() if s and w != "ss"), key=len, reverse=True))
_CODE = r"(?P<code>\d{6})"
#: codes that can be an A-share's where nothing but brackets says that it is a code
_A_SHARE = re.compile(r"60[0135]|68[89]|00[0-3]|30[0-2]|4[23]|8[378]|92")


@dataclass(frozen=True)
class Codes:
    """The known symbols and their aliases.

    Parameters
    ----------
    aliases : mapping of str to str
        By symbol (``600519.SH``), stocks before indices: a code alone is the first that has it.
    salt : str
        For codes that are not known.
    """

    aliases: Mapping[str, str]
    salt: str

    def rules(self) -> list[Rule]:
        """Return the rules for codes, the clearest spelling first."""
        by_code: dict[str, str] = {}
        for symbol, alias in self.aliases.items():
            by_code.setdefault(symbol.partition(".")[0], alias)

        def marked(match: re.Match[str], _: date | None) -> str:
            code, suffix = match["code"], _SUFFIX_OF[match["ex"].lower()]
            symbol = f"{code}.{suffix}"
            if suffix:
                return self.aliases.get(symbol) or unlisted(symbol, self.salt)
            return by_code.get(code) or unlisted(_likely(code), self.salt)

        def bracketed(match: re.Match[str], _: date | None) -> str | None:
            code = match["code"]
            return by_code.get(code) or (unlisted(_likely(code), self.salt) if _A_SHARE.match(code) else None)

        def abroad(match: re.Match[str], _: date | None) -> str:
            return unlisted(f"{match['code'] or match['short']:0>5}.HK", self.salt)

        return [
            Rule(rf"(?<![a-z])(?P<ex>{_BEFORE})[\s.:_-]?{_CODE}(?!\d)(?:\.(?:{_WORDS})(?![a-z]))?", marked),
            Rule(rf"(?<!\d){_CODE}[\s.:_-]?(?P<ex>{_WORDS})(?![a-z])(?:\s?equity)?", marked),
            Rule(rf"(?<=[(\[<【〈]){_CODE}(?=[)\]>】〉])", bracketed),
            Rule(r"(?<!\d)(?:(?P<code>\d{4,5})\.|(?P<short>0\d{3}|\d{5})\s?)hk(?![a-z])", abroad),
            Rule(rf"(?<!\d)(?<!\d\.){_CODE}(?!\d)(?!\.\d)", lambda match, _: by_code.get(match["code"])),
        ]


def _likely(code: str) -> str:
    """A code with the exchange that gives out such codes."""
    suffix = "BJ" if code.startswith(("4", "8", "92")) else "SH" if code[0] in "69" else "SZ"
    return f"{code}.{suffix}"
