"""The error tree. One object feeds the HTTP body, the socket frame, `turn.ended` and the log.

    QuarterdeckError
    ├── InputError            what came in cannot be used (FrameError, AddressRefusedError, ParameterError)
    ├── AccessError           who asks may not
    │   └── NotFoundError     … or it is not there; the two look the same from outside
    ├── ConflictError         somebody else was first (StaleVersionError, StillRunningError)
    ├── LimitError            too much, too large, too often, too dear (OverBudgetError)
    ├── ProviderError         a model's provider did not do its part
    │   ├── ProviderAuthError, ProviderRefusedError, ProviderLimitError, ProviderTimeoutError
    │   ├── ProviderUnavailableError, ProviderCutError, ProviderProtocolError, ProviderEmptyError
    │   └── ContextTooLongError, ModelNotFoundError, ProviderRequestError
    ├── FetchError            an address on the internet could not be fetched
    ├── LogError              StaleWriterError (LogLostError), CursorError
    ├── SetupError            the installation cannot start like this
    └── InternalError         our fault; the text for the user says no more

Each class has a stable `code`, an HTTP `status` and `retryable`. `message` is one sentence for the
user; `detail` is for the server's log only and never leaves it.
"""

from __future__ import annotations

from typing import ClassVar, Literal


class QuarterdeckError(Exception):
    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.retry_after_s = retry_after_s


class InputError(QuarterdeckError):
    """What came in cannot be used as it is."""

    code = "bad_input"
    status = 422


class FrameError(InputError):
    """A socket frame that does not fit; says what was expected and what came."""

    code = "bad_frame"

    def __init__(self, message: str, *, expected: str = "", got: str = "") -> None:
        super().__init__(message)
        self.expected = expected
        self.got = got


class AddressRefusedError(InputError):
    """An address that this server does not fetch from: not on the public internet, or not the web."""

    code = "address_refused"


class ParameterError(InputError):
    """A parameter of an API that others have designed cannot be used; `parameter` is its name there."""

    code = "invalid_parameter"
    status = 400

    def __init__(self, message: str, parameter: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter
        self.reason = reason  # that API's own code for it: `unknown_parameter`


class AccessError(QuarterdeckError):
    """No valid session or key came with the request."""

    code = "not_signed_in"
    status = 401


class SuspendedError(AccessError):
    """Who asks is known, but their account is suspended."""

    code = "suspended"

    def __init__(self) -> None:
        super().__init__("This account is suspended. Ask the owner of this server.")


class WrongCredentialsError(AccessError):
    """The name or the password is wrong; which one is not said."""

    code = "wrong_credentials"


class ForbiddenError(AccessError):
    """Who asks is known, and may not."""

    code = "forbidden"
    status = 403


class ModelForbiddenError(ForbiddenError):
    """The server's rules do not let this person use this model."""

    code = "model_forbidden"


class WrongPasswordError(ForbiddenError):
    """Who is signed in did not give the account's current password."""

    code = "wrong_password"


class NotFoundError(AccessError):
    """It is not there, or it is somebody else's."""

    code = "not_found"
    status = 404


class DeletedError(NotFoundError):
    """The caller deleted it, and can still restore it."""

    code = "deleted"


class LinkUsedError(NotFoundError):
    """A link that works once was used, or is too old."""

    code = "link_used"


class ConflictError(QuarterdeckError):
    """It does not go with what is there already: an id used for another message, an answer still being written."""

    code = "conflict"
    status = 409


class StaleVersionError(ConflictError):
    """What was changed is not what is there any more: somebody else changed it first. Nothing was overwritten."""

    code = "stale_version"


class StillRunningError(ConflictError):
    """The answer is still being written; it can be changed when it has ended."""

    code = "still_running"


class LimitError(QuarterdeckError):
    """Too much or too often."""

    code = "limit"
    status = 429
    retryable = True


class TooLargeError(LimitError):
    """Larger than what is taken."""

    code = "too_large"
    status = 413
    retryable = False


class TooManyAttemptsError(LimitError):
    """Too many passwords were tried; says how long to wait."""

    code = "too_many_attempts"


class OverloadedError(LimitError):
    """The server has too much to do, and took nothing."""

    code = "overloaded"
    status = 503


class OverBudgetError(LimitError):
    """What somebody may use in this day or month is used up, or held by answers that are being written.

    402 and not 429: clients try a 429 again by themselves, and nothing changes before the period is over.
    """

    code = "over_budget"
    status = 402
    retryable = False


class ProviderError(QuarterdeckError):
    """A provider failed. `received` says whether any of the answer had arrived (it is kept)."""

    code = "provider_error"
    status = 502
    retryable = True


class ProviderAuthError(ProviderError):
    """The provider does not take the key (401, 403)."""

    code = "provider_key_refused"
    retryable = False


class ProviderRefusedError(ProviderError):
    """The model or its provider's filter declined to answer."""

    code = "provider_refused"
    retryable = False


class ProviderRequestError(ProviderError):
    """The provider found the request itself wrong (400, 422)."""

    code = "provider_rejected_request"
    retryable = False


class ProviderLimitError(ProviderError):
    """429: rate or quota."""

    code = "provider_rate_limited"
    status = 429


class ProviderTimeoutError(ProviderError):
    """The provider did not answer in time, or fell silent within its answer."""

    code = "provider_timeout"
    status = 504


class ProviderUnavailableError(ProviderError):
    """Not reachable, or 5xx."""

    code = "provider_unavailable"
    status = 503


class ProviderCutError(ProviderError):
    """The connection ended in the middle of the answer."""

    code = "provider_cut"


class ProviderProtocolError(ProviderError):
    """What came is not what the protocol says: malformed chunks, an endless line."""

    code = "provider_malformed"


class ProviderEmptyError(ProviderError):
    """The stream ended without a word."""

    code = "provider_empty"


class ContextTooLongError(ProviderRequestError):
    """The request does not fit into the model's window."""

    code = "context_too_long"


class ModelNotFoundError(ProviderError):
    """No connected provider has this model."""

    code = "model_not_found"
    status = 404
    retryable = False


class FetchError(QuarterdeckError):
    """Who was asked over the internet did not answer, or not as was agreed."""

    code = "fetch_failed"
    status = 502
    retryable = True


class LogError(QuarterdeckError):
    """The log could not be written or read."""

    code = "log_error"


class StaleWriterError(LogError):
    """Another process has taken this turn over; this one must stop writing."""

    code = "stale_writer"
    status = 409


class LogLostError(StaleWriterError):
    """The log of a turn that goes on is not there: whoever kept it has lost it, or it was dropped.

    Its writer must stop as a stale one does; if the turn is still its own (the lease says so), it may write
    the log anew, after the old numbers (`Log.append` with `begins`).
    """

    code = "log_lost"


class CursorError(LogError):
    """The cursor is ahead of the log, or the log is gone: reload and begin again."""

    code = "resync"
    status = 410

    def __init__(self, message: str, *, reason: Literal["expired", "unknown", "ahead"]) -> None:
        super().__init__(message)
        self.reason: Literal["expired", "unknown", "ahead"] = reason


class SetupError(QuarterdeckError):
    """The installation cannot start like this; the message says what to change."""

    code = "setup"
    status = 500


class InternalError(QuarterdeckError):
    """Our fault; the server's log has the cause."""

    code = "internal"
    status = 500


def as_quarterdeck_error(error: BaseException) -> QuarterdeckError:
    """What the user is told of `error`: itself if it is one of ours, else one neutral sentence."""
    if isinstance(error, QuarterdeckError):
        return error
    return InternalError(
        "Something went wrong inside Quarterdeck. What was written so far is kept; the server's log has the cause.",
        detail=repr(error),
    )


def error_of_code(code: str, message: str) -> QuarterdeckError:
    """The error a stored fault stood for, with its HTTP status; `InternalError` for an unknown code."""
    return _classes().get(code, InternalError)(message)


def _classes() -> dict[str, type[QuarterdeckError]]:
    found: dict[str, type[QuarterdeckError]] = {}
    waiting = [QuarterdeckError]
    while waiting:
        for subclass in waiting.pop().__subclasses__():
            waiting.append(subclass)
            if subclass not in (CursorError, ParameterError):  # they need more, and no turn ends with one
                found.setdefault(subclass.code, subclass)
    return found
