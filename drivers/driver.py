"""What every driver promises: connect, probe, read, close. It never writes to a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from drivers.profile import Profile
from drivers.reading import Kind, Reading, Tag

Clock = Callable[[], int]  # microseconds UTC


@dataclass(frozen=True, slots=True)
class Device:
    """One device as plant.yaml names it, with the profile that describes its registers."""

    name: str
    profile: Profile
    address: str = ""  # DL/T 645: twelve digits; CJ/T 188: fourteen; Modbus: not used
    unit: int = 1  # Modbus unit id
    timeout: float = 1.0  # seconds to the first byte of a reply
    poll: float = 15.0  # seconds between two readings
    url: str = ""  # OPC UA: opc.tcp://host:port/path
    security: str = "Basic256Sha256"  # OPC UA policy, or "none"
    mode: str = "SignAndEncrypt"
    user: str = ""
    password_file: Path | None = None  # the password is its first line; never logged
    pki: Path | None = None  # the site's folder of certificates

    def tags(self) -> list[Tag]:
        """The tags this device fills, in the order of its profile."""
        items = self.profile.items.items()
        return [
            Tag(f"{self.name}.{name}", item.quantity, Kind(item.kind_or_default), int(item.max_age * 1_000_000))
            for name, item in items
        ]


class Driver(Protocol):
    """One device on one bus.

    `read` answers one Reading for each tag of the device, in order: what the device lacks is
    ABSENT, what came damaged is BAD, each with its reason. It raises LinkError only when the
    device gave nothing at all, ProfileError when plant.yaml or the profile cannot be right.
    """

    device: Device

    async def connect(self) -> None: ...

    async def probe(self) -> str:
        """A cheap question that shows the device is there; answers what it says it is."""
        ...

    async def read(self) -> list[Reading]: ...

    async def close(self) -> None: ...


@runtime_checkable
class Subscribes(Protocol):
    """A driver whose device tells what changed, instead of being asked."""

    async def changes(self) -> list[Reading]:
        """Wait for news; every change in the order it came, an empty list when all is as it was.

        Returns at least every `device.poll` seconds. Raises LinkError when the connection is lost
        or nothing at all, not even a sign of life, came for too long.
        """
        ...
