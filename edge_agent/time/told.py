"""How sure the agent's time is, as status and doctor say it."""

from __future__ import annotations

from typing import Any

from edge_agent.period import US
from edge_agent.site import Site
from edge_agent.store.stamps.untimed import UntimedReader
from edge_agent.time.boot import boot_id, since_boot
from edge_agent.time.ntp import synchronised
from edge_agent.time.trust import RELEASED_US, STEP_US, Trust
from edge_agent.when import iso


def time_told(site: Site, now: int) -> dict[str, Any]:
    """The state of the clock by the machine's date `now`, and what is stored without a sure time.

    state: `synchronised`, `not_synchronised` but believed, `off` where the agent goes on by its own clock,
    `unsure` where readings are kept apart. off_s: by how much the machine's date is ahead of the agent's time.
    """
    reader = UntimedReader(site.data)
    known = reader.era(boot_id())
    off = now - since_boot() - known.era.offset if known and known.era.trust > Trust.UNSURE else 0
    spells = [
        {"readings": s.readings, "after": iso(s.after, site.zone), "before": iso(s.before, site.zone)}
        for s in reader.spells()
    ]
    state = "synchronised" if synchronised() else "not_synchronised"
    if now < RELEASED_US or (known and known.era.trust == Trust.UNSURE):
        state = "unsure"
    if abs(off) > STEP_US:
        state = "off"
    return {"state": state, "off_s": round(off / US, 1), "untimed": spells, "waiting": reader.waiting()}
