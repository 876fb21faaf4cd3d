"""Secrets at rest: AES-256-GCM; what a secret is for, and the id of the key that sealed it, are bound to it.

There may be several keys: the first one seals, all of them open. That is how a key is changed (`rotation.py`).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.errors import SetupError
from quarterdeck.late import Late

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
else:
    exceptions = Late("cryptography.exceptions")
    aead = Late("cryptography.hazmat.primitives.ciphers.aead")

KEY_BYTES = 32
_NONCE_BYTES = 12
_MARK = b"qd1"  # before the id of the key; what was sealed by version 0.1 has neither
_ID_BYTES = 4
_HEAD_BYTES = len(_MARK) + _ID_BYTES

Keys = tuple[bytes, ...]
"""The current one first."""


class Vault:
    """Seals and opens; `purpose` (for example `endpoint:openai`) must be the same for both.

    `keys` is asked each time: another process may be changing them.
    """

    def __init__(self, keys: Callable[[], Keys]) -> None:
        self._keys = keys

    def seal(self, secret: str, purpose: str) -> bytes:
        """Where it is kept, it must be written in the transaction that this is called in (`lock_secrets`)."""
        key = self._keys()[0]
        head = _MARK + _id_of(key)
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + aead.AESGCM(key).encrypt(nonce, secret.encode(), head + purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """Raises: `SetupError` when no key is the one that this was sealed with."""
        keys = self._keys()
        head, rest = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        for key in keys:
            if head == _MARK + _id_of(key) and (opened := _try(key, rest, head + purpose.encode())) is not None:
                return opened
        for key in keys:
            if (opened := _try(key, sealed, purpose.encode())) is not None:
                return opened
        raise SetupError(
            "A stored provider key cannot be opened with this data folder's secret.key. "
            "Enter the key again in Settings."
        )

    def is_current(self, sealed: bytes) -> bool:
        """Whether the current key sealed it, by what is written on it."""
        return sealed[:_HEAD_BYTES] == _MARK + _id_of(self._keys()[0])


def load_vault(path: Path, given: str = "") -> Vault:
    """The vault with the keys `given` (base64, separated by commas), else with a data folder's key file.

    The file is made on first use, and read again whenever something is sealed or opened.
    Raises: `SetupError` when what is there is no key.
    """
    if given:
        keys = decode_keys(given)
        return Vault(lambda: keys)
    if not path.exists():
        _make_file(path)
    read_key_file(path)
    return Vault(lambda: read_key_file(path))


def read_key_file(path: Path) -> Keys:
    """Raises: `SetupError`."""
    content = path.read_bytes()
    if not content or len(content) % KEY_BYTES:
        raise SetupError(f"The file {path} is damaged: it must hold {KEY_BYTES} bytes. Restore it from a backup.")
    return tuple(content[start : start + KEY_BYTES] for start in range(0, len(content), KEY_BYTES))


def write_key_file(path: Path, keys: Keys) -> None:
    """In one step, whenever the process dies."""
    draft = _write_draft(path, b"".join(keys))
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def decode_keys(text: str) -> Keys:
    """Of `QUARTERDECK_SECRET_KEY`. Raises: `SetupError`, which does not repeat it."""
    return tuple(_decode_key(word.strip()) for word in text.split(","))


def _decode_key(text: str) -> bytes:
    with contextlib.suppress(ValueError):
        key = base64.b64decode(text, validate=True)
        if len(key) == KEY_BYTES:
            return key
    raise SetupError(
        f"QUARTERDECK_SECRET_KEY must be {KEY_BYTES} bytes as base64, or several such keys with commas between them. "
        f"Make one with: openssl rand -base64 {KEY_BYTES}"
    )


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"quarterdeck key id" + key).digest()[:_ID_BYTES]


def _try(key: bytes, sealed: bytes, bound: bytes) -> str | None:
    try:
        return aead.AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound).decode()
    except (exceptions.InvalidTag, ValueError):
        return None


def _make_file(path: Path) -> None:
    """It appears whole or not at all, whenever the process dies; of two at once, one makes it."""
    draft = _write_draft(path, os.urandom(KEY_BYTES))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _write_draft(path: Path, content: bytes) -> Path:
    """Raises: `SetupError` when it cannot be written; nothing is left then."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SetupError(f"The file {path} cannot be written ({error.strerror or error}).") from error
    return draft
