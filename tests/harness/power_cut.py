"""What a power cut could leave of a server's files, from a record of its system calls.

`strace` writes down every write and sync of the running server. At any point of that record, what had been
synced is on the disk; what was written after a file's last sync may be there, be missing, or be torn. So
one run gives as many power cuts as there are points in it.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_CALLS = "openat,pwrite64,write,writev,sendto,sendmsg,ftruncate,fsync,fdatasync,unlink"
_BEGUN = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_OF_FILE = re.compile(r"^(?:\d+|AT_FDCWD)(?:<((?:\\x[0-9a-f]{2})*)>)?(?:, )?(.*)$", re.DOTALL)
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_WRITES = ("write", "pwrite64")


def tracing_command(record: Path) -> list[str]:
    """To be put before the server's own command; the process that is started stays the server."""
    strace = shutil.which("strace")
    assert strace, "this test needs strace: apt-get install strace"
    return [
        strace,
        "-D",
        "-f",
        "-y",
        "-xx",
        "-s",
        "1000000",
        "-e",
        f"trace={_CALLS}",
        "-o",
        str(record),
        "--seccomp-bpf",
    ]


@dataclass
class Write:
    """Bytes for a file, its new length, or its end. `begun` counts the lines of the record."""

    begun: int
    offset: int
    body: bytes | None  # None: the file is cut to `offset`
    is_deletion: bool = False  # for good at once: who deletes a journal syncs the folder before going on


@dataclass
class File:
    before: bytes = b""  # what it held when the record began
    writes: list[Write] = field(default_factory=list)
    syncs: list[tuple[int, int]] = field(default_factory=list)  # begun, done

    def synced_before(self, cut: int) -> int:
        """Everything begun before this line is on the disk at the cut."""
        return max((begun for begun, done in self.syncs if done < cut), default=-1)


@dataclass
class Record:
    """`files` by name; `said` is what went over sockets, with the line at which it began to."""

    files: dict[str, File] = field(default_factory=dict)
    said: list[tuple[int, bytes]] = field(default_factory=list)
    length: int = 0


Choice = Callable[[Write], bytes | None]


def drop(_: Write) -> None:
    return None


def keep(write: Write) -> bytes | None:
    return write.body


def choose_by(dice: random.Random) -> Choice:
    """Each write for itself: there, missing, or some of its sectors."""

    def choose(write: Write) -> bytes | None:
        fate = dice.random()
        if write.body is None or fate < 0.4:
            return None
        return write.body if fate < 0.8 else write.body[: dice.randrange(len(write.body) + 1) // SECTOR * SECTOR]

    return choose


def read_record(path: Path, folder: Path, before: dict[str, bytes]) -> Record:
    """The files are those in `folder`; `before` is what they held when the record began.

    Nobody else may have written to them meanwhile.
    """
    record = Record({name: File(content) for name, content in before.items()})
    begun: dict[tuple[str, str], tuple[int, str]] = {}
    ends: dict[str, int] = {}
    with path.open(encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines):
            record.length = number + 1
            if match := _RESUMED.match(line):
                thread, call, rest = match.groups()
                first, head = begun.pop((thread, call), (number, ""))
                _note(record, folder, ends, call, head + rest, (first, number))
            elif match := _BEGUN.match(line):
                thread, call, rest = match.groups()
                if "<unfinished ...>" in rest:
                    begun[thread, call] = (number, rest.split("<unfinished")[0])
                else:
                    _note(record, folder, ends, call, rest, (number, number))
    record.said.sort()
    return record


def _note(record: Record, folder: Path, ends: dict[str, int], call: str, text: str, lines: tuple[int, int]) -> None:
    arguments = _OF_FILE.match(text)
    if arguments is None or re.search(r"\) = -1", text):
        return
    if call == "unlink":
        gone = record.files.get(Path(_decode(_STRING.findall(text)[0]).decode(errors="replace")).name)
        if gone is not None:
            gone.writes.append(Write(lines[0], 0, None, is_deletion=True))
        return
    name = _decode(arguments[1] or "").decode(errors="replace")
    if not name.startswith(str(folder)):
        if call in ("write", "writev", "sendto", "sendmsg") and name.startswith(("socket:", "TCP")):
            record.said.append((lines[0], b"".join(_decode(part) for part in _STRING.findall(text))))
        return
    file = record.files.setdefault(Path(name).name, File())
    if call in ("fsync", "fdatasync"):
        file.syncs.append(lines)
    elif call == "ftruncate":
        file.writes.append(Write(lines[0], int(arguments[2].split(")")[0]), None))
    elif call in _WRITES:
        body = _decode(_STRING.findall(text)[0])
        offset = int(arguments[2].rsplit(")", 1)[0].rsplit(",", 1)[1]) if call == "pwrite64" else ends.get(name, 0)
        ends[name] = offset + len(body)
        file.writes.append(Write(lines[0], offset, body))


def _decode(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def rebuild(record: Record, cut: int, choose: Choice, *, blind_to: str = "") -> Iterator[tuple[str, bytes]]:
    """The files as they could be after a cut before line `cut`.

    `choose` decides on each write that was not synced. Syncs of files whose name ends with `blind_to` do
    not count: the way to see what they are good for.
    """
    for name, file in record.files.items():
        synced = -1 if blind_to and name.endswith(blind_to) else file.synced_before(cut)
        content = bytearray(file.before)
        is_there = bool(file.before)
        for write in file.writes:
            if write.begun >= cut:
                break
            is_there = not write.is_deletion
            _apply(content, write, choose, is_synced=write.begun < synced)
        if is_there:
            yield name, bytes(content)


def _apply(content: bytearray, write: Write, choose: Choice, *, is_synced: bool) -> None:
    body = write.body if is_synced else choose(write)
    if write.is_deletion:
        content.clear()
    elif write.body is None:
        if is_synced or choose is keep:
            del content[write.offset :]
    elif body is not None:
        content.extend(bytes(max(0, write.offset + len(body) - len(content))))
        content[write.offset : write.offset + len(body)] = body
