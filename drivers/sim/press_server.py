"""A simulated press line behind an OPC UA server: two presses, their energy meters, history.

It takes Basic256Sha256 only, and one user with a password. Clients read; nothing can be written.
A relay stands before it, so that it can freeze, be restarted and be unplugged like a real one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import SimpleRoleRuleset, User, UserRole
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from drivers.driver import Clock
from drivers.opcua.identity import identity
from drivers.sim.calendar import chance
from drivers.sim.cut import cuttable
from drivers.sim.faults import US, Fault, Faults
from drivers.sim.measured import Measured
from drivers.sim.relay import Relay

HOST, PATH = "127.0.0.1", "/leafgate/sim"
NAMESPACE = "urn:leafgate:sim:press"
APPLICATION = "urn:leafgate:sim:press-server"
USER = "leafgate"
NAME = "Leafgate press line (simulated)"
STEP_S = 0.5  # how often the values move
LOOK_S = 0.2  # how often the faults are looked at
HISTORY = 20_000  # values kept of each node with history, nearly three hours
CLOCK_OFF_US = 3600 * US
WOBBLE_US = 10 * US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ZERO: dict[ua.VariantType, bool | int | float] = {
    ua.VariantType.Boolean: False,
    ua.VariantType.UInt32: 0,
    ua.VariantType.Double: 0.0,
}
# Node, the profile's item that it shows, its type.
NODES: dict[str, tuple[str, ua.VariantType]] = {
    f"{name}{number}.{leaf}": (f"{item}_{number}", kind)
    for number in (1, 2)
    for name, leaf, item, kind in (
        ("Press", "Running", "running", ua.VariantType.Boolean),
        ("Press", "Strokes", "strokes", ua.VariantType.UInt32),
        ("Press", "StrokeRate", "rate", ua.VariantType.Double),
        ("Press", "OilTemperature", "oil_temperature", ua.VariantType.Double),
        ("Meter", "Energy", "energy", ua.VariantType.Double),
        ("Meter", "Power", "power", ua.VariantType.Double),
        ("Meter", "VoltageL1", "voltage_a", ua.VariantType.Double),
        ("Meter", "VoltageL2", "voltage_b", ua.VariantType.Double),
        ("Meter", "VoltageL3", "voltage_c", ua.VariantType.Double),
    )
}
WITH_HISTORY = [node for node in NODES if node.endswith((".Energy", ".Power"))]


@dataclass
class PressServer:
    """The server of the device `measured.name`; `faults` may change while it runs."""

    measured: Measured
    faults: Faults
    clock: Clock
    password: str
    step_s: float = STEP_S

    @contextlib.asynccontextmanager
    async def serve(self, folder: Path, port: int = 0) -> AsyncIterator[str]:
        """The endpoint's URL until the block ends; its certificate lies in `folder`. Starting takes seconds."""
        server, nodes = await self._made(folder)
        async with server:
            relay = Relay(HOST, server.bserver.port, lambda: self._on(Fault.SILENT))
            async with cuttable(lambda before: relay.served(before or port), self._is_cut) as bound:
                tasks = [asyncio.create_task(self._live(server, nodes)), asyncio.create_task(self._distrust(relay))]
                try:
                    yield f"opc.tcp://{HOST}:{bound}{PATH}"
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)

    def get_user(self, _: object, username: str | None, password: str | None, certificate: bytes | None) -> User | None:
        """Who logs in, for asyncua. Without a certificate the channel is open, and nobody may use that."""
        known = certificate is not None and (username, password) == (USER, self.password)
        return User(UserRole.User, USER) if known else None

    def _on(self, fault: Fault) -> bool:
        return self.faults.on(self.measured.name, fault, self.clock())

    def _is_cut(self) -> bool:
        return self._on(Fault.RESTARTED) or self._on(Fault.BUS_CUT)

    async def _made(self, folder: Path) -> tuple[Server, dict[str, ua.NodeId]]:
        """The server with its address space, not yet listening; and where its nodes are."""
        server = Server(user_manager=self)
        who = await asyncio.to_thread(identity, folder, "press-server", APPLICATION, ExtendedKeyUsageOID.SERVER_AUTH)
        await server.init()
        # The port is chosen when it listens; asyncua tells every client the address that it came by.
        server.set_endpoint(f"opc.tcp://{HOST}:0{PATH}")
        server.set_server_name(NAME)
        await server.set_build_info(APPLICATION, "Leafgate", NAME, "1", "1", datetime.now(UTC))
        await server.set_application_uri(who.uri)
        policies = [ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt, ua.SecurityPolicyType.Basic256Sha256_Sign]
        server.set_security_policy(policies, SimpleRoleRuleset())
        server.set_identity_tokens([ua.UserNameIdentityToken])
        server.set_certificate_validator(self._trusts)
        await server.load_certificate(who.certificate, "der")
        await server.load_private_key(who.key, None, "pem")
        return server, await self._furnished(server)

    async def _furnished(self, server: Server) -> dict[str, ua.NodeId]:
        index = await server.register_namespace(NAMESPACE)
        objects, nodes = {}, {}
        for path, (_, kind) in NODES.items():
            owner, leaf = path.split(".")
            if owner not in objects:
                objects[owner] = await server.nodes.objects.add_object(ua.NodeId(owner, index), owner)
            zero = ua.Variant(ZERO[kind], kind)
            node = await objects[owner].add_variable(ua.NodeId(path, index), ua.QualifiedName(leaf, index), zero)
            nodes[path] = node.nodeid
        await self._write(server, nodes)
        history = [server.get_node(nodes[path]) for path in WITH_HISTORY]
        await server.historize_node_data_change(history, period=None, count=HISTORY)
        return nodes

    async def _live(self, server: Server, nodes: dict[str, ua.NodeId]) -> None:
        while True:
            await self._write(server, nodes)
            await asyncio.sleep(self.step_s)

    async def _write(self, server: Server, nodes: dict[str, ua.NodeId]) -> None:
        for path, data in self._shown().items():
            await server.write_attribute_value(nodes[path], data)

    def _shown(self) -> dict[str, ua.DataValue]:
        """Every node as it is now."""
        now = self.clock()
        found = self.measured.at(now, self.faults)
        stamp = EPOCH + timedelta(microseconds=now - (CLOCK_OFF_US if self._on(Fault.CLOCK_OFF) else 0))
        status = ua.StatusCode(ua.StatusCodes.BadSensorFailure if self._on(Fault.ERROR) else ua.StatusCodes.Good)
        shown = {}
        for salt, (path, (item, kind)) in enumerate(NODES.items(), 30):
            value = found.get(item, 230.0 + 6.0 * (chance(now // WOBBLE_US, salt) - 0.5))
            shown[path] = ua.DataValue(ua.Variant(type(ZERO[kind])(value), kind), status, stamp, stamp)
        return shown

    async def _trusts(self, _: x509.Certificate, __: ua.ApplicationDescription) -> None:
        """Whether a client's certificate is accepted, for asyncua."""
        if self._on(Fault.CERT_UNTRUSTED):
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

    async def _distrust(self, relay: Relay) -> None:
        """Who is inside when the trust is taken away is put out."""
        while True:
            if self._on(Fault.CERT_UNTRUSTED):
                await relay.drop()
            await asyncio.sleep(LOOK_S)
