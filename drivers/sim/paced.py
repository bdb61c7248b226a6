"""A serial line at its true pace: a pseudo terminal whose far end takes and gives bytes as the baud rate lets them.

The line is half duplex: what is sent while a reply is on its way is lost. The far end lives in a
process of its own, so that its work costs the near end no time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pty
import select
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from drivers.sim.carrier import READ_SIZE, Responder
from drivers.wire import Wire

START_S = 20.0  # a fresh interpreter on a busy machine
STOP_S = 5.0


class PacedLine:
    """When which byte comes out of a line, without I/O; times are seconds on any steady clock."""

    def __init__(self, responder: Responder, wire: Wire, delay_s: float) -> None:
        self._responder, self._wire, self._delay_s = responder, wire, delay_s
        self._due: deque[tuple[float, int]] = deque()
        self._taken = 0.0  # when the last byte of the question has gone over the line

    @property
    def next_at(self) -> float | None:
        """When the next byte comes out; None when nothing is on its way."""
        return self._due[0][0] if self._due else None

    def sent(self, data: bytes, now: float) -> None:
        """The master gave these bytes to its port."""
        if self._due:
            return  # two talk at once, and neither is understood
        self._taken = max(self._taken, now) + len(data) * self._wire.byte_s
        for delay, reply in self._responder.feed(data):
            at = max(self._taken + self._delay_s + delay, self._due[-1][0] if self._due else 0.0)
            self._due += [(at + (i + 1) * self._wire.byte_s, byte) for i, byte in enumerate(reply)]

    def out(self, now: float) -> bytes:
        """The bytes that have come over the line by now."""
        found = bytearray()
        while self._due and self._due[0][0] <= now:
            found.append(self._due.popleft()[1])
        return bytes(found)


@contextlib.contextmanager
def paced(responder: Callable[[], Responder], wire: Wire, delay_s: float) -> Iterator[Path]:
    """A port with the devices of `responder` behind it, each reply `delay_s` after the question's last byte.

    `responder` is called in the other process, so it must be a function of a module.
    """
    near, far = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_serve, args=(far, responder, wire, delay_s), daemon=True)
    process.start()
    far.close()
    try:
        if not near.poll(START_S):
            raise TimeoutError("the paced line did not start")
        yield Path(near.recv())
    finally:
        near.close()
        process.join(STOP_S)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _serve(parent: Connection, responder: Callable[[], Responder], wire: Wire, delay_s: float) -> None:
    """Be the far end until the other side of `parent` is closed."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    line = PacedLine(responder(), wire, delay_s)
    parent.send(os.ttyname(slave))
    while True:
        wait = None if line.next_at is None else max(line.next_at - time.monotonic(), 0.0)
        ready, _, _ = select.select([master, parent.fileno()], [], [], wait)
        if parent.fileno() in ready:
            return
        if master in ready:
            line.sent(os.read(master, READ_SIZE), time.monotonic())
        data = line.out(time.monotonic())
        if data:
            os.write(master, data)
