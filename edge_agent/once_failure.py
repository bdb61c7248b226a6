"""Why one device gave no reading, as one line with the advice that fits its line."""

from __future__ import annotations

from drivers.error import DriverError, LinkError
from edge_agent.exit import Exit, Stop
from edge_agent.held import is_held
from edge_agent.line_fault import is_nameless, plain, refuses_settings
from edge_agent.session import Session
from edge_agent.store.lock import running

GATEWAY = "gateway, exception "  # drivers/modbus/unit.py: the gateway answers in the place of the device
NO_PATH = "0A"  # Modbus application protocol V1.1b3, 7
NO_LINE = ("no_port", "refused", "closed")


def stop_for(session: Session, device: str, error: DriverError) -> Stop:
    """The line and the exit code: 3 where our description is wrong, 7 for a port that is taken, else 6."""
    config = session.site.plant.devices[device]
    bus = session.site.plant.buses.get(config.bus)
    where = bus.place if bus else config.url or f"{config.host}:{config.port}"
    said = {"device": device, "where": where, "why": session.texts.why(error.reason), "detail": plain(error.detail)}
    if not isinstance(error, LinkError):
        return Stop(Exit.SITE, "read.profile", profile=config.profile, **said)
    if is_held(error):
        holder = running(session.site.data)
        if holder is not None:
            return Stop(Exit.BUSY, "read.agent_holds", pid=holder.pid, **said)
        return Stop(Exit.BUSY, "read.held", **said)
    if refuses_settings(error) and bus:
        wire = config.wire_on(bus)
        return Stop(Exit.UNHEALTHY, "read.refuses", wire=f"{wire.baud} 8{wire.parity}{wire.stop}", **said)
    if error.detail.startswith(GATEWAY):
        code = error.detail.removeprefix(GATEWAY)
        key = "read.gateway_no_path" if code == NO_PATH else "read.gateway_silent"
        return Stop(Exit.UNHEALTHY, key, code=code, unit=config.unit, **said)
    if is_nameless(error):
        return Stop(Exit.UNHEALTHY, "read.no_host", **said)
    if error.reason in NO_LINE:
        return Stop(Exit.UNHEALTHY, "read.no_line", **said)
    kind = "opcua" if config.url else "tcp" if not bus else "tunnel" if bus.host else "serial"
    return Stop(Exit.UNHEALTHY, f"read.no_answer.{kind}", **said)
