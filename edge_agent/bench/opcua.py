"""What one OPC UA value costs in CPU: our driver beside node-opcua's client, subscribed to the same server.

Each client runs in a process of its own. Where node-opcua is not installed, asyncua's own subscription
is the only measure.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from edge_agent.bench.opcua_client import PUBLISH_S, SAMPLING_S

PEER = Path(__file__).parents[2] / "tests" / "peers" / "node_opcua"
PERIOD_S = 1.0  # every value is new so often
TURNS = 3  # each client takes; the median counts
START_S = 60.0  # node-opcua makes a key at its first start
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class OpcUaCost:
    """CPU microseconds of one value, medians; the goal of `ratio` is at most 1.0."""

    ratio: float | None  # to node-opcua's client; None where that is not installed
    ours_us: float  # to the columns that `changes()` answers
    node_us: float | None
    library_us: float  # asyncua's own subscription, one callback a value
    values: int  # that ours got in its last turn
    why: str  # there is no ratio; empty where there is one


def measure(values: int = 5000, seconds: float = 6.0, warm_up: float = 2.0) -> OpcUaCost:
    """Take turns of so long each, when warm, following so many values that are new every second."""
    return asyncio.run(_measure(values, [str(values), str(seconds), str(warm_up)]))


def node_program() -> str | None:
    """Where node is, if node-opcua is installed beside the tests."""
    return shutil.which("node") if (PEER / "node_modules" / "node-opcua").is_dir() else None


async def _measure(values: int, pace: list[str]) -> OpcUaCost:
    node = node_program()
    ours: list[float] = []
    theirs: list[float] = []
    own = [sys.executable, "-m", "edge_agent.bench.opcua_client"]
    with tempfile.TemporaryDirectory() as folder:
        async with _server(node, folder, values) as url:
            what = [url, *pace]
            for _ in range(TURNS):
                count, cost = await _cost(folder, *own, *what)
                ours.append(cost)
                if node is not None:
                    intervals = [str(PUBLISH_S * 1000), str(SAMPLING_S * 1000)]
                    peer = [node, str(PEER / "client_bench.js"), folder, *intervals]
                    theirs.append((await _cost(folder, *peer, *what))[1])
            _, library = await _cost(folder, *own, *what, "library")
    found = statistics.median(ours)
    if not theirs:
        return OpcUaCost(None, found, None, library, count, f"node-opcua is not installed in {PEER.name}")
    limit = statistics.median(theirs)
    return OpcUaCost(found / limit, found, limit, library, count, "")


async def _cost(folder: str, *words: str) -> tuple[int, float]:
    """How many values one client got, and what each cost it."""
    process = await asyncio.create_subprocess_exec(*words, stdout=PIPE, env=_home(folder))
    told, _ = await process.communicate()
    found = json.loads(told.splitlines()[-1])
    return found["values"], found["cpu_us"] / max(found["values"], 1)


@contextlib.asynccontextmanager
async def _server(node: str | None, folder: str, values: int) -> AsyncIterator[str]:
    """node-opcua's server, or asyncua's, in a process of its own; gives its address."""
    if node is None:
        words = [sys.executable, "-m", "edge_agent.bench.opcua_server", str(values), str(PERIOD_S)]
    else:
        words = [node, str(PEER / "bench_server.js"), str(_port()), folder, str(values), str(PERIOD_S * 1000)]
    serving = await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=DEVNULL, env=_home(folder))
    assert serving.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = b""
            while not line.startswith(b'{"url"'):
                line = await serving.stdout.readline()
        yield json.loads(line)["url"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            serving.kill()
        await serving.communicate()


def _home(folder: str) -> dict[str, str]:
    """node-opcua keeps keys and certificates in the home of its user."""
    return {**os.environ, **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), folder)}


def _port() -> int:
    """A free one; node-opcua does not tell which it took."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])
