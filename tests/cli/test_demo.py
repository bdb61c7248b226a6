"""The demonstration is healthy at any hour, and nothing but the simulator knows its plant."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.demo import silent_devices
from edge_agent.exit import Exit
from tests.conftest import ROOT

SECONDS = "6"


@pytest.mark.parametrize("hour", ["12:00", "00:00"])
def test_the_demo_is_healthy_at_noon_and_at_midnight(hour: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge_agent.cli", "demo", "--headless", SECONDS, "--start-at", hour, "--json"]
    done = subprocess.run([*command, "--keep", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == Exit.DONE, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert set(said) == {"schema", "status", "energy", "gap"}
    assert silent_devices(said["status"]) == []
    power = next(t["value"] for t in said["status"]["tags"] if t["name"] == "inv1.power")
    assert (power > 1.0) if hour == "12:00" else (power is None)  # asleep is not zero
    flows = {line["flow"]: line for line in said["energy"]["carriers"]}
    assert flows["grid_import"]["value"] > 0
    assert flows["pv_generation"]["coverage"] >= 0.95
    assert said["gap"]["verdict"] in ("not_ready", "cannot_tell")
    states = {f["criterion"]: f["state"] for f in said["gap"]["findings"]}
    assert states["gbt36132-2025.4.2-c1"] == "met"
    assert states["gbt36132-2025.4.2-c4"] == "unknown", "its certificate has expired"
    assert said["gap"]["materials"] is None


def test_past_and_live_registers_meet_at_the_hand_over(tmp_path: Path) -> None:
    """No fall and no step: the year's account of every meter is known, up to now."""
    command = [sys.executable, "-m", "edge_agent.cli", "demo", "--headless", SECONDS, "--keep", str(tmp_path)]
    done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == Exit.DONE, done.stderr
    lines = json.loads(done.stdout)["energy"]["carriers"]
    electric = [line for line in lines if line["carrier"] == "electricity"]
    assert len(electric) == 4  # bought, generated, fed in, used oneself
    assert all(line["value"] is not None and line["coverage"] >= 0.95 for line in electric)


def test_a_device_without_good_samples_is_named() -> None:
    good, bad = ({"name": f"{d}.x", "quality": q} for d, q in (("a", "good"), ("b", "bad")))
    links = [{"name": "a", "state": "up"}, {"name": "b", "state": "down"}, {"name": "c", "state": "asleep"}]
    assert silent_devices({"links": links, "tags": [good, bad]}) == ["b"]


def test_the_simulated_plant_is_known_only_to_the_simulator_and_its_site() -> None:
    pattern = re.compile(r"plant-a|plant a\b|一号工厂", re.IGNORECASE)
    knowing = [
        str(path.relative_to(ROOT))
        for package in ("assistant", "configs", "drivers", "edge_agent", "kb", "tui")
        for path in (ROOT / package).rglob("*.*")
        if path.suffix in (".py", ".sql") and pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert [path for path in knowing if not path.startswith("drivers/sim/")] == []
