"""Vendors' errors as they really look, and the kind of fault each is."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.vendor_errors import (
    fault_of_event,
    fault_of_response,
    names_unsupported,
    read_vendor_error,
)


def openai(message: str, kind: str = "invalid_request_error", code: str | None = None, param: str | None = None) -> Any:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def anthropic(kind: str, message: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}}


def google(code: int, message: str, status: str) -> Any:
    return {"error": {"code": code, "message": message, "status": status}}


TOO_LONG = "This model's maximum context length is 128000 tokens."
DECOMMISSIONED = "model `llama2-70b` has been decommissioned"
TOO_LARGE = "Request too large for model on tokens per minute (TPM)"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, openai("Incorrect API key provided: sk-ab***yz.", code="invalid_api_key"), "auth"),
        (403, openai("Country, region, or territory not supported", "request_forbidden"), "forbidden"),
        (429, openai("Rate limit reached for gpt-4o in organization", "tokens", "rate_limit_exceeded"), "limit"),
        (429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "quota"),
        (400, openai(TOO_LONG, code="context_length_exceeded"), "too_long"),
        (404, openai("The model `gpt-9` does not exist", code="model_not_found"), "no_model"),
        (400, openai("Your request was rejected", code="content_policy_violation"), "refused"),
        (400, openai("Unsupported value: 'temperature'", code="unsupported_value", param="temperature"), "request"),
        (500, openai("The server had an error", "server_error"), "server"),
        (404, {"error": {"message": 'model "qwen" not found, try pulling it first', "type": "api_error"}}, "no_model"),
        (400, openai(DECOMMISSIONED), "no_model"),
        (400, {"error": {"type": "exceed_context_size_error", "code": 400, "message": "too big"}}, "too_long"),
        (413, openai(TOO_LARGE, "tokens", "rate_limit_exceeded"), "limit"),
        (402, {"error": {"message": "Insufficient credits", "code": 402}}, "quota"),
        (403, {"error": {"message": "Input was flagged", "code": 403, "type": "moderation"}}, "refused"),
        (400, anthropic("invalid_request_error", "prompt is too long"), "too_long"),
        (401, anthropic("authentication_error", "invalid x-api-key"), "auth"),
        (404, anthropic("not_found_error", "model: claude-9"), "no_model"),
        (529, anthropic("overloaded_error", "Overloaded"), "server"),
        (429, anthropic("rate_limit_error", "This would exceed"), "limit"),
        (400, anthropic("invalid_request_error", "credit balance is too low"), "quota"),
        (400, google(400, "API key not valid.", "INVALID_ARGUMENT"), "auth"),
        (404, google(404, "models/x is not found", "NOT_FOUND"), "no_model"),
        (429, google(429, "Resource exhausted", "RESOURCE_EXHAUSTED"), "limit"),
        (503, [google(503, "overloaded", "UNAVAILABLE")], "server"),
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}, "request"),
        (401, {"detail": "Unauthorized"}, "auth"),
        (400, {"object": "error", "message": "something odd", "type": "BadRequestError", "code": 400}, "request"),
        (500, "not JSON at all", "server"),
        (400, {"error": "a bare text"}, "request"),
    ],
)  # fmt: skip
def test_a_vendors_error_is_known_for_what_it_is(status: int, body: Any, kind: str) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert fault_of_response(status, {}, raw).kind == kind


def test_a_web_page_with_404_is_no_missing_model() -> None:
    assert fault_of_response(404, {}, b"<html><body>nginx</body></html>").kind == "not_an_api"


def test_a_redirect_is_a_wrong_address() -> None:
    assert fault_of_response(308, {"Location": "https://example.org"}, b"").kind == "not_an_api"


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"Retry-After": "20"}, 20.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], expected_s: float | None) -> None:
    found = fault_of_response(429, headers, b"{}").retry_after_s
    assert found == (None if expected_s is None else pytest.approx(expected_s, abs=0.001))


def test_retry_after_may_be_a_date() -> None:
    ahead, past = (formatdate(time.time() + offset, usegmt=True) for offset in (600, -600))
    assert fault_of_response(429, {"Retry-After": ahead}, b"").retry_after_s == pytest.approx(600, abs=10)
    assert fault_of_response(429, {"Retry-After": past}, b"").retry_after_s == 0.0


def test_googles_retry_delay_counts_as_retry_after() -> None:
    def delay_of(told: str) -> float | None:
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": told}]
        body = json.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}}).encode()
        return fault_of_response(429, {}, body).retry_after_s

    assert delay_of("17s") == 17.0
    assert delay_of(f"1{'0' * 400}s") is None


def test_an_error_that_is_nested_without_end_is_some_error() -> None:
    assert fault_of_response(400, {}, b"[" * 60_000).kind == "request"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Rate limited upstream", "code": 429}, "limit"),
        ({"message": "Provider returned error", "code": 502}, "server"),
        ({"type": "overloaded_error", "message": "Overloaded"}, "server"),
        ({"type": "context_length_exceeded", "message": "too long"}, "too_long"),
        ({"message": "whatever"}, "server"),
        ({"message": "whatever", "code": "4²9"}, "server"),
        ("a bare text", "server"),
        (None, "server"),
    ],
)
def test_an_error_in_the_stream_is_known_for_what_it_is(error: Any, kind: str) -> None:
    assert fault_of_event(error).kind == kind


@pytest.mark.parametrize(
    ("message", "param", "named"),
    [
        ("Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens", "max_tokens"),
        ("Unsupported value: 'temperature' does not support 0.2 with this model.", "temperature", "temperature"),
        ("`temperature` is deprecated for this model.", "", "temperature"),
        ("stream_options.include_usage is not supported", "stream_options.include_usage", "stream_options"),
        ('Unknown name "seed": Cannot find field.', "", "seed"),
        ("Unrecognized request argument supplied: reasoning_effort", "", "reasoning_effort"),
        ("temperature must be between 0 and 2", "", ""),
        ("Something else is unsupported", "", ""),
    ],
)
def test_the_parameter_that_a_vendor_refuses_is_found(message: str, param: str, named: str) -> None:
    sent = {"max_tokens", "temperature", "stream_options", "seed", "reasoning_effort"}
    fault = UpstreamError("request", message, status=400, parameter=param)
    assert names_unsupported(fault, sent) == named


def test_a_parameter_that_was_not_sent_is_not_left_out() -> None:
    fault = UpstreamError("request", "Unsupported parameter: 'logprobs'", status=400, parameter="logprobs")
    assert names_unsupported(fault, {"temperature"}) == ""


names = st.sampled_from(["error", "message", "detail", "code", "type", "status", "details", "param", "x"])
leaves = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner)))
def test_any_json_is_some_error(body: Any) -> None:
    raw = json.dumps(body).encode()
    read_vendor_error(raw)
    assert fault_of_response(500, {}, raw).kind


@given(st.binary(max_size=300), st.integers(300, 599))
def test_any_body_is_some_error(body: bytes, status: int) -> None:
    assert fault_of_response(status, {}, body).kind
