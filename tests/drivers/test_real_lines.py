"""Once over a real pseudo terminal and a real socket, as an installation has them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.build import driver_for, serial_bus, tcp_bus
from drivers.driver import Device
from drivers.error import LinkError
from drivers.reading import Quality
from drivers.sim.faults import Fault
from drivers.sim.plant import HEAT_PUMP_UNIT, HOST, WATER_ADDRESS, Plant, shipped
from drivers.wire import Wire
from tests.drivers.conftest import m4, meter, noon, wires

LONG_S = 2.0  # a busy machine may take its time


def heat_pump() -> Device:
    return Device("hp1", shipped("midea-m-thermal"), unit=HEAT_PUMP_UNIT, timeout=LONG_S)


def water() -> Device:
    return Device("w1", shipped("cjt188-water"), WATER_ADDRESS, timeout=LONG_S)


async def test_the_plant_is_read_over_a_serial_port_and_a_socket(plant: Plant, tmp_path: Path) -> None:
    async with wires(plant, tmp_path) as (serial, port):
        line, tcp = (
            serial_bus("line1", str(serial), Wire(9600, "N", 1)),
            tcp_bus("hp1", HOST, port),
        )
        drivers = [driver_for(meter(n, timeout=LONG_S), line, noon) for n in ("m1", "m2", "m3")]
        drivers += [driver_for(device, line, noon) for device in (m4(timeout=LONG_S), water())]
        drivers.append(driver_for(heat_pump(), tcp, noon))
        for driver in drivers:
            await driver.connect()
        for readings in await asyncio.gather(*(d.read() for d in drivers)):
            assert all(r.quality == Quality.GOOD for r in readings)
        for driver in drivers:
            await driver.close()
        await line.close()
        await tcp.close()
    assert not serial.exists()


async def test_a_dead_device_leaves_the_others_on_the_line_alone(plant: Plant, tmp_path: Path) -> None:
    plant.faults.set("m1", Fault.SILENT)
    async with wires(plant, tmp_path) as (serial, _):
        line = serial_bus("line1", str(serial), Wire(9600, "N", 1))
        with pytest.raises(LinkError, match="no_reply"):
            await driver_for(meter("m1", timeout=0.05), line, noon).read()
        readings = await driver_for(meter("m2", timeout=LONG_S), line, noon).read()
        assert all(r.quality == Quality.GOOD for r in readings)
        await line.close()


async def test_a_plant_that_comes_back_is_read_again(plant: Plant, tmp_path: Path) -> None:
    """The port and the socket vanish and return; the same drivers go on."""
    async with wires(plant, tmp_path) as (serial, port):
        line, tcp = (
            serial_bus("line1", str(serial), Wire(9600, "N", 1)),
            tcp_bus("hp1", HOST, port),
        )
        drivers = [driver_for(meter("m1", timeout=LONG_S), line, noon), driver_for(heat_pump(), tcp, noon)]
        for driver in drivers:
            await driver.read()
    for driver, reasons in zip(drivers, ({"no_port", "closed"}, {"refused", "closed"}), strict=True):
        with pytest.raises(LinkError) as caught:
            await driver.read()
        assert caught.value.reason in reasons
    async with wires(plant, tmp_path, port):
        for driver in drivers:
            assert all(r.quality == Quality.GOOD for r in await driver.read())
        await line.close()
        await tcp.close()
