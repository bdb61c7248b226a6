"""What every driver promises: connect, probe, read, close. It never writes to a device."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from drivers.columns import Columns
from drivers.profile import Profile
from drivers.reading import Kind, Reading, Tag
from drivers.wire import Wire

Clock = Callable[[], int]  # microseconds UTC
TURNS_TO_STALE = 3  # items of low priority are asked in turn, one a cycle, and now and then a cycle is late


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
    wire: Wire | None = None  # line settings of its own, where they differ from those of its bus
    sampling: float = 0.25  # OPC UA: how often the server looks whether a value changed, seconds
    user_certificate: Path | None = None  # OPC UA: a user's own, in the place of name and password
    user_key: Path | None = None

    def tags(self) -> list[Tag]:
        """The tags this device fills, in the order of its profile; a low one is not stale before its turn comes."""
        items = self.profile.items.items()
        turn_s = TURNS_TO_STALE * self.poll * sum(item.priority == "low" for _, item in items)
        return [
            Tag(f"{self.name}.{name}", item.quantity, Kind(item.kind_or_default), int(age * 1_000_000))
            for name, item in items
            for age in [max(item.max_age, turn_s) if item.priority == "low" else item.max_age]
        ]


class Driver(Protocol):
    """One device on one bus.

    `read` answers one Reading for each tag that its cycle asks for, in order: every one of high
    priority, and of the low ones some in turn. What the device lacks is ABSENT, what came damaged is
    BAD, each with its reason. No question begins after `until` on the event loop's clock; a cycle that
    this cuts is `unfinished`, and the next `read` goes on with it. `read` raises LinkError only when
    the device gave nothing at all, ProfileError when plant.yaml or the profile cannot be right.
    """

    device: Device

    @property
    def unfinished(self) -> bool: ...

    async def connect(self) -> None: ...

    async def probe(self) -> str:
        """A cheap question that shows the device is there; answers what it says it is."""
        ...

    async def read(self, until: float = math.inf) -> list[Reading]: ...

    async def close(self) -> None: ...


@runtime_checkable
class Subscribes(Protocol):
    """A driver whose device tells what changed, instead of being asked."""

    @property
    def blocked(self) -> int:
        """How often the device had to wait, because nobody took what it told."""
        ...

    def missed(self, since: Mapping[str, int]) -> AsyncIterator[Columns]:
        """After a `read`: what was true of each tag between its last reading before and that read.

        It comes from what the device remembers. Where it remembers nothing, a reading without value,
        bad with reason `gap`, stands at both ends of the time that is not known. `since` has the time of
        the last stored reading of tags that this driver has not read before. Raises LinkError.
        """
        ...

    async def changes(self) -> Columns:
        """Wait for news; every change in the order it came, nothing when all is as it was.

        Returns at least every `device.poll` seconds. Raises LinkError when the connection is lost
        or nothing at all, not even a sign of life, came for too long.
        """
        ...
