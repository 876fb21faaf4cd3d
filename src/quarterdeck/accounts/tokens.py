"""Bearer tokens: `qd_` + kind + id + secret. Only the SHA-256 of the secret is stored.

A secret has 160 random bits, so a fast hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Literal, NamedTuple

from quarterdeck.domain.ids import new_id

_ID_CHARS = 26
_SECRET_BYTES = 20


Kind = Literal["key", "session", "guest"]
_LETTERS: dict[str, Kind] = {"k": "key", "s": "session", "g": "guest"}


class Token(NamedTuple):
    kind: Kind
    id: str
    secret: str

    def __str__(self) -> str:
        return f"qd_{self.kind[0]}{self.id}{self.secret}"

    def __repr__(self) -> str:
        return f"Token({self.kind}, {self.id})"


def new_token(kind: Kind) -> Token:
    return Token(kind, new_id(), secrets.token_hex(_SECRET_BYTES))


def parse_token(text: str) -> Token | None:
    """None for anything that cannot be one of ours."""
    rest = text.removeprefix("qd_")
    if rest == text or len(rest) != 1 + _ID_CHARS + 2 * _SECRET_BYTES or not rest.isascii() or not rest.isalnum():
        return None
    kind = _LETTERS.get(rest[0])
    return None if kind is None else Token(kind, rest[1 : 1 + _ID_CHARS], rest[1 + _ID_CHARS :])


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def is_secret(secret: str, secret_hash: bytes) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(hash_secret(secret), secret_hash)
