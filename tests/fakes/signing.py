"""Keys and signed tokens, good ones and forged ones, made by hand: no library stops a forger."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def encode(part: bytes | dict[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class SigningKey:
    """An RSA key with a name; `public` is how it is published."""

    def __init__(self, kid: str, bits: int = 2048) -> None:
        self.kid = kid
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)

    @cached_property
    def public(self) -> dict[str, Any]:
        numbers = self.private.public_key().public_numbers()
        parts = {"n": numbers.n, "e": numbers.e}
        shown = {name: encode(value.to_bytes((value.bit_length() + 7) // 8, "big")) for name, value in parts.items()}
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid, **shown}

    @cached_property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, claims: dict[str, Any] | bytes, **header: Any) -> str:
        """RS256; an entry of `header` that is None is left out."""
        given = {"alg": "RS256", "kid": self.kid, "typ": "JWT", **header}
        head = encode({name: value for name, value in given.items() if value is not None})
        text = f"{head}.{encode(claims)}"
        return f"{text}.{encode(self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def sign_otherwise(self, claims: dict[str, Any], algorithm: str, hashed: hashes.HashAlgorithm) -> str:
        """The same key, another RSA algorithm."""
        text = f"{encode({'alg': algorithm, 'kid': self.kid})}.{encode(claims)}"
        pad: padding.AsymmetricPadding = padding.PKCS1v15()
        if algorithm.startswith("PS"):
            pad = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
        return f"{text}.{encode(self.private.sign(text.encode(), pad, hashed))}"


def sign_with_secret(claims: dict[str, Any], secret: bytes, algorithm: str = "HS256", **header: Any) -> str:
    """HMAC, as a forger does who takes a public key for the secret."""
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    text = f"{encode({'alg': algorithm, **header})}.{encode(claims)}"
    return f"{text}.{encode(hmac.new(secret, text.encode(), digest).digest())}"


def unsigned(claims: dict[str, Any], algorithm: str = "none", signature: str = "", **header: Any) -> str:
    return f"{encode({'alg': algorithm, **header})}.{encode(claims)}.{signature}"
