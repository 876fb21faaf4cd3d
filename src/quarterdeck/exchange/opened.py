"""An uploaded file: plain, or a zip whose members are read as streams. Nothing of it is ever unpacked to the disk."""

from __future__ import annotations

import codecs
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Self

from msgspec import Struct

from quarterdeck.errors import InputError, TooLargeError

CHUNK_BYTES = 1 << 20
MAX_TOTAL_BYTES = 64 << 30  # unpacked
_MAX_MEMBERS = 200_000
_MAX_DIRECTORY_BYTES = 64 << 20
_END_OF_DIRECTORY = b"PK\x05\x06"
# `zipfile` has no error of its own for all of it: it says an unknown compression by NotImplementedError, an encrypted
# member by RuntimeError, an impossible place or name by OSError or ValueError, and passes on what zlib says.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
_FILE_ID = re.compile(r"file[-_][A-Za-z0-9]+")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DAMAGED = "The zip file is damaged or was not downloaded to its end. Get the export again."


class Member(Struct, frozen=True):
    name: str
    size: int  # bytes, unpacked


class Opened:
    """Use it as a context manager. Raises: `InputError`, `TooLargeError`; so does all reading."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self._zip: zipfile.ZipFile | None = None
        with path.open("rb") as file:
            head = file.read(4)
        if not head:
            raise InputError("The file is empty.")
        if head[:2] == b"PK":
            self._zip = _open_zip(path)
        self.members = self._list()
        self._files: dict[str, Member] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._zip is not None:
            self._zip.close()

    @property
    def is_zip(self) -> bool:
        return self._zip is not None

    def read_chunks(self, member: Member) -> Iterator[bytes]:
        """As UTF-8, whatever it is in, without a byte order mark."""
        try:
            with self._open(member) as file:
                head = file.read(CHUNK_BYTES)
                mark, encoding = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", "utf-8"))
                if encoding == "utf-8":
                    yield head[len(mark) :]
                    while chunk := file.read(CHUNK_BYTES):
                        yield chunk
                    return
                decoder = codecs.getincrementaldecoder(encoding)("replace")
                while head:
                    yield decoder.decode(head).encode("utf-8", "replace")
                    head = file.read(CHUNK_BYTES)
        except _BROKEN as error:
            raise InputError(DAMAGED if self.is_zip else "The file could not be read to its end.") from error

    def read_head(self, member: Member, size: int = CHUNK_BYTES) -> bytes:
        return next(self.read_chunks(member), b"")[:size]

    def find_file(self, key: str) -> Member | None:
        """By what a conversation calls it: `file-service://file-abc`, `sediment://file_abc`, or a name."""
        if self._files is None:
            self._files = {}
            for member in self.members:
                base = PurePosixPath(member.name).name
                found = _FILE_ID.match(base)
                for known in {base, found[0] if found else base}:
                    self._files.setdefault(known, member)
        key = key.rpartition("://")[2]
        wanted = _FILE_ID.search(key)
        return self._files.get(wanted[0] if wanted else PurePosixPath(key).name)

    def read_file(self, member: Member, limit: int) -> bytes | None:
        """The whole of a small one; None when it is larger than `limit`."""
        if member.size > limit:
            return None
        try:
            with self._open(member) as file:
                read = file.read(limit + 1)
        except _BROKEN as error:
            raise InputError(DAMAGED) from error
        return read if len(read) <= limit else None

    def _open(self, member: Member) -> IO[bytes]:
        return self.path.open("rb") if self._zip is None else self._zip.open(member.name)

    def _list(self) -> list[Member]:
        if self._zip is None:
            return [Member(self.name, self.path.stat().st_size)]
        entries = [entry for entry in self._zip.infolist() if not entry.is_dir() and not _is_rubbish(entry.filename)]
        if any(entry.flag_bits & 1 for entry in entries):
            raise InputError("The zip file is protected by a password. Unpack it, and pack it again without one.")
        if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
            raise TooLargeError(f"What is in the zip file is larger than {MAX_TOTAL_BYTES >> 30} GB.")
        return [Member(entry.filename, entry.file_size) for entry in entries]


def _is_rubbish(name: str) -> bool:
    """What a Mac adds to every zip."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name in (".DS_Store", "Thumbs.db")


def _open_zip(path: Path) -> zipfile.ZipFile:
    _check_directory(path)
    try:
        opened = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise InputError(DAMAGED) from error
    if len(opened.filelist) > _MAX_MEMBERS:
        opened.close()
        raise TooLargeError(f"There are more than {_MAX_MEMBERS:,} files in the zip file.")
    return opened


def _check_directory(path: Path) -> None:
    """The table of contents is read into memory as a whole: its size is looked at before."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 66_000))
        tail = file.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) < at + 22:
        raise InputError(DAMAGED)
    claimed = int.from_bytes(tail[at + 12 : at + 16], "little")
    wide = tail.rfind(b"PK\x06\x06")
    if claimed == 0xFFFFFFFF and wide >= 0 and len(tail) >= wide + 48:
        claimed = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    if claimed > _MAX_DIRECTORY_BYTES:
        raise TooLargeError("The table of contents of the zip file is larger than is read.")
