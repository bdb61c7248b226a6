"""Which frameworks apply to a site on a day, and in which order."""

from __future__ import annotations

from datetime import date

from configs.problem import nearest
from edge_agent.exit import Exit, Stop
from edge_agent.site import Site
from kb.framework import Framework, Rulebook


def frameworks_of(rulebook: Rulebook, site: Site, day: date) -> list[Framework]:
    """In force on the day in a jurisdiction of the site: in the site's order, the newest first."""
    places = site.plant.site.jurisdiction
    ranks = {f.id: _rank(f, places) for f in rulebook.frameworks.values()}
    begun = [f for f in rulebook.frameworks.values() if ranks[f.id] < len(places) and f.valid_from <= day]
    replaced = {old for f in begun for old in f.supersedes}
    fitting = [f for f in begun if f.id not in replaced]
    return sorted(fitting, key=lambda f: (ranks[f.id], -f.valid_from.toordinal(), f.id))


def _rank(framework: Framework, places: list[str]) -> int:
    """The first place of the site that lies in the framework's jurisdiction; a province lies in its country."""
    within = (i for i, place in enumerate(places) if f"{place}-".startswith(f"{framework.jurisdiction}-"))
    return next(within, len(places))


def successor_of(rulebook: Rulebook, framework: Framework, day: date) -> Framework | None:
    """The newer edition that is in force on the day, or None."""
    newer = (f for f in rulebook.frameworks.values() if framework.id in f.supersedes and f.valid_from <= day)
    return max(newer, key=lambda f: f.valid_from, default=None)


def choose(rulebook: Rulebook, site: Site, day: date, name: str | None) -> Framework:
    """The one that was asked for, else the first that applies; Stop when there is none."""
    if name is not None:
        if name not in rulebook.frameworks:
            hint = nearest(name, rulebook.frameworks) or "-"
            raise Stop(
                Exit.USAGE, "gap.no_framework", framework=name, nearest=hint, allowed=", ".join(rulebook.frameworks)
            )
        return rulebook.frameworks[name]
    fitting = frameworks_of(rulebook, site, day)
    if not fitting:
        places = ", ".join(site.plant.site.jurisdiction)
        raise Stop(Exit.CANNOT_TELL, "gap.none_applies", day=day, places=places, allowed=", ".join(rulebook.frameworks))
    return fitting[0]
