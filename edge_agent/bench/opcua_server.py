"""A server without security whose values N0... are all new every period, where node is not there: VALUES PERIOD_S."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

from asyncua import Server, ua

from edge_agent.bench.opcua_client import NAMESPACE

HOST = "127.0.0.1"


async def serve(values: int, period_s: float) -> None:
    """Print the endpoint, then go on for ever."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{HOST}:0/bench")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(NAMESPACE)
    nodes = [
        await server.nodes.objects.add_variable(ua.NodeId(f"N{n}", index), ua.QualifiedName(f"N{n}", index), 0.0)
        for n in range(values)
    ]
    async with server:
        print(json.dumps({"url": f"opc.tcp://{HOST}:{server.bserver.port}/bench"}), flush=True)
        count = 0.0
        while True:
            count += 1.0
            for n, node in enumerate(nodes):
                await server.write_attribute_value(node.nodeid, ua.DataValue(ua.Variant(count + n)))
            await asyncio.sleep(period_s)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
