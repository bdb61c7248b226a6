"""A site whose devices are those of a simulated plant, for commands that ask devices themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.sim.faults import Faults
from drivers.sim.plant import PASSWORD, Plant
from drivers.sim.world import World
from edge_agent.cli import main
from tests.cli.served import served
from tests.drivers.conftest import ORIGIN, noon
from tests.plants import plant as site_of

SITE = """
site: {{id: a, title: A, timezone: Asia/Shanghai, language: zh}}
buses:
  line1: {{serial: "{serial}", baud: 9600, parity: N}}
  gone: {{serial: /dev/nosuch, baud: 9600, parity: N}}
devices:
  m1: {{bus: line1, profile: dlt645-2007-3ph, address: 000000000161, timeout: 500ms}}
  m4: {{bus: line1, profile: eastron-sdm630, unit: 4, timeout: 500ms}}
  w1: {{bus: line1, profile: cjt188-water, address: 00000012345671, timeout: 500ms}}
  m9: {{bus: gone, profile: eastron-sdm630, unit: 9}}
  hp1: {{host: 127.0.0.1, port: {heat_pump}, profile: midea-m-thermal}}
  hp9: {{host: 127.0.0.1, port: 1, profile: midea-m-thermal, unit: 2}}
  press: {{url: "{url}", profile: press-line, user: leafgate, password_file: secrets/press.txt}}
"""


@dataclass(frozen=True, slots=True)
class Field:
    """The site's folder, the inverter's port (which plant.yaml does not know), and the faults of the devices."""

    folder: Path
    inverter_port: int
    faults: Faults


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def _field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    place, faults = tmp_path_factory.mktemp("field"), Faults()
    plant = Plant(World(ORIGIN), noon, faults)
    with served(lambda: plant.serve(place / "sim")) as where:
        (place / "secrets").mkdir()
        (place / "secrets" / "press.txt").write_text(PASSWORD)
        (place / "secrets").chmod(0o700)
        site_of(place, SITE.format(serial=where.serial, heat_pump=where.heat_pump_port, url=where.opcua_url))
        yield Field(place, where.inverter_port, faults)


@pytest.fixture
def field(_field: Field) -> Iterator[Field]:
    """The same plant for every test, without faults at the start of each."""
    _field.faults.follow([])
    yield _field
    _field.faults.follow([])


@pytest.fixture
def run(field: Field, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the site; answers exit code, stdout and stderr."""

    def run_(*words: str) -> tuple[int, str, str]:
        code = main(["-C", str(field.folder), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_
