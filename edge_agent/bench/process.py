"""What the kernel says of a process: its CPU, its memory and what it wrote. Linux."""

from __future__ import annotations

import os
import time
from pathlib import Path

PROC = Path("/proc")
_SCHEDULED = 2  # the last bits of a process's CPU clock; clock_getcpuclockid(3)


def cpu_s(pid: int) -> float:
    """Seconds that a process has computed so far, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | _SCHEDULED)


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Megabytes that a process holds now, or with VmHWM held at most."""
    return int(_field(pid, "status", what).split()[0]) * 1024 / 1e6


def written(pid: int | None = None) -> tuple[int, int]:
    """Bytes passed to write() and calls of it, by a process or by this one."""
    pid = pid or os.getpid()
    return int(_field(pid, "io", "wchar")), int(_field(pid, "io", "syscw"))


def _field(pid: int, file: str, name: str) -> str:
    lines = (PROC / str(pid) / file).read_text(encoding="ascii", errors="replace").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))
