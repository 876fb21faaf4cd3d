"""Secrets at rest: AES-256-GCM with the key file of the data folder; what a secret is for is bound to it."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quarterdeck.errors import SetupError

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Seals and opens; `purpose` (for example `endpoint:openai`) must be the same for both."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str, purpose: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """Raises: `SetupError` when the key file is not the one this was sealed with."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SetupError(
                "A stored provider key cannot be opened with this data folder's secret.key. "
                "Enter the key again in Settings."
            ) from error


def load_vault(path: Path, given: str = "") -> Vault:
    """The vault with the key `given` (base64), else with a data folder's key file, which is made on first use.

    Raises: `SetupError` when what is there is no key.
    """
    if given:
        return Vault(_decode_key(given))
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise SetupError(f"The file {path} is damaged: it must hold {_KEY_BYTES} bytes. Restore it from a backup.")
    return Vault(key)


def _decode_key(text: str) -> bytes:
    with contextlib.suppress(ValueError):
        key = base64.b64decode(text, validate=True)
        if len(key) == _KEY_BYTES:
            return key
    raise SetupError(
        f"QUARTERDECK_SECRET_KEY must be {_KEY_BYTES} bytes as base64. Make one with: openssl rand -base64 {_KEY_BYTES}"
    )


def _make_key(path: Path) -> None:
    """It appears whole or not at all, whenever the process dies; of two at once, one makes it."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
