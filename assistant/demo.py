"""The demonstration: a temporary site on the simulated plant, from wire to verdict.

Simulator, agent and watch run as processes of their own, as in a plant. The past comes from the
same simulator through `import`, and its registers meet the live ones at the hand-over.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from assistant.evidence import Register
from configs import FOLDER
from configs.load import load
from edge_agent.exit import Exit, Stop
from edge_agent.intake import read_csv
from edge_agent.ledger import me
from edge_agent.requests import submit
from edge_agent.session import Session
from edge_agent.site import PLANT_FILE
from edge_agent.status import status

PLANT = FOLDER / "site" / "demo"
READY_S = 30.0  # a simulator that has not opened its ports by then will not
STOP_S = 10.0
PASSWORD_FILE = "secrets/press.txt"
LEAFGATE = [sys.executable, "-m", "edge_agent.cli"]
Say = Callable[..., None]


class Paper(msgspec.Struct, frozen=True):
    """One piece of evidence of the simulated plant; days are counted from today."""

    kind: str
    name: str
    issued_days: int
    by: str
    valid_days: int | None = None
    covers_days: list[int] | None = None


class Papers(msgspec.Struct, frozen=True):
    """The file of evidence."""

    evidence: list[Paper]


@contextmanager
def plant(folder: Path, language: str, start_at: str | None, script: Path | None, say: Say) -> Iterator[Session]:
    """The whole plant running in `folder`: simulator, past, evidence, corpus, agent, watch."""
    handover = _last_minute(datetime.now(UTC))
    command = [*LEAFGATE, "--lang", language, "sim", "--dir", str(folder / "wires"), "--json"]
    command += ["--handover", handover.isoformat()]
    command += ["--start-at", start_at] if start_at else []
    command += ["--script", str(script)] if script else []
    say("demo.plant")
    with _child(command, folder / "sim.log") as simulator:
        place = _ready(simulator, folder / "sim.log")
        session = _site(folder, language, place)
        _past(session, folder, handover, place, say)
        say("demo.papers")
        file_papers(session)
        _corpus(session)
        say("demo.agent")
        site = [*LEAFGATE, "-C", str(session.folder)]
        with _child([*site, "run"], folder / "run.log"), _child([*site, "watch"], folder / "watch.log"):
            yield session


def screen(session: Session) -> int:
    """The operator's screen in this terminal, until it is left; answers its exit code."""
    return subprocess.run([*LEAFGATE, "-C", str(session.folder), "tui"]).returncode


def _last_minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


@contextmanager
def _child(command: list[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of the demonstration; it is told to stop at the end, and made to if it does not.

    Its session is its own, so that Ctrl-C on the screen does not stop the plant below it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as talk,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=talk, text=True, start_new_session=True) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready(simulator: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    assert simulator.stdout is not None
    spoken, _, _ = select.select([simulator.stdout], [], [], READY_S)
    line = simulator.stdout.readline() if spoken else ""
    if not line:
        simulator.terminate()
        code = simulator.wait(STOP_S)
        raise Stop(Exit.UNHEALTHY, "demo.no_simulator", code=code, why=log.read_text(encoding="utf-8").strip())
    place: dict[str, Any] = json.loads(line)
    return place


def _site(folder: Path, language: str, place: dict[str, Any]) -> Session:
    site = folder / "site"
    text = (PLANT / PLANT_FILE).read_text(encoding="utf-8")
    for name, value in {**place, "language": language}.items():
        text = text.replace(f"{{{name}}}", str(value))
    site.mkdir(parents=True)
    (site / PLANT_FILE).write_text(text, encoding="utf-8")
    password = site / PASSWORD_FILE
    password.parent.mkdir(mode=0o700)
    password.write_text(place["password"], encoding="utf-8")
    password.chmod(0o600)
    return Session(site, "en" if language == "en" else "zh")


def _past(session: Session, folder: Path, handover: datetime, place: dict[str, Any], say: Say) -> None:
    """Registers since 1 January of last year, through the same door as anybody's past."""
    csv = folder / "past.csv"
    first = f"{int(place['handover'][:4]) - 1}-01-01"
    span = ["--past", first, "--csv", str(csv), "--handover", handover.isoformat()]
    done = subprocess.run([*LEAFGATE, "sim", *span], capture_output=True, text=True)
    if done.returncode:
        raise Stop(Exit.UNHEALTHY, "demo.no_past", why=done.stderr.strip())
    intake = read_csv(csv, session.site, session.now())
    say("demo.past", rows=len(intake.past) + len(intake.amounts), first=first)
    if intake.problems:
        raise Stop(Exit.UNHEALTHY, "demo.no_past", why=str(intake.problems[0]))
    submit(session.site, intake.requests(me("demo"), session.now()), "import")


def file_papers(session: Session) -> None:
    """What the simulated plant has filed, some of it about to expire and some expired."""
    papers = load(PLANT / "evidence.yaml", Papers, "demo/evidence.yaml").value.evidence
    today = datetime.now(session.site.zone).date()
    register = Register(session.site)
    folder = session.folder / "papers"
    folder.mkdir(exist_ok=True)
    for paper in papers:
        path = folder / paper.name
        path.write_text(f"演示文件：{paper.name}\n", encoding="utf-8")
        ends = None if paper.valid_days is None else today + timedelta(paper.valid_days)
        covers = None
        if paper.covers_days:
            covers = (today + timedelta(paper.covers_days[0]), today + timedelta(paper.covers_days[1]))
        issued = today + timedelta(paper.issued_days)
        register.add(path, paper.kind, issued=issued, valid_to=ends, covers=covers, by=paper.by)


def _corpus(session: Session) -> None:
    done = subprocess.run(
        [*LEAFGATE, "-C", str(session.folder), "kb", "add", str(PLANT / "corpus")], capture_output=True, text=True
    )
    if done.returncode:
        raise Stop(Exit.UNHEALTHY, "demo.no_corpus", why=done.stderr.strip())


def silent_devices(seen: dict[str, Any]) -> list[str]:
    """Devices that have no good sample now and are not asleep."""
    silent = []
    for link in seen["links"]:
        good = [t for t in seen["tags"] if t["name"].startswith(f"{link['name']}.") and t["quality"] == "good"]
        if link["state"] != "asleep" and not good:
            silent.append(link["name"])
    return silent


def watched(session: Session, seconds: float) -> dict[str, Any]:
    """Let the plant run for `seconds`; answers the last status, taken while it runs."""
    time.sleep(seconds)
    return status(session.site, session.now())
