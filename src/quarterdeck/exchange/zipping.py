"""A zip that is made while it is sent: it cannot be read or sought, and is never there as a whole."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncIterator
from typing import Any


class _Outlet:
    """A file: what was written to it is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None: ...

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class ZipStream:
    """`async for piece in stream.add(name, content)` for each file, then `finish()`; `sums` says what was added."""

    def __init__(self) -> None:
        self._outlet = _Outlet()
        self._archive = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload]
        self.sums: dict[str, dict[str, Any]] = {}

    async def add(self, name: str, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        digest, size = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as file:
            async for piece in content:
                digest.update(piece)
                size += len(piece)
                await asyncio.to_thread(file.write, piece)  # packing takes time
                if packed := self._outlet.take():
                    yield packed
        self.sums[name] = {"bytes": size, "sha256": digest.hexdigest()}
        yield self._outlet.take()

    def finish(self) -> bytes:
        self._archive.close()
        return self._outlet.take()


async def one_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content
