"""OPC UA. Only this package and the simulated server import asyncua, and only where a device needs it."""

from __future__ import annotations

import logging

# asyncua logs a traceback for every server that is switched off, once a second until it is back.
# What went wrong reaches us as an exception, and the agent logs it once.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
