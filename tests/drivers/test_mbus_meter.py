"""The simulated M-Bus meters by themselves, and once over a pseudo terminal and a socket."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from configs import FOLDER
from configs.load import load
from drivers.build import serial_bus, tunnel_bus
from drivers.driver import Device
from drivers.mbus.cut import cut
from drivers.mbus.driver import MBusDriver
from drivers.profile import Profile
from drivers.sim.carrier import serve_pty, serve_tcp
from drivers.sim.faults import Fault, Faults
from drivers.sim.meter_mbus import MBusLine, MeterMBus
from drivers.wire import Wire
from tests.drivers.test_mbus_driver import HEAT, READ, Bench, heat_meter, noon, values

FLOAT, CODING = 0x05, 0x0F  # of a DIF
LONG_S = 2.0  # a busy machine may take its time


class FloatMeter(MeterMBus):
    """Sends every value as a float, in the same multiples of a unit."""

    def _records(self, faults: Faults, now: int) -> list[bytes]:
        clock, *found = super()._records(faults, now)
        return [clock, *(_as_float(record) for record in found)]


def _as_float(record: bytes) -> bytes:
    (raw,), _ = cut(record)
    number = int.from_bytes(raw.data, "little", signed=True)
    return bytes([raw.dif[0] & ~CODING | FLOAT]) + raw.dif[1:] + raw.vif + struct.pack("<f", number)


@pytest.mark.parametrize("kind", [MeterMBus, FloatMeter])
async def test_readings_do_not_depend_on_the_type_of_the_data(kind: type[MeterMBus]) -> None:
    plain = heat_meter()
    meter = kind(plain.name, plain.primary, plain.secondary, plain.profile, plain.values)
    assert values(await Bench(meter).driver().read()) == READ


@pytest.mark.parametrize("kind", [MeterMBus, FloatMeter])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("water", {"volume": 12.345, "flow": 0.25, "settled_volume": 1.5}),
        ("electricity", {"energy_import": 42.0, "power": 1.25, "current": 155.6, "voltage": 231.6, "frequency": 49.98}),
    ],
)
async def test_every_shipped_profile_reads_a_meter_of_floats(
    kind: type[MeterMBus], name: str, shown: dict[str, float]
) -> None:
    profile = load(FOLDER / "devices" / f"mbus-{name}.yaml", Profile).value
    plain = heat_meter()
    meter = kind(plain.name, plain.primary, plain.secondary, profile, lambda at: shown)
    found = values(await Bench(meter).driver(profile=profile).read())
    assert {item: found[item] for item in shown} == shown


async def test_a_meter_is_read_over_a_serial_port(tmp_path: Path) -> None:
    """Parity N, because a pseudo terminal has none."""
    line = MBusLine([heat_meter(records=4)], Faults(), noon)
    async with serve_pty(line, tmp_path / "line") as port:
        bus = serial_bus("line", str(port), Wire(2400, "N", 1))
        for address in ("1", "12345678FFFFFFFF"):
            driver = MBusDriver(Device("h1", HEAT, address, timeout=LONG_S), bus, noon)
            await driver.connect()
            assert values(await driver.read()) == READ
            await driver.close()
        await bus.close()


async def test_a_meter_is_read_behind_a_transparent_tcp_converter() -> None:
    line = MBusLine([heat_meter(records=4)], Faults(), noon)
    async with serve_tcp(lambda: line, "127.0.0.1", 0) as port:
        bus = tunnel_bus("line", "127.0.0.1", port, Wire(9600, "E", 1))
        driver = MBusDriver(Device("h1", HEAT, "1", timeout=LONG_S), bus, noon)
        for _ in range(2):
            assert values(await driver.read()) == READ
        await bus.close()


def test_the_clock_of_a_simulated_meter_is_an_hour_behind_when_told_so() -> None:
    def shown(faults: Faults) -> str:
        line = MBusLine([heat_meter()], faults, noon)
        ((_, reply),) = line.feed(bytes.fromhex("107B017C16"))
        return reply.hex()

    behind = Faults()
    behind.set("h1", Fault.CLOCK_OFF)
    assert "046d030c4731" in shown(Faults())
    assert "046d030b4731" in shown(behind)


@pytest.mark.parametrize("request_hex", ["105A015B16", "6803036853FE50A116", "6806066853017A01017A084F16", "E5"])
def test_a_simulated_meter_is_silent_to_all_but_reset_selection_and_request(request_hex: str) -> None:
    line = MBusLine([heat_meter()], Faults(), noon)
    assert line.feed(bytes.fromhex(request_hex)) == []


def test_a_simulated_meter_repeats_its_telegram_until_the_bit_turns() -> None:
    line = MBusLine([heat_meter(records=3)], Faults(), noon)
    set_bit, clear_bit = bytes.fromhex("107B017C16"), bytes.fromhex("105B015C16")
    first = line.feed(set_bit)
    assert line.feed(set_bit) == first
    second = line.feed(clear_bit)
    assert second not in (first, [])
    assert line.feed(clear_bit) == second


def test_reset_at_253_ends_a_selection() -> None:
    meter = heat_meter()
    line = MBusLine([meter], Faults(), noon)
    states = []
    for request in ("680B0B6873FD5278563412FFFFFFFFD216", "1040FD3D16"):
        assert line.feed(bytes.fromhex(request)) == [(0.0, b"\xe5")]
        states.append(meter.is_selected)
    assert states == [True, False]
    assert line.feed(bytes.fromhex("107BFD7816")) == []
