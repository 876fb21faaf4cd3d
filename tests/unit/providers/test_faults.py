"""The sentences for people, and what never gets into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.faults import UpstreamError, explain, host_of, make_safe

KEY = "sk-proj-0123456789abcdefghij"
GROQ = Endpoint(name="groq", label="Groq", dialect="openai", base_url="https://u:p@api.groq.com/openai/v1?x=1", key=KEY)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (UpstreamError("limit", retry_after_s=20), "Groq is busy and asked to wait 20 s. Your message is kept."),
        (UpstreamError("limit"), "Groq is busy and asked to wait a while. Your message is kept."),
        (
            UpstreamError("limit", retry_after_s=1800),
            "Groq is busy and asked to wait 30 minutes. Your message is kept.",
        ),
        (UpstreamError("auth"), "Groq refused the key. Check it in the settings. Your message is kept."),
        (UpstreamError("unreachable"), "Groq could not be reached at api.groq.com. Your message is kept."),
        (UpstreamError("connect_timeout", limit_s=10), "Groq could not be reached within 10 s. Your message is kept."),
        (UpstreamError("no_model"), "Groq does not offer the model llama-9. Your message is kept."),
        (UpstreamError("server", status=502), "Groq has a problem on its side (HTTP 502). Your message is kept."),
        (UpstreamError("request", "Bad\nshape."), "Groq did not accept the request: Bad shape. Your message is kept."),
    ],
)
def test_a_fault_is_one_plain_sentence(fault: UpstreamError, sentence: str) -> None:
    assert explain(fault, GROQ, "llama-9", "message").message == sentence


def test_without_a_key_the_sentence_asks_for_one() -> None:
    keyless = Endpoint(name="lab", label="Lab", dialect="openai", base_url="http://lab/v1")
    assert explain(UpstreamError("auth"), keyless, "", "nothing").message == (
        "Lab asks for a key. Add one in the settings."
    )


@given(st.text(), st.text())
def test_the_key_is_in_no_sentence_and_no_detail(before: str, after: str) -> None:
    fault = UpstreamError("request", f"{before}{KEY}{after}", detail=f"{after}{KEY}{before}")
    error = explain(fault, GROQ, KEY, "message")
    assert KEY not in f"{error.message}{error.detail}{error!r}{error.args}"


@pytest.mark.parametrize(
    "shape", ["sk-ant-api03-abcdefgh", "gsk_abcdefgh", "hf_abcdefgh", "AIzaSyA1234567890", "Bearer abcdefghij"]
)
def test_what_looks_like_a_key_is_taken_out(shape: str) -> None:
    assert shape not in make_safe(f"Incorrect key: {shape}!", "")


@given(st.text(max_size=2000))
def test_a_reason_is_one_bounded_line(text: str) -> None:
    safe = make_safe(text, "")
    assert len(safe) <= 240
    assert not any(sign in safe for sign in "\r\n\x00\x1b\u2028\u202e")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:secret@api.example.org:8443/v1?key=1", "api.example.org:8443"),
        ("http://127.0.0.1:11434", "127.0.0.1:11434"),
        ("http://[::1]:80/v1", "[::1]:80"),
    ],
)
def test_a_host_is_shown_without_anything_secret(url: str, host: str) -> None:
    assert host_of(url) == host


def test_an_endpoint_does_not_show_its_key() -> None:
    assert KEY not in f"{GROQ!r} {GROQ}"
