"""Nothing but reads ever leaves a driver: every shipped profile is asked, and every byte sent is looked at.

The bytes are read here by the standards' own places, not by our codecs.
"""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import pytest

import drivers
from configs import FOLDER
from drivers.build import FOLLOWED, driver_for
from drivers.bus import Bus, StreamBus
from drivers.driver import Device
from drivers.error import DriverError
from drivers.link import Link
from drivers.sim.plant import shipped
from drivers.wire import Wire

PROFILES = sorted(path.stem for path in (FOLDER / "devices").glob("*.yaml"))
ADDRESSES = {"dlt645-2007": "000000000161", "dlt645-1997": "000000000161", "cjt188-2004": "00000012345671", "mbus": "5"}
READS = {"dlt645-2007": {0x11, 0x12, 0x13}, "dlt645-1997": {0x01, 0x02}, "cjt188-2004": {0x01, 0x03}}
RESET, SELECT, REQUESTS = 0x40, {0x53, 0x73}, {0x5B, 0x7B}  # EN 13757-2, control field of M-Bus
CYCLES = 12  # as many as bring every question of low priority its turn
VERBS = ("write", "set", "put", "clear", "trip", "switch", "force", "control", "broadcast", "freeze")


class Deaf:
    """A link that remembers what is sent, and on which nobody answers."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.sent.append(data)

    async def read(self, timeout_s: float) -> bytes:
        return b""

    async def set(self, wire: Wire) -> None: ...

    async def close(self) -> None: ...


def is_read(protocol: str, sent: bytes, is_stream: bool) -> bool:
    """Whether a request is one that changes nothing in a device."""
    if protocol in ("modbus", "sunspec"):
        return (sent[7] if is_stream else sent[1]) in (1, 2, 3, 4)
    if protocol == "mbus":
        long = sent[0] == 0x68
        return sent[4] in SELECT and sent[6] == 0x52 if long else sent[1] in {RESET, *REQUESTS}
    frame = sent.lstrip(b"\xfe")
    return frame[9 if protocol == "cjt188-2004" else 8] in READS[protocol]


@pytest.mark.parametrize("is_stream", [False, True], ids=["line", "tcp"])
@pytest.mark.parametrize("name", PROFILES)
async def test_a_driver_sends_nothing_but_reads(name: str, is_stream: bool) -> None:
    profile = shipped(name)
    if profile.protocol in FOLLOWED or (is_stream and profile.protocol in ADDRESSES):
        return
    link = Deaf()

    async def opened() -> Link:
        return link

    bus = (StreamBus if is_stream else Bus)("line", opened, quiet_s=0.0, frame_gap_s=0.0)
    device = Device("d", profile, ADDRESSES.get(profile.protocol, ""), timeout=0.001)
    driver = driver_for(device, bus, lambda: 0)
    await driver.connect()
    with contextlib.suppress(DriverError):
        await driver.probe()
    for _ in range(CYCLES):
        with contextlib.suppress(DriverError):
            await driver.read()
    assert link.sent
    assert all(is_read(profile.protocol, sent, is_stream) for sent in link.sent)


def test_no_function_of_a_driver_is_named_after_a_change_to_a_device() -> None:
    """A guard against the next one of us; the simulators are devices, and a link has to write bytes."""
    root = Path(drivers.__file__).parent
    named = [
        f"{path.relative_to(root)}:{node.lineno} {node.name}"
        for path in sorted(root.rglob("*.py"))
        if "sim" not in path.relative_to(root).parts and path.name != "whole.py" and path != root / "link.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.lstrip("_").split("_")[0] in VERBS
    ]
    assert named == []
