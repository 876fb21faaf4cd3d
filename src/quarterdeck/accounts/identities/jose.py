"""Keys and signatures, by joserfc. Only loaded when a token has come (`key_set.py`, `signed.py`)."""

from __future__ import annotations

import warnings
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

_MAX_KEYS = 100
_MIN_RSA_BITS = 2048


def read_keys(document: dict[str, Any]) -> dict[str, Key]:
    """Signing keys by `kid`; what is not one, or cannot be read, is left out."""
    listed = document.get("keys")
    found: dict[str, Key] = {}
    for number, entry in enumerate(listed[:_MAX_KEYS] if isinstance(listed, list) else []):
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kid = entry.get("kid") or f"#{number}"
        key = _import_key(entry)
        if key is not None and isinstance(kid, str):
            found.setdefault(kid, key)
    return found


def _import_key(entry: dict[str, Any]) -> Key | None:
    kinds: dict[object, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(entry.get("kty"))
    if kind is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # about short keys, which are left out below
            key = kind.import_key({name: value for name, value in entry.items() if isinstance(name, str)})
        is_weak = isinstance(key, RSAKey) and key.public_key.key_size < _MIN_RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None if is_weak or key.is_private else key


def payload_of(token: str, key: Key, algorithm: str) -> bytes:
    """What the key has signed. Raises: `ValueError` when it has not."""
    try:
        return jws.deserialize_compact(token, key, algorithms=[algorithm]).payload
    except (JoseError, TypeError) as error:
        raise ValueError(type(error).__name__) from error


def suits(key: Key, algorithm: str) -> bool:
    """Whether a key is of the algorithm's kind."""
    if str(key.get("alg") or algorithm) != algorithm:
        return False
    if algorithm in ("RS256", "PS256"):
        return isinstance(key, RSAKey)
    if algorithm == "ES256":
        return isinstance(key, ECKey) and key.curve_name == "P-256"
    return algorithm == "EdDSA" and isinstance(key, OKPKey) and key.get("crv") == "Ed25519"
