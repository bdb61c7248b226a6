"""The M-Bus driver against simulated meters: addressing, several telegrams, losses, faults."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import FOLDER
from configs.load import load
from drivers.bus import Bus, Receiver
from drivers.driver import Device
from drivers.error import LinkError, ProfileError
from drivers.exchange import Exchange
from drivers.link import Link
from drivers.mbus.address import Secondary, address_of
from drivers.mbus.driver import MBusDriver
from drivers.mbus.link import RSP_UD, Ack, Frame, Heard, encode
from drivers.mbus.readout import MOST_TELEGRAMS, Readout
from drivers.mbus.telegram import records
from drivers.profile import Profile
from drivers.reading import Quality, Reading
from drivers.sim.carrier import MemoryLink, Responder
from drivers.sim.faults import Fault, Faults
from drivers.sim.meter_mbus import MBusLine, MeterMBus
from drivers.wire import Wire

T = TypeVar("T")

NOON = 1_767_758_580_000_000
TIMEOUT_S = 0.1
QUIET_S = 0.06
HEAT = load(FOLDER / "devices" / "mbus-heat.yaml", Profile).value
VALUES = {
    "heat_energy": 3600.0,
    "volume": 12.5,
    "heat_power": 5.5,
    "flow": 0.25,
    "supply_temperature": 60.1,
    "return_temperature": -3.2,
    "settled_heat": 36.0,
    "settled_volume": 1.0,
}
READ = {**VALUES, "hours": None, "status": 0.0}


def noon() -> int:
    return NOON


def heat_meter(name: str = "h1", primary: int = 1, secondary: str = "12345678AE4C0B04", records: int = 99) -> MeterMBus:
    address = address_of(secondary)
    assert isinstance(address, Secondary)
    shown = {**VALUES, "heat_energy": VALUES["heat_energy"] * primary}
    return MeterMBus(name, primary, address, HEAT, lambda at: shown, records=records)


def three_meters() -> list[MeterMBus]:
    return [
        heat_meter("h1", 1, "12345678AE4C0B04"),
        heat_meter("h2", 2, "12345699AE4C0B04"),
        heat_meter("h3", 3, "22345678AE4C0B04"),
    ]


class Bench:
    """Meters on a line in memory, and the questions that it heard."""

    def __init__(self, *meters: MeterMBus, responder: Responder | None = None) -> None:
        self.faults = Faults(late_s=TIMEOUT_S * 1.5)
        self.asked: list[str] = []
        link: Link = MemoryLink(responder or MBusLine(meters or [heat_meter()], self.faults, noon))

        async def opened() -> Link:
            return link

        self.bus = Bus("memory", opened, quiet_s=QUIET_S, frame_gap_s=0.01)
        self.bus.tap = self._heard

    def _heard(self, exchange: Exchange) -> None:
        self.asked.append(exchange.request.hex())

    def driver(self, address: str = "1", profile: Profile = HEAT) -> MBusDriver:
        return MBusDriver(Device("h1", profile, address, timeout=TIMEOUT_S), self.bus, noon)


def values(readings: list[Reading]) -> dict[str, float | None]:
    return {r.tag.removeprefix("h1."): None if r.value is None else round(r.value, 6) for r in readings}


def reasons(readings: list[Reading]) -> set[tuple[Quality, str | None]]:
    return {(r.quality, r.reason) for r in readings}


async def test_a_meter_is_reset_once_and_then_asked_with_the_bit_turning() -> None:
    bench = Bench()
    driver = bench.driver()
    for _ in range(3):
        assert values(await driver.read()) == READ
    assert bench.asked == ["1040014116", "107b017c16", "105b015c16", "107b017c16"]
    assert not driver.unfinished


async def test_items_come_in_the_order_of_the_profile_and_say_what_the_meter_lacks() -> None:
    readings = await Bench().driver().read()
    assert [r.tag for r in readings] == [f"h1.{name}" for name in HEAT.items]
    (hours,) = [r for r in readings if r.tag == "h1.hours"]
    assert (hours.quality, hours.reason) == (Quality.ABSENT, "no_record")
    assert {(r.at, r.seen) for r in readings} == {(NOON, NOON)}


@pytest.mark.parametrize("size", [1, 2, 3, 4])
async def test_all_telegrams_of_a_readout_are_asked_for(size: int) -> None:
    bench = Bench(heat_meter(records=size))
    driver = bench.driver()
    for _ in range(2):
        assert values(await driver.read()) == READ
    assert len(bench.asked) == 1 + 2 * -(-9 // size)  # eight values and the clock


async def test_no_telegram_is_asked_for_that_no_item_waits_for() -> None:
    """The next readout begins with a reset, because the meter stands within the last one."""
    few = Profile(HEAT.title, HEAT.protocol, HEAT.source, {"heat_energy": HEAT.items["heat_energy"]})
    bench = Bench(heat_meter(records=2))
    driver = bench.driver(profile=few)
    for _ in range(2):
        assert values(await driver.read()) == {"heat_energy": 3600.0}
    assert bench.asked == ["1040014116", "107b017c16"] * 2


@pytest.mark.parametrize(
    ("address", "energy"),
    [("12345678FFFFFFFF", 3600.0), ("123456F9AE4C0B04", 7200.0), ("2FFFFFFFFFFFFFFF", 10800.0), ("3", 10800.0)],
)
async def test_a_wildcard_selects_one_of_three_meters(address: str, energy: float) -> None:
    bench = Bench(*three_meters())
    driver = bench.driver(address)
    for _ in range(2):
        assert values(await driver.read())["heat_energy"] == energy


async def test_devices_that_are_selected_in_turn_do_not_get_each_others_values() -> None:
    bench = Bench(*three_meters())
    first, second = bench.driver("12345678FFFFFFFF"), bench.driver("12345699FFFFFFFF")
    for _ in range(3):
        assert values(await first.read())["heat_energy"] == 3600.0
        assert values(await second.read())["heat_energy"] == 7200.0


async def test_meters_that_answer_at_once_give_noise_and_no_value() -> None:
    """1234.... matches two meters: both acknowledge, and their telegrams destroy each other."""
    readings = await Bench(*three_meters()).driver("1234FFFFFFFFFFFF").read()
    assert reasons(readings) == {(Quality.BAD, "noise")}


async def test_the_only_meter_of_a_line_is_read_without_its_address() -> None:
    bench = Bench(heat_meter(primary=7))
    assert values(await bench.driver("254").read())["volume"] == 12.5
    assert await bench.driver("254").probe() == "12345678AE4C0B04 (SEN)"


async def test_the_telegram_of_another_meter_is_no_answer() -> None:
    foreign = encode(Frame(RSP_UD, 2, 0x78, bytes.fromhex("0406E8030000")))
    with pytest.raises(LinkError, match="no_reply"):
        await Bench(responder=Scripted(b"\xe5", foreign, foreign)).driver().read()


async def test_a_selected_meter_that_is_another_one_is_no_answer() -> None:
    foreign = encode(Frame(RSP_UD, 2, 0x72, bytes.fromhex("99999999AE4C0B04010000000406E8030000")))
    acks = [b"\xe5"] * 3
    with pytest.raises(LinkError, match="no_reply"):
        await Bench(responder=Scripted(*acks, foreign, foreign)).driver("12345678FFFFFFFF").read()


class Scripted:
    """Gives these answers one after the other, then none."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, self._answers.pop(0))] if self._answers else []


async def test_a_silent_meter_costs_one_question() -> None:
    bench = Bench()
    bench.faults.set("h1", Fault.SILENT)
    with pytest.raises(LinkError, match="no_reply"):
        await bench.driver().read()
    assert bench.asked == ["1040014116"]


async def test_a_meter_that_falls_silent_is_reset_when_it_is_back() -> None:
    bench = Bench()
    driver = bench.driver()
    await driver.read()
    bench.faults.set("h1", Fault.SILENT)
    with pytest.raises(LinkError, match="no_reply"):
        await driver.read()
    bench.faults.clear("h1")
    assert values(await driver.read()) == READ
    assert bench.asked[-2:] == ["1040014116", "107b017c16"]


async def test_a_damaged_telegram_is_asked_for_once_more_and_never_a_value() -> None:
    bench = Bench()
    driver = bench.driver()
    await driver.read()
    bench.faults.set("h1", Fault.CHECKSUM)
    assert reasons(await driver.read()) == {(Quality.BAD, "noise")}
    assert bench.asked[-2:] == ["105b015c16"] * 2
    bench.faults.clear("h1")
    assert values(await driver.read()) == READ


@pytest.mark.parametrize("fault", [Fault.NOISY, Fault.ECHO])
async def test_noise_and_echo_around_every_answer_change_nothing(fault: Fault) -> None:
    bench = Bench(heat_meter(records=3))
    bench.faults.set("h1", fault)
    driver = bench.driver()
    for _ in range(2):
        assert values(await driver.read()) == READ


async def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    meters = three_meters()
    bench = Bench(*meters)
    bench.faults.set("h1", Fault.LATE)
    for _ in range(2):
        with pytest.raises(LinkError):
            await bench.driver("1").read()
        assert values(await bench.driver("2").read())["heat_energy"] == 7200.0


async def test_a_lost_acknowledgement_costs_a_cycle_and_a_damaged_one_nothing() -> None:
    reply = encode(Frame(RSP_UD, 1, 0x78, bytes.fromhex("0406E8030000")))
    few = Profile(HEAT.title, HEAT.protocol, HEAT.source, {"heat_energy": HEAT.items["heat_energy"]})
    lost = Bench(responder=Scripted(b"", b"\xe5", reply)).driver(profile=few)
    with pytest.raises(LinkError, match="no_reply"):
        await lost.read()
    assert values(await lost.read()) == {"heat_energy": 3600.0}
    damaged = Bench(responder=Scripted(b"\xa5", reply)).driver(profile=few)
    assert values(await damaged.read()) == {"heat_energy": 3600.0}


async def test_a_meter_that_refuses_says_why() -> None:
    bench = Bench()
    bench.faults.set("h1", Fault.ERROR)
    assert reasons(await bench.driver().read()) == {(Quality.BAD, "busy")}
    assert await bench.driver().probe() == "1 (busy)"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Ack(), "no_data"),
        (Frame(RSP_UD, 1, 0x70, b"\x00"), "device_error"),
        (Frame(RSP_UD, 1, 0x72, bytes.fromhex("78563412AE4C0B0401001005" + "00" * 16)), "encrypted"),
        (Frame(RSP_UD, 1, 0x72, b"\x00"), "wrong_length"),
        (Frame(RSP_UD, 1, 0x60, b"\x00"), "unknown_reply"),
    ],
)
async def test_an_answer_without_values_leads_to_a_reason(answer: Heard, reason: str) -> None:
    bench = Bench(responder=Scripted(b"\xe5", encode(answer)))
    assert reasons(await bench.driver().read()) == {(Quality.BAD, reason)}


async def test_the_status_of_the_meter_is_an_item_and_puts_a_doubt_on_the_others() -> None:
    meter = heat_meter()
    meter.status = 0x08
    readings = {r.tag: r for r in await Bench(meter).driver().read()}
    assert readings["h1.status"].value == 8.0
    assert (readings["h1.volume"].quality, readings["h1.volume"].reason) == (Quality.UNCERTAIN, "permanent_error")


async def test_a_meter_that_keeps_no_count_is_not_asked_for_ever() -> None:
    reply = encode(Frame(RSP_UD, 1, 0x78, bytes.fromhex("0406E80300001F")))
    bench = Bench(responder=Scripted(b"\xe5", *[reply] * 99))
    assert values(await bench.driver().read())["heat_energy"] == 3600.0
    assert len(bench.asked) == 3


async def test_a_readout_without_end_is_cut() -> None:
    replies = [encode(Frame(RSP_UD, 1, 0x78, bytes([0x01, 0xFD, 0x17, n, 0x1F]))) for n in range(99)]
    bench = Bench(responder=Scripted(b"\xe5", *replies))
    await bench.driver().read()
    assert len(bench.asked) == 1 + MOST_TELEGRAMS


@pytest.mark.parametrize("address", ["", "251", "1234"])
def test_an_address_that_cannot_be_is_a_fault_of_the_plants_file(address: str) -> None:
    with pytest.raises(ProfileError, match="bad_mbus_address"):
        Bench().driver(address)


class Lossy:
    """A Line whose exchanges are lost or damaged as told, and good when nothing is told any more."""

    is_stream = False
    wire: Wire | None = None

    def __init__(self, line: Responder, fates: list[str]) -> None:
        self._line, self._fates = line, fates

    async def connect(self) -> None:
        """Always there."""

    async def ask(self, request: bytes, receiver: Receiver[T], timeout_s: float) -> T:
        fate = self._fates.pop(0) if self._fates else "good"
        sent = b"" if fate == "request lost" else b"".join(reply for _, reply in self._line.feed(request))
        if fate == "reply lost":
            sent = b""
        if fate == "damaged" and sent:
            sent = sent[:-1] + bytes([sent[-1] ^ 0x10])
        answer = (receiver.feed(sent) if sent else None) or receiver.flush()
        if answer is None:
            raise LinkError("noise" if receiver.damaged() else "no_reply")
        return answer


fates = st.lists(st.sampled_from(["good", "good", "request lost", "reply lost", "damaged"]), max_size=40)


@given(fates, st.sampled_from(["1", "12345678FFFFFFFF"]), st.integers(1, 4))
def test_no_telegram_is_taken_twice_or_skipped_whatever_is_lost(lost: list[str], address: str, size: int) -> None:
    line = Lossy(MBusLine([heat_meter(records=size)], Faults(), noon), lost)
    readout = Readout(line, address_of(address), TIMEOUT_S)
    whole = ["date_time", "energy", "volume", "power", "volume_flow", "flow_temperature", "return_temperature"]
    whole += ["energy/storage 1", "volume/storage 1", "status"]

    async def read() -> bool:
        try:
            telegrams = await readout.telegrams()
        except LinkError:
            return False
        found = [str(record.name) for record in records(telegrams)]
        assert [name for name in found if not name.startswith("more_records_follow")] == whole
        return True

    async def cycles() -> None:
        for _ in range(6):
            await read()
        while lost:
            await read()
        assert await read()

    asyncio.run(cycles())
