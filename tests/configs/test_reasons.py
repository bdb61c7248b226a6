"""Every reason that a value or a link can carry has its words in both languages."""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest

from drivers.mbus.measure import DOUBTED, REFUSED
from drivers.mbus.record_name import RECORD_ERRORS
from drivers.modbus.pdu import REASONS
from drivers.reading import Quality
from edge_agent.texts import LANGUAGES, Language, catalogue
from tests.conftest import ROOT

PACKAGES = ("drivers", "edge_agent")
ELSEWHERE = {"sim", "energy", "bench"}  # folders whose reasons are not those of values and links
PARAMETER = "reason"
TABLES = {*REASONS.values(), *REFUSED.values(), *DOUBTED, *filter(None, RECORD_ERRORS.values())}
QUALITIES = {"QUALITY", *Quality.__members__}
RAISED = {"DriverError", "LinkError", "DeviceError", "ProfileError", "BadValueError"}


class Reasons:
    """Finds the codes that stand where a function or a class takes a reason, and behind a quality."""

    def __init__(self, modules: Sequence[ast.Module]) -> None:
        self._modules = modules
        self._places: dict[str, set[int]] = defaultdict(set)  # of the reason among the arguments, by function or class
        self._constants: dict[str, set[str]] = defaultdict(set)
        for node in (n for module in modules for n in ast.walk(module)):
            self._learn(node)

    def found(self) -> set[str]:
        return {code for module in self._modules for node in ast.walk(module) for code in self._codes(node)}

    def _learn(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef(name=name, args=args) | ast.AsyncFunctionDef(name=name, args=args):
                self._place(name, [a.arg for a in args.args if a.arg not in ("self", "cls")])
            case ast.ClassDef(name=name, bases=bases, body=body):
                self._place(name, [_name(n.target) for n in body if isinstance(n, ast.AnnAssign)])
                if {name, *map(_name, bases)} & RAISED:
                    self._places[name].add(0)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                self._constants[name].add(text)

    def _place(self, name: str, arguments: list[str]) -> None:
        if PARAMETER in arguments:
            self._places[name].add(arguments.index(PARAMETER))

    def _codes(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Call(func=func, args=args, keywords=keywords):
                yield from self._behind_quality(args)
                for place in self._places[_name(func)]:
                    yield from self._said(*args[place : place + 1])
                yield from self._said(*(k.value for k in keywords if k.arg == PARAMETER))
            case ast.Tuple(elts=values):
                yield from self._behind_quality(values)
            case ast.Assign(targets=[ast.Name(id="reason" | "why")], value=value):
                yield from self._said(value)

    def _behind_quality(self, values: Sequence[ast.expr]) -> Iterator[str]:
        for quality, value in itertools.pairwise(values):
            either = quality.body if isinstance(quality, ast.IfExp) else quality
            if _name(either).upper() in QUALITIES:
                yield from self._said(value)

    def _said(self, *values: ast.expr) -> Iterator[str]:
        for value in values:
            match value:
                case ast.Constant(value=str(code)):
                    yield code
                case ast.Name(id=name):
                    yield from self._constants[name] if name.isupper() else ()
                case ast.IfExp(body=one, orelse=other):
                    yield from self._said(one, other)
                case ast.BoolOp(values=parts):
                    yield from self._said(*parts)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


@pytest.fixture(scope="module")
def reasons() -> set[str]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    read = [path for path in files if not set(path.relative_to(ROOT).parts) & ELSEWHERE]
    return Reasons([ast.parse(path.read_text(encoding="utf-8")) for path in read]).found() | TABLES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_its_words(language: Language, reasons: set[str]) -> None:
    assert sorted(code for code in reasons if f"why.{code}" not in catalogue(language)) == []


def test_a_reason_is_found_wherever_one_is_said(reasons: set[str]) -> None:
    """Of an error, of a reading by place and by name, behind a quality, of a table, of a constant, of a choice."""
    assert reasons >= {"no_reply", "wrong_length", "at_rest", "no_record", "illegal_value", "gap", "clock_off", "noise"}
