"""OPC UA. Only this package, the simulated server and the benchmarks import asyncua, where a device needs it."""

from __future__ import annotations

import logging

# asyncua logs a traceback for every server that is switched off, once a second until it is back.
# What went wrong reaches us as an exception, and the agent logs it once.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
