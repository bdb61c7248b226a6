"""Programs of others read our simulated meters, and our drivers read theirs."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

import pytest

from drivers.build import tcp_bus
from drivers.dlt645.driver import Dlt645Driver
from drivers.driver import Device
from drivers.modbus.driver import ModbusDriver
from drivers.profile import Item, Profile
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink, serve_tcp
from drivers.sim.past import float32
from drivers.sim.plant import HOST, UNITS, Plant, shipped
from tests.conftest import missing
from tests.drivers.conftest import NOON, bus_of, m4_over_tcp, noon


@pytest.fixture
def dlt645_peer() -> Any:
    if importlib.util.find_spec("dlt645") is None:
        missing("peers", "the package dlt645 is not installed")
    import dlt645

    dlt645.disable_logging()
    return dlt645


def need_pymodbus() -> None:
    if importlib.util.find_spec("pymodbus") is None:
        missing("peers", "the package pymodbus is not installed")


async def test_the_dlt645_package_reads_our_meter(dlt645_peer: Any, plant: Plant) -> None:
    from dlt645.service.clientsvc.async_client_service import AsyncMeterClientService

    async with serve_tcp(lambda: plant.line, HOST, 0) as port:
        client = AsyncMeterClientService.new_tcp_client(HOST, port, timeout=2.0)
        client.set_address("610100000000")  # wire order
        true = plant.measures.grid(NOON)
        energy, power, volts = (
            await client.read_00(0x00010000),
            await client.read_02(0x02030000),
            await client.read_02(0x02010200),
        )
        assert energy.value == pytest.approx(true["energy_import"], abs=0.011)
        assert power.value == pytest.approx(true["power"], abs=0.0001)
        assert volts.value == true["voltage_b"]
        await client.disconnect()


async def test_our_driver_reads_the_dlt645_packages_meter(dlt645_peer: Any) -> None:
    """In memory: their frames, our link. Their meter takes any address for its own."""
    from dlt645.protocol.protocol import DLT645Protocol
    from dlt645.service.serversvc.server_service import MeterServerService

    service = MeterServerService.new_rtu_server("/dev/null", 8, 1, 9600, "N", 1.0)
    service.set_address("610100000000")
    service.set_00(0x00010000, 123456.78)
    service.set_02(0x02030000, -12.3456)
    service.set_02(0x02010100, 229.7)

    class Theirs:
        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            _, frame = DLT645Protocol.deserialize_with_remaining(data)
            reply = service.handle_request(frame)
            return [(0.0, bytes(reply))] if reply else []

    shape = shipped("dlt645-2007-3ph")
    items = {name: shape.items[name] for name in ("energy_import", "power", "voltage_a")}
    device = Device("m", Profile(shape.title, "dlt645-2007", "test", items), "000000000161", timeout=0.2)
    readings = await Dlt645Driver(device, bus_of(MemoryLink(Theirs())), noon).read()
    assert [r.value for r in readings] == [123456.78, -12.3456, 229.7]


async def test_pymodbus_reads_our_slave(plant: Plant) -> None:
    need_pymodbus()
    from pymodbus.client import AsyncModbusTcpClient

    async with serve_tcp(lambda: m4_over_tcp(plant), HOST, 0) as port:
        client = AsyncModbusTcpClient(HOST, port=port, timeout=2)
        assert await client.connect()
        energy = await client.read_input_registers(72, count=2, device_id=UNITS["m4"])
        lacking = await client.read_input_registers(500, count=2, device_id=UNITS["m4"])
        refused = await client.write_register(0, 1, device_id=UNITS["m4"])
        client.close()
    value = client.convert_from_registers(energy.registers, client.DATATYPE.FLOAT32)
    assert value == pytest.approx(float32(plant.measures.of("m4")(NOON)["energy_import"]))
    assert (lacking.exception_code, refused.exception_code) == (2, 1)


async def test_our_driver_reads_a_pymodbus_server() -> None:
    need_pymodbus()
    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    holding = [SimData(10, values=-7, datatype=DataType.INT16), SimData(11, values=1.5, datatype=DataType.FLOAT32)]
    inputs = [SimData(0, values=70000, datatype=DataType.UINT32)]
    bits = [SimData(0, values=[True, False, True], datatype=DataType.BITS)]
    server: Any = ModbusTcpServer(SimDevice(3, (bits, bits, holding, inputs)), address=(HOST, 0))
    serving = asyncio.create_task(server.serve_forever())
    while server.transport is None:
        await asyncio.sleep(0.01)
    port = server.transport.sockets[0].getsockname()[1]
    items = {
        "t": Item("temperature", register=10, type="int16", scale=0.1),
        "f": Item("frequency", register=11, type="float32"),
        "n": Item("count", function=4, register=0, type="uint32"),
        "lacking": Item("count", function=4, register=900),
    }
    shape = shipped("eastron-sdm630")
    bus = tcp_bus("theirs", HOST, port)
    driver = ModbusDriver(Device("x", Profile(shape.title, "modbus", "test", items), unit=3, timeout=2.0), bus, noon)
    readings = await driver.read()
    await bus.close()
    await server.shutdown()
    await asyncio.gather(serving, return_exceptions=True)
    assert [r.value for r in readings[:3]] == [pytest.approx(-0.7), 1.5, 70000.0]
    assert (readings[3].quality, readings[3].reason) == (Quality.ABSENT, "illegal_address")
