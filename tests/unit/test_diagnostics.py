"""Logs: no secret in any of them, in any form; one line each, JSON for machines."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck import diagnostics
from quarterdeck.accounts.tokens import Token
from quarterdeck.diagnostics import configure_logs, get_logger, redact, register_secret

OWN = "correct-horse-battery-staple"
LOOKS_LIKE_A_KEY = [
    "sk-proj-abcdefghijklmnop0123",
    "gsk_abcdefghijklmnop0123",
    "hf_abcdefghijklmnop0123",
    "AIzaSyabcdefghijklmnop0123",
    "pplx-abcdefghijklmnop0123",
    "xai-abcdefghijklmnop0123",
    str(Token("key", "01m7yg616eygsxch9z4ex89fgf", "0123456789abcdef" * 2 + "01234567")),
    str(Token("session", "01m7yg616eygsxch9z4ex89fgg", "fedcba9876543210" * 2 + "fedcba98")),
]


@pytest.fixture(autouse=True)
def fresh_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(diagnostics, "_secrets", set())
    register_secret(OWN)
    yield
    root.handlers = handlers
    root.setLevel(level)


def logged(capsys: pytest.CaptureFixture[str], style: Literal["text", "json"], event: str, **fields: Any) -> str:
    configure_logs("debug", style)
    get_logger("quarterdeck.test").error(event, **fields)
    return capsys.readouterr().err


@pytest.mark.parametrize("secret", [OWN, *LOOKS_LIKE_A_KEY])
@pytest.mark.parametrize(
    "around", ["{}", "key={}", "Authorization: Bearer {}", "'{}',", "https://x/?key={}&a=1", "a {} b {} c"]
)
def test_a_secret_is_taken_out_of_any_sentence(secret: str, around: str) -> None:
    assert secret not in redact(around.format(secret, secret))


@given(before=st.text(), after=st.text())
def test_a_registered_secret_is_taken_out_of_any_text(before: str, after: str) -> None:
    assert OWN not in redact(before + OWN + after)


@pytest.mark.parametrize("word", ["bluebottle", "blue_bottle/17"])
def test_a_secret_that_is_registered_after_lines_have_said_it_is_taken_out_from_then_on(word: str) -> None:
    assert redact(word) == word
    register_secret(word)
    assert redact(word) == redact(f" {word} ").strip() == "[redacted]"


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_a_key_that_is_letters_and_digits_alone_is_no_id(case: Callable[[str], str]) -> None:
    assert "abcdefghijkl" not in redact(case("AIzaabcdefghijklmnop0123")).lower()


@given(text=st.text(alphabet="abcdefghij klmnop.,\n", max_size=80))
def test_plain_words_are_left_alone(text: str) -> None:
    assert redact(text) == text


def test_a_secret_too_short_to_be_one_is_not_blotted_out_everywhere() -> None:
    register_secret("a")
    register_secret("")
    assert redact("a banana") == "a banana"


class Odd:
    def __repr__(self) -> str:
        return f"Odd({OWN})"


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize(
    "fields",
    [
        {"key": OWN},
        {"nested": {"list": [{"key": f"Bearer {OWN}"}]}},
        {"named": {OWN: 1}},
        {"tuple": (1, OWN)},
        {"set": {OWN}},
        {"bytes": OWN.encode()},
        {"error": ValueError(OWN)},
        {"object": Odd()},
        {"objects": [Odd()]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_secret_in_a_field_is_not_written(
    capsys: pytest.CaptureFixture[str], style: Literal["text", "json"], fields: dict[str, Any]
) -> None:
    written = logged(capsys, style, "event", **fields)
    assert "event" in written
    assert OWN not in written


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_secret_in_a_traceback_is_not_written_and_the_rest_of_it_is(
    capsys: pytest.CaptureFixture[str], style: Literal["text", "json"]
) -> None:
    try:
        raise ValueError(f"the key {OWN} was refused")
    except ValueError as error:
        written = logged(capsys, style, "failed", exc_info=error)
    assert OWN not in written
    assert "Traceback" in written
    assert "was refused" in written


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_librarys_own_lines_are_written_in_the_same_form_without_secrets(
    capsys: pytest.CaptureFixture[str], style: Literal["text", "json"]
) -> None:
    configure_logs("info", style)
    logging.getLogger("some.library").warning("calling %s with %r", "https://x", {"key": OWN})
    written = capsys.readouterr().err
    assert OWN not in written
    assert "calling https://x" in written


def test_a_json_line_is_one_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    written = logged(capsys, "json", "turn_ended", turn="t1", duration_ms=12, text="two\nlines", nothing=None)
    [line] = written.splitlines()
    said = json.loads(line)
    assert said["event"] == "turn_ended"
    assert (said["turn"], said["duration_ms"], said["text"]) == ("t1", 12, "two\nlines")
    assert said["level"] == "error"
    assert "nothing" not in said


def test_a_field_cannot_pretend_to_be_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    written = logged(capsys, "text", "sent", path="/x\n00:00:00.000 error   quarterdeck: forged", more="\x1b[2J\r")
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", "json")
    get_logger("quarterdeck.test").info("whispered")
    get_logger("quarterdeck.test").warning("said")
    written = capsys.readouterr().err
    assert "whispered" not in written
    assert "said" in written


@given(
    value=st.recursive(
        st.none() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_can_be_a_field(value: Any) -> None:
    record = logging.LogRecord("n", logging.INFO, "p", 1, "event", (), None)
    record.fields = {"value": value}
    for formatter in (diagnostics._JsonFormatter(), diagnostics._TextFormatter()):
        assert "event" in formatter.format(record)


SECRET = "Zq7canaryPlmX9wT4vB2"
SAID_BY_LIBRARIES = [
    "POST /api/sign-in {{'name': 'ann', 'password': '{}'}}",
    '{{"password": "{}", "name": "ann"}}',
    "password={}&name=ann",
    "passwd: {}",
    "bind_password = {}",
    "client_secret={}&grant_type=authorization_code",
    '{{"client_secret":"{}"}}',
    '{{"access_token": "{}", "token_type": "bearer"}}',
    "refresh_token={}",
    "GET /api/oauth/google/callback?code={}&state=x",
    "GET /api/oauth/google/callback?code=4%2F0x&state={}",
    "GET /refresh_token?token={}",
    "guest qd_g{} has come",
    "WS /chat?token={}",
    "GET /invite/{}",
    "GET /api/invitations/{}",
    "POST /api/password-reset/{}",
    "https://chat.example.org/reset/{}",
    "Open http://127.0.0.1:8000/open?link={}",
    "smtp://robot:{}@mail.example.org:587",
    "ldaps://cn=robot:{}@ldap.example.org",
    "postgresql://quarterdeck:{}@db/quarterdeck",
    "redis://:{}@cache:6379/0",
    "Authorization: Basic {}",
    "Authorization: bearer {}",
    "Cookie: theme=dark; qd_session={}",
    "set-cookie: qd_session={}; HttpOnly",
    "id_token=eyJ{}.eyJzdWIiOiIxIn0.c2ln",
    "Cf-Access-Jwt-Assertion: eyJhbGciOiJSUzI1NiJ9.eyJ{}.c2ln",
    "ghp_{}",
    "github_pat_{}",
    "ya29.{}",
    "GOCSPX-{}",
    "xoxb-{}",
]


@pytest.mark.parametrize("said", SAID_BY_LIBRARIES)
def test_secrets_that_nobody_registered_are_known_by_where_they_stand(said: str) -> None:
    assert SECRET not in redact(said.format(SECRET))


@pytest.mark.parametrize(
    "said",
    [
        "password_changed user=ann", "secret key: from QUARTERDECK_SECRET_KEY", "first_token_ms=12 max_tokens=500",
        "GET /api/conversations?cursor=12.abc", "http://127.0.0.1:8000/c/chat", "code=not_found retryable=false",
        "The password is wrong.", "token: expired? no", "https://example.org:443/path@here",
    ],
)  # fmt: skip
def test_what_only_speaks_of_secrets_is_left_alone(said: str) -> None:
    assert redact(said) == said
