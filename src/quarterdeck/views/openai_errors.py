"""Errors as OpenAI's API tells them: https://platform.openai.com/docs/guides/error-codes."""

from __future__ import annotations

from typing import Any

from quarterdeck.errors import (
    AccessError,
    ContextTooLongError,
    ForbiddenError,
    InputError,
    LimitError,
    ModelNotFoundError,
    NotFoundError,
    OverBudgetError,
    OverloadedError,
    ParameterError,
    ProviderLimitError,
    ProviderRequestError,
    QuarterdeckError,
    TooLargeError,
)

_REQUEST, _SERVER = "invalid_request_error", "server_error"
# The first class that fits counts: status, `type`, `code` (None: our own).
_TABLE: tuple[tuple[type[QuarterdeckError], int, str, str | None], ...] = (
    (ModelNotFoundError, 404, _REQUEST, "model_not_found"),
    (ContextTooLongError, 400, _REQUEST, "context_length_exceeded"),
    (ProviderRequestError, 400, _REQUEST, None),
    (ParameterError, 400, _REQUEST, None),
    (InputError, 400, _REQUEST, None),
    (NotFoundError, 404, _REQUEST, None),
    (ForbiddenError, 403, "permission_error", None),
    (AccessError, 401, "authentication_error", "invalid_api_key"),
    (OverBudgetError, 429, "insufficient_quota", "insufficient_quota"),
    (TooLargeError, 413, _REQUEST, None),
    (OverloadedError, 503, _SERVER, None),
    (LimitError, 429, "rate_limit_error", "rate_limit_exceeded"),
    (ProviderLimitError, 429, "rate_limit_error", "rate_limit_exceeded"),
)


def openai_status(error: QuarterdeckError) -> int:
    return _find(error)[0]


def openai_error(error: QuarterdeckError) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`."""
    _, kind, code = _find(error)
    parameter = None
    if isinstance(error, ParameterError):
        parameter, code = error.parameter or None, error.reason or None
    elif isinstance(error, ModelNotFoundError):
        parameter = "model"
    return {"error": {"message": error.message, "type": kind, "param": parameter, "code": code}}


def openai_refusal(status: int, code: str, sentence: str) -> dict[str, Any]:
    """Of a request that no route has taken."""
    kind = {403: "permission_error", 429: "rate_limit_error"}.get(status, _REQUEST)
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}


def _find(error: QuarterdeckError) -> tuple[int, str, str | None]:
    for kind, status, name, code in _TABLE:
        if isinstance(error, kind):
            return status, name, code or error.code
    return error.status, _SERVER if error.status >= 500 else _REQUEST, error.code
