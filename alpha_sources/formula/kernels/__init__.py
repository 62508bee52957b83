"""Numerical kernels of the formula language: one function per operator, arrays in, arrays out.

A kernel is called as ``kernel(context, *operands_and_literals)`` with panels ``(T, N)`` in C order, numbers,
or panels of group codes (0, 1, ...; NaN for none), and returns a panel of its own. Truth is 0 and 1, and NaN
where it is unknown. Every kernel turns what is not finite into NaN and reads no row after the one it writes.
Those that look back may be given more rows than the context has: the last ones are those of the result.
The modules import numba, so they are loaded when a formula is evaluated, not when it is parsed.
"""
