"""What waits to be salvaged and how old the newest backup is, as `doctor` and `status` say it."""

from __future__ import annotations

from typing import Any

from edge_agent.site import Site
from edge_agent.store.rescue.aside import aside
from edge_agent.store.rescue.backup import noted
from edge_agent.store.rescue.quarantine import quarantined
from edge_agent.when import iso

DAY_US = 86_400_000_000


def damaged(site: Site) -> dict[str, Any]:
    """The section `damaged` of `status --json`: files nobody has salvaged, blocks set aside, the newest backup."""
    waiting = [found for found in quarantined(site.data) if found.salvaged is None]
    newest = noted(site.data)
    return {
        "files": [{"file": str(found.path), "at": iso(found.at, site.zone), "why": found.why} for found in waiting],
        "set_aside": len(aside(site.data)),
        "backup": {"at": iso(newest[0], site.zone), "file": newest[1]} if newest else None,
    }


def backup_age_days(site: Site, now: int) -> float | None:
    """How old the newest backup is; None where there never was one."""
    newest = noted(site.data)
    return (now - newest[0]) / DAY_US if newest else None
