"""The gateway's certificates through power cuts and two writers at once. No server."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from drivers.error import LinkError
from drivers.opcua.identity import Identity, check_pinned, own_identity, pin
from drivers.opcua.whole import write_whole


def belong_together(who: Identity) -> bool:
    shown = x509.load_der_x509_certificate(who.certificate).public_key()
    return shown == serialization.load_pem_private_key(who.key, None).public_key()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.message for r in caplog.records if r.name == "leafgate.opcua" and r.levelno == logging.WARNING]


def test_devices_that_start_at_once_share_one_pair(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(own_identity, repeat(tmp_path / "pki", 4)))
    assert len(set(found)) == 1
    assert belong_together(found[0])
    assert own_identity(tmp_path / "pki") == found[0]


@pytest.mark.parametrize("spoilt", ["leafgate.der", "leafgate.key"])
def test_an_empty_file_after_a_power_cut_makes_both_anew_aloud(
    tmp_path: Path, spoilt: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = own_identity(tmp_path)
    assert warnings(caplog) == []
    (tmp_path / "own" / spoilt).write_bytes(b"")
    after = own_identity(tmp_path)
    assert belong_together(after)
    assert after.certificate != before.certificate
    assert ["trust it again" in said for said in warnings(caplog)] == [True]
    assert (tmp_path / "own" / "leafgate.key").stat().st_mode & 0o777 == 0o600


def test_a_certificate_that_is_not_the_keys_is_made_anew_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    own_identity(one)
    (one / "own" / "leafgate.key").write_bytes(own_identity(other).key)
    assert belong_together(own_identity(one))
    assert len(warnings(caplog)) == 1


def test_a_key_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    own_identity(tmp_path)
    key = tmp_path / "own" / "leafgate.key"
    key.unlink()
    key.mkdir()
    certificate = (tmp_path / "own" / "leafgate.der").read_bytes()
    with pytest.raises(OSError, match=r"leafgate\.key"):
        own_identity(tmp_path)
    assert (tmp_path / "own" / "leafgate.der").read_bytes() == certificate


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "press.der"
    write_whole(path, b"old", 0o644)

    def full(_: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new", 0o644)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("press.der", b"old")]


def test_an_empty_pin_is_pinned_anew_aloud_and_any_other_stays_changed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pin(tmp_path, "press", b"first")
    path = tmp_path / "servers" / "press.der"
    path.write_bytes(b"")
    check_pinned(tmp_path, "press", b"second")
    assert ["press" in said for said in warnings(caplog)] == [True]
    pin(tmp_path, "press", b"second")
    check_pinned(tmp_path, "press", b"second")
    for unreadable in (b"\0", b"sec"):
        path.write_bytes(unreadable)
        with pytest.raises(LinkError, match="cert_changed"):
            check_pinned(tmp_path, "press", b"second")
        assert path.read_bytes() == unreadable
