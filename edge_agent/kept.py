"""How much of the past is kept: bytes and limits, how fine each time is, what was lost, how long the room lasts."""

from __future__ import annotations

from typing import Any

from edge_agent.room import keep_of
from edge_agent.site import Site
from edge_agent.store.keep.budget import usage_of
from edge_agent.store.keep.forecast import Forecast, forecast
from edge_agent.store.keep.gaps import Gap
from edge_agent.store.keep.grain import CODES
from edge_agent.store.reader import Reader
from edge_agent.when import iso


def kept(site: Site) -> dict[str, Any] | None:
    """The section `store` of `status --json`; None where there is no database."""
    budget = keep_of(site).budget
    found = usage_of(site.data)
    if found is None:
        return None
    reader = Reader(site.data)
    return {
        "used": found.used,
        "budget": budget.total,
        "reserve": budget.reserve,
        "free": found.disk,
        "reached": found.pressure(budget),
        "kept": [
            {"grain": CODES[grain], "from": _iso(first, site), "to": _iso(last, site)}
            for grain, (first, last) in sorted(reader.kept().items())
        ],
        "gaps": [_gap(gap, site) for gap in reader.gaps()],
        "forecast": _forecast(forecast(site.data, budget)),
    }


def _gap(gap: Gap, site: Site) -> dict[str, Any]:
    return {
        "why": gap.why,
        "from": _iso(gap.start, site),
        "to": _iso(gap.end, site),
        "before": CODES[gap.grain],
        "after": None if gap.after is None else CODES[gap.after],
        "tags": gap.tags,
        "readings": gap.readings,
        "decided": _iso(gap.decided, site),
    }


def _forecast(found: Forecast | None) -> dict[str, float] | None:
    """Days, rounded; None while there is less than a day to judge by."""
    if found is None:
        return None
    days = {"full_in": found.full_in, "raw": found.raw, "quarter": found.quarters, "hour": found.hours}
    return {
        **{f"{name}_days": round(count, 1) for name, count in days.items()},
        "bytes_a_day": round(found.bytes_a_day),
    }


def _iso(at: int, site: Site) -> str | None:
    """None for what is no date: a device made it up."""
    try:
        return iso(at, site.zone)
    except (OverflowError, ValueError, OSError):
        return None
