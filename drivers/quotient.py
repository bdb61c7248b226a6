"""Items that are computed of two others of the same reading, such as the COP of a heat pump."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drivers.profile import Item
from drivers.reading import Quality, Reading
from drivers.round import Found

AT_REST = 0.05  # of the divisor, in its quantity's unit: 50 W draws a heat pump that only waits


def quotients(items: Mapping[str, Item], tags: Mapping[str, str], found: Found) -> Found:
    """What can be computed of the items that were read now; of one that was not read nothing is said."""
    computed: Found = {}
    for name, item in items.items():
        if item.quotient and all(part in found for part in item.quotient):
            dividend, divisor = (found[part] for part in item.quotient)
            computed[name] = _through(tags[name], dividend, divisor)
    return computed


def _through(tag: str, dividend: Reading, divisor: Reading) -> Reading:
    """As good as the worse of the two; absent while the divisor rests."""
    worse = max(dividend, divisor, key=lambda r: r.quality)
    if dividend.value is None or divisor.value is None:
        return replace(worse, tag=tag, value=None)
    if divisor.value < AT_REST:
        return replace(worse, tag=tag, value=None, quality=Quality.ABSENT, reason="at_rest")
    return replace(worse, tag=tag, value=dividend.value / divisor.value)
