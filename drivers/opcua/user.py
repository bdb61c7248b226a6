"""Who logs in at a server: nobody, a name and password, or a user's certificate. No password leaves readable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import security_policies as known
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from drivers.driver import Device
from drivers.error import ProfileError

POLICIES: dict[str, type[known.SecurityPolicy]] = {
    "Basic256Sha256": known.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": known.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": known.SecurityPolicyAes256Sha256RsaPss,
}
NO_POLICY = known.SecurityPolicyNone.URI
STRONG = {policy.URI for policy in POLICIES.values()}
USERS = {
    ua.UserTokenType.Anonymous: "anonymous",
    ua.UserTokenType.UserName: "user",
    ua.UserTokenType.Certificate: "user_certificate",
}


class UserClient(Client):  # type: ignore[misc]  # asyncua is read without its types
    """asyncua's client, that takes of a server's token policies the one that protects the user best."""

    def server_policy(self, token_type: ua.UserTokenType) -> ua.UserTokenPolicy:
        """How the server wants this kind of user (OPC 10000-4, 7.41); no policy of its own means the channel's.

        Raises ProfileError no_user_kind, and password_in_clear where neither token nor channel is encrypted.
        """
        channel = self.security_policy.URI
        offered = [
            replace(policy, SecurityPolicyUri=policy.SecurityPolicyUri or channel)
            for policy in self._policy_ids or ()
            if policy.TokenType == token_type
        ]
        if not offered:
            kinds = sorted({USERS.get(policy.TokenType, policy.TokenType.name) for policy in self._policy_ids or ()})
            raise ProfileError("no_user_kind", f"asked for {USERS[token_type]}, the server takes {', '.join(kinds)}")
        strong = [policy for policy in offered if policy.SecurityPolicyUri in STRONG]
        chosen = min(strong or offered, key=lambda policy: policy.SecurityPolicyUri != channel)
        if token_type == ua.UserTokenType.UserName and not strong and not self._is_encrypted():
            raise ProfileError("password_in_clear", "the server asks for the password unencrypted")
        if token_type == ua.UserTokenType.Certificate and not strong:
            return replace(chosen, SecurityPolicyUri=channel)  # a user's certificate proves nothing unsigned
        return chosen

    def _is_encrypted(self) -> bool:
        return bool(self.security_policy.Mode == ua.MessageSecurityMode.SignAndEncrypt)


def introduce(client: Client, device: Device) -> None:
    """Give a client the user of plant.yaml; raises ProfileError, see `drivers.opcua.secure.secure`."""
    if device.security == "none" and (device.user or device.user_certificate):
        raise ProfileError("password_in_clear", device.name)
    if device.user_certificate is not None:
        client.user_certificate, client.user_private_key = _user_pair(device.user_certificate, device.user_key)
    elif device.user:
        client.set_user(device.user)
        client.set_password(_password(device))


def _user_pair(certificate: Path, key: Path | None) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """A user's certificate and key, both PEM or DER; read at each connect, so that new ones need no restart."""
    try:
        if key is None:
            raise FileNotFoundError("user_key")
        shown, held = certificate.read_bytes(), key.read_bytes()
        pem = shown.startswith(b"-----")
        user = x509.load_pem_x509_certificate(shown) if pem else x509.load_der_x509_certificate(shown)
        load = serialization.load_pem_private_key if held.startswith(b"-----") else serialization.load_der_private_key
        secret = load(held, None)
    except (OSError, ValueError, TypeError) as error:
        raise ProfileError("no_user_certificate", str(error)) from None
    if not isinstance(secret, rsa.RSAPrivateKey) or secret.public_key() != user.public_key():
        raise ProfileError("no_user_certificate", f"{certificate.name} and {key.name} are no RSA pair")
    return user, secret


def _password(device: Device) -> str:
    """The first line of the password file; read at each connect, so that a new one needs no restart."""
    try:
        if device.password_file is None:
            raise FileNotFoundError(device.name)
        lines = device.password_file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ProfileError("no_password_file", str(error)) from None
    return lines[0].strip() if lines else ""
