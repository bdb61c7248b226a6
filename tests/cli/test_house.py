"""The house as tests: what may import what, what stays small, and what the drawing says of it."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from edge_agent.cli import TABLE
from tests.conftest import ROOT

HEAVY = {"textual", "langchain", "langchain_core", "chromadb", "numpy", "pydantic", "pymodbus", "dlt645"}


def modules_after(code: str) -> set[str]:
    """Top-level and dotted names in sys.modules of a fresh interpreter that ran `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('MODULES', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


def test_the_import_contracts_hold() -> None:
    done = subprocess.run([sys.executable, "-m", "importlinter.cli"], capture_output=True, text=True, cwd=ROOT)
    if "No module" in done.stderr:
        done = subprocess.run(
            [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_start_of_the_agent_loads_no_heavy_library_and_no_other_room() -> None:
    loaded = modules_after("import edge_agent.agent, edge_agent.commands.run")
    assert {name.partition(".")[0] for name in loaded} & (HEAVY | {"kb", "assistant", "tui", "tinydb"}) == set()


def test_help_loads_no_command() -> None:
    loaded = modules_after("from edge_agent.cli import main\nmain(['--help'])")
    commands = {entry.where.partition(":")[0] for entry in TABLE.values()}
    assert loaded & commands == set()
    assert {name.partition(".")[0] for name in loaded} & (
        HEAVY | {"kb", "assistant", "tui", "sqlite3", "asyncio"}
    ) == set()


def test_the_drawing_in_the_docs_shows_the_layers_of_the_contract() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = text.split("```text", 1)[1].split("```", 1)[0]
    shown = [line.split("|", 1)[1].split("|")[0].strip() for line in drawing.splitlines() if line.startswith("  |")]
    assert shown == [layer.replace(" | ", ", ") for layer in layers]


def test_pyproject_lists_every_package_and_every_data_file() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("assistant", "configs", "drivers", "edge_agent", "kb", "tui")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert set(config["packages"]) == found
