"""A Modbus TCP server for the bench, in a process of its own: float32, other ones in every answer, as a meter has them.

It prints its port and runs until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import struct

from drivers.modbus.tcp import MBAP

HOST = "127.0.0.1"
SEED, ANSWERS, VALUES = 1, 256, 63
COUNT = slice(10, 12)  # where a question of functions 1 to 4 says how many


class Server(asyncio.Protocol):
    """One connection; every question comes whole, because its client waits for each answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._answers = itertools.cycle(answers())

    def data_received(self, data: bytes) -> None:
        transaction, _, _, unit = MBAP.unpack_from(data)
        size = 2 * int.from_bytes(data[COUNT], "big")
        head = MBAP.pack(transaction, 0, 3 + size, unit) + bytes([data[MBAP.size], size])
        self._transport.write(head + next(self._answers)[:size])


def answers() -> list[bytes]:
    """Registers full of voltages as a meter measures them, with all the digits of a float32."""
    chance = random.Random(SEED)
    return [struct.pack(f">{VALUES}f", *(chance.gauss(230.0, 2.0) for _ in range(VALUES))) for _ in range(ANSWERS)]


async def serve() -> None:
    """Answer until cancelled."""
    server = await asyncio.get_running_loop().create_server(Server, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
