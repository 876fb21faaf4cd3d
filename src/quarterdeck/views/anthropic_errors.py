"""Errors as Anthropic's API tells them: https://platform.claude.com/docs/en/api/errors."""

from __future__ import annotations

from typing import Any

from quarterdeck.domain.ids import new_id
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
    ProviderLimitError,
    ProviderRequestError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    QuarterdeckError,
    TooLargeError,
)

OVERLOADED = 529
_TABLE: tuple[tuple[type[QuarterdeckError], int, str], ...] = (
    (ModelNotFoundError, 404, "not_found_error"),
    (ContextTooLongError, 400, "invalid_request_error"),
    (ProviderRequestError, 400, "invalid_request_error"),
    (InputError, 400, "invalid_request_error"),
    (NotFoundError, 404, "not_found_error"),
    (ForbiddenError, 403, "permission_error"),
    (AccessError, 401, "authentication_error"),
    (OverBudgetError, 402, "billing_error"),
    (TooLargeError, 413, "request_too_large"),
    (OverloadedError, OVERLOADED, "overloaded_error"),
    (LimitError, 429, "rate_limit_error"),
    (ProviderLimitError, 429, "rate_limit_error"),
    (ProviderUnavailableError, OVERLOADED, "overloaded_error"),
    (ProviderTimeoutError, 504, "timeout_error"),
)


def anthropic_status(error: QuarterdeckError) -> int:
    return _find(error)[0]


def anthropic_error(error: QuarterdeckError) -> dict[str, Any]:
    """`{type: "error", error: {type, message}, request_id}`."""
    return _told(_find(error)[1], error.message)


def anthropic_refusal(status: int, sentence: str) -> dict[str, Any]:
    """Of a request that no route has taken."""
    kinds = {403: "permission_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error"}
    return _told(kinds.get(status, "invalid_request_error"), sentence)


def _told(kind: str, sentence: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": sentence}, "request_id": f"req_{new_id()}"}


def _find(error: QuarterdeckError) -> tuple[int, str]:
    for kind, status, name in _TABLE:
        if isinstance(error, kind):
            return status, name
    return error.status, "api_error"
