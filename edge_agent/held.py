"""Whether a port that cannot be opened is only taken by somebody else."""

from __future__ import annotations

from drivers.error import DriverError

LOCKED = "exclusively lock"  # pyserial 3.5, serialposix.py, where another program holds the port


def is_held(error: DriverError) -> bool:
    """Whether the serial port is there and another program has it."""
    return error.reason == "no_port" and LOCKED in error.detail
