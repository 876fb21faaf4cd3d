"""Whatever comes in from elsewhere is read, or refused in one of two ways; it never breaks anything."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from joserfc.jwk import Key, RSAKey
from tests.fakes.signing import SigningKey, encode

from quarterdeck.accounts.identities.scim import Described, ScimError, read_filter, read_patch, read_user
from quarterdeck.accounts.identities.signed import TokenError, check_audience, check_times, read_claims

KEY = SigningKey("key")
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=12,
)
WORDS = some.sampled_from(
    ["userName", "externalId", "displayName", "name", "name.formatted", "emails", "active", "op", "path", "value",
     "Operations", 'emails[type eq "work"].value', "urn:x:y:active", "formatted", "primary"]
)  # fmt: skip
SCIM = some.recursive(
    JSON | some.sampled_from(["add", "Replace", "remove", "True", "False"]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS, inner, max_size=5),
    max_leaves=15,
)


async def find_key(kid: str, algorithm: str) -> Key | None:
    return RSAKey.import_key(KEY.public) if kid == "key" and algorithm == "RS256" else None


async def read(token: str) -> dict[str, Any] | None:
    try:
        claims = await read_claims(token, find_key, frozenset({"RS256"}))
        check_times(claims, 1_000.0)
        check_audience(claims, "us")
        return claims
    except TokenError:
        return None


@given(some.text())
async def test_any_text_is_no_token(text: str) -> None:
    assert await read(text) is None


@given(JSON, JSON, some.binary(max_size=300))
async def test_any_three_parts_are_no_token(header: Any, claims: Any, signature: bytes) -> None:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    assert await read(".".join(map(encode, parts))) is None


@given(JSON)
async def test_any_claims_that_are_signed_are_refused_unless_they_are_for_us_and_now(claims: Any) -> None:
    assert await read(KEY.sign(json.dumps(claims).encode())) is None


async def test_a_token_for_us_and_now_is_read() -> None:
    claims = {"aud": "us", "exp": 1_001, "iat": 999}
    assert await read(KEY.sign(claims)) == claims


@given(SCIM)
def test_any_document_is_a_user_or_refused(document: Any) -> None:
    with contextlib.suppress(ScimError):
        assert isinstance(read_user(document), Described)


@given(SCIM)
def test_any_document_is_a_patch_or_refused(document: Any) -> None:
    for body in (document, {"Operations": document}):
        with contextlib.suppress(ScimError):
            assert isinstance(read_patch(body), Described)


@given(some.text())
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    with contextlib.suppress(ScimError):
        read_filter(text)
    quoted = text[:300].replace("\\", "\\\\").replace('"', '\\"')
    assert read_filter(f'userName eq "{quoted}"').value == text[:300]
