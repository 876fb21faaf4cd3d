"""What can go wrong for a client.

    ClientError
    ├── UnreachableError   no answer came
    ├── BadInputError      what was sent cannot be used (400, 413, 415, 421, 422)
    ├── NotSignedInError   no valid key (401)
    ├── ForbiddenError     known, and may not (403)
    ├── NotFoundError      not there, or somebody else's (404)
    ├── ConflictError      somebody was first (409)
    ├── ResyncError        a cursor that cannot be served (410)
    ├── LimitError         too much, too often, over budget (402, 429)
    ├── ServerError        the server or its provider failed (5xx)
    └── TurnFailedError    the answer ended with an error

`code` is the server's stable code, `message` one sentence for a person.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from quarterdeck.domain.events import TurnFault


class ClientError(Exception):
    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int = 0,
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class UnreachableError(ClientError):
    """No server answered at this address, or it broke off."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="unreachable", retryable=True)


class BadInputError(ClientError):
    """What was sent cannot be used as it is."""


class NotSignedInError(ClientError):
    """No valid key came with the request."""


class ForbiddenError(ClientError):
    """The key's user is known, and may not."""


class NotFoundError(ClientError):
    """It is not there, or it is somebody else's."""


class ConflictError(ClientError):
    """It does not go with what is there already."""


class ResyncError(ClientError):
    """This cursor cannot be served: load the messages."""


class LimitError(ClientError):
    """Too much, too often or too dear."""


class ServerError(ClientError):
    """The server, or a model's provider behind it, did not do its part."""


class TurnFailedError(ClientError):
    """The answer ended with an error; what came before it is kept."""

    def __init__(self, fault: TurnFault) -> None:
        super().__init__(fault.message, code=fault.code, retryable=fault.retryable, retry_after_s=fault.retry_after_s)


class _Problem(Struct):
    """RFC 9457, and what Quarterdeck adds."""

    detail: str = ""
    code: str = ""
    retryable: bool = False


_CLASSES: dict[int, type[ClientError]] = {
    401: NotSignedInError,
    402: LimitError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ResyncError,
    429: LimitError,
}


def error_of(status: int, body: bytes, retry_after: str = "") -> ClientError:
    """The error that an answer with a status from 300 on stands for, whoever gave it: a proxy writes no problems."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = _Problem()
    found = _CLASSES.get(status, ServerError if status >= 500 else BadInputError)
    return found(
        problem.detail or f"The server answered with status {status}.",
        code=problem.code or f"http_{status}",
        status=status,
        retryable=problem.retryable or (status in (502, 503, 504) and not problem.code),
        retry_after_s=float(retry_after) if retry_after.isdigit() else None,
    )
