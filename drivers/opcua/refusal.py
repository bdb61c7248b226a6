"""What asyncua and its server said, as one of our errors."""

from __future__ import annotations

from asyncua import ua

from drivers.error import DriverError, LinkError, ProfileError

NOT_THIS_USER = (
    ua.StatusCodes.BadUserAccessDenied,
    ua.StatusCodes.BadIdentityTokenInvalid,
    ua.StatusCodes.BadIdentityTokenRejected,
    ua.StatusCodes.BadUserSignatureInvalid,
)
NOT_THIS_POLICY = (ua.StatusCodes.BadSecurityPolicyRejected, ua.StatusCodes.BadSecurityModeRejected)
NO_SERVICE = (  # the server is there and takes nobody at present
    ua.StatusCodes.BadTooManySessions,
    ua.StatusCodes.BadMaxConnectionsReached,
    ua.StatusCodes.BadTooManySubscriptions,
    ua.StatusCodes.BadTcpServerTooBusy,
    ua.StatusCodes.BadTcpNotEnoughResources,
    ua.StatusCodes.BadResourceUnavailable,
)
TOO_MUCH = (  # the server wants smaller requests
    ua.StatusCodes.BadTooManyOperations,
    ua.StatusCodes.BadEncodingLimitsExceeded,
    ua.StatusCodes.BadRequestTooLarge,
    ua.StatusCodes.BadResponseTooLarge,
    ua.StatusCodes.BadTcpMessageTooLarge,
)


class TooMuchError(LinkError):
    """A request of many nodes is refused as a whole; each of its halves may be answered."""


def refusal(error: Exception, connecting: bool = False) -> DriverError:
    """The error to raise in the place of a foreign one; `connecting` until the session stands."""
    if isinstance(error, DriverError):
        return error
    what = str(error) or type(error).__name__
    if isinstance(error, ua.UaStatusCodeError):
        return _status(error, connecting)
    if isinstance(error, TimeoutError):
        return LinkError("no_reply", what)
    if isinstance(error, ConnectionRefusedError):
        return LinkError("refused", what)
    if isinstance(error, ConnectionError):
        return LinkError("closed", what)
    if isinstance(error, OSError):
        return LinkError("refused", what)
    return LinkError("noise", f"{type(error).__name__}: {what}")


def _status(error: ua.UaStatusCodeError, connecting: bool) -> DriverError:
    code, name = error.code, type(error).__name__
    if code == ua.StatusCodes.BadTimeout:
        return LinkError("no_reply", name)
    if code in TOO_MUCH:
        return TooMuchError("refused", name)
    if code in NO_SERVICE:
        return LinkError("refused", name)
    if not connecting:
        return LinkError("closed", name)
    if code in NOT_THIS_USER:
        return LinkError("access_denied", name)
    if code in NOT_THIS_POLICY:
        return ProfileError("no_endpoint", name)
    if name.startswith("BadCertificate") or code == ua.StatusCodes.BadSecurityChecksFailed:
        return LinkError("cert_untrusted", name)
    return LinkError("refused", name)
