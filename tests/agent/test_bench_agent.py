"""leafgate bench agent: real agents on simulated devices, each figure beside its goal."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from edge_agent.bench import agent, field, first, process
from edge_agent.bench.field import Running
from edge_agent.bench.first import FirstSample
from edge_agent.bench.running import NoReadingError, running, until_stored
from edge_agent.cli import main
from edge_agent.exit import Exit

LITTLE = Running(0.005, None, 30.0, 31.0, 0.0, 1.0)


def test_the_cpu_of_a_process_is_what_it_computed() -> None:
    begun, own = process.cpu_s(os.getpid()), time.process_time()
    sum(range(200_000))
    spent = process.cpu_s(os.getpid()) - begun
    assert 0 < spent <= time.process_time() - own + 0.01
    assert 5 < process.memory_mb(os.getpid()) <= process.memory_mb(os.getpid(), "VmHWM")


def test_what_a_process_writes_is_counted(tmp_path: Path) -> None:
    bytes_before, calls_before = process.written()
    (tmp_path / "file").write_bytes(bytes(1000))
    bytes_after, calls_after = process.written()
    assert bytes_after - bytes_before >= 1000
    assert calls_after > calls_before


def test_an_agent_with_slaves_and_meters_stores_what_they_say() -> None:
    """It returns only once every item of every device is on the disk."""
    found = field.modbus(slaves=2, items=3, seconds=1.2, meters=1, warm_up_s=0.0)
    assert 0 < found.share < 1.0
    assert found.sample_us == pytest.approx(found.share / 6 * 1e6)
    assert 10 < found.rss_mb <= found.peak_mb


def test_an_agent_that_ends_is_no_figure(tmp_path: Path) -> None:
    with running(["true"], tmp_path) as ended:
        ended.wait()
        with pytest.raises(NoReadingError):
            until_stored(ended, tmp_path)


def test_every_figure_of_the_agent_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(field, "idle", lambda *_: [("no-device", LITTLE)])
    monkeypatch.setattr(field, "modbus", lambda *_: LITTLE)
    monkeypatch.setattr(field, "opcua", lambda *_: LITTLE)
    monkeypatch.setattr(first, "measure", lambda turns: [FirstSample("modbus", 1.2, 1.6, 0.3, 0.4, 0.25, 0.25)])
    assert main(["bench", "agent", "--quick", "--json"]) == Exit.DONE
    body: Any = json.loads(capsys.readouterr().out)
    assert body["schema"] == "leafgate.bench.agent/1"
    met = {(row["group"], row["name"]): row["met"] for row in body["rows"]}
    assert met["first", "modbus cpu"] is True
    assert met["first", "modbus wall"] is False
    assert {group for group, _ in met} == {"idle", "work", "memory", "first"}
    assert met["idle", "no-device"] is (LITTLE.share <= agent.IDLE_GOAL)


def test_the_first_reading_comes_after_the_imports() -> None:
    for found in first.measure(turns=1):
        assert 0 < found.imports_cpu_s < found.imports_wall_s * 2
        assert found.cpu_s > 0
        assert found.cpu_ratio == pytest.approx(found.cpu_s / found.imports_cpu_s)
