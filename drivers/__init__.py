"""Protocols, the shared bus and the simulators. Drivers read and never write to a device."""
