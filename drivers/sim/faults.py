"""What a simulated device can do wrong, switched at run time or by a schedule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

US = 1_000_000
LATE_S = 1.6  # longer than the second that a driver waits
# Begins like a frame of any of the protocols and never ends like one.
NOISE = bytes.fromhex("00ff68fe12688600000168")


class Fault(StrEnum):
    """One way to fail."""

    SILENT = "silent"  # no answer
    LATE = "late"  # the right answer when nobody waits for it any more
    NOISY = "noisy"  # stray bytes around every answer
    ECHO = "echo"  # the line gives back every question before its answer
    CHECKSUM = "checksum"  # every answer damaged
    ERROR = "error"  # every question refused
    FROZEN = "frozen"  # the values of the moment when it began
    ROLLOVER = "rollover"  # the energy registers stand just before their end
    SWAPPED = "swapped"  # another meter under the same address, whose registers began at 0
    CLOCK_OFF = "clock_off"  # the device's own clock is an hour behind
    CERT_UNTRUSTED = "cert_untrusted"  # the server refuses the client's certificate
    RESTARTED = "restarted"  # the server is stopped, and started again when the fault ends
    BUS_CUT = "bus_cut"  # the line itself is gone: the adapter unplugged, the port closed


@dataclass(frozen=True, slots=True)
class Order:
    """A fault of a device, or of a line, between two times, microseconds UTC; `until` None is for ever."""

    device: str
    fault: Fault
    since: int = 0
    until: int | None = None

    def holds(self, now: int) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


def order_of(text: str, start: int) -> Order:
    """`DEVICE:FAULT[:FROM_S[:UNTIL_S]]`, seconds after `start`; raises ValueError."""
    parts = text.split(":")
    if not 2 <= len(parts) <= 4 or not parts[0]:
        raise ValueError(text)
    since, until, *_ = [start + round(float(part) * US) for part in parts[2:]] + [None, None]
    if until is not None and since is not None and until <= since:
        raise ValueError(text)
    return Order(parts[0], Fault(parts[1]), start if since is None else since, until)


class Faults:
    """Which faults are on; shared by all devices of a plant."""

    def __init__(self, *orders: Order, late_s: float = LATE_S) -> None:
        self._orders = list(orders)
        self.late_s = late_s

    def set(self, device: str, fault: Fault, now: int = 0) -> None:
        """Switch a fault on."""
        self._orders.append(Order(device, fault, now))

    def clear(self, device: str) -> None:
        """Switch all faults of a device off."""
        self._orders = [o for o in self._orders if o.device != device]

    def follow(self, orders: Iterable[Order]) -> None:
        """Put other orders in the place of all there are."""
        self._orders = list(orders)

    def since(self, device: str, fault: Fault, now: int) -> int | None:
        """When a fault that is on at `now` began; None when it is off."""
        begun = [o.since for o in self._orders if (o.device, o.fault) == (device, fault) and o.holds(now)]
        return min(begun) if begun else None

    def on(self, device: str, fault: Fault, now: int) -> bool:
        """Whether a fault is on."""
        return self.since(device, fault, now) is not None

    def sent(self, device: str, reply: bytes, weak: int, now: int, asked: bytes = b"") -> list[tuple[float, bytes]]:
        """What becomes of a reply: pieces with their delay in seconds.

        `weak` is the byte that damage hits, `asked` the question as it stood on the line.
        """
        echo = asked if self.on(device, Fault.ECHO, now) else b""
        if self.on(device, Fault.SILENT, now):
            return [(0.0, echo)] if echo else []
        if self.on(device, Fault.CHECKSUM, now):
            weak %= len(reply)
            reply = reply[:weak] + bytes([reply[weak] ^ 0x10]) + reply[weak + 1 :]
        if self.on(device, Fault.NOISY, now):
            reply = NOISE + reply + NOISE[:2]
        return [(self.late_s if self.on(device, Fault.LATE, now) else 0.0, echo + reply)]
