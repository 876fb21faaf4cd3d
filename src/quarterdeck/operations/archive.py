"""The file that a backup is: a zip with `manifest.json` and `tables/<name>.jsonl`, and perhaps `secret.key`.

A line of a table is a row, values in the order of the manifest's columns, bytes as base64 (`store.transfer`).
The manifest says how many rows there are and what their SHA-256 is. See docs/adr/0008.
"""

from __future__ import annotations

import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import msgspec
from msgspec import Struct

from quarterdeck.errors import InputError, SetupError

FORMAT = "quarterdeck backup"
FORMAT_VERSION = 1
SECRET_NAME = "secret.key"  # nosec B105  # noqa: S105 - a file's name
_SQLITE = b"SQLite format 3\0"
_MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 1 << 20
# What zipfile says of bytes that it cannot make sense of: anywhere, in the table of contents, and in a member.
_NO_SENSE = (zipfile.BadZipFile, EOFError, NotImplementedError)
_NO_ARCHIVE = (*_NO_SENSE, ValueError, struct.error)
_BROKEN = (*_NO_SENSE, zlib.error, OSError, RuntimeError)


class TableEntry(Struct, frozen=True):
    columns: list[str]
    rows: int
    sha256: str


class Manifest(Struct, frozen=True):
    format: str
    format_version: int
    version: str  # of the Quarterdeck that wrote it
    revision: str  # of the tables
    database: Literal["sqlite", "postgresql"]
    created_at: str  # ISO 8601, UTC
    tables: dict[str, TableEntry]
    has_secret: bool = False
    unreadable_texts: int = 0  # that were no UTF-8 and were written with U+FFFD


class ArchiveWriter:
    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    @contextmanager
    def table(self, name: str) -> Iterator[IO[bytes]]:
        with self._file.open(f"tables/{name}.jsonl", "w", force_zip64=True) as member:
            yield member

    def add_secret(self, key: bytes) -> None:
        self._file.writestr(SECRET_NAME, key)

    def finish(self, manifest: Manifest) -> None:
        self._file.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


@contextmanager
def create_archive(path: Path, *, overwrites: bool = False) -> Iterator[ArchiveWriter]:
    """It appears under its name whole and synced when the block ends, readable by its owner alone, or not at all.

    Raises: `InputError` when there is something already, `SetupError` when it cannot be written.
    """
    _refuse_existing(path, overwrites)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
                with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
                    yield ArchiveWriter(file)
                raw.flush()
                os.fsync(raw.fileno())
            _refuse_existing(path, overwrites)
            draft.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise SetupError(f"The file {path} cannot be written ({error.strerror or error}).") from error
    finally:
        draft.unlink(missing_ok=True)


def _refuse_existing(path: Path, overwrites: bool) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name a file.")
    if path.exists() and not overwrites:
        raise InputError(f"The file {path} exists already. Choose another name, or overwrite it with --force.")


def sync_folder(folder: Path) -> None:
    """A file's name survives a power cut when its folder was synced, too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Archive:
    """A backup that one reads."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self._path, self._file = path, file
        self.manifest = self._read_manifest()

    def lines(self, table: str) -> Iterator[bytes]:
        """The table's rows as they were written. Raises: `InputError` when the file is damaged."""
        return self._guard(lambda: self._lines(table))

    def secret(self) -> bytes | None:
        return next(self._guard(lambda: iter([self._file.read(SECRET_NAME)]))) if self.manifest.has_secret else None

    def damage(self, reason: str) -> InputError:
        return InputError(f"The file {self._path.name} is damaged ({reason}). Nothing was changed; use another backup.")

    def _lines(self, table: str) -> Iterator[bytes]:
        with self._file.open(f"tables/{table}.jsonl") as member:
            yield from member

    def _guard(self, read: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        try:
            yield from read()
        except KeyError as error:
            raise self.damage(str(error.args[0])) from error
        except _BROKEN as error:
            raise self.damage(str(error) or "it ends too early") from error

    def _read_manifest(self) -> Manifest:
        foreign = InputError(f"The file {self._path.name} is not a backup of Quarterdeck.")
        if _MANIFEST not in self._file.namelist() or self._file.getinfo(_MANIFEST).file_size > _MAX_MANIFEST_BYTES:
            raise foreign
        said = next(self._guard(lambda: iter([self._file.read(_MANIFEST)])))
        try:
            kind = msgspec.json.decode(said, type=dict[str, object])
        except msgspec.MsgspecError:
            raise foreign from None
        if kind.get("format") != FORMAT:
            raise foreign
        if kind.get("format_version") != FORMAT_VERSION:
            raise InputError(f"The backup {self._path.name} was written by a newer Quarterdeck. Install that version.")
        try:
            return msgspec.convert(kind, Manifest)
        except msgspec.ValidationError as error:
            raise self.damage(str(error)) from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Raises: `InputError` when it is no backup, or a damaged one."""
    try:
        file = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except _NO_ARCHIVE as error:
        if _is_database(path):
            raise InputError(
                f"The file {path.name} is not a backup of Quarterdeck but a database. To go back to it, stop the"
                " server, move quarterdeck.sqlite3 with its -wal and -shm away, and this file there in its place."
            ) from None
        raise InputError(
            f"The file {path.name} is not a backup of Quarterdeck, or it is damaged ({str(error).rstrip('.')})."
        ) from error
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror or error}).") from error
    with file:
        yield Archive(path, file)


def _is_database(path: Path) -> bool:
    """As the copy that is made before an upgrade is one."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
