"""What a captured frame says, field by field; every protocol's `explain` answers a list of these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Hints:
    """What a reply alone cannot say."""

    request: bytes | None = None  # the question that it answers
    base: int | None = None  # the register that its data begins with
    model: int | None = None  # the SunSpec model whose data it holds


@dataclass(frozen=True, slots=True)
class Explained:
    """One frame. `fields` are JSON values under the names of shared/vectors/captures.jsonl.

    `error` is a code for what is wrong with the frame itself (no_frame, checksum, too_short, ...);
    a meter's refusal is a valid frame and stands in `fields`.
    """

    protocol: str
    valid: bool
    address: str | None = None
    control: str | None = None  # as two hexadecimal digits
    fields: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
