"""The search of whole lines, in memory: who is found, who is told apart, and that nothing but reads goes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from configs.load import parse
from drivers.bus import Bus, StreamBus
from drivers.cjt188 import codec as cjt188
from drivers.dlt645 import codec as dlt645
from drivers.error import LinkError
from drivers.link import Link
from drivers.mbus.address import Secondary, address_of
from drivers.modbus import rtu
from drivers.modbus.tcp import Frame, encode
from drivers.profile import Profile
from drivers.profile_check import faults
from drivers.sim.carrier import MemoryLink, Responder
from drivers.sim.faults import Fault, Faults
from drivers.sim.meter_mbus import MBusLine, MeterMBus
from drivers.sim.plant import ADDRESSES, UNITS, WATER_ADDRESS, Plant, shipped
from drivers.wire import Wire
from edge_agent.scan.found import Found, Progress, Step
from edge_agent.scan.place import Place
from edge_agent.scan.search import Options, Scan
from tests.drivers.conftest import noon
from tests.virtual import run as virtual

WIRE = Wire(115200, "N", 1)
PROFILES = {name: shipped(name) for name in ("dlt645-2007-3ph", "cjt188-water", "eastron-sdm630", "sunspec")}
READS_645 = {dlt645.READ, dlt645.READ_ADDRESS, dlt645.READ_1997}


class Sniffed:
    """A responder, and all that was sent to it."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self.sent: list[bytes] = []

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        self.sent.append(data)
        return self._responder.feed(data)


@dataclass(frozen=True, slots=True)
class Memory(Place):
    """A place in memory."""

    link: Callable[[], Link] = field(default=lambda: pytest.fail("no link"), kw_only=True)

    def open(self) -> Bus:
        async def opened() -> Link:
            return self.link()

        if self.kind == "tcp":
            return StreamBus(self.name, opened, quiet_s=0.0, frame_gap_s=0.01)
        return Bus(self.name, opened, wire=WIRE, quiet_s=0.01, frame_gap_s=0.01)


def search(
    place: Place, *protocols: str, units: range = range(1, 8), profiles: dict[str, Profile] = PROFILES
) -> tuple[list[Found], list[Step]]:
    steps: list[Step] = []
    progress = Progress(steps.append)
    virtual(Scan([place], profiles, Options(protocols, list(units), 0.02), progress).run())
    return progress.found, steps


def line_of(responder: Responder) -> Place:
    return Memory("line1", "serial", wires=(WIRE,), link=lambda: MemoryLink(responder))


def test_a_line_of_three_protocols_is_found_whole(plant: Plant) -> None:
    plant.world.energy(plant.now())  # so that the first answer takes no time
    found, steps = search(line_of(plant.line))
    meters = [("dlt645-2007", address) for address in ADDRESSES.values()]
    assert [(f.protocol, f.address) for f in found if f.address] == [*meters, ("cjt188-2004", WATER_ADDRESS)]
    assert [f.unit for f in found if f.unit is not None] == list(UNITS.values())
    assert steps[-1].phase == steps[-1].phases == 5
    assert all(s.done <= s.of for s in steps)


def test_only_reads_are_sent(plant: Plant) -> None:
    """No frame of any protocol but questions for values and addresses, and the link reset of M-Bus."""
    sniffed = Sniffed(plant.line)
    search(line_of(sniffed))
    for sent in sniffed.sent:
        electricity, water = dlt645.Decoder().feed(sent), cjt188.Decoder().feed(sent)
        assert {frame.control for frame in electricity} <= READS_645
        assert {frame.control for frame in water} <= {cjt188.READ, cjt188.READ_ADDRESS}
        if not electricity and not water:
            assert sent[1] in (3, 4) or sent[:2] == b"\x10\x40", sent.hex()


def test_each_device_is_recognised_by_what_it_shows(plant: Plant) -> None:
    found, _ = search(line_of(plant.line))
    assert {f.profiles[0] for f in found} == {"dlt645-2007-3ph", "cjt188-water", "eastron-sdm630"}


def test_a_device_that_shows_something_else_is_not_recognised(plant: Plant) -> None:
    plant.faults.set("m4", Fault.ERROR)
    found, _ = search(line_of(plant.line), "modbus", units=range(4, 5))
    assert [(f.unit, f.profiles) for f in found] == [(4, [])]


def test_a_sunspec_chain_is_found_behind_a_unit(plant: Plant) -> None:
    place = Memory("10.0.0.9:502", "tcp", link=lambda: MemoryLink(plant.inverter()))
    (found,), _ = search(place, units=range(1, 3))
    assert (found.protocol, found.unit, found.models[0]) == ("sunspec", 1, 1)
    assert found.profiles


class Anybody:
    """A Modbus TCP device that does not look at the unit."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        transaction, unit = int.from_bytes(data[:2], "big"), data[6]
        return [(0.0, encode(Frame(transaction, unit, bytes([data[7] | 0x80, 2]))))]


def test_a_device_that_answers_for_every_unit_is_one_device() -> None:
    place = Memory("10.0.0.9:502", "tcp", link=lambda: MemoryLink(Anybody()))
    steps: list[Step] = []
    progress = Progress(steps.append)
    virtual(Scan([place], PROFILES, Options((), (), 0.02), progress).run())
    assert [(f.unit, f.notes) for f in progress.found] == [(1, ["any_unit"])]


def test_meters_whose_answers_are_damaged_are_a_note_and_no_device(plant: Plant) -> None:
    plant.faults.set("w1", Fault.CHECKSUM)
    found, _ = search(line_of(plant.line), "cjt188-2004")
    assert [(f.is_device, f.notes) for f in found] == [(False, ["collision"])]


def test_a_line_that_echoes_is_searched_all_the_same(plant: Plant) -> None:
    for device in (*ADDRESSES, *UNITS, "w1"):
        plant.faults.set(device, Fault.ECHO)
    found, _ = search(line_of(plant.line), "modbus", "cjt188-2004")
    assert [f.unit or f.address for f in found] == [WATER_ADDRESS, *UNITS.values()]


def test_once_a_protocol_is_found_its_other_settings_are_not_tried(plant: Plant) -> None:
    wires = (Wire(9600, "N", 1), Wire(2400, "N", 1), Wire(1200, "N", 1))
    place = Memory("line1", "serial", wires=wires, link=lambda: MemoryLink(plant.line))
    found, steps = search(place, "cjt188-2004", "modbus")
    assert {f.wire for f in found} == {wires[0]}
    assert {(s.protocol, s.wire) for s in steps} == {("cjt188-2004", wires[0]), ("modbus", wires[0])}
    assert steps[-1].phase < steps[-1].phases == 6


class _Closing(MemoryLink):
    """A gateway that closes the connection where no device has the unit; one has 3."""

    def __init__(self) -> None:
        super().__init__(Anybody())
        self._meant = False

    async def write(self, data: bytes) -> None:
        self._meant = data[6] == 3
        if self._meant:
            await super().write(data)

    async def read(self, timeout_s: float) -> bytes:
        if timeout_s > 0 and not self._meant:
            raise LinkError("closed")
        return await super().read(timeout_s)


def test_a_gateway_that_hangs_up_where_nobody_is_is_searched_to_the_end() -> None:
    place = Memory("10.0.0.9:502", "tcp", link=_Closing)
    found, _ = search(place, units=range(1, 6))
    assert [f.unit for f in found] == [3]


def test_a_place_that_is_not_there_costs_one_try(plant: Plant) -> None:
    def refused() -> Link:
        raise LinkError("refused", "10.0.0.9:502")

    steps: list[Step] = []
    places = [Memory("10.0.0.9:502", "tcp", link=refused), line_of(plant.line)]
    scan = Scan(places, PROFILES, Options(["modbus"], [4], 0.02), Progress(steps.append))
    virtual(scan.run())
    assert {name: error.reason for name, error in scan.errors.items()} == {"10.0.0.9:502": "refused"}
    assert [f.unit for f in scan.progress.found] == [4]


def test_a_sign_of_an_item_that_is_not_there_is_a_fault_of_the_profile() -> None:
    text = """title: {zh: a, en: a}
protocol: dlt645-2007
source: none
recognise: [{item: enrgy}]
items: {energy: {quantity: energy_import, di: "00010000"}}
"""
    (problem,) = faults(parse(text, Profile, "a.yaml"))
    assert (problem.code, problem.line, problem.fields["nearest"]) == ("no_sign_item", 4, "energy")


def test_mbus_meters_are_found_by_primary_address_and_told_with_their_own() -> None:
    """One at 0, where every new meter stands: it is written down by the address that is its own."""
    meters = [heat_meter(0, "12345678AE4C0B04"), heat_meter(5, "22345678AE4C0B04")]
    line = MBusLine(meters, Faults(), noon)
    found, _ = search(line_of(line), "mbus", units=range(7), profiles={"mbus-heat": shipped("mbus-heat")})
    assert [f.address for f in found] == ["12345678AE4C0B04", "5"]
    assert all(f.profiles == ["mbus-heat"] for f in found)
    assert found[1].says.startswith("22345678AE4C0B04")


def test_a_line_without_mbus_meters_costs_one_question() -> None:
    sniffed = Sniffed(MBusLine([], Faults(), noon))
    assert search(line_of(sniffed), "mbus")[0] == []
    assert len(sniffed.sent) == 1


def heat_meter(primary: int, secondary: str) -> MeterMBus:
    address = address_of(secondary)
    assert isinstance(address, Secondary)
    values = {"heat_energy": 3600.0, "supply_temperature": 60.1}
    return MeterMBus(f"h{primary}", primary, address, shipped("mbus-heat"), lambda at: values)


class Late:
    """Modbus units that think for a while; those of `quick` answer at once."""

    def __init__(self, units: set[int], delay_s: float, quick: int = 0) -> None:
        self._units, self._delay_s, self._quick = units, delay_s, quick

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        if data[0] not in self._units or data[1] not in (3, 4):
            return []
        refused = rtu.encode(rtu.Frame(data[0], bytes([data[1] | 0x80, 2])))
        return [(0.0 if data[0] == self._quick else self._delay_s, refused)]


@pytest.mark.parametrize("quick", [0, 3])
def test_a_slow_unit_is_found_in_a_second_sweep_that_is_short(quick: int) -> None:
    """Unit 5 thinks longer than the line has seen so far."""

    place = line_of(Late({3, 5}, 0.9, quick))
    scan = Scan([place], {}, Options(["modbus"], list(range(1, 9))), Progress(lambda step: None))
    virtual(scan.run())
    assert sorted(f.unit or 0 for f in scan.progress.found) == [3, 5]
    assert set(scan.silent["line1"]) == {1, 2, 4, 6, 7, 8}
    assert set(scan.silent["line1"].values()) == {1.0}


def test_a_second_sweep_that_takes_minutes_is_left_to_the_user() -> None:
    scan = Scan([line_of(Late({5}, 0.9))], {}, Options(["modbus"]), Progress(lambda step: None))
    virtual(scan.run())
    assert scan.progress.found == []
    assert set(scan.silent["line1"].values()) == {0.3}


class _Choosy(MemoryLink):
    """A port that takes no parity, as some adapters; its meter stands at 9600 8N1."""

    def __init__(self, responder: Responder) -> None:
        super().__init__(responder)
        self._wire = WIRE

    async def set(self, wire: Wire) -> None:
        if wire.parity != "N":
            raise LinkError("closed", "(22, 'Invalid argument')")
        self._wire = wire

    async def write(self, data: bytes) -> None:
        if self._wire == Wire(9600, "N"):
            await super().write(data)


def test_a_setting_that_the_port_refuses_is_left_out_and_the_others_are_tried(plant: Plant) -> None:
    place = Memory("line1", "serial", link=lambda: _Choosy(plant.line))
    steps: list[Step] = []
    options = Options(["cjt188-2004", "modbus"], list(UNITS.values()), 0.02)
    scan = Scan([place], PROFILES, options, Progress(steps.append))
    virtual(scan.run())
    assert [f.wire for f in scan.progress.found] == [Wire(9600, "N")] * 3
    assert scan.settings["line1"].refused == [Wire(2400, "E"), Wire(9600, "E"), Wire(4800, "E")]
    assert scan.errors == {}
    assert {s.wire for s in steps if s.protocol == "modbus"} == {Wire(9600, "N")}


def test_a_port_that_takes_none_of_the_settings_is_not_searched(plant: Plant) -> None:
    place = Memory("line1", "serial", wires=(Wire(2400, "E"),), link=lambda: _Choosy(plant.line))
    scan = Scan([place], PROFILES, Options(["cjt188-2004"], (), 0.02), Progress(lambda step: None))
    virtual(scan.run())
    assert (scan.errors["line1"].reason, scan.broken) == ("closed", {})


def test_the_setting_that_answered_is_tried_first_by_the_next_protocol(plant: Plant) -> None:
    """And Modbus, whose sweep is long, at no other."""
    place = Memory("line1", "serial", link=lambda: _Choosy(plant.line))
    steps: list[Step] = []
    options = Options(["cjt188-2004", "modbus", "mbus"], [100], 0.02)
    scan = Scan([place], PROFILES, options, Progress(steps.append))
    virtual(scan.run())
    assert {s.wire for s in steps if s.protocol == "modbus"} == {Wire(9600, "N")}
    assert next(s.wire for s in steps if s.protocol == "mbus") == Wire(9600, "N")
    assert scan.settings["line1"].left_out


def test_a_line_that_goes_while_it_is_searched_is_told_with_the_step(plant: Plant) -> None:
    class Pulled(MemoryLink):
        async def write(self, data: bytes) -> None:
            if data[1:2] in (b"\x03", b"\x04"):
                raise LinkError("closed")
            await super().write(data)

    place = Memory("line1", "serial", wires=(WIRE,), link=lambda: Pulled(plant.line))
    scan = Scan([place], PROFILES, Options((), [4], 0.02), Progress(lambda step: None))
    virtual(scan.run())
    assert scan.broken == {"line1": (4, 5)}
    assert any(f.protocol == "cjt188-2004" for f in scan.progress.found)
