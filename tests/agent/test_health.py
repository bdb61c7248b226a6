"""What doctor says about the folder of certificates and about our own certificate."""

from __future__ import annotations

import os
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from pwd import getpwuid

import pytest

from drivers.opcua import identity
from edge_agent.health import Check, examine
from edge_agent.site import Site
from tests.plants import BARE, plant


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return plant(tmp_path, BARE)


def found(site: Site) -> dict[str, Check]:
    """What was found about certificates, by its kind."""
    return {c.check: c for c in examine(site) if c.check in ("pki", "private", "certificate")}


def repaired(check: Check) -> bool:
    return subprocess.run(shlex.split(check.repair), check=False).returncode == 0


def test_a_site_without_certificates_is_not_asked_for_any(site: Site) -> None:
    assert found(site) == {}


def test_a_certificate_of_ours_is_named_with_its_end(site: Site) -> None:
    identity.own_identity(site.folder / "pki")
    checks = found(site)
    assert list(checks) == ["certificate"]
    assert (checks["certificate"].ok, checks["certificate"].fields["until"]) == (True, "2049-12-31")


@pytest.mark.parametrize("damaged", [False, True])
def test_an_expired_or_damaged_certificate_is_moved_away_and_made_anew(
    damaged: bool, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(identity, "VALID_UNTIL", datetime(2025, 1, 1, tzinfo=UTC))
        identity.own_identity(site.folder / "pki")
    if damaged:
        (site.folder / "pki/own/leafgate.der").write_bytes(b"")
    check = found(site)["certificate"]
    assert (check.ok, check.key) == (False, f"doctor.certificate.{'bad' if damaged else 'expired'}")
    assert repaired(check)
    assert found(site) == {}
    identity.own_identity(site.folder / "pki")
    assert found(site)["certificate"].ok


@pytest.mark.parametrize("name", ["pki", "pki/own", "pki/servers"])
def test_a_folder_of_certificates_that_nobody_can_write_is_repaired(name: str, site: Site) -> None:
    folder = site.folder / name
    folder.mkdir(parents=True, mode=0o700)
    (site.folder / "pki").chmod(0o700)
    folder.chmod(0o500)
    check = found(site)["pki"]
    assert (check.ok, check.fields["folder"]) == (False, folder)
    assert repaired(check)
    assert found(site) == {}


@pytest.mark.parametrize("agents", [True, False])
def test_a_folder_of_certificates_of_somebody_else_is_never_given_to_whoever_looks(
    agents: bool, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.folder / "pki").mkdir(mode=0o700)
    if not agents:
        os.chown(site.folder / "pki", 1, 1)
    monkeypatch.setattr("os.access", lambda path, mode: mode == os.F_OK and path.name == "pki")
    monkeypatch.setattr("os.geteuid", lambda: -1)
    check = found(site)["pki"]
    name = getpwuid(os.getuid()).pw_name if agents else getpwuid(1).pw_name
    assert (check.ok, check.fields["owner"]) == (agents, name)
    assert check.repair.startswith("sudo -u " if agents else "sudo chown -R ")
    assert "$USER" not in check.repair


def test_a_folder_of_certificates_that_others_can_read_is_named(site: Site) -> None:
    (site.folder / "pki").mkdir()
    (site.folder / "pki").chmod(0o755)
    assert repaired(found(site)["private"])
    assert found(site) == {}
