"""The walk of a YAML node over a type: structs, lists, mappings, unions and scalars."""

from __future__ import annotations

from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import yaml

from configs.problem import Problem, nearest
from configs.scalars import READERS, ScalarError, choice

NULLS = ("", "~", "null")
LIMITS = ("gt", "ge", "lt", "le")
SECRETS = ("password", "passwd", "secret", "token", "api_key")


class Bad:
    """Stands for a value that could not be read, so that the walk goes on to the next fault."""


BAD = Bad()


class Walk:
    """One pass over one file; `problems` and `marks` are its result beside the value."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.marks: dict[tuple[str, ...], int] = {}

    def value(self, node: yaml.Node | None, kind: Any, where: tuple[str, ...]) -> Any:
        """The node as `kind`, or BAD where nothing of it can be used.

        A fault inside is noted in `problems` and left out of the value, so that what is right can
        still be checked further; with a problem noted the value must not be used for anything else.
        """
        if node is None:
            node = yaml.MappingNode("", [])
        origin = get_origin(kind)
        if kind is Any:
            return self._plain(node, where)
        if origin is Annotated:
            return self._limited(node, kind, where)
        if origin in (Union, UnionType):
            return self._union(node, get_args(kind), where)
        if origin is list:
            return self._list(node, get_args(kind)[0], where)
        if origin is dict:
            key_kind, value_kind = get_args(kind)
            return self._dict(node, value_kind, where, key_kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(node, kind, where)
        return self._scalar(node, kind, where)

    def _bad(self, code: str, node: Any, where: tuple[str, ...], **fields: str) -> Bad:
        line = node.start_mark.line + 1 if node.start_mark else 0
        self.problems.append(Problem(code, self.file, line, {"key": ".".join(where), **fields}))
        return BAD

    def _plain(self, node: yaml.Node, where: tuple[str, ...]) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._dict(node, Any, where)
        if isinstance(node, yaml.SequenceNode):
            return self._list(node, Any, where)
        return node.value

    def _limited(self, node: yaml.Node, kind: Any, where: tuple[str, ...]) -> Any:
        inner, *metas = get_args(kind)
        value = self.value(node, inner, where)
        if value is BAD:
            return BAD
        for meta in metas:
            if not isinstance(meta, msgspec.Meta):
                continue
            for limit in LIMITS:
                bound = getattr(meta, limit)
                if bound is not None and not _holds(limit, value, bound):
                    sign = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}[limit]
                    return self._bad("out_of_range", node, where, value=str(value), allowed=f"{sign} {bound:g}")
        return value

    def _union(self, node: yaml.Node, kinds: tuple[Any, ...], where: tuple[str, ...]) -> Any:
        if NoneType in kinds and isinstance(node, yaml.ScalarNode) and node.value in NULLS and not node.style:
            return None
        rest = [k for k in kinds if k is not NoneType]
        fitting = [k for k in rest if _shape(k) is type(node)] or rest
        return self.value(node, fitting[0], where)

    def _list(self, node: yaml.Node, kind: Any, where: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            return self._bad("not_a_list", node, where)
        values = []
        for index, item in enumerate(node.value):
            self.marks[(*where, str(index))] = item.start_mark.line + 1
            values.append(self.value(item, kind, (*where, str(index))))
        return [value for value in values if value is not BAD]

    def _pairs(self, node: yaml.MappingNode, where: tuple[str, ...]) -> dict[str, tuple[Any, Any]]:
        """Key to (key node, value node); faults of the mapping itself are noted."""
        pairs: dict[str, tuple[Any, Any]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._bad("key_not_text", key, where)
            elif node.flow_style and _empty(value) and not key.value.isascii():
                self._bad("split_by_comma", key, (*where, key.value), value=key.value)
            elif key.value in pairs:
                first = pairs[key.value][0].start_mark.line + 1
                self._bad("given_twice", key, (*where, key.value), first=str(first))
            else:
                pairs[key.value] = (key, value)
                self.marks[(*where, key.value)] = key.start_mark.line + 1
        return pairs

    def _dict(self, node: yaml.Node, kind: Any, where: tuple[str, ...], key_kind: Any = str) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.value in NULLS:
            return {}
        if not isinstance(node, yaml.MappingNode):
            return self._bad("not_a_mapping", node, where)
        values = {}
        for key, (key_node, value_node) in self._pairs(node, where).items():
            values[self._scalar(key_node, key_kind, (*where, key))] = self.value(value_node, kind, (*where, key))
        return {key: value for key, value in values.items() if key is not BAD and value is not BAD}

    def _struct(self, node: yaml.Node, kind: type[msgspec.Struct], where: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return self._bad("not_a_mapping", node, where)
        fields = _fields(kind)
        values: dict[str, Any] = {}
        pairs = self._pairs(node, where)
        for key, (key_node, value_node) in pairs.items():
            if key in fields:
                values[fields[key].name] = self.value(value_node, fields[key].type, (*where, key))
            elif key in SECRETS:
                self._bad("literal_secret", key_node, (*where, key), value=key)
            else:
                allowed = [name for name in fields if name not in pairs]
                hint = nearest(key, allowed) or nearest(key, fields)
                self._bad("unknown_key", key_node, (*where, key), value=key, allowed=", ".join(fields), nearest=hint)
        for name, spec in fields.items():
            if spec.required and name not in pairs:
                self._bad("missing_key", node, (*where, name), value=name)
        good = {name: value for name, value in values.items() if value is not BAD}
        return kind(**good) if all(f.name in good for f in fields.values() if f.required) else BAD

    def _scalar(self, node: yaml.Node, kind: Any, where: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self._bad("not_a_scalar", node, where)
        text: str = node.value
        try:
            if get_origin(kind) is Literal:
                return self._literal(node, get_args(kind), where)
            if isinstance(kind, type) and issubclass(kind, Enum):
                return choice(text, kind)
            if text == "" and not node.style and kind is not str:
                return self._bad("empty", node, where)
            return READERS[kind](text)
        except ScalarError as error:
            allowed = error.allowed
            hint = nearest(text, allowed.split(", ")) if error.code == "not_allowed" else ""
            return self._bad(error.code, node, where, value=text, allowed=allowed, nearest=hint)

    def _literal(self, node: yaml.ScalarNode, allowed: tuple[Any, ...], where: tuple[str, ...]) -> Any:
        for value in allowed:
            if str(value) == node.value:
                return value
        words = [str(a) for a in allowed]
        hint = nearest(node.value, words)
        return self._bad("not_allowed", node, where, value=node.value, allowed=", ".join(words), nearest=hint)


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """The keys of a struct; asked once, as resolving its annotations costs more than the rest of the walk."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _holds(limit: str, value: Any, bound: Any) -> bool:
    checks = {"gt": value > bound, "ge": value >= bound, "lt": value < bound, "le": value <= bound}
    return bool(checks[limit])


def _shape(kind: Any) -> type[yaml.Node]:
    """The node class that a type is written as."""
    origin = get_origin(kind)
    if origin is list:
        return yaml.SequenceNode
    if origin is dict or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return yaml.MappingNode
    return yaml.ScalarNode


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style
