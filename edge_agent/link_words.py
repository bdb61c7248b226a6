"""What a lost link or a bad value is called, and whether a port is only taken by somebody else."""

from __future__ import annotations

from drivers.error import DriverError
from edge_agent.texts import Texts

LOCKED = "exclusively lock"  # pyserial 3.5, serialposix.py, where another program holds the port


def why(texts: Texts, code: str | None) -> str:
    """The words of a reason where the catalogue has them, else its code; nothing for none."""
    if code is None:
        return ""
    return texts(f"why.{code}") if texts.has(f"why.{code}") else code


def is_held(error: DriverError) -> bool:
    """Whether the serial port is there and another program has it."""
    return error.reason == "no_port" and LOCKED in error.detail
