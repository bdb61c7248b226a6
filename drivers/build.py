"""From what plant.yaml says to a driver on its bus; a protocol is imported only where it is used."""

from __future__ import annotations

from drivers.bus import Bus, Line, Port, StreamBus, TunnelBus
from drivers.driver import Clock, Device, Driver
from drivers.link import SerialLink, TcpLink
from drivers.wire import Wire

FOLLOWED = ("opcua",)  # protocols whose devices tell what changed
METER_GAP_S = 0.02  # quiet before a question to a DL/T 645, CJ/T 188 or M-Bus meter, protocols.md 2.1
GAP_BYTES = 3.5  # of silence between two frames; Modbus over serial line V1.02, 2.5.1.1
LEAST_GAP_S = 0.00175  # the same above 19200 baud


def driver_for(device: Device, bus: Bus, clock: Clock) -> Driver:
    """The driver of a device; values leave it in the quantity's unit, secondary side.

    One that is followed instead of asked has a connection of its own and leaves the bus alone.
    """
    line = port_for(device, bus)
    match device.profile.protocol:
        case "modbus":
            from drivers.modbus.driver import ModbusDriver

            return ModbusDriver(device, line, clock)
        case "dlt645-2007" | "dlt645-1997":
            from drivers.dlt645.driver import Dlt645Driver

            return Dlt645Driver(device, line, clock)
        case "cjt188-2004":
            from drivers.cjt188.driver import Cjt188Driver

            return Cjt188Driver(device, line, clock)
        case "sunspec":
            from drivers.sunspec.driver import SunSpecDriver

            return SunSpecDriver(device, line, clock)
        case "mbus":
            from drivers.mbus.driver import MBusDriver

            return MBusDriver(device, line, clock)
        case "opcua":
            return follower_for(device, clock)
    raise ValueError(device.profile.protocol)


def follower_for(device: Device, clock: Clock) -> Driver:
    """The driver of a device that tells what changed; it has the ability Subscribes."""
    if device.profile.protocol not in FOLLOWED:
        raise ValueError(device.profile.protocol)
    from drivers.opcua.driver import OpcUaDriver

    return OpcUaDriver(device, clock)


def port_for(device: Device, bus: Bus) -> Line:
    """The device's way to its line, with the silence that its protocol keeps before a question."""
    if bus.is_stream:
        return bus
    wire = device.wire or bus.wire
    gap_s = max(LEAST_GAP_S, GAP_BYTES * wire.byte_s if wire else 0.0)
    if device.profile.protocol not in ("modbus", "sunspec"):
        gap_s = max(gap_s, METER_GAP_S)
    return Port(bus, wire, gap_s)


def serial_bus(name: str, port: str, wire: Wire) -> Bus:
    """A serial line; nothing is opened before the first question."""
    return Bus(name, lambda: SerialLink.open(port, wire), wire=wire)


def tunnel_bus(name: str, host: str, port: int, wire: Wire) -> Bus:
    """A serial line behind a transparent TCP converter, whose line settings are those of `wire`."""
    return TunnelBus(name, lambda: TcpLink.open(host, port), wire=wire)


def tcp_bus(name: str, host: str, port: int) -> Bus:
    """A TCP connection, shared by the devices behind it; nothing is opened before the first question."""
    return StreamBus(name, lambda: TcpLink.open(host, port), quiet_s=0.0)
