"""Every file that is shipped loads, and both languages say the same things."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from configs import FOLDER
from configs.load import load_folders
from configs.quantity import carriers, quantities
from drivers import profile_check
from drivers.profile import Profile
from edge_agent.energy.factors import load_factors
from edge_agent.texts import catalogue
from tests.conftest import ROOT

PACKAGES = ("assistant", "configs", "drivers", "edge_agent", "kb", "tui")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    zh, en = catalogue("zh"), catalogue("en")
    assert zh.keys() == en.keys()
    assert {k for k in zh if placeholders(zh[k]) != placeholders(en[k])} == set()


def test_every_text_key_that_code_names_is_in_the_catalogue() -> None:
    """A literal that looks like a key of a known group must be one."""
    known = catalogue("zh")
    groups = {key.partition(".")[0] for key in known}
    pattern = re.compile(r"[a-z_]+(\.[a-z0-9_A-Z]+)+")
    missing = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            documents = {id(a) for n in ast.walk(tree) if _writes_document(n) for a in n.args}  # type: ignore[attr-defined]
            for node in (n for n in ast.walk(tree) if id(n) not in documents):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.fullmatch(node.value):
                    group = node.value.partition(".")[0]
                    if group in groups and node.value not in known and not _is_other(node.value):
                        missing.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value}")
    assert missing == []


def _writes_document(node: ast.AST) -> bool:
    """A call of session.document names a JSON schema, not a text."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "document"


def _is_other(text: str) -> bool:
    """Names of modules, files and tags look like keys too."""
    return text.rpartition(".")[2] in ("py", "yaml", "db", "lock", "log", "csv", "md") or text.startswith(
        ("agent.", "leafgate.")
    )


def test_quantities_and_carriers_load() -> None:
    assert quantities()["energy_import"].unit == "kWh"
    for name, carrier in carriers().items():
        assert set(carrier.quantities) <= quantities().keys(), name


def test_every_device_profile_is_right() -> None:
    found = load_folders([FOLDER / "devices"], Profile)
    assert found
    assert [p for loaded in found.values() for p in profile_check.faults(loaded)] == []


def test_every_factor_is_right_and_ids_are_unique(tmp_path: Path) -> None:
    factors = load_factors(tmp_path).shipped
    ids = [f.id for f in factors]
    assert len(ids) == len(set(ids))
    assert all(f.id[0].isalpha() and f.source for f in factors)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_longer_than_four_hundred_lines(package: str) -> None:
    long = [p.name for p in (ROOT / package).rglob("*.py") if len(p.read_text(encoding="utf-8").splitlines()) > 400]
    assert long == []
