"""A real terminal of a fixed size with `leafgate` in it: what it sends, what it costs, how it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

QUIET_S = 0.6  # nothing for so long means that a paint is over
PATIENCE_S = 20.0


class Terminal:
    """The side of the pty where a person sits."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master, self.process = master, process
        self.received = b""

    def read(self, seconds: float) -> bytes:
        """What arrives within so many seconds."""
        found, deadline = b"", time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and select.select([self._master], [], [], left)[0]:
            try:
                found += os.read(self._master, 65536)
            except OSError:  # the other side is gone
                break
        self.received += found
        return found

    def until(self, text: str) -> bytes:
        """What arrives until this text has, and the screen is quiet; fails after a while."""
        deadline = time.monotonic() + PATIENCE_S
        while text.encode() not in self.received:
            assert time.monotonic() < deadline, self.received[-2000:]
            self.read(0.2)
        while self.read(QUIET_S):
            pass
        return self.received

    def ended(self) -> int:
        """Its exit code, once everything it said is read."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self.read(0.1)
        self.read(0.1)
        return self.process.returncode

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """As a person who drags the window; the program hears of it by a signal."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def memory_kb(self, field: str) -> int:
        """VmRSS or VmHWM of the program."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field))

    def cpu_s(self) -> float:
        """User and system time of the program so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def terminal(*arguments: str, code: str = "", size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    """`leafgate` with these arguments in a terminal of so many columns and lines, after some code; ended at the end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    around = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES", "LEAFGATE_LANG")}
    around |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    start = f"import sys; from edge_agent.cli import main; {code or None}; sys.exit(main())"
    command = [sys.executable, "-c", start, *arguments]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=around, start_new_session=True
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
