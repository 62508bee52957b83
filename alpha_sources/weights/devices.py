"""Where torch works, and how: the same bytes on every run, and nothing left changed behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from alpha_sources.weights.config import Device
from alpha_sources.weights.errors import WeightsError

#: share of the card's free memory that inputs may take; the rest is for what training makes of them
_RESIDENT = 0.6


def resolve(device: Device) -> torch.device:
    """Return the device to train on.

    Raises
    ------
    WeightsError
        If CUDA is asked for and there is none.
    """
    present = torch.cuda.is_available()
    if device is Device.CUDA and not present:
        raise WeightsError(
            "weights.device: cuda, but torch finds no CUDA device; say auto or cpu, or install torch for CUDA"
        )
    return torch.device("cuda" if present and device is not Device.CPU else "cpu")


@contextmanager
def steady(device: torch.device, threads: int) -> Iterator[None]:
    """Fix what results on the processor depend on, for a while, and put it back.

    On a card nothing but the number of the processor's threads is touched: sums there need not come out the
    same to the last bit.
    """
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    torch.set_num_threads(threads)
    if device.type == "cpu":
        # what use_deterministic_algorithms does, without its import of the compiler, which takes seconds
        torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])


def fits(needed_bytes: int, device: torch.device) -> bool:
    """True if so many bytes may lie on the device for the whole of the training."""
    if device.type == "cpu":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return needed_bytes <= _RESIDENT * free
