"""Windows that end at the last session, read together, are to the last digit those of all sessions."""

from __future__ import annotations

import numpy as np
import pytest

from alpha_sources.formula.context import Context, RowOverflowError, read_only
from alpha_sources.formula.kernels import rolling
from alpha_sources.formula.kernels._board import Batch, OnRows
from alpha_sources.formula.kernels._families import Asked, Windows, family_of
from alpha_sources.formula.kernels._program import Instruction, Program, run

T, N = 70, 1100
DAYS = np.busday_offset("2020-01-06", np.arange(200)).astype(np.int64)
TOGETHER = [
    ["ts_sum", "ts_mean"],
    ["ts_var", "ts_std", "ts_zscore"],
    ["ts_slope", "ts_rsquare", "ts_resid"],
    ["ts_cov", "ts_corr"],
    ["ts_max", "ts_argmax", "ts_min", "ts_argmin"],
    ["ts_rank"],
    ["ts_quantile", "ts_median"],
]
#: out of order, one twice, the last one longer than there are rows
LENGTHS = (20, 5, 61, 2, 7, 20, T, T + 1)
LEAST = {"ts_rsquare": 3, "ts_resid": 3}


def panel(dtype: str, seed: int) -> np.ndarray:
    """Walks, ties, gaps, flat bars, large levels, small spreads, side by side."""
    random = np.random.default_rng(seed)
    x = 10 * np.exp(np.cumsum(random.normal(0, 0.02, (T, N)), axis=0))
    x[:, ::7] = np.round(x[:, ::7])
    x[:, 1::7] = 5e6 + 1e-2 * x[:, 1::7]
    x[10:, 2::7] = 0.1
    x[:, 3::7] *= -1e9
    x[random.random((T, N)) < 0.002] = np.nan
    return read_only(x.astype(dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("first", [0, 3, 17])
@pytest.mark.parametrize("ops", TOGETHER, ids="-".join)
def test_windows_read_together_are_those_of_all_sessions(ops: list[str], first: int, dtype: str) -> None:
    operands = [panel(dtype, seed) for seed in range(2 if "ts_corr" in ops else 1)]
    days = DAYS[first : first + T]
    every, last = (Context(np.ones((rows, N), dtype=bool), days, np.dtype(dtype)) for rows in (T, 1))
    pairs = [(op, n) for op in ops for n in LENGTHS]
    quantiles = {"ts_quantile": 0.8}
    asked = [Asked(op, n, row, quantiles.get(op, 0.5)) for row, (op, n) in enumerate(pairs)]
    board = np.empty((len(asked), N), dtype=dtype)
    family = family_of(ops[0])
    assert family is not None
    Windows(family, asked, np.dtype(dtype)).run(last, operands, board)
    for (op, n), found in zip(pairs, board, strict=True):
        further = [quantiles[op]] if op in quantiles else []
        expected = getattr(rolling, op)(every, *operands, n, *further)[-1]
        np.testing.assert_array_equal(found, expected, err_msg=f"{op} {n}")
        if n >= LEAST.get(op, 2) and n < T:
            assert 0 < np.isfinite(found).mean() < 1


@pytest.mark.parametrize("op", ["ts_sum", "ts_var", "ts_cov"])
def test_what_is_too_large_for_single_precision_names_its_row(op: str) -> None:
    x = read_only(np.full((8, 3), 3e38, dtype=np.float32) * np.linspace(0, 1, 8, dtype=np.float32)[:, None])
    context = Context(np.ones((1, 3), dtype=bool), DAYS[:8], np.dtype(np.float32))
    family = family_of(op)
    assert family is not None
    operands = [x, x] if op == "ts_cov" else [x]
    with pytest.raises(RowOverflowError, match=op) as refused:
        Windows(family, [Asked(op, 5, 1)], np.dtype(np.float32)).run(
            context, operands, np.empty((2, 3), "f4")
        )
    assert refused.value.row == 1


def test_programs_on_rows_are_those_on_panels() -> None:
    random = np.random.default_rng(0)
    board = random.normal(size=(6, 2500))
    board[0, ::11] = np.nan
    ratio = Program(2, (Instruction("div", (0, 1)), Instruction("sub", (2, 1.0)), Instruction("abs", (3,))))
    choice = Program(
        3, (Instruction("gt", (0, 0.5)), Instruction("where", (3, 1, 2)), Instruction("max", (4, -2.0)))
    )
    context = Context(np.ones((1, 2500), dtype=bool))
    expected = board.copy()
    for program, inputs, row in ((ratio, (0, 1), 4), (choice, (4, 2, 3), 5)):
        operands = [read_only(expected[i : i + 1]) for i in inputs]
        run(context, program, operands, expected[row : row + 1])
    batch = Batch([OnRows(ratio, (0, 1), 4), OnRows(choice, (4, 2, 3), 5)], np.dtype(np.float64))
    batch.run(context, board)
    np.testing.assert_array_equal(board, expected)


def test_a_program_that_overflows_names_its_operator_and_its_row() -> None:
    board = np.full((4, 5), 1e30, dtype=np.float32)
    context = Context(np.ones((1, 5), dtype=bool), dtype=np.dtype(np.float32))
    same = Program(1, (Instruction("neg", (0,)),))
    square = Program(1, (Instruction("abs", (0,)), Instruction("mul", (1, 1))))
    with pytest.raises(RowOverflowError, match="mul") as refused:
        Batch([OnRows(same, (0,), 1), OnRows(square, (1,), 3)], context.dtype).run(context, board)
    assert refused.value.row == 3
