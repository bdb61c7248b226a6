"""One thing that doctor looked at, and what it takes for its words."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `repair` is a command, empty when all is well. With one, `ok` is a hint."""

    check: str
    ok: bool
    key: str
    fields: dict[str, Any] = field(default_factory=dict)
    repair: str = ""


def quoted(path: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))
