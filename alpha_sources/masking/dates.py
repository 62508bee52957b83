"""Calendar dates, months and years in English and Chinese spellings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from alpha_sources.masking.rules import Read, Rule
from alpha_sources.masking.timeline import Timeline, valid

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CHINESE = {char: n for n, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "正": 1, "元": 1}

_NUMERALS = "".join([*_CHINESE, "十"])

_Y = r"(?P<y>(?:19|20)\d\d)"
_YY = r"(?P<yy>\d\d)"
_M = r"(?P<m>1[0-2]|0?[1-9])"
_D = r"(?P<d>3[01]|[12]\d|0?[1-9])"
_MON = (
    r"(?P<mon>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
#: with a capital, where no year tells the month of May from the verb
_NAMED_MON = (
    r"(?-i:(?P<mon>(?:Jan|JAN)(?:uary|UARY)?|(?:Feb|FEB)(?:ruary|RUARY)?|(?:Mar|MAR)(?:ch|CH)?|"
    r"(?:Apr|APR)(?:il|IL)?|May|MAY|(?:Jun|JUN)[eE]?|(?:Jul|JUL)[yY]?|(?:Aug|AUG)(?:ust|UST)?|"
    r"(?:Sep|SEP)[tT]?(?:ember|EMBER)?|(?:Oct|OCT)(?:ober|OBER)?|(?:Nov|NOV)(?:ember|EMBER)?|"
    r"(?:Dec|DEC)(?:ember|EMBER)?)\.?)"
)
_W = r"\s{0,2}"
_TH = r"(?:st|nd|rd|th)?"
_FROM, _TO = r"(?<!\d)", r"(?!\d)"
_NO_SHARE = r"(?!\s?%)(?!\.\d)"
_CN_MONTH = r"(?P<cm>十[一二]?|[一二三四五六七八九正元])月"
_CN_DAY = r"(?P<cd>三十一?|[一二]?十[一二三四五六七八九]?|[一二三四五六七八九])[日号]"
#: what makes NN年 a length of time
_LENGTH_BEFORE = "".join(f"(?<!{char})" for char in "近去来第每满达约长超市立有共续隔逾前后")
_LENGTH_AFTER = "(?!期|来|间|内|以上|以内|左右|多|前|后|历史|的历史|国债|债|经验|寿命)"


@dataclass(frozen=True)
class Dates:
    """The rules for dates.

    Parameters
    ----------
    timeline : Timeline
        What stands for them. A day without a year is the nearest to the date of its text.
    """

    timeline: Timeline

    def rules(self) -> list[Rule]:
        """Return the rules, the longest spelling first."""
        day, month, year = self._day, self._month, self._year
        made: list[tuple[str, Read]] = [
            # 2023年1-6月
            (
                rf"{_FROM}(?:{_Y}|{_YY}(?=年)){_W}[年./-]{_W}{_M}{_W}月?{_W}[-~至到]{_W}(?P<m2>1[0-2]|0?[1-9]){_W}月",
                month,
            ),
            # 2023-08-25, 2023/8/25, 2023.08.25, 2023年8月25日, and 23年8月25日
            (rf"{_FROM}{_Y}{_W}[-/._年]{_W}{_M}{_W}[-/._月]{_W}{_D}(?:{_W}[日号]|{_TO}(?!{_W}月))", day),
            (rf"{_FROM}{_YY}年{_W}{_M}{_W}月{_W}{_D}{_W}[日号]", day),
            # 20230825, with or without a time behind it
            (
                rf"{_FROM}{_Y}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
                rf"(?:(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?)?{_TO}",
                day,
            ),
            # 25.08.2023, 8/25/2023, 8/25/23
            (rf"{_FROM}(?P<a>\d{{1,2}})(?P<s>[-/.])(?P<b>\d{{1,2}})(?P=s){_Y}{_TO}", day),
            (rf"{_FROM}(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/{_YY}{_TO}", day),
            # Aug 25, 2023; 25th of August 2023; 25-Aug-23
            (rf"(?<![a-z]){_MON}{_W}{_D}{_TH}(?:{_W},|{_W}of)?\s{{0,2}}(?:{_Y}|'{_YY}){_TO}", day),
            (rf"{_FROM}{_D}{_TH}[\s-]{{0,2}}(?:of\s)?{_MON}[\s,-]{{0,3}}(?:of\s)?(?:{_Y}|'{_YY}){_TO}", day),
            (rf"{_FROM}{_D}[\s-]{_MON}[\s-]{_YY}{_TO}{_NO_SHARE}", day),
            # 2023年8月, 2023-08, 2023.08, 202308, Aug 2023, Aug-23, 08/2023
            (rf"{_FROM}(?:{_Y}|{_YY}(?=年)){_W}年{_W}{_M}{_W}月份?", month),
            (rf"{_FROM}{_Y}(?:[-/]{_M}|\.(?P<m2>0[1-9]|1[0-2])){_TO}(?!\.\d)", month),
            (rf"(?<![a-z]){_MON}(?:[\s,.-]{{0,3}}(?:of\s)?(?:in\s)?{_Y}|(?:[\s-]?'|-){_YY}){_TO}", month),
            (rf"{_FROM}(?:{_M}/|(?P<m2>0[1-9]|1[0-2])\.){_Y}{_TO}(?!\.\d)", month),
            (rf"{_FROM}(?<!\d\.){_Y}(?P<m>0[1-9]|1[0-2]){_TO}(?!\.\d)", month),
            # 3Q23, Q3 2023, 1H2023, 9M23, FY2023/24; 23Q3
            (rf"(?<![a-z0-9])(?:fy|cy)\s?'?(?:{_Y}|{_YY})(?:[/-]\d\d(?:\d\d)?)?{_TO}{_NO_SHARE}", year),
            (
                rf"(?<![a-z0-9])(?P<pre>[1-4]q|q[1-4]|[12]h|h[12]|[369]m|12m)"
                rf"(?:[\s/-]?'?{_Y}|(?:[/-]|\s?')?{_YY}){_TO}{_NO_SHARE}",
                year,
            ),
            (rf"(?<![a-z0-9])'?{_YY}(?P<post>q[1-4]|h[12])(?![a-z0-9])", year),
            # 2022/23, 2020-2023
            (
                rf"{_FROM}(?<!\d\.){_Y}\s?[-/~]\s?(?:(?P<y2>(?:19|20)\d\d)|(?P<yy>\d\d)){_TO}{_NO_SHARE}",
                self._years,
            ),
            # 二〇二三年八月二十五日
            (
                rf"(?P<cy>[一二零〇○九][〇○零一二三四五六七八九]{{3}})年(?:{_CN_MONTH}(?:{_CN_DAY})?)?",
                self._chinese,
            ),
            # 2023年; 2023 as a number that stands for itself; '23; 23年
            (rf"{_FROM}{_Y}(?={_W}年)", year),
            (rf"{_FROM}(?<!\d\.){_Y}{_TO}{_NO_SHARE}", year),
            (rf"(?<![a-z0-9'])'{_YY}{_TO}(?!')", year),
            (rf"{_FROM}(?<!\d\.){_LENGTH_BEFORE}{_YY}(?=年{_LENGTH_AFTER})", self._short_year),
            # 8月25日, Aug 25, 25 August
            (rf"{_FROM}{_M}{_W}月{_W}{_D}{_W}[日号]", self._without_year),
            (rf"{_CN_MONTH}{_CN_DAY}", self._chinese),
            (rf"(?<![a-zA-Z]){_NAMED_MON}{_W}{_D}{_TH}{_TO}{_NO_SHARE}(?!,\d)(?![a-z])", self._without_year),
            (rf"{_FROM}(?<!\d\.){_D}{_TH}[\s-](?:of\s)?{_NAMED_MON}(?![a-z])", self._without_year),
        ]
        return [Rule(pattern, read, _NUMERALS) for pattern, read in made]

    def _day(self, match: re.Match[str], _: date | None) -> str | None:
        found = match.groupdict()
        year = self._year_of(found)
        if "a" in found:
            first, second = int(match["a"]), int(match["b"])
            # the day first with full stops, and where it can be nothing else
            in_order = (second, first) if first > 12 or found.get("s") == "." else (first, second)
            day = valid(year, *in_order) or valid(year, *in_order[::-1])
        else:
            day = valid(year, self._month_of(found), int(match["d"]))
        return None if day is None else self.timeline.day(day)

    def _month(self, match: re.Match[str], _: date | None) -> str | None:
        found = match.groupdict()
        year, second = self._year_of(found), found.get("m2")
        if found.get("m") is None and found.get("mon") is None:
            return self.timeline.month(year, int(second or 0))
        first = self.timeline.month(year, self._month_of(found))
        return f"{first} to {self.timeline.month(year, int(second))}" if second else first

    def _year(self, match: re.Match[str], _: date | None) -> str | None:
        found = match.groupdict()
        named = (found.get("pre"), self.timeline.year(self._year_of(found)), found.get("post"))
        return " ".join(part for part in named if part)

    def _years(self, match: re.Match[str], _: date | None) -> str | None:
        first = int(match["y"])
        last = int(match["y2"] or first - first % 100 + int(match["yy"]))
        return f"{self.timeline.year(first)} to {self.timeline.year(last)}" if last > first else None

    def _short_year(self, match: re.Match[str], _: date | None) -> str | None:
        year = self.timeline.century(int(match["yy"]))
        away = year - self.timeline.reference_day.year
        return self.timeline.year(year) if -30 <= away <= 10 else None

    def _without_year(self, match: re.Match[str], dated: date | None) -> str | None:
        found = match.groupdict()
        return self._nearest(self._month_of(found), int(match["d"]), dated)

    def _chinese(self, match: re.Match[str], dated: date | None) -> str | None:
        found = match.groupdict()
        month = _chinese_number(found["cm"]) if found.get("cm") else None
        number = _chinese_number(found["cd"]) if found.get("cd") else None
        if found.get("cy") is None:
            return self._nearest(month or 0, number or 0, dated)
        year = int("".join(str(_CHINESE[char]) for char in match["cy"]))
        if not 1900 <= year < 2100:
            return None
        if month is None:
            return f"{self.timeline.year(year)}"
        if number is None:
            return self.timeline.month(year, month)
        day = valid(year, month, number)
        return None if day is None else self.timeline.day(day)

    def _nearest(self, month: int, number: int, dated: date | None) -> str | None:
        day = self.timeline.nearest(month, number, dated)
        return None if day is None else self.timeline.day(day)

    def _year_of(self, found: dict[str, str | None]) -> int:
        year = found.get("y")
        return int(year) if year else self.timeline.century(int(found.get("yy") or 0))

    def _month_of(self, found: dict[str, str | None]) -> int:
        named = found.get("mon")
        return _MONTHS.index(named[:3].lower()) + 1 if named else int(found.get("m") or 0)


def _chinese_number(text: str) -> int:
    """Of a month or a day, up to 31."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _CHINESE[text]
    return (_CHINESE[tens] if tens else 1) * 10 + (_CHINESE[ones] if ones else 0)
