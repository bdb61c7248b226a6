"""What doctor looks at: clock, disk, permissions, certificates, ports, locale, the database."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.exit import Stop
from edge_agent.site import Site
from edge_agent.store.database import reading
from edge_agent.store.lock import running
from edge_agent.store.store import PLANT_DB

EARLIEST = 1_767_225_600  # 2026-01-01 UTC; a clock before it was never set
PKI, CERTIFICATE = "pki", "leafgate.der"  # our own below pki/own
FREE_BYTES = 500_000_000  # below this a gateway should not start a month of recording


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `repair` is a command, empty when all is well."""

    check: str
    ok: bool
    key: str
    fields: dict[str, Any] = field(default_factory=dict)
    repair: str = ""


def examine(site: Site) -> list[Check]:
    """Every check, in the order a person would mend them."""
    return [
        *_clock(),
        _disk(site),
        *_folders(site),
        *_pki(site),
        *_ports(site),
        _locale(),
        *_database(site),
        _agent(site),
    ]


def _clock() -> Iterator[Check]:
    year = time.gmtime().tm_year
    ok = time.time() >= EARLIEST
    yield Check(
        "clock",
        ok,
        "doctor.clock.ok" if ok else "doctor.clock.bad",
        {"year": year},
        "" if ok else "sudo timedatectl set-ntp true",
    )


def _disk(site: Site) -> Check:
    free = shutil.disk_usage(_existing(site.data)).free
    ok = free >= FREE_BYTES
    said = {"free": f"{free / 1e6:.0f}", "folder": site.data, "least": f"{FREE_BYTES / 1e6:.0f}"}
    return Check(
        "disk",
        ok,
        "doctor.disk.ok" if ok else "doctor.disk.bad",
        said,
        "" if ok else "sudo journalctl --vacuum-size=100M",
    )


def _folders(site: Site) -> Iterator[Check]:
    """Files that only one user may touch let a viewer's sidecar files stop the agent from writing."""
    for name in (PKI, "secrets"):
        path = site.folder / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Check("private", False, "doctor.private.bad", {"folder": path}, f"chmod 700 {_quoted(path)}")
    if not site.data.exists():
        return
    mode = site.data.stat().st_mode
    if stat.S_IMODE(mode) & 0o2770 != 0o2770:
        said = {"folder": site.data, "mode": f"{stat.S_IMODE(mode):o}"}
        yield Check("folder", False, "doctor.folder.bad", said, f"chmod 2770 {_quoted(site.data)}")
    wrong = [p for p in sorted(site.data.glob("*.db*")) if stat.S_IMODE(p.stat().st_mode) & 0o660 != 0o660]
    for path in wrong:
        said = {"file": path, "mode": f"{stat.S_IMODE(path.stat().st_mode):o}"}
        yield Check("file", False, "doctor.file.bad", said, f"chmod 660 {_quoted(path)}")
    if not os.access(site.data, os.W_OK):
        yield Check("writable", False, "doctor.writable.bad", {"folder": site.data}, f"ls -ld {_quoted(site.data)}")


def _pki(site: Site) -> Iterator[Check]:
    """An OPC UA client that cannot keep certificates reads nothing; nor does one whose own has expired."""
    pki = site.folder / PKI
    for path in (pki, pki / "own", pki / "servers"):
        if not os.access(path, os.F_OK):  # also where the folder above is closed
            continue
        closed = path.stat().st_mode & stat.S_IRWXU != stat.S_IRWXU
        if closed or not os.access(path, os.W_OK | os.X_OK):
            mine = path.stat().st_uid == os.geteuid()
            repair = f"chmod 700 {_quoted(path)}" if mine else f"sudo chown -R $USER {_quoted(pki)}"
            yield Check("pki", False, "doctor.pki.denied", {"folder": path}, repair)
    if os.access(pki / "own" / CERTIFICATE, os.F_OK):
        yield _certificate(pki / "own" / CERTIFICATE)


def _certificate(path: Path) -> Check:
    from cryptography.x509 import load_der_x509_certificate

    repair = f"mv {_quoted(path)} {_quoted(path.with_suffix('.old'))}"
    try:
        until = load_der_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return Check("certificate", False, "doctor.certificate.bad", {"file": path, "why": error}, repair)
    ok = until.timestamp() > time.time()
    said = {"file": path, "until": f"{until:%Y-%m-%d}"}
    key = "doctor.certificate.ok" if ok else "doctor.certificate.expired"
    return Check("certificate", ok, key, said, "" if ok else repair)


def _ports(site: Site) -> Iterator[Check]:
    for name, bus in site.plant.buses.items():
        if not bus.serial:
            continue  # a converter in the network; its devices tell by their links
        path = Path(bus.serial)
        if not path.exists():
            yield Check("port", False, "doctor.port.missing", {"bus": name, "port": path}, "ls -l /dev/serial/by-id/")
        elif not os.access(path, os.R_OK | os.W_OK):
            said = {"bus": name, "port": path}
            yield Check("port", False, "doctor.port.denied", said, "sudo usermod -aG dialout $USER")
        else:
            yield Check("port", True, "doctor.port.ok", {"bus": name, "port": path})


def _locale() -> Check:
    encoding = (sys.stdout.encoding or "").lower()
    ok = encoding.replace("-", "") == "utf8"
    return Check(
        "locale",
        ok,
        "doctor.locale.ok" if ok else "doctor.locale.bad",
        {"encoding": encoding},
        "" if ok else "export LANG=C.UTF-8",
    )


def _database(site: Site) -> Iterator[Check]:
    path = site.data / PLANT_DB
    if not path.exists():
        yield Check("database", True, "doctor.database.none", {"file": path})
        return
    try:
        with reading(path) as db:
            said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except Stop as stop:
        said = stop.key
    ok = said == "ok"
    away = _quoted(path.parent / "damaged")  # with its log, which belongs to this very file
    repair = "" if ok else f"mkdir -p {away} && mv {_quoted(path)}* {away}"
    yield Check(
        "database", ok, "doctor.database.ok" if ok else "doctor.database.bad", {"file": path, "why": said}, repair
    )


def _agent(site: Site) -> Check:
    holder = running(site.data)
    return Check(
        "agent", True, "doctor.agent.runs" if holder else "doctor.agent.stopped", {"pid": holder.pid if holder else 0}
    )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
