"""How large a formula may be: checked while it is read, before anything is computed."""

from __future__ import annotations

#: characters of text
MAX_LENGTH = 10_000
#: brackets, signs and choices inside one another
MAX_NESTING = 64
#: operations along one path, before and after expansion
MAX_DEPTH = 100
#: names, numbers and operations written
MAX_NODES = 1_000
#: the same after expansion, counted with repetition
MAX_EXPANDED = 20_000
#: sessions of one window or lag: twenty years
MAX_WINDOW = 5_000
#: sessions of look-back and burn-in of a whole formula
MAX_LOOKBACK = 20_000
#: size of a constant
MAX_CONSTANT = 1e15
#: size of a literal exponent
MAX_POWER = 16.0
#: characters of a number as written
MAX_DIGITS = 40
