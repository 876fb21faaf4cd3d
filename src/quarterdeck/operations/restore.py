"""A backup becomes the database, whole or not at all.

On SQLite it is put together in a file of its own that then takes the place of the old one; on PostgreSQL it is one
transaction. What was there before is kept.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct
from sqlalchemy import Connection, text

from quarterdeck.config import Settings
from quarterdeck.errors import InputError, SetupError
from quarterdeck.operations.archive import SECRET_NAME, Archive, Manifest, open_archive, sync_folder
from quarterdeck.operations.backup import write_backup
from quarterdeck.operations.load import Loaded, load_archive
from quarterdeck.operations.open_turns import forget_logs
from quarterdeck.operations.progress import Progress, in_silence
from quarterdeck.store.transfer_places import Place, SqlitePlace, place_of
from quarterdeck.store.transfer_schema import drop_tables, find_filled, foreign_tables, read_revision, tables_of

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND (application_name LIKE 'quarterdeck%' OR application_name = current_setting('application_name'))"
)


class Restored(Struct, frozen=True):
    manifest: Manifest
    loaded: Loaded
    kept: Path | None  # what was there before
    has_secret: bool  # secret.key came with it


async def restore(path: Path, settings: Settings, *, replaces: bool, progress: Progress = in_silence) -> Restored:
    """The caller holds the data folder's lock.

    Raises: `InputError` for a file that is no good backup or a database that is not empty, `SetupError`;
    everything is then as it was.
    """
    place = place_of(settings.database_url, settings.data_dir)
    with open_archive(path) as archive:
        secret = archive.secret()  # while nothing is changed yet: it may be what is damaged
        if isinstance(place, SqlitePlace):
            loaded, kept = await _restore_file(place, archive, settings, replaces, progress)
        else:
            loaded, kept = await _restore_server(place, archive, settings, replaces, progress)
        if secret is not None:
            _put_secret(settings.data_dir / SECRET_NAME, secret)
        return Restored(archive.manifest, loaded, kept, secret is not None)


async def _restore_file(
    place: SqlitePlace, archive: Archive, settings: Settings, replaces: bool, progress: Progress
) -> tuple[Loaded, Path | None]:
    path = place.path
    is_filled = await _is_filled(place, replaces)
    with _draft_of(path) as draft:
        loaded = await SqlitePlace(draft).write(lambda connection: load_archive(connection, archive, progress))
        await forget_logs(loaded.open_turns, settings)
        _sync(draft)
        kept = _keep(path) if is_filled else None
        _settle(path)
        draft.replace(path)
        sync_folder(path.parent)
    return loaded, kept


async def _is_filled(place: SqlitePlace, replaces: bool) -> bool:
    """Raises: `InputError` when it may not be replaced."""
    if not place.path.exists() or place.path.stat().st_size == 0:
        return False
    try:
        filled = await place.read(_find_content)
    except SetupError:  # it cannot even be read; it is kept all the same
        if not replaces:
            raise
        return True
    _refuse_filled(filled, replaces)
    return bool(filled)


def _find_content(connection: Connection) -> str:
    """The name of a table that has something in it; empty when there is none."""
    revision = read_revision(connection)
    if revision is None:
        return next(iter(foreign_tables(connection)), "")
    return find_filled(connection, tables_of(revision))


def _refuse_filled(filled: str, replaces: bool) -> None:
    if filled and not replaces:
        raise InputError(
            f"The database is not empty (there are {filled}). Restore into an empty one, or put the backup "
            "in its place with --replace: what is there is kept in a file first."
        )


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    for left in path.parent.glob(f"{path.name}.restoring-*"):  # of a restore that was killed
        left.unlink()
    draft = path.with_name(f"{path.name}.restoring-{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    try:
        yield draft
    finally:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            left.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _keep(path: Path) -> Path:
    """A copy of the file with what its journal still holds. Raises: `SetupError` when the disk is full."""
    _settle(path)
    kept = path.with_name(f"{path.name}.before-restore-{time.time_ns() // 1_000_000}")
    try:
        shutil.copy2(path, kept)
        kept.chmod(0o600)
        _sync(kept)
    except OSError as error:
        kept.unlink(missing_ok=True)
        raise SetupError(f"No copy of the present database could be kept ({error.strerror}).") from error
    return kept


def _settle(path: Path) -> None:
    """Everything is in the file itself afterwards: the journal of another database would be taken for its own.

    Raises: `SetupError` while another program has it open.
    """
    if path.exists():
        try:
            with closing(sqlite3.connect(path, timeout=5)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise SetupError("Another program has the database open. Close it and try again.") from error
        except sqlite3.DatabaseError:  # damaged; its journal goes with it
            with contextlib.suppress(FileNotFoundError):
                for suffix in ("-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink()


async def _restore_server(
    place: Place, archive: Archive, settings: Settings, replaces: bool, progress: Progress
) -> tuple[Loaded, Path | None]:
    revision, filled, others = await place.read(_look_at_server)
    if others:
        raise SetupError(f"Quarterdeck is running on the database {place.name}. Stop all its processes first.")
    if revision is None and filled:
        raise SetupError(f"The database {place.name} belongs to another program: it has a table {filled}.")
    _refuse_filled(filled, replaces)
    kept = None
    if filled:
        kept = settings.data_dir / f"before-restore-{time.time_ns() // 1_000_000}.backup"
        await write_backup(place, kept)

    def replace(connection: Connection) -> Loaded:
        connection.execute(text("SET LOCAL lock_timeout = '30s'"))  # somebody may be looking at the old tables
        if revision is not None:
            drop_tables(connection, revision)
        return load_archive(connection, archive, progress)

    try:
        loaded = await place.write(replace)
    except InputError:
        if kept is not None:
            kept.unlink()  # what it holds is still in the database
        raise
    await forget_logs(loaded.open_turns, settings)
    return loaded, kept


def _look_at_server(connection: Connection) -> tuple[str | None, str, int]:
    others = int(connection.execute(_OTHERS).scalar_one())
    return read_revision(connection), _find_content(connection), others


def _put_secret(path: Path, secret: bytes) -> None:
    if path.exists():
        if path.read_bytes() == secret:
            return
        path.replace(path.with_name(f"{path.name}.before-restore-{time.time_ns() // 1_000_000}"))
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
