"""Tax on cash dividends, withheld at the sale by how long the shares were held."""

from __future__ import annotations

from datetime import date

from engine.rules.table import date_of, day_of, shipped


def dividend_tax_percent(bought: int, sold: int) -> int:
    """Percent of the gross cash dividend owed when shares bought on one day are sold on another.

    Up to one month, over a month up to a year, longer; the months are calendar months. Sales before the
    table begins owe nothing.
    """
    start, end = date_of(bought), date_of(sold)
    if end <= _months_later(start, 1):
        holding = "month"
    elif end <= _months_later(start, 12):
        holding = "year"
    else:
        holding = "longer"
    spell = shipped("dividend_tax", ("holding",)).find((holding,), day_of(end))
    return int(spell.values["percent"]) if spell else 0


def _months_later(day: date, months: int) -> date:
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
