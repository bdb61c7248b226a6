"""The clock that nobody sets: microseconds since the machine was started, suspended time included, and which start."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_UNKNOWN = uuid4().hex  # where the kernel does not say: every process counts as a boot of its own


def since_boot() -> int:
    """Microseconds since the boot."""
    return time.clock_gettime_ns(_CLOCK) // 1000


def boot_id() -> str:
    """A name that no other boot has."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return _UNKNOWN
