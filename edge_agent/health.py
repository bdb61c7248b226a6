"""What doctor looks at: clock, disk, permissions, certificates, ports, locale; health_store has the data."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from edge_agent.exit import Stop
from edge_agent.finding import Check, quoted
from edge_agent.health_store import stored
from edge_agent.site import Site
from edge_agent.store.lock import running
from edge_agent.when import short

PKI, CERTIFICATE = "pki", "leafgate.der"  # our own below pki/own
FREE_BYTES = 500_000_000  # below this a gateway should not start a month of recording


def examine(site: Site) -> list[Check]:
    """Every check, in the order a person would mend them."""
    return [
        *_clock(site),
        _disk(site),
        *_folders(site),
        *_pki(site),
        *_ports(site),
        _locale(),
        *stored(site),
        _agent(site),
    ]


def _clock(site: Site) -> Iterator[Check]:
    """A clock that no time server sets is no fault, but worth a command."""
    from edge_agent.time.told import time_told

    try:
        told = time_told(site, time.time_ns() // 1000)
    except (Stop, PermissionError):
        return  # what cannot be read is told of below
    state = told["state"]
    said = {"hours": f"{told['off_s'] / 3600:+.2f}"}
    repair = "" if state == "synchronised" else "sudo timedatectl set-ntp true"
    yield Check("clock", state in ("synchronised", "not_synchronised"), f"clock.{state}", said, repair)
    for spell in told["untimed"]:
        ends = {"start": short(spell["after"]), "end": short(spell["before"])}
        export = f"leafgate -C {quoted(site.folder)} export --untimed"
        yield Check("untimed", True, "clock.untimed", {"count": spell["readings"], **ends}, export)


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
            yield Check("private", False, "doctor.private.bad", {"folder": path}, f"chmod 700 {quoted(path)}")
    if not site.data.exists():
        return
    mode = site.data.stat().st_mode
    if stat.S_IMODE(mode) & 0o2770 != 0o2770:
        said = {"folder": site.data, "mode": f"{stat.S_IMODE(mode):o}"}
        yield Check("folder", False, "doctor.folder.bad", said, f"chmod 2770 {quoted(site.data)}")
    wrong = [p for p in sorted(site.data.glob("*.db*")) if stat.S_IMODE(p.stat().st_mode) & 0o660 != 0o660]
    for path in wrong:
        said = {"file": path, "mode": f"{stat.S_IMODE(path.stat().st_mode):o}"}
        yield Check("file", False, "doctor.file.bad", said, f"chmod 660 {quoted(path)}")
    if not os.access(site.data, os.W_OK):
        yield Check("writable", False, "doctor.writable.bad", {"folder": site.data}, f"ls -ld {quoted(site.data)}")


def _pki(site: Site) -> Iterator[Check]:
    """An OPC UA client that cannot keep certificates reads nothing; nor does one whose own has expired."""
    pki = site.folder / PKI
    for path in (pki, pki / "own", pki / "servers"):
        if not os.access(path, os.F_OK):  # also where the folder above is closed
            continue
        closed = path.stat().st_mode & stat.S_IRWXU != stat.S_IRWXU
        if closed or not os.access(path, os.W_OK | os.X_OK):
            yield _closed(site, path)
    if os.access(pki / "own" / CERTIFICATE, os.F_OK):
        yield _certificate(pki / "own" / CERTIFICATE)


def _closed(site: Site, path: Path) -> Check:
    """A folder of keys that we cannot use: right where it is the agent's and we are not."""
    owner = path.stat().st_uid
    if owner == os.geteuid():
        return Check("pki", False, "doctor.pki.denied", {"folder": path}, f"chmod 700 {quoted(path)}")
    agent = (site.data if os.access(site.data, os.F_OK) else site.folder).stat().st_uid
    said = {"folder": path, "owner": _user(owner), "agent": _user(agent)}
    if owner == agent:
        doctor = f"sudo -u {_user(owner)} leafgate -C {quoted(site.folder)} doctor"
        return Check("pki", True, "doctor.pki.theirs", said, doctor)
    return Check("pki", False, "doctor.pki.owner", said, f"sudo chown -R {_user(agent)} {quoted(site.folder / PKI)}")


def _user(number: int) -> str:
    from pwd import getpwuid

    try:
        return getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _certificate(path: Path) -> Check:
    from cryptography.x509 import load_der_x509_certificate

    repair = f"mv {quoted(path)} {quoted(path.with_suffix('.old'))}"
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


def _agent(site: Site) -> Check:
    holder = running(site.data)
    return Check(
        "agent", True, "doctor.agent.runs" if holder else "doctor.agent.stopped", {"pid": holder.pid if holder else 0}
    )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


__all__ = ["Check", "examine"]
