"""Reads a vendor's error (status, headers, body) and says which kind of `UpstreamError` it is.

Three shapes are common, and all are met behind every dialect, since gateways translate:
OpenAI `{"error": {"message", "type", "param", "code"}}`, Anthropic `{"type": "error", "error": {"type",
"message"}}`, Google `{"error": {"code", "message", "status", "details"}}` (also inside a list); besides
FastAPI's `{"detail": …}` and a bare `{"error": "…"}` or `{"message": "…"}`.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.providers.faults import MALFORMED, FaultKind, UpstreamError

_TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|prompt is too long|input (is )?too long"
    r"|too many (input )?tokens|exceed\w* (the )?(maximum|model).{0,40}tokens|token count.{0,60}exceeds"
    r"|reduce the length",
    re.I,
)
_NO_MODEL = re.compile(
    r"model.{0,120}?(not found|does not exist|doesn't exist|not exist|decommissioned|not a valid model"
    r"|is not supported by any|not available)|(unknown|invalid|no such) model|not a valid model|try pulling",
    re.I | re.S,
)
_BAD_KEY = re.compile(
    r"api[ _-]?key (not valid|is invalid|expired|not found)|api_key_invalid|invalid api[ _-]?key", re.I
)
_FILTERED = re.compile(r"content_?filter|content_policy|moderation|responsibleai|safety", re.I)
_NO_CREDIT = re.compile(r"(credit )?balance is too low|insufficient (credit|balance|quota|funds)", re.I)
_QUOTA = re.compile(r"insufficient_quota|billing|credit|exceeded your current quota|payment", re.I)
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|does(n't| not) support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed"
    r"|extra_forbidden|extra inputs|deprecated for|cannot be|invalid (parameter|argument)|no longer",
    re.I,
)
_RETRY_DELAY = re.compile(r"^(\d+(?:\.\d+)?)s$")
_BY_TYPE: dict[str, FaultKind] = {
    "authentication_error": "auth",
    "invalid_api_key": "auth",
    "unauthenticated": "auth",
    "permission_error": "forbidden",
    "permission_denied": "forbidden",
    "billing_error": "quota",
    "insufficient_quota": "quota",
    "rate_limit_error": "limit",
    "rate_limit_exceeded": "limit",
    "tokens": "limit",
    "requests": "limit",
    "resource_exhausted": "limit",
    "overloaded_error": "server",
    "timeout_error": "server",
    "api_error": "server",
    "server_error": "server",
    "internal_server_error": "server",
    "unavailable": "server",
    "internal": "server",
    "exceed_context_size_error": "too_long",
    "context_length_exceeded": "too_long",
    "request_too_large": "too_long",
    "model_not_found": "no_model",
    "not_found_error": "no_model",
    "content_filter": "refused",
    "content_policy_violation": "refused",
    "invalid_request_error": "request",
    "invalid_argument": "request",
}


class VendorError(Struct):
    """A vendor's error in one shape; empty where it said nothing."""

    message: str = ""
    type: str = ""
    code: str = ""
    param: str = ""
    retry_after_s: float | None = None


def fault_of_response(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The fault behind an answer that is not a 200."""
    error = read_vendor_error(body)
    kind = _kind_of(status, error)
    if status in range(300, 400):
        return UpstreamError("not_an_api", status=status, detail="redirected to another address")
    if kind == "no_model" and not (error.message or error.type) and b"<" in body[:200]:
        kind = "not_an_api"
    retry_after_s = _retry_after(headers)
    return UpstreamError(
        kind,
        error.message,
        status=status,
        detail=f"type={error.type} code={error.code} param={error.param} body={len(body)} bytes",
        retry_after_s=error.retry_after_s if retry_after_s is None else retry_after_s,
        parameter=error.param,
    )


def fault_of_event(error: object) -> UpstreamError:
    """The fault behind an error object in the middle of a stream."""
    found = read_vendor_error(msgspec.json.encode({"error": error}))
    status = int(found.code) if re.fullmatch("[45][0-9]{2}", found.code) else 0
    kind = _kind_of(status, found)
    return UpstreamError(
        kind, found.message, status=status, detail=f"in the stream: type={found.type} code={found.code}"
    )


def names_unsupported(fault: UpstreamError, parameters: set[str]) -> str:
    """Which of the request's optional `parameters` this 400 or 422 calls unsupported; "" when none."""
    if fault.kind != "request" or not _UNSUPPORTED.search(f"{fault.reason} {fault.detail}"):
        return ""
    root = re.split(r"[.\[]", fault.parameter)[0]
    if root in parameters:
        return root
    named = [name for name in parameters if re.search(rf"\b{re.escape(name)}\b", f"{fault.reason} {fault.parameter}")]
    return max(named, key=len, default="")


def read_vendor_error(body: bytes) -> VendorError:
    """Whatever the body says, in one shape; a body that is no JSON gives its first line."""
    try:
        content = msgspec.json.decode(body)
    except MALFORMED:
        text = body[:300].decode("utf-8", "replace").strip()
        return VendorError() if text.startswith("<") else VendorError(message=text)
    if isinstance(content, list) and content:
        content = content[0]
    if not isinstance(content, dict):
        return VendorError(message=str(content)[:300])
    inner = content.get("error", content)
    if isinstance(inner, str):
        return VendorError(message=inner, code=_text(content.get("error_type")))
    if not isinstance(inner, dict):
        inner = content
    return _read_fields(inner)


def _read_fields(fields: dict[str, Any]) -> VendorError:
    message = fields.get("message", fields.get("detail", fields.get("error_message")))
    param = _text(fields.get("param"))
    if isinstance(message, dict):
        message = message.get("detail", message)
    if isinstance(message, list) and message and isinstance(message[0], dict):
        first = message[0]
        location = first.get("loc")
        param = param or (str(location[-1]) if isinstance(location, list) and location else "")
        message = f"{param}: {_text(first.get('msg'))} ({_text(first.get('type'))})"
    return VendorError(
        message=_text(message),
        type=_text(fields.get("type") or fields.get("status")),
        code=_text(fields.get("code")),
        param=param,
        retry_after_s=_retry_delay(fields.get("details")),
    )


def _kind_of(status: int, error: VendorError) -> FaultKind:
    words = f"{error.message} {error.type} {error.code}"
    named = _BY_TYPE.get(error.code.lower()) or _BY_TYPE.get(error.type.lower())
    if status in (429, 402) or named in ("limit", "quota"):
        return "quota" if status == 402 or named == "quota" or _QUOTA.search(words) else "limit"
    if status == 400 and _NO_CREDIT.search(error.message):
        return "quota"
    if _BAD_KEY.search(words) and status in (0, 400, 401, 403):
        return "auth"
    if status in (0, 400, 413, 422) and (named == "too_long" or _TOO_LONG.search(words)):
        return "too_long"
    if status in (0, 400, 403) and (named == "refused" or _FILTERED.search(f"{error.type} {error.code}")):
        return "refused"
    if status in (0, 400, 404, 410, 422) and (named == "no_model" or _NO_MODEL.search(error.message)):
        return "no_model"
    return _BY_STATUS.get(status) or _by_range(status, named)


_BY_STATUS: dict[int, FaultKind] = {401: "auth", 403: "forbidden", 404: "no_model", 408: "server", 413: "too_long"}


def _by_range(status: int, named: FaultKind | None) -> FaultKind:
    if status >= 500:
        return "server"
    if status >= 400 and named in (None, "server"):
        return "request"
    return named or "server"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` (OpenAI) or `Retry-After` (a number or an HTTP date)."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("Retry-After", "").strip()
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return min(max(number, 0.0), 1e9) if math.isfinite(number) else None


def _retry_delay(details: object) -> float | None:
    """Google's `RetryInfo` among the error's details: `{"retryDelay": "20s"}`."""
    for item in details if isinstance(details, list) else []:
        found = _RETRY_DELAY.match(_text(item.get("retryDelay"))) if isinstance(item, dict) else None
        if found:
            return _number(found[1])
    return None


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)
