"""Certificates below the site's pki folder: our own, made at the first start, and the servers' that we know.

pki/own/leafgate.der goes into the server's list of trusted certificates; pki/servers/DEVICE.der is
the certificate that a server showed first, and any other one is refused until a person deletes it.
"""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from drivers.error import LinkError
from drivers.opcua.whole import alone, write_whole

log = logging.getLogger("leafgate.opcua")

KEY_BITS = 2048  # Basic256Sha256 takes 2048 to 4096 (OPC 10000-7)
# Fixed dates: a gateway without a clock of its own may think that it is 1970 at its first start.
VALID_FROM = datetime(2024, 1, 1, tzinfo=UTC)
VALID_UNTIL = datetime(2049, 12, 31, tzinfo=UTC)
SECRET, PUBLIC, PRIVATE = 0o600, 0o644, 0o700  # modes of a key, of a certificate, and of their folder


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are towards a server: certificate (DER), key (PEM), and the URI that both carry."""

    certificate: bytes
    key: bytes
    uri: str


def own_identity(pki: Path) -> Identity:
    """The gateway's own certificate and key below `pki`, made when missing; raises OSError."""
    return identity(pki / "own", "leafgate", f"urn:{_host()}:leafgate", ExtendedKeyUsageOID.CLIENT_AUTH)


def identity(folder: Path, name: str, uri: str, usage: x509.ObjectIdentifier) -> Identity:
    """NAME.der and NAME.key in a folder; made for `uri` when they are no pair. Raises OSError.

    TypeError where the key asks for a password; x509.ExtensionNotFound, IndexError where no URI stands in it.
    """
    certificate, key = folder / f"{name}.der", folder / f"{name}.key"
    pair = _pair(certificate, key)
    if pair is None:
        _private(folder)
        with alone(folder):
            pair = _pair(certificate, key) or _made(certificate, key, name, uri, usage)
    der, pem = pair
    return Identity(der, pem, _uri(der))


def first(chain: bytes) -> bytes:
    """The server's own certificate; some servers send its issuers behind it (OPC 10000-6, 6.2.3)."""
    size = chain[1] if len(chain) > 1 else 0
    if size < 0x80:
        return chain[: 2 + size]
    width = size & 0x7F  # DER: so many bytes of length follow
    return chain[: 2 + width + int.from_bytes(chain[2 : 2 + width], "big")]


def check_pinned(pki: Path, device: str, certificate: bytes) -> None:
    """Raises LinkError cert_changed when the device showed another certificate before, and OSError.

    An empty file is what a power cut leaves. It says nothing of any certificate, so it is removed.
    """
    path = _pin(pki, device)
    try:
        known = path.read_bytes()
    except FileNotFoundError:
        return
    if not known:
        log.warning("%s is empty: the certificate that %s shows now is kept as the first one", path, device)
        path.unlink(missing_ok=True)
    elif known != certificate:
        raise LinkError("cert_changed", str(path))


def validity(certificate: bytes) -> tuple[datetime, datetime]:
    """From when to when a certificate is valid, UTC; raises ValueError."""
    read = x509.load_der_x509_certificate(certificate)
    return read.not_valid_before_utc, read.not_valid_after_utc


def pin(pki: Path, device: str, certificate: bytes) -> None:
    """Remember the certificate that a device showed first; raises OSError."""
    path = _pin(pki, device)
    if not path.exists():
        _private(path.parent)
        write_whole(path, certificate, PUBLIC)


def _pin(pki: Path, device: str) -> Path:
    return pki / "servers" / f"{device}.der"


def _pair(certificate: Path, key: Path) -> tuple[bytes, bytes] | None:
    """Certificate (DER) and key (PEM) where both can be read and belong together; raises OSError, TypeError."""
    try:
        der, pem = certificate.read_bytes(), key.read_bytes()
        shown = x509.load_der_x509_certificate(der).public_key()
        held = serialization.load_pem_private_key(pem, None).public_key()
    except (FileNotFoundError, ValueError, UnsupportedAlgorithm):
        return None
    return (der, pem) if shown == held else None


def _made(certificate: Path, key: Path, name: str, uri: str, usage: x509.ObjectIdentifier) -> tuple[bytes, bytes]:
    """A new pair, written; between the two files stands at worst one that is no pair."""
    if certificate.exists():
        log.warning("%s and its key are no pair: both are made anew, and servers must trust it again", certificate)
    secret = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    der = _signed(secret, name, uri, usage).public_bytes(serialization.Encoding.DER)
    write_whole(key, pem, SECRET)
    write_whole(certificate, der, PUBLIC)
    return der, pem


def _signed(key: rsa.RSAPrivateKey, name: str, uri: str, usage: x509.ObjectIdentifier) -> x509.Certificate:
    """An application instance certificate, signed by itself (OPC 10000-6, 6.2.2)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.UniformResourceIdentifier(uri), x509.DNSName(_host())]
    ours = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usages = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,  # it signs itself
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_UNTIL)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(ours, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ours), critical=False)
        .add_extension(usages, critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _uri(der: bytes) -> str:
    """The application URI that a certificate carries; a server compares it with what we say."""
    names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return str(names.value.get_values_for_type(x509.UniformResourceIdentifier)[0])


def _private(folder: Path) -> None:
    """A folder, and the pki folder above it, that only the owner may enter."""
    for path in (folder.parent, folder):
        path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)


def _host() -> str:
    """This machine's name as a certificate may carry it."""
    return socket.gethostname().encode("ascii", "ignore").decode("ascii") or "gateway"
