"""What a simulated device can do wrong, switched at run time or by a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

US = 1_000_000
LATE_S = 1.6  # longer than the second that a driver waits
# Begins like a frame of either protocol and never ends like one.
NOISE = bytes.fromhex("00ff68fe12688600000168")


class Fault(StrEnum):
    """One way to fail."""

    SILENT = "silent"  # no answer
    LATE = "late"  # the right answer when nobody waits for it any more
    NOISY = "noisy"  # stray bytes around every answer
    CHECKSUM = "checksum"  # every answer damaged
    ERROR = "error"  # every question refused
    FROZEN = "frozen"  # the values of the moment when it began
    ROLLOVER = "rollover"  # the energy registers stand just before their end


@dataclass(frozen=True, slots=True)
class Order:
    """A fault of a device between two times, microseconds UTC; `until` None is for ever."""

    device: str
    fault: Fault
    since: int = 0
    until: int | None = None


def order_of(text: str, start: int) -> Order:
    """`DEVICE:FAULT[:FROM_S[:UNTIL_S]]`, seconds after `start`; raises ValueError."""
    parts = text.split(":")
    if not 2 <= len(parts) <= 4 or not parts[0]:
        raise ValueError(text)
    since, until, *_ = [start + round(float(part) * US) for part in parts[2:]] + [None, None]
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

    def since(self, device: str, fault: Fault, now: int) -> int | None:
        """When a fault that is on at `now` began; None when it is off."""
        begun = [
            o.since
            for o in self._orders
            if (o.device, o.fault) == (device, fault) and o.since <= now and (o.until is None or now < o.until)
        ]
        return min(begun) if begun else None

    def on(self, device: str, fault: Fault, now: int) -> bool:
        """Whether a fault is on."""
        return self.since(device, fault, now) is not None

    def sent(self, device: str, reply: bytes, weak: int, now: int) -> list[tuple[float, bytes]]:
        """What becomes of a reply: pieces with their delay in seconds. `weak` is the byte that damage hits."""
        if self.on(device, Fault.SILENT, now):
            return []
        if self.on(device, Fault.CHECKSUM, now):
            reply = reply[:weak] + bytes([reply[weak] ^ 0x10]) + reply[weak + 1 :]
        if self.on(device, Fault.NOISY, now):
            reply = NOISE + reply + NOISE[:2]
        return [(self.late_s if self.on(device, Fault.LATE, now) else 0.0, reply)]
