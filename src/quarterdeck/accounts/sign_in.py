"""Signing in with name and password. Nothing here tells whether a name exists."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.accounts.attempts import begin_attempt, succeed, take_back
from quarterdeck.accounts.identities.joining import Policy, find_or_join
from quarterdeck.accounts.identities.ldap import Ldap
from quarterdeck.accounts.identities.person import Person
from quarterdeck.accounts.passwords import Passwords
from quarterdeck.accounts.sessions import open_session
from quarterdeck.accounts.tokens import Token
from quarterdeck.errors import OverloadedError, SuspendedError, WrongCredentialsError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.people import (
    AccountRow,
    find_account,
    find_account_by_email,
    find_account_by_name,
    set_password_hash,
)
from quarterdeck.store.users import UserRow


class Visitor(Struct, frozen=True):
    """Where a request comes from: the address, and what the browser says of itself."""

    address: str = ""
    device: str = ""


class SignedIn(Struct, frozen=True):
    token: Token
    user: UserRow


async def sign_in(
    database: Database, passwords: Passwords, name: str, password: str, visitor: Visitor, directory: Ldap | None = None
) -> SignedIn:
    """`name` may be the address of the account. What is not right here is tried at the `directory`.

    Raises: `WrongCredentialsError`, `LimitError`, `AccessError`.
    """
    await database.write(lambda connection: begin_attempt(connection, name, visitor.address))
    account = await database.read(lambda connection: _find(connection, name))
    is_right = await check_counted(database, passwords, account, (name, password), visitor.address)
    if account is None or not is_right:
        person = None if directory is None else await directory.check(name, password)
        if person is not None:
            return await database.write(lambda connection: _enter_from_directory(connection, person, name, visitor))
        await database.write(lambda connection: _note_refusal(connection, name, account, visitor))
        raise WrongCredentialsError("The name or the password is wrong.")
    if account.suspended_at is not None:
        raise SuspendedError
    fresh = await passwords.hash(password) if passwords.is_dated(account.password_hash or "") else None

    def enter(connection: WriteConnection) -> SignedIn:
        now = find_account(connection, account.id)
        if now is None or now.password_hash != account.password_hash or now.suspended_at is not None:
            raise WrongCredentialsError("The name or the password is wrong.")  # since it was looked at
        succeed(connection, name, visitor.address)
        if fresh is not None:
            set_password_hash(connection, account.id, fresh)
        return enter_by(connection, account.user, visitor, via="password")

    return await database.write(enter)


def _enter_from_directory(connection: WriteConnection, person: Person, name: str, visitor: Visitor) -> SignedIn:
    """The directory's own filter says who may come. Raises: `SignInRefusedError` for who is suspended here."""
    user = find_or_join(connection, person, Policy("ldap", "anybody"), address=visitor.address)
    succeed(connection, name, visitor.address)
    return enter_by(connection, user, visitor, via="ldap")


async def check_counted(
    database: Database, passwords: Passwords, account: AccountRow | None, given: tuple[str, str], address: str
) -> bool:
    """`given` is the name, under which this attempt was counted, and the password.

    Raises: `OverloadedError`; then it was no attempt.
    """
    name, password = given
    try:
        return await passwords.matches(account.password_hash if account else None, password)
    except OverloadedError:
        await database.write(lambda connection: take_back(connection, name, address))
        raise


def enter_by(connection: WriteConnection, user: UserRow, visitor: Visitor, *, via: str) -> SignedIn:
    """A new session, and a line in the audit log."""
    token = open_session(connection, user, visitor.device, via=via, address=visitor.address)
    entry = AuditEntry("session.opened", user.name, user.id, user.name, visitor.address, {"via": via})
    insert_audit_entry(connection, entry)
    return SignedIn(token, user)


def _find(connection: AnyConnection, name: str) -> AccountRow | None:
    if "@" in name:
        return find_account_by_email(connection, name)
    return find_account_by_name(connection, name)


def _note_refusal(connection: WriteConnection, name: str, account: AccountRow | None, visitor: Visitor) -> None:
    """Under the account's name, or none: what was typed may be a password in the wrong field."""
    target = account.name if account else ""
    insert_audit_entry(connection, AuditEntry("session.refused", target, address=visitor.address))
