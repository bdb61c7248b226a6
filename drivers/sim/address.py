"""Where a served plant is reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Address:
    """The serial port, the TCP ports on `host`, the OPC UA endpoint and who may log in there."""

    serial: Path
    host: str
    inverter_port: int
    heat_pump_port: int
    opcua_url: str
    user: str
    password: str

    def places(self) -> dict[str, str]:
        """Each place by the name it has in the demonstration's plant.yaml."""
        return {
            "serial": str(self.serial),
            "host": self.host,
            "inverter_port": str(self.inverter_port),
            "heat_pump_port": str(self.heat_pump_port),
            "opcua_url": self.opcua_url,
        }
