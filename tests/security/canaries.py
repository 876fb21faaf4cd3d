"""Secrets that are looked for wherever they must not be, in every form that they could have there."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus


def forms_of(secret: str) -> set[bytes]:
    """As it is, and as it is written in an address, in JSON, in base64 and in hexadecimal."""
    plain = secret.encode()
    return {
        plain, quote(secret, safe="").encode(), quote_plus(secret).encode(), plain.hex().encode(),
        *(_inner_base64(plain, offset) for offset in range(3)),
    }  # fmt: skip


def _inner_base64(plain: bytes, offset: int) -> bytes:
    """What of it is the same in base64 whatever stands before and after it."""
    padded = base64.b64encode(b"\0" * offset + plain)
    return padded[4 if offset else 0 :][: -4 - 4 * bool(offset)]


def find_secrets(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """`secrets` and `places` by name."""
    return [
        f"{name} in {place}"
        for name, secret in secrets.items()
        for forms in [forms_of(secret)]
        for place, content in places.items()
        if any(form in content for form in forms)
    ]


def read_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below it; of archives also what is in them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    yield from ((f"{path.name}/{name}", archive.read(name)) for name in archive.namelist())
