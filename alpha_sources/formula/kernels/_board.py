"""Chains of operators on the cells of one session, all of them in one call.

One row holds so few values that calling a kernel takes longer than what it does. A board has a row for every
value of a session; instructions read rows and write rows, piece by piece, so that what lies between stays in
the cache. Operators are those of `_cells`, and so are the digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Context, Panel, RowOverflowError
from alpha_sources.formula.kernels import _cells
from alpha_sources.formula.kernels._program import Program

Array = NDArray[Any]


class OnRows(NamedTuple):
    """A program whose operators `_cells` knows, the rows that it reads, and the row that it writes."""

    program: Program
    inputs: tuple[int, ...]
    row: int


class Batch:
    """Programs to be run one after the other, each on rows that may be results of those before.

    Parameters
    ----------
    programs : sequence of OnRows
    dtype : dtype
        Of the board.
    """

    def __init__(self, programs: Sequence[OnRows], dtype: np.dtype[Any]) -> None:
        self.programs, self._dtype = programs, dtype
        self._registers = max((one.program.registers for one in programs), default=0)
        numbers: dict[str, int] = {}
        self._code = np.empty((sum(len(one.program.steps) for one in programs), 5), dtype=np.int64)
        #: which program an instruction is of
        self._owners: list[int] = []
        for place, one in enumerate(programs):
            self._translate(place, one, numbers)
        self._numbers = [float.fromhex(number) for number in numbers]

    def _translate(self, place: int, one: OnRows, numbers: dict[str, int]) -> None:
        program = one.program
        assert program.code is not None
        given, spent = program.inputs, program.inputs + program.registers
        # by its digits: 0 is not -0
        known = {slot: float(number).hex() for number, slot in program.numbers.items()}

        def line(slot: int) -> int:
            # rows count from 0, lines of scratch from -1 downwards
            if slot < given:
                return one.inputs[slot]
            if slot < spent:
                return -1 - (slot - given)
            return -1 - self._registers - numbers.setdefault(known[slot], len(numbers))

        last = len(program.code) - 1
        for i, (op, *operands, written) in enumerate(program.code.tolist()):
            target = one.row if i == last else line(written)
            self._code[len(self._owners)] = (op, *map(line, operands), target)
            self._owners.append(place)

    def _scratch(self) -> Array:
        # what lies between, and the numbers
        lines = np.empty((self._registers + len(self._numbers), _cells.ROW_PIECE), dtype=self._dtype)
        for place, number in enumerate(self._numbers, self._registers):
            lines[place] = number
        return lines

    def run(self, context: Context, board: Panel) -> None:
        """Write the results.

        Raises
        ------
        RowOverflowError
            If float32 is too small for one.
        """
        if len(self._code):
            found = _cells.run_rows(self._code, board, self._scratch(), context.single)
            if found >= 0:
                place = self._owners[found]
                step = found - self._owners.index(place)
                one = self.programs[place]
                raise RowOverflowError(one.program.instructions[step].op, one.row)
