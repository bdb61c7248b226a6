"""What a Modbus device refuses: too long a read, a hole, a register it lacks, or for the moment everything."""

from __future__ import annotations

import asyncio

import pytest

from drivers.bus import StreamBus
from drivers.driver import Device
from drivers.error import LinkError
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.identity import fits
from drivers.modbus.tcp import Frame, encode
from drivers.profile import Identity, Item, Profile, Reads
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink
from tests.drivers.conftest import noon, stream_bus
from tests.drivers.heat_pumps import MIDEA

TIMEOUT_S = 0.05


class Fussy:
    """A device whose register n holds n; it refuses what `refuses` says, and counts what it was asked."""

    def __init__(self, lacks: set[int] | None = None, most: int = 125, code: int = 2) -> None:
        self.lacks, self.most, self.code = lacks or set(), most, code
        self.asked: list[tuple[int, int]] = []
        self.first: list[bytes] = []  # PDUs that answer the next questions whatever they are

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        transaction, unit, function = int.from_bytes(data[:2], "big"), data[6], data[7]
        start, count = int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")
        self.asked.append((start, count))
        registers = range(start, start + count)
        if self.first:
            pdu = self.first.pop(0)
        elif count > self.most:
            pdu = bytes([function | 0x80, 3])
        elif self.lacks & set(registers):
            pdu = bytes([function | 0x80, self.code])
        else:
            pdu = bytes([function, 2 * count]) + b"".join(r.to_bytes(2, "big") for r in registers)
        return [(0.0, encode(Frame(transaction, unit, pdu)))]

    def taken(self) -> list[tuple[int, int]]:
        """What was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


def profile(*registers: int, reads: Reads | None = None, low: tuple[int, ...] = ()) -> Profile:
    items = {f"r{r}": Item("count", register=r, priority="low" if r in low else "high") for r in registers}
    return Profile(MIDEA.title, "modbus", "test", items, reads=reads or Reads())


def driver_of(device: Fussy, shape: Profile) -> ModbusDriver:
    return ModbusDriver(Device("d", shape, timeout=TIMEOUT_S), stream_bus(lambda: MemoryLink(device)), noon)


async def test_a_refused_block_is_halved_in_the_same_cycle_and_that_is_remembered() -> None:
    device = Fussy(lacks={5})
    driver = driver_of(device, profile(*range(8)))
    for cycle in range(2):
        found = {r.tag: r for r in await driver.read()}
        assert (found["d.r5"].quality, found["d.r5"].reason) == (Quality.ABSENT, "illegal_address")
        assert [found[f"d.r{r}"].value for r in range(8) if r != 5] == [0, 1, 2, 3, 4, 6, 7]
        if cycle == 0:
            assert device.taken() == [(0, 8), (0, 4), (4, 4), (4, 2), (4, 1), (5, 1), (6, 2)]
    assert device.taken() == [(0, 4), (4, 1), (6, 2)]  # what it lacks is left alone for long


async def test_a_block_over_holes_is_split_at_its_holes() -> None:
    device = Fussy(lacks={2, 6})
    driver = driver_of(device, profile(0, 1, 4, 5, 8, reads=Reads(hole=8)))
    assert all(r.quality == Quality.GOOD for r in await driver.read())
    assert device.taken() == [(0, 9), (0, 2), (4, 2), (8, 1)]


async def test_a_device_that_takes_short_reads_only_is_read_in_short_ones() -> None:
    device = Fussy(most=3)
    driver = driver_of(device, profile(*range(10)))
    assert [r.value for r in await driver.read()] == list(range(10))
    device.taken()
    assert [r.value for r in await driver.read()] == list(range(10))
    assert max(count for _, count in device.taken()) == 3


async def test_a_device_that_refuses_everything_while_it_starts_is_read_in_blocks_afterwards() -> None:
    device = Fussy(lacks=set(range(8)))
    driver = driver_of(device, profile(*range(8)))
    assert {r.reason for r in await driver.read()} == {"illegal_address"}
    device.lacks = set()
    device.taken()
    assert all(r.quality == Quality.GOOD for r in await driver.read())
    assert device.taken() == [(0, 8)]


async def test_a_cycle_that_time_cuts_goes_on_where_it_stopped_even_among_halves() -> None:
    device = Fussy(lacks={1})
    driver = driver_of(device, profile(0, 1, 2, 3))
    now = asyncio.get_running_loop().time()
    found: dict[str, float | None] = {}
    for _ in range(9):
        found |= {r.tag: r.value for r in await driver.read(until=now)}
        if not driver.unfinished:
            break
    assert found == {"d.r0": 0, "d.r1": None, "d.r2": 2, "d.r3": 3}


async def test_low_items_take_turns_and_high_ones_come_in_every_cycle() -> None:
    device = Fussy()
    driver = driver_of(device, profile(0, 10, 20, 30, low=(10, 20, 30)))
    assert len(await driver.read()) == 4  # every value is known soon
    device.taken()
    for _ in range(3):
        assert {r.tag for r in await driver.read()} >= {"d.r0"}
    assert sorted(device.taken()) == [(0, 1), (0, 1), (0, 1), (10, 1), (20, 1), (30, 1)]


@pytest.mark.parametrize("code", [5, 6])
async def test_a_busy_device_is_asked_once_more_and_only_if_there_is_time(code: int) -> None:
    device = Fussy()
    driver = driver_of(device, profile(0))
    device.first = [bytes([0x83, code])]
    assert [r.value for r in await driver.read()] == [0]
    device.first = [bytes([0x83, code])] * 2
    assert [r.reason for r in await driver.read()] == ["busy"]
    device.taken()
    device.first = [bytes([0x83, code])]
    assert [r.reason for r in await driver.read(asyncio.get_running_loop().time())] == ["busy"]
    assert len(device.taken()) == 1


@pytest.mark.parametrize("code", [0x0A, 0x0B])
async def test_what_a_gateway_cannot_reach_is_silent_and_the_gateway_is_not(code: int) -> None:
    """The other unit behind the same connection is read on, and the connection stays."""
    opened = 0

    def link() -> MemoryLink:
        nonlocal opened
        opened += 1
        return MemoryLink(device)

    device = Fussy()
    bus = stream_bus(link)
    dead = ModbusDriver(Device("dead", profile(0), unit=1, timeout=TIMEOUT_S), bus, noon)
    well = ModbusDriver(Device("well", profile(0), unit=2, timeout=TIMEOUT_S), bus, noon)
    for _ in range(4):
        device.first = [bytes([0x83, code])]
        with pytest.raises(LinkError, match="no_reply"):
            await dead.read()
        assert [r.value for r in await well.read()] == [0]
    assert opened == 1


class Idle(MemoryLink):
    """A connection that the gateway closes after one answer, noticed only when the next one is awaited."""

    left = 1

    async def read(self, timeout_s: float) -> bytes:
        if timeout_s and self.left <= 0:
            raise LinkError("closed")
        data = await super().read(timeout_s)
        self.left -= bool(data)
        return data


async def test_a_gateway_that_closes_idle_connections_costs_no_cycle() -> None:
    driver = ModbusDriver(Device("d", profile(7), timeout=TIMEOUT_S), stream_bus(lambda: Idle(Fussy())), noon)
    for _ in range(3):
        assert [r.value for r in await driver.read()] == [7]


async def test_a_connection_that_closes_at_every_question_is_given_up() -> None:
    class Shut(MemoryLink):
        async def read(self, timeout_s: float) -> bytes:
            if timeout_s:
                raise LinkError("closed")
            return b""

    device = Fussy()
    driver = ModbusDriver(Device("d", profile(7), timeout=TIMEOUT_S), stream_bus(lambda: Shut(device)), noon)
    with pytest.raises(LinkError, match="closed"):
        await driver.read()
    assert len(device.asked) == 2


@pytest.mark.parametrize("unit", [0, 255])
async def test_units_0_and_255_are_those_of_devices_without_a_gateway(unit: int) -> None:
    bus = stream_bus(lambda: MemoryLink(Fussy()))
    assert isinstance(bus, StreamBus)
    driver = ModbusDriver(Device("d", profile(3), unit=unit, timeout=TIMEOUT_S), bus, noon)
    assert [r.value for r in await driver.read()] == [3]


async def test_a_device_says_who_it_is() -> None:
    """Registers 0x5344 0x4D36 0x3330 are the letters SDM630."""
    device = Fussy()
    device.first = [bytes([3, 6]) + b"SDM630", bytes([0x83, 2])]
    shape = Profile(
        MIDEA.title,
        "modbus",
        "test",
        {"r0": Item("count", register=0)},
        identity={"model": Identity(100, 3, says="SDM"), "serial": Identity(200, 2)},
    )
    assert await driver_of(device, shape).probe() == "SDM630 unit 1"
    assert device.taken() == [(100, 3), (200, 2)]
    assert fits({"model": "SDM630"}, shape.identity)
    assert not fits({"model": "DDSU"}, shape.identity)
    assert not fits({}, {"serial": Identity(200, 2)})


async def test_a_computed_item_is_never_asked() -> None:
    items = {
        "cop": Item("cop", quotient=["heat", "power"]),
        "heat": Item("heat_power", register=8),
        "power": Item("power", register=2),
    }
    device = Fussy()
    driver = driver_of(device, Profile(MIDEA.title, "modbus", "test", items))
    assert [(r.tag, r.value) for r in await driver.read()] == [("d.heat", 8.0), ("d.power", 2.0)]
    assert device.taken() == [(2, 1), (8, 1)]
