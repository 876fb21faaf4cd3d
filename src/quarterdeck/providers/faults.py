"""What can go wrong at a provider, and the one place that gives each fault its type and its sentence.

Adapters and the transport raise `UpstreamError`; `explain` turns it into the `ProviderError` that leaves this
room. What a vendor says is made safe first: one line, bounded, without the key.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from quarterdeck.errors import (
    ContextTooLongError,
    ModelNotFoundError,
    ProviderAuthError,
    ProviderCutError,
    ProviderEmptyError,
    ProviderError,
    ProviderLimitError,
    ProviderProtocolError,
    ProviderRefusedError,
    ProviderRequestError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from quarterdeck.providers.base import Endpoint

FaultKind = Literal[
    "auth",
    "forbidden",
    "refused",
    "limit",
    "quota",
    "server",
    "unreachable",
    "disconnected",
    "connect_timeout",
    "first_token_timeout",
    "idle_timeout",
    "cut",
    "protocol",
    "not_an_api",
    "empty",
    "too_long",
    "no_model",
    "no_list",
    "request",
]
Kept = Literal["message", "answer", "nothing"]

_REASON_CHARS = 240
_DETAIL_CHARS = 2_000

_TABLE: dict[FaultKind, tuple[type[ProviderError], str]] = {
    "auth": (ProviderAuthError, "{label} refused the key. Check it in the settings."),
    "forbidden": (ProviderAuthError, "{label} does not let this key do that{because}."),
    "refused": (ProviderRefusedError, "{label} declined to answer{because}."),
    "limit": (ProviderLimitError, "{label} is busy and asked to wait{wait}."),
    "quota": (ProviderLimitError, "{label} says the account's quota or credit is used up{because}."),
    "server": (ProviderUnavailableError, "{label} has a problem on its side{because}."),
    "unreachable": (ProviderUnavailableError, "{label} could not be reached at {host}."),
    "disconnected": (ProviderUnavailableError, "{label} closed the connection before it answered."),
    "connect_timeout": (ProviderTimeoutError, "{label} could not be reached within {limit}."),
    "first_token_timeout": (ProviderTimeoutError, "{label} did not begin to answer within {limit}."),
    "idle_timeout": (ProviderTimeoutError, "{label} sent nothing more for {limit} in the middle of its answer."),
    "cut": (ProviderCutError, "The connection to {label} was cut in the middle of the answer."),
    "protocol": (ProviderProtocolError, "{label} sent something that is not a valid answer."),
    "not_an_api": (
        ProviderProtocolError,
        "What answered at {host} is not a model's API. Check the address of {label} in the settings.",
    ),
    "empty": (ProviderEmptyError, "{label} ended its answer without a word."),
    "too_long": (ContextTooLongError, "This is too long for {model}{because}."),
    "no_model": (ModelNotFoundError, "{label} does not offer the model {model}."),
    "no_list": (ProviderTimeoutError, "{label} did not list its models within {limit}."),
    "request": (ProviderRequestError, "{label} did not accept the request{because}."),
}
_KEPT: dict[Kept, str] = {
    "message": " Your message is kept.",
    "answer": " What was written so far is kept.",
    "nothing": "",
}
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for what is no JSON, or is nested without end."""
# What vendors' keys look like: some vendors repeat (part of) a wrong key in their answer.
_KEY_SHAPES = re.compile(
    r"\b(?:sk|pk|gsk|hf|pplx|key|xai|tgp|nvapi|csk|fw|qd|r8)[-_][A-Za-z0-9_*.-]{6,}|\bAIza[A-Za-z0-9_*-]{10,}"
    r"|(?i:bearer)\s+[A-Za-z0-9_*.~+/-]{8,}=*"
)
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class UpstreamError(Exception):
    """Something went wrong upstream; no label, no sentence yet.

    `reason` is the vendor's own words (unsafe until `explain`), `limit_s` the time-out that passed,
    `retry_after_s` what the vendor asked for, `parameter` the request's parameter it named.
    """

    def __init__(
        self,
        kind: FaultKind,
        reason: str = "",
        *,
        detail: str = "",
        status: int = 0,
        retry_after_s: float | None = None,
        limit_s: float | None = None,
        parameter: str = "",
    ) -> None:
        super().__init__(kind)
        self.kind: FaultKind = kind
        self.reason = reason
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s
        self.limit_s = limit_s
        self.parameter = parameter


def explain(fault: UpstreamError, endpoint: Endpoint, model: str, kept: Kept) -> ProviderError:
    """The typed error for people: `kept` says what of theirs is safe."""
    kind, template = _TABLE[fault.kind]
    if fault.kind == "auth" and not endpoint.key:
        template = "{label} asks for a key. Add one in the settings."
    reason = make_safe(fault.reason, endpoint.key)
    sentence = template.format(
        label=endpoint.label,
        model=make_safe(model, endpoint.key, 100) or "this model",
        host=host_of(endpoint.base_url),
        because=_because(fault, reason),
        wait=_wait(fault.retry_after_s),
        limit=_seconds(fault.limit_s or 0.0),
    )
    detail = f"{fault.kind} status={fault.status} reason={fault.reason} {fault.detail}"
    return kind(
        sentence + _KEPT[kept],
        detail=make_safe(detail, endpoint.key, _DETAIL_CHARS),
        retry_after_s=fault.retry_after_s,
    )


def make_safe(text: str, key: str, max_chars: int = _REASON_CHARS) -> str:
    """One bounded line without the key or anything shaped like one, nor control characters."""
    if key:
        text = text.replace(key, "[key]")
    text = _KEY_SHAPES.sub("[key]", text)
    text = _CONTROLS.sub(" ", text).strip()
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def host_of(url: str) -> str:
    """Host and port of an address, without user, password, path and query."""
    rest = url.partition("://")[2] or url
    return rest.partition("/")[0].partition("?")[0].rpartition("@")[2]


def _because(fault: UpstreamError, reason: str) -> str:
    if reason:
        return f": {reason.rstrip('.')}"
    return f" (HTTP {fault.status})" if fault.status >= 400 else ""


def _wait(retry_after_s: float | None) -> str:
    return " a while" if retry_after_s is None else f" {_seconds(retry_after_s)}"


def _seconds(seconds: float) -> str:
    if seconds >= 120:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds:.0f} s" if seconds >= 1 or seconds == 0 else f"{seconds:.2g} s"
