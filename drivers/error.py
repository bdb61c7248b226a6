"""What can go wrong with a device; each class answers one question for the caller."""

from __future__ import annotations


class DriverError(Exception):
    """Root of all; `reason` is the code that readings and the catalogue use."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class LinkError(DriverError):
    """Nothing usable came back: try again later.

    reason: no_port, refused, no_reply, closed, noise; OPC UA also access_denied, cert_untrusted,
    cert_changed.
    """


class DeviceError(DriverError):
    """It answered no; reason says why (no_data, illegal_address, device_failure, busy, ...)."""


class ProfileError(DriverError):
    """Our description of it is wrong: mend the profile or plant.yaml."""
