"""The exit codes of every command, and the one way for a command to stop with a sentence."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The verdict of a command; docs/cli.md prints this table."""

    DONE = 0  # for gap: ready
    FAULT = 1  # a fault of ours
    USAGE = 2  # wrong usage
    SITE = 3  # wrong or missing site file
    NOT_READY = 4
    CANNOT_TELL = 5
    UNHEALTHY = 6  # doctor, demo, salvage of a destroyed file
    BUSY = 7  # another writer


class Stop(Exception):
    """Ends a command with one line for the user: a key of the catalogue and its fields."""

    def __init__(self, exit_code: Exit, key: str, /, **fields: object) -> None:
        self.exit_code, self.key, self.fields = exit_code, key, fields
        super().__init__(f"{key} {fields}")
