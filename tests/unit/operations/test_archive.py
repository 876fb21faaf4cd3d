"""The file that a backup is: there whole or not at all, and told apart from everything else."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.harness.installation import change, database_of, make_installation, sums_in
from tests.harness.waiting import trials

from quarterdeck.config import Settings
from quarterdeck.errors import InputError
from quarterdeck.operations.archive import create_archive, open_archive
from quarterdeck.operations.backup import write_backup
from quarterdeck.operations.restore import Restored, restore
from quarterdeck.store.transfer import encode_row
from quarterdeck.store.transfer_places import SqlitePlace


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_installation(tmp_path / "source")


@pytest.fixture
def backup(source: Path, tmp_path: Path) -> Path:
    file = tmp_path / "all.backup"
    asyncio.run(write_backup(SqlitePlace(database_of(source)), file))
    return file


def bring_back(file: Path, folder: Path, *, replaces: bool = False) -> Restored:
    folder.mkdir(exist_ok=True)
    return asyncio.run(restore(file, Settings(data_dir=folder), replaces=replaces))


def test_a_backup_is_for_its_owner_alone_and_nothing_else_is_left(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in backup.parent.iterdir()) == ["all.backup", "source"]


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with create_archive(tmp_path / "half.backup") as archive, archive.table("users") as member:
            member.write(b"[]\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_overwritten_only_when_asked(source: Path, backup: Path) -> None:
    before = backup.read_bytes()
    place = SqlitePlace(database_of(source))
    with pytest.raises(InputError, match="exists already"):
        asyncio.run(write_backup(place, backup))
    assert backup.read_bytes() == before
    change(database_of(source), "DELETE FROM conversations")
    asyncio.run(write_backup(place, backup, overwrites=True))
    with open_archive(backup) as archive:
        assert archive.manifest.tables["conversations"].rows == 0


def test_what_was_backed_up_is_what_is_restored(source: Path, backup: Path, tmp_path: Path) -> None:
    restored = bring_back(backup, tmp_path / "elsewhere")
    assert sums_in(tmp_path / "elsewhere") == sums_in(source)
    assert restored.loaded.sealed_keys == 1
    assert restored.kept is None
    assert database_of(tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o600


def test_text_that_is_no_utf_8_does_not_stop_a_backup_and_is_counted(source: Path, tmp_path: Path) -> None:
    change(database_of(source), "UPDATE conversations SET title = CAST(X'61FFED A08062' AS TEXT)".replace(" A0", "A0"))
    file = tmp_path / "odd.backup"
    manifest = asyncio.run(write_backup(SqlitePlace(database_of(source)), file))
    assert manifest.unreadable_texts == manifest.tables["conversations"].rows
    bring_back(file, tmp_path / "elsewhere")
    assert sums_in(tmp_path / "elsewhere") == sums_in(source)


def rewrite(file: Path, member: str, alter: Callable[[bytes], bytes]) -> None:
    """The same archive with one member that is different, and in order as far as zip can tell."""
    with zipfile.ZipFile(file) as old:
        content = {name: old.read(name) for name in old.namelist()}
    content[member] = alter(content[member])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, body in content.items():
            new.writestr(name, body)


def test_a_backup_of_another_version_may_have_its_columns_in_another_order(
    source: Path, backup: Path, tmp_path: Path
) -> None:
    """A table that was made new has a column where it is declared, a migrated one has it at its end."""
    for table in ("users", "endpoints", "messages"):
        lines: list[bytes] = []

        def turn_rows(body: bytes, lines: list[bytes] = lines) -> bytes:
            lines += [encode_row(json.loads(line)[::-1]) for line in body.splitlines()]
            return b"".join(lines)

        def turn_names(body: bytes, table: str = table, lines: list[bytes] = lines) -> bytes:
            manifest = json.loads(body)
            entry = manifest["tables"][table]
            entry["columns"].reverse()
            entry["sha256"] = hashlib.sha256(b"".join(lines)).hexdigest()
            return json.dumps(manifest).encode()

        rewrite(backup, f"tables/{table}.jsonl", turn_rows)
        rewrite(backup, "manifest.json", turn_names)
    bring_back(backup, tmp_path / "elsewhere")
    assert sums_in(tmp_path / "elsewhere") == sums_in(source)


def cut(body: bytes) -> bytes:
    return body[: body.rindex(b"\n", 0, -1) + 1]


@pytest.mark.parametrize(
    ("member", "alter"),
    [
        ("tables/messages.jsonl", cut),
        ("tables/messages.jsonl", lambda body: body.replace(b'"user"', b'"assistant"', 1)),
        ("tables/messages.jsonl", lambda body: body + body.splitlines(keepends=True)[0]),
        ("tables/conversations.jsonl", lambda _: b""),
        ("tables/users.jsonl", lambda _: b"[1,2]\n"),
        ("tables/users.jsonl", lambda _: b"no json\n"),
        ("tables/users.jsonl", lambda _: b"\xff\xfe\n"),
        ("tables/endpoints.jsonl", lambda body: body.replace(b"AAEC", b"A*EC")),
        ("manifest.json", lambda body: body.replace(b'"users"', b'"losers"')),
        ("manifest.json", lambda body: body.replace(b'"tables"', b'"fables"')),
        ("manifest.json", lambda body: body.replace(b'"sha256": "', b'"sha256": "0')),
        ("manifest.json", lambda body: body.replace(b'"quarterdeck backup"', b'"another backup"')),
        ("manifest.json", lambda body: body.replace(b'"format_version": 1', b'"format_version": 2')),
        ("manifest.json", lambda body: body.replace(b'"revision": "', b'"revision": "9')),
        ("manifest.json", lambda _: b"[]"),
        ("manifest.json", lambda _: b"{"),
    ],
)
def test_a_backup_that_is_not_what_was_written_is_refused_and_nothing_is_changed(
    backup: Path, tmp_path: Path, member: str, alter: Callable[[bytes], bytes]
) -> None:
    folder = make_installation(tmp_path / "mine", 3)
    before = sums_in(folder)
    rewrite(backup, member, alter)
    with pytest.raises(InputError) as caught:
        bring_back(backup, folder, replaces=True)
    assert caught.value.message.endswith(".")
    assert sums_in(folder) == before
    assert [file.name for file in folder.iterdir()] == ["quarterdeck.sqlite3"]


@pytest.mark.parametrize("body", [b"", b"hello", b"PK\x05\x06" + bytes(18), b"SQLite format 3\0" + bytes(100)])
def test_a_file_that_is_no_backup_is_said_to_be_none(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(body)
    with pytest.raises(InputError, match="not a backup of Quarterdeck"):
        bring_back(file, tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


def test_damage_anywhere_is_found_or_does_no_harm(source: Path, backup: Path, tmp_path: Path) -> None:
    whole, wanted = backup.read_bytes(), sums_in(source)
    chance = random.Random(7)
    refused = 0
    for number in range(trials(20, 600)):
        body = bytearray(whole)
        if number % 2:
            del body[chance.randrange(len(body)) :]
        else:
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        backup.write_bytes(body)
        folder = tmp_path / f"mine-{number}"
        try:
            bring_back(backup, folder)
        except InputError:
            refused += 1
            assert list(folder.iterdir()) == []
        else:
            assert sums_in(folder) == wanted
    assert refused >= number // 2
