"""Values as words: numbers with their quality and age, moments, sizes; ASCII only."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from drivers.reading import Quality
from edge_agent.overview.device import ASLEEP
from edge_agent.overview.value import Value
from edge_agent.period import US, Calendar
from edge_agent.texts import Texts
from tui.cells import Span

NOTHING = "--"
RAMP = " .:-=+*#%@"
HOLE = "?"
UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 1000))
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def number(value: float | None, decimals: int = 1) -> str:
    """Thousands parted by a blank; `--` when unknown."""
    if value is None:
        return NOTHING
    text = f"{value:,.{decimals}f}".replace(",", " ")
    return text.lstrip("-") if float(f"{value:.{decimals}f}") == 0 else text


def rounded(value: float) -> str:
    """As many digits as a person wants to read: one decimal from 100, two from 1, three below."""
    size = abs(value)
    return number(value, 1 if size >= 100 else 2 if size >= 1 or size == 0 else 3)


def age(microseconds: int) -> str:
    """Steps of ten seconds, then minutes, hours and days: a screen repaints only when the word changes."""
    seconds = microseconds // US
    if seconds < MINUTE_S:
        return f"{seconds // 10 * 10 or '<10'}s"
    for unit, size, most in (("m", MINUTE_S, HOUR_S), ("h", HOUR_S, 2 * DAY_S)):
        if seconds < most:
            return f"{seconds // size}{unit}"
    return f"{seconds // DAY_S}d"


def shown(value: Value, text: str, texts: Texts) -> Span:
    """A value with what is to be said of its quality; `text` is the value itself."""
    if value.value is not None:
        return (text if value.quality == Quality.GOOD else f"~{text}"), "value"
    if value.reason == ASLEEP:
        return texts("link.asleep"), "dim"
    if value.quality == Quality.ABSENT:
        return NOTHING, "dim"
    return f"? {NOTHING if value.age is None else age(value.age)}", "dim"


def clock(at: int | None, zone: ZoneInfo, now: int) -> str:
    """The time of day, or day and time when it is not of today."""
    if at is None:
        return NOTHING
    local, today = Calendar(zone).local(at), Calendar(zone).local(now).date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%m-%d %H:%M}"


def sparkline(means: Sequence[float | None], width: int) -> str:
    """The means folded into so many characters, from nothing to their highest; a hole stays a hole."""
    if width <= 0:
        return ""
    size = len(means) // width
    folded = [_mean(means[i * size : (i + 1) * size]) for i in range(width)]
    top = max((m for m in folded if m is not None), default=0.0)
    steps = len(RAMP) - 1
    return "".join(HOLE if m is None else RAMP[round(max(m, 0.0) / top * steps) if top > 0 else 0] for m in folded)


def size(count: int | None) -> str:
    """Bytes with two significant digits."""
    if count is None:
        return NOTHING
    unit, scale = next(((u, s) for u, s in UNITS if count >= s), UNITS[-1])
    return f"{float(f'{count / scale:.2g}'):g} {unit}"


def _mean(means: Sequence[float | None]) -> float | None:
    """Of the known ones; a piece of which more than half is missing is a hole."""
    known = [m for m in means if m is not None]
    return sum(known) / len(known) if known and 2 * len(known) >= len(means) else None
