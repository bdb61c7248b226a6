"""A Modbus TCP server for the bench, in a process of its own: every register holds a piece of 230.2 as float32.

It prints its port and runs until it is killed.
"""

from __future__ import annotations

import asyncio
import struct

from drivers.modbus.tcp import MBAP

HOST = "127.0.0.1"
PATTERN = struct.pack(">f", 230.2) * 63
COUNT = slice(10, 12)  # where a question of functions 1 to 4 says how many


class Server(asyncio.Protocol):
    """One connection; every question comes whole, because its client waits for each answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        transaction, _, _, unit = MBAP.unpack_from(data)
        size = 2 * int.from_bytes(data[COUNT], "big")
        head = MBAP.pack(transaction, 0, 3 + size, unit) + bytes([data[MBAP.size], size])
        self._transport.write(head + PATTERN[:size])


async def serve() -> None:
    """Answer until cancelled."""
    server = await asyncio.get_running_loop().create_server(Server, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
