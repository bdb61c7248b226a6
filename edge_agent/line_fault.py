"""What a port or a host that failed said, where it comes only as the words of a library."""

from __future__ import annotations

import re

from drivers.error import DriverError

# pyserial 3.5, serialposix.py: tcsetattr's EINVAL as termios.error, and what it says of a baud rate.
SETTINGS = ("(22, ", "Invalid baud rate", "Failed to set custom baud rate")
NAMELESS = "[Errno -"  # socket.gaierror: the numbers of getaddrinfo are below 0
_NUMBERED = re.compile(r"\(\d+, '(.*)'\)|\[Errno -?\d+\] (.*)")


def refuses_settings(error: DriverError) -> bool:
    """Whether the port is there and does not take these line settings."""
    return error.reason in ("no_port", "closed") and error.detail.startswith(SETTINGS)


def is_nameless(error: DriverError) -> bool:
    """Whether no host has that name."""
    return NAMELESS in error.detail


def plain(detail: str) -> str:
    """The words alone, without the number that the system has for them."""
    found = _NUMBERED.fullmatch(detail)
    return (found[1] or found[2] or "") if found else detail
