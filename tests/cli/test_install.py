"""A plain install runs as well as an editable one: every package and data file is in the wheel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOP = ("assistant", "configs", "drivers", "edge_agent", "kb", "tui", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def leafgate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment that borrows third-party packages, and nothing else, from this one."""
    folder = tmp_path_factory.mktemp("install")
    source = folder / "source"
    source.mkdir()
    for name in TOP:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    [site] = environment.glob("lib/python*/site-packages")
    # A line in a .pth file adds a folder without reading the .pth files of that folder, so the
    # editable install of this environment stays out.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = str(environment / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(source)], check=True)
    return environment / "bin" / "leafgate"


def run(leafgate: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([leafgate, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_installed_command_finds_all_its_data(leafgate: Path, tmp_path: Path) -> None:
    assert run(leafgate, tmp_path, "init", "plant").returncode == 0
    plant = tmp_path / "plant"
    checked = run(leafgate, plant, "check", "--json")
    assert checked.returncode == 0, checked.stderr
    findings = json.loads(run(leafgate, plant, "gap", "--json").stdout)["findings"]
    assert len(findings) >= 21
    assert run(leafgate, plant, "energy").returncode == 0
    simulated = run(leafgate, tmp_path, "sim", "--past", "2026-01-01", "--csv", "past.csv")
    assert simulated.returncode == 0, simulated.stderr


def test_the_installed_packages_are_not_the_source_tree(leafgate: Path, tmp_path: Path) -> None:
    python = leafgate.parent / "python"
    code = "import configs, edge_agent; print(configs.__file__, edge_agent.__file__)"
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(ROOT) not in done.stdout.replace(str(ROOT / ".venv"), "")
