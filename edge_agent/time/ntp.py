"""Whether something keeps the machine's clock right, as the kernel knows it; no service is asked."""

from __future__ import annotations

import ctypes
import errno
import sys
from pathlib import Path

# adjtimex(2), asked with modes = 0, which changes nothing. chronyd, ntpd and systemd-timesyncd clear STA_UNSYNC
# when they have set the clock; the kernel sets it again where nobody does so for hours or somebody sets a date.
_STA_UNSYNC, _TIME_ERROR = 0x0040, 5
# systemd-timesyncd touches it whenever it has set the clock (systemd-timesyncd.service(8)); for where a container
# may not ask the kernel.
_TOUCHED = Path("/run/systemd/timesync/synchronized")


class _Timex(ctypes.Structure):
    """The beginning of struct timex; the rest is room for what the kernel answers."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def synchronised() -> bool:
    """Whether a time server keeps the clock; no where nobody can tell."""
    state, status = _kernel()
    if state is None:
        return _TOUCHED.exists()
    return state != _TIME_ERROR and not status & _STA_UNSYNC


def _kernel() -> tuple[int | None, int]:
    """What adjtimex answers and its status; None where it may not be asked."""
    if not sys.platform.startswith("linux"):
        return None, errno.ENOSYS
    said = _Timex()
    state = int(ctypes.CDLL(None).adjtimex(ctypes.byref(said)))
    return (None, 0) if state < 0 else (state, said.status)
