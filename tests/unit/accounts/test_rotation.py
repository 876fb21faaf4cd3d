"""Changing the key: broken off anywhere, everything opens still, and the next run finishes."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.conftest import Report

from quarterdeck.accounts import rotation as rotation_module
from quarterdeck.accounts.rotation import rotate_keys
from quarterdeck.accounts.vault import KEY_BYTES, load_vault
from quarterdeck.errors import SetupError
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.sealed import list_sealed
from quarterdeck.store.settings import EndpointRow, save_endpoint
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import identity_providers, metadata

NAMES = ("openai", "groq", "mine")
IDENTITY = {
    "name": "google", "label": "", "kind": "google", "issuer": "", "client_id": "", "sign_up": "nobody", "domains": "",
    "updated_at": 0,
}  # fmt: skip


class KilledError(Exception):
    """Stands for the death of the process."""


async def seal_some(database: SqliteDatabase, path: Path, given: str = "") -> None:
    vault = load_vault(path, given)

    def write(connection: WriteConnection) -> None:
        for name in NAMES:
            save_endpoint(connection, EndpointRow(name, "", "openai", "", vault.seal(name, f"endpoint:{name}")))
        secret = vault.seal("google", "identity:google")
        connection.execute(insert(identity_providers).values(**IDENTITY, secret_sealed=secret))

    await database.write(write)


async def read_all(database: SqliteDatabase, path: Path, given: str = "") -> set[str]:
    vault = load_vault(path, given)
    rows = await database.read(list_sealed)
    return {vault.open(row.sealed, row.purpose) for row in rows}


async def test_a_new_key_opens_everything_and_the_old_one_nothing(database: SqliteDatabase, tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    await seal_some(database, path)
    old = path.read_bytes()
    rotation = await rotate_keys(database, path, "")
    assert (rotation.renewed, rotation.locked) == (4, [])
    assert len(path.read_bytes()) == KEY_BYTES
    assert path.read_bytes() != old
    assert path.stat().st_mode & 0o777 == 0o600
    assert await read_all(database, path) == {*NAMES, "google"}
    (tmp_path / "old.key").write_bytes(old)
    with pytest.raises(SetupError):
        await read_all(database, tmp_path / "old.key")


def kill_at(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies at the n-th change it makes, before or after it."""
    numbers = itertools.count()

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def change(*given: Any) -> Any:
            if next(numbers) == count:
                raise KilledError
            done = real(*given)
            if next(numbers) == count:
                raise KilledError
            return done

        return change

    for name in ("write_key_file", "replace_sealed"):
        monkeypatch.setattr(rotation_module, name, dying(getattr(rotation_module, name)))


async def test_killed_at_any_change_nothing_is_lost_and_the_next_run_finishes(
    database: SqliteDatabase, tmp_path: Path, report: Report
) -> None:
    path = tmp_path / "secret.key"
    await seal_some(database, path)
    wrong, count = [], 0
    for count in itertools.count():
        with pytest.MonkeyPatch.context() as monkeypatch:
            kill_at(count, monkeypatch)
            try:
                await rotate_keys(database, path, "")
                break
            except KilledError:
                pass
        found = await read_all(database, path)
        wrong += [] if found == {*NAMES, "google"} else [f"killed at {count}: {sorted(found)}"]
        await rotate_keys(database, path, "")
        found = await read_all(database, path)
        wrong += [] if found == {*NAMES, "google"} else [f"finished after {count}: {sorted(found)}"]
        wrong += [] if len(path.read_bytes()) == KEY_BYTES else [f"after {count} the old key is still there"]
    assert count >= 10
    report("secrets lost by a broken change of key", wrong, count)


async def test_a_key_of_the_environment_is_changed_by_putting_another_before_it(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "secret.key"
    old, new = (base64.b64encode(bytes([number]) * KEY_BYTES).decode() for number in (1, 2))
    await seal_some(database, path, old)
    with pytest.raises(SetupError, match="Put a new one before it"):
        await rotate_keys(database, path, old)
    assert (await rotate_keys(database, path, f"{new},{old}")).renewed == 4
    assert await read_all(database, path, new) == {*NAMES, "google"}
    assert (await rotate_keys(database, path, f"{new},{old}")).renewed == 0
    assert not path.exists()


async def test_a_secret_that_no_key_opens_is_named_and_left(database: SqliteDatabase, tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    await seal_some(database, path)
    await database.write(
        lambda connection: save_endpoint(connection, EndpointRow("lost", "", "openai", "", b"of another installation"))
    )
    assert (await rotate_keys(database, path, "")).locked == ["endpoint:lost"]


def test_every_column_of_sealed_secrets_is_known() -> None:
    sealed = {column.name for table in metadata.sorted_tables for column in table.c if column.name.endswith("_sealed")}
    assert sealed == {"key_sealed", "secret_sealed"}, "add the new one to store/sealed.py, and here"
