"""Before what cannot be undone: whoever is signed in shows that it is they."""

from __future__ import annotations

from quarterdeck.accounts.attempts import begin_attempt, succeed
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.passwords import Passwords
from quarterdeck.accounts.sign_in import check_counted
from quarterdeck.errors import AccessError, InputError, WrongPasswordError
from quarterdeck.store.database import Database
from quarterdeck.store.people import find_account


async def confirm_identity(
    database: Database, passwords: Passwords, caller: Principal, given: tuple[str, str], address: str
) -> None:
    """`given` is password and name: the password counts, and the name for who has none.

    Raises: `WrongPasswordError`, `InputError`, `LimitError` after too many attempts.
    """
    password, name = given
    account = await database.read(lambda connection: find_account(connection, caller.user))
    if account is None:
        raise AccessError("This account is not there any more.")
    if account.password_hash is None:
        if name.strip() != account.name:
            raise InputError("Repeat your name to delete your account.")
        return
    await database.write(lambda connection: begin_attempt(connection, account.name, address))
    if not await check_counted(database, passwords, account, (account.name, password), address):
        raise WrongPasswordError("The password is wrong.")
    await database.write(lambda connection: succeed(connection, account.name, address))
