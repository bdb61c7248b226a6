"""From what plant.yaml says to a driver on its bus; a protocol is imported only where it is used."""

from __future__ import annotations

from drivers.bus import Bus, StreamBus
from drivers.driver import Clock, Device, Driver
from drivers.link import SerialLink, TcpLink

LEAST_GAP_S = 0.02  # quiet before a question, protocols.md 2.1; longer than 3.5 characters from 2400 baud up
GAP_BYTES = 3.5
FOLLOWED = ("opcua",)  # protocols whose devices tell what changed
BITS_PER_BYTE = 11  # start, 8 data, parity, stop


def driver_for(device: Device, bus: Bus, clock: Clock) -> Driver:
    """The driver of a device; values leave it in the quantity's unit, secondary side.

    One that is followed instead of asked has a connection of its own and leaves the bus alone.
    """
    match device.profile.protocol:
        case "modbus":
            from drivers.modbus.driver import ModbusDriver

            return ModbusDriver(device, bus, clock)
        case "dlt645-2007":
            from drivers.dlt645.driver import Dlt645Driver

            return Dlt645Driver(device, bus, clock)
        case "cjt188-2004":
            from drivers.cjt188.driver import Cjt188Driver

            return Cjt188Driver(device, bus, clock)
        case "sunspec":
            from drivers.sunspec.driver import SunSpecDriver

            return SunSpecDriver(device, bus, clock)
        case "opcua":
            return follower_for(device, clock)
    raise ValueError(device.profile.protocol)


def follower_for(device: Device, clock: Clock) -> Driver:
    """The driver of a device that tells what changed; it has the ability Subscribes."""
    if device.profile.protocol not in FOLLOWED:
        raise ValueError(device.profile.protocol)
    from drivers.opcua.driver import OpcUaDriver

    return OpcUaDriver(device, clock)


def serial_bus(name: str, port: str, baud: int, parity: str, stop: int) -> Bus:
    """A serial line; nothing is opened before the first question."""
    byte_s = BITS_PER_BYTE / baud
    gap_s = max(LEAST_GAP_S, GAP_BYTES * byte_s)
    return Bus(name, lambda: SerialLink.open(port, baud, parity, stop), gap_s=gap_s, byte_s=byte_s)


def tcp_bus(name: str, host: str, port: int) -> Bus:
    """A TCP connection, shared by the devices behind it; nothing is opened before the first question."""
    return StreamBus(name, lambda: TcpLink.open(host, port), quiet_s=0.0)
