"""Reads signed tokens (JWS, compact) strictly: a fixed list of algorithms, our own keys, nothing twice.

Where the key is comes from us alone. A header that brings a key or says where one lies, or that asks for
extensions (`crit`), is refused rather than ignored.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from quarterdeck.accounts.identities.strict_json import read_object
from quarterdeck.errors import AccessError

if TYPE_CHECKING:
    from joserfc.jwk import Key

MAX_CHARS = 16_384
_FOREIGN_KEYS = ("jwk", "jku", "x5u", "x5c", "crit", "b64", "enc", "zip")
_SKEW_S = 60

FindKey = Callable[[str, str], Awaitable["Key | None"]]
"""(kid, algorithm): the key, None when no such one is published."""


class TokenError(AccessError):
    """A signed token that is not accepted; `detail` says why, for the log."""

    def __init__(self, detail: str) -> None:
        super().__init__("Whoever signed you in sent a proof that is not valid. Sign in again.", detail=detail)


async def read_claims(token: str, find_key: FindKey, algorithms: frozenset[str]) -> dict[str, Any]:
    """The claims of a token whose signature is right. Times and the audience are checked by the two below.

    Raises: `TokenError`; what `find_key` raises.
    """
    if len(token) > MAX_CHARS or not token.isascii() or token.count(".") != 2:
        raise TokenError("not a compact JWS")
    header = _read_header(token)
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenError("the algorithm is not one of ours")
    if not isinstance(kid, str) or len(kid) > 200:
        raise TokenError("kid is not a name")
    if foreign := [name for name in _FOREIGN_KEYS if name in header]:
        raise TokenError(f"the header has {foreign[0]}")
    key = await find_key(kid, algorithm)
    if key is None:
        raise TokenError("no published key has this kid")
    jose = import_module("quarterdeck.accounts.identities.jose")  # see `key_set.py`
    try:
        payload = jose.payload_of(token, key, algorithm)
    except ValueError as error:
        raise TokenError(f"the signature: {error}") from error
    return _object(payload)


def check_times(claims: dict[str, Any], now_s: float) -> int:
    """`exp` in seconds. Raises: `TokenError` when it has passed, or when the token is of the future."""
    expires = _number(claims, "exp")
    if expires <= now_s:
        raise TokenError("exp has passed")
    if "nbf" in claims and _number(claims, "nbf") > now_s + _SKEW_S:
        raise TokenError("nbf is to come")
    if _number(claims, "iat") > now_s + _SKEW_S:
        raise TokenError("iat is to come")
    return int(expires)


def check_audience(claims: dict[str, Any], ours: str, *, form: Literal["list", "any"] = "any") -> None:
    """Raises: `TokenError` unless the token was made for us."""
    audience = claims.get("aud")
    if form == "any" and isinstance(audience, str):
        audience = [audience]
    if not isinstance(audience, list) or not all(isinstance(name, str) for name in audience):
        raise TokenError("aud is not what it must be")
    if not ours or ours not in audience:
        raise TokenError("made for somebody else")


def text_claim(claims: dict[str, Any], name: str) -> str:
    """Empty when it is missing or no text."""
    value = claims.get(name)
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 500 else ""


def _read_header(token: str) -> dict[str, Any]:
    head = token.partition(".")[0]
    try:
        return _object(base64.b64decode(head + "=" * (-len(head) % 4), altchars=b"-_", validate=True))
    except ValueError as error:
        raise TokenError("the header is not base64") from error


def _object(text: bytes) -> dict[str, Any]:
    try:
        return read_object(text)
    except ValueError as error:
        raise TokenError("not a JSON object") from error


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        raise TokenError(f"{name} is not a time")
    return value
