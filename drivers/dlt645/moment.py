"""Moments as meters and masters of DL/T 645 send them: BCD, the smallest part first, without a zone."""

from __future__ import annotations

from drivers.bcd import digits, is_filler


def written(payload: bytes) -> str | None:
    """[ss] mm hh DD MM YY as "20YY-MM-DD hh:mm[:ss]"; None for FF and 00, which is never. Raises BadValueError."""
    if is_filler(payload) or not any(payload):
        return None
    found = digits(payload)
    year, month, day, *rest = (found[i : i + 2] for i in range(0, len(found), 2))
    return f"20{year}-{month}-{day} {':'.join(rest)}"
