"""The one loader of every YAML file: nodes without implicit types, walked over a msgspec struct.

It collects all faults with file and line and the nearest right name. Anchors, aliases, explicit
tags and keys given twice are faults: a file that an engineer edits must mean what it looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from configs.problem import ConfigError, Problem
from configs.walk import BAD, Walk

T = TypeVar("T")
# The C parser of libyaml where the wheel has it: ten times quicker on a small gateway.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """One file as a typed value, with the line of every key for later complaints."""

    value: T
    file: str
    text: str
    marks: dict[tuple[str, ...], int]

    def problem(self, code: str, *where: str, **fields: str) -> Problem:
        """A fault found after loading, at the line of the key `where` or of its nearest parent."""
        path = where
        while path and path not in self.marks:
            path = path[:-1]
        return Problem(code, self.file, self.marks.get(path, 0), {"key": ".".join(where), **fields})


def load(path: Path, kind: type[T], name: str | None = None) -> Loaded[T]:
    """Read one file into `kind`; raises ConfigError with every fault of it.

    `name` is what messages call the file; its path when not given.
    """
    name = name or str(path)
    return parse(_text(path, name), kind, name)


def parse(text: str, kind: type[T], name: str) -> Loaded[T]:
    """The same for a text that is already in memory."""
    try:
        faults = list(_forbidden(text, name))
        node = yaml.compose(text, Loader=_LOADER) if not faults else None
    except yaml.YAMLError as error:
        raise ConfigError([_syntax(error, name)]) from None
    if faults:
        raise ConfigError(faults)
    walk = Walk(name)
    value = walk.value(node, kind, ())
    loaded = None if value is BAD else Loaded(value, name, text, walk.marks)
    if walk.problems or loaded is None:
        raise ConfigError(sorted(walk.problems, key=lambda p: p.line), loaded)
    return loaded


def load_folders(
    folders: Sequence[Path],
    kind: type[T],
    faults: Callable[[Loaded[T]], list[Problem]] = lambda loaded: [],
    wanted: Callable[[Path], bool] = lambda path: True,
) -> dict[str, Loaded[T]]:
    """Every wanted `*.yaml` of the folders by its stem; a later folder (the site's) overrides an earlier one.

    `faults` says what the types cannot; it is asked of what is left of a faulty file too.
    """
    found: dict[str, Loaded[T]] = {}
    problems: list[Problem] = []
    for folder in folders:
        for path in filter(wanted, sorted(folder.glob("*.yaml"))):
            try:
                found[path.stem] = load(path, kind, f"{folder.name}/{path.name}")
                problems += faults(found[path.stem])
            except ConfigError as error:
                problems += [*error.problems, *(faults(error.salvage) if error.salvage else [])]
    if problems:
        raise ConfigError(problems, found)
    return found


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([Problem("no_file", name, 0)]) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError([Problem("not_utf8", name, line)]) from None
    except OSError as error:
        raise ConfigError([Problem("unreadable", name, 0, {"why": error.strerror or ""})]) from None


def _forbidden(text: str, name: str) -> Iterator[Problem]:
    if not any(mark in text for mark in "!&*"):
        return  # nearly every file: the pass over its events takes a third of the time of reading it
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 0
        for fault, attribute in (("explicit_tag", "tag"), ("anchor", "anchor")):
            value = getattr(event, attribute, None)
            if value is not None:
                yield Problem(fault, name, line, {"value": str(value)})


def _syntax(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    why = getattr(error, "problem", None) or str(error)
    return Problem("syntax", name, mark.line + 1 if mark else 0, {"why": str(why)})
