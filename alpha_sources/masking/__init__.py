"""Text that a model can read without knowing which stock, which index or which year it is about.

`Mask` replaces names, codes and dates by aliases. The parts: folding (spellings made alike), names (of stocks
and indices), names_file (further ones, read from a file), codes, dates (what is one), timeline (what stands
for one), aliases (of stocks and indices).
"""

from __future__ import annotations

from alpha_sources.masking.mask import Mask
from alpha_sources.masking.names_file import read_names

__all__ = ["Mask", "read_names"]
