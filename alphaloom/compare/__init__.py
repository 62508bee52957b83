"""Finished runs side by side.

>>> from alphaloom.compare import compare
>>> comparison = compare(["runs/first", "runs/top20"])
>>> comparison.measures()
"""

from alphaloom.compare.comparison import Comparison, SavedRun, compare, read_run
from alphaloom.compare.report import comparison_html, report_links

__all__ = ["Comparison", "SavedRun", "compare", "comparison_html", "read_run", "report_links"]
