"""Another key for the stored secrets: made, everything sealed anew with it, the old one forgotten.

Whenever it dies, everything can be opened still, and running it again goes on: until all is sealed anew, the key file
holds both keys. Running servers read the file whenever they open or seal something.
"""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout
from msgspec import Struct

from quarterdeck.accounts.vault import KEY_BYTES, Vault, decode_keys, load_vault, read_key_file, write_key_file
from quarterdeck.errors import SetupError
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.locks import lock_secrets
from quarterdeck.store.sealed import list_sealed, replace_sealed


class Rotation(Struct, frozen=True):
    """How many secrets were sealed anew; `locked` are those that no key opens, by what they are for."""

    renewed: int
    locked: list[str]


async def rotate_keys(database: Database, path: Path, given: str) -> Rotation:
    """Raises: `SetupError` when `QUARTERDECK_SECRET_KEY` (`given`) names no new key, `StorageError`."""
    if given:
        if len(decode_keys(given)) == 1:
            raise SetupError(
                "The key is in QUARTERDECK_SECRET_KEY. Put a new one before it, with a comma between them, for all "
                "processes; restart them, and run this again."
            )
        vault = load_vault(path, given)
        return await database.write(lambda connection: _renew(connection, vault))
    lock = FileLock(path.with_name(f"{path.name}.lock"), mode=0o600)
    try:
        with lock.acquire(timeout=0):
            return await _rotate_file(database, path)
    except Timeout:
        raise SetupError("Another command is changing the key already.") from None


async def _rotate_file(database: Database, path: Path) -> Rotation:
    vault = load_vault(path)
    keys = read_key_file(path)
    if len(keys) == 1:  # more of them: the last time it was not finished
        write_key_file(path, (os.urandom(KEY_BYTES), *keys))

    def renew(connection: WriteConnection) -> Rotation:
        rotation = _renew(connection, vault)
        if not rotation.renewed:  # all that is kept was committed before, and nobody can be sealing with the old key
            write_key_file(path, read_key_file(path)[:1])
        return rotation

    renewed = 0
    while (rotation := await database.write(renew)).renewed:
        renewed += rotation.renewed
    return Rotation(renewed, rotation.locked)


def _renew(connection: WriteConnection, vault: Vault) -> Rotation:
    lock_secrets(connection)
    renewed, locked = 0, []
    for row in list_sealed(connection):
        if vault.is_current(row.sealed):
            continue
        try:
            secret = vault.open(row.sealed, row.purpose)
        except SetupError:
            locked.append(row.purpose)
            continue
        replace_sealed(connection, row, vault.seal(secret, row.purpose))
        renewed += 1
    return Rotation(renewed, locked)
