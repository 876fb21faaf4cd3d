"""What people change of their own account: name, address, password, the devices they are signed in on."""

from __future__ import annotations

import secrets

from msgspec import Struct

from quarterdeck.accounts.attempts import begin_attempt, succeed
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.names import check_email, check_name
from quarterdeck.accounts.passwords import Passwords, check_password
from quarterdeck.accounts.sessions import is_fresh
from quarterdeck.accounts.sign_in import SignedIn, Visitor, check_counted, enter_by
from quarterdeck.accounts.tokens import hash_secret
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.periods import find_zone
from quarterdeck.errors import (
    AccessError,
    ConflictError,
    ForbiddenError,
    InputError,
    LinkUsedError,
    NotFoundError,
    SuspendedError,
    WrongPasswordError,
)
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.people import (
    AccountRow,
    delete_password_links,
    end_session,
    end_sessions,
    find_account,
    find_own_session,
    find_password_link,
    insert_password_link,
    rename_account,
    set_email,
    set_password_hash,
    set_preferences,
    use_password_link,
)

PASSWORD_LINK_MS = 24 * 3600 * 1000
_LINK_USED = "This link was used already or is too old. Ask for a new one."


def check_zone(name: str) -> None:
    """Raises: `InputError`."""
    if find_zone(name) is None:
        raise InputError(f"There is no time zone named {name[:60]!r}. A name is for example Europe/Lisbon.")


class NewPassword(Struct, frozen=True):
    """`current` is not asked of who has none, or has just come by a one-time link."""

    new: str
    current: str = ""

    def __repr__(self) -> str:
        return "NewPassword(…)"


def require_signed_in(caller: Principal) -> None:
    """Raises: `ForbiddenError` for an API key: an account is changed by its person."""
    if caller.via == "key":
        raise ForbiddenError("An API key cannot change the account. Sign in to do that.")


def change_account(
    connection: WriteConnection,
    caller: Principal,
    *,
    name: str | None = None,
    email: str | None = None,
    time_zone: str | None = None,
    about: str | None = None,
) -> AccountRow:
    """None leaves it as it is. Raises: `InputError`, `ConflictError`, `ForbiddenError`."""
    require_signed_in(caller)
    if time_zone:
        check_zone(time_zone)
    set_preferences(connection, caller.user, time_zone=time_zone, about=None if about is None else about.strip())
    if name is not None and (wanted := check_name(name)) != caller.name:
        rename_account(connection, caller.user, wanted)
        _note(connection, "user.renamed", caller, {"to": wanted})
    if email is not None:
        set_email(connection, caller.user, check_email(email))
    account = find_account(connection, caller.user)
    if account is None:
        raise AccessError("This account is not there any more.")
    return account


async def change_password(
    database: Database, passwords: Passwords, caller: Principal, wanted: NewPassword, visitor: Visitor
) -> None:
    """All other sessions of the account end. Raises: `WrongPasswordError`, `InputError`, `LimitError`."""
    require_signed_in(caller)
    account = await database.read(lambda connection: find_account(connection, caller.user))
    session = await database.read(lambda connection: find_own_session(connection, caller.user, caller.credential))
    if account is None:
        raise AccessError("This account is not there any more.")
    wanted_password = check_password(wanted.new, account.name, account.email)  # before an attempt is counted
    came_by_link = session is not None and session.via == "link" and is_fresh(session.created_at)
    if account.password_hash is not None and not came_by_link:
        await database.write(lambda connection: begin_attempt(connection, account.name, visitor.address))
        given = (account.name, wanted.current)
        if not await check_counted(database, passwords, account, given, visitor.address):
            raise WrongPasswordError("The current password is wrong.")
    password_hash = await passwords.hash(wanted_password)

    def change(connection: WriteConnection) -> None:
        now = find_account(connection, account.id)
        if now is None or now.password_hash != account.password_hash:
            raise ConflictError("The password was changed meanwhile. Sign in again.")
        if caller.via == "session" and find_own_session(connection, account.id, caller.credential) is None:
            raise AccessError("You are signed out.")
        succeed(connection, account.name, visitor.address)
        set_password_hash(connection, account.id, password_hash)
        delete_password_links(connection, account.id)
        ended = end_sessions(connection, account.id, except_for=caller.credential)
        _note(connection, "password.changed", caller, {"sessions_ended": ended}, visitor.address)

    await database.write(change)


def end_one_session(connection: WriteConnection, caller: Principal, session: str, address: str = "") -> None:
    """Raises: `NotFoundError`."""
    require_signed_in(caller)
    if not end_session(connection, caller.user, session):
        raise NotFoundError("There is no such session.")
    _note(connection, "session.ended", caller, {"sessions_ended": 1}, address)


def end_other_sessions(
    connection: WriteConnection, caller: Principal, *, this_too: bool = False, address: str = ""
) -> int:
    """How many ended."""
    require_signed_in(caller)
    ended = end_sessions(connection, caller.user, except_for="" if this_too else caller.credential)
    _note(connection, "session.ended", caller, {"sessions_ended": ended}, address)
    return ended


def create_password_link(
    connection: WriteConnection, user: str, *, lifetime_ms: int = PASSWORD_LINK_MS, voids_others: bool = True
) -> tuple[str, int]:
    """A secret that lets its bearer choose the user's password, once, and until when it works.

    `voids_others`: of the user's links only this one works from now on.
    """
    secret, expires_at = secrets.token_urlsafe(24), now_ms() + lifetime_ms
    insert_password_link(
        connection,
        secret_hash=hash_secret(secret),
        user=user,
        expires_at=expires_at,
        voids_others=voids_others,
    )
    return secret, expires_at


def set_password(connection: WriteConnection, account: AccountRow, password_hash: str) -> None:
    """On the command line. Whatever was signed in is signed out, and the back-off of the name ends."""
    set_password_hash(connection, account.id, password_hash)
    delete_password_links(connection, account.id)
    ended = end_sessions(connection, account.id)
    succeed(connection, account.name, "")
    insert_audit_entry(
        connection,
        AuditEntry("password.changed", account.name, actor_name="command line", detail={"sessions_ended": ended}),
    )


async def look_at_password_link(database: Database, secret: str) -> AccountRow:
    """Whose it is; it is not used up. Raises: `NotFoundError`."""
    account = await database.read(lambda connection: find_password_link(connection, hash_secret(secret)))
    if account is None:
        raise LinkUsedError(_LINK_USED)
    return account


async def reset_password(
    database: Database, passwords: Passwords, secret: str, password: str, visitor: Visitor
) -> SignedIn:
    """All sessions of the account end, and a new one begins. Raises: `NotFoundError`, `InputError`, `AccessError`."""
    account = await look_at_password_link(database, secret)
    password_hash = await passwords.hash(check_password(password, account.name, account.email))

    def reset(connection: WriteConnection) -> SignedIn:
        found = use_password_link(connection, hash_secret(secret))
        if found is None:
            raise LinkUsedError(_LINK_USED)
        if found.suspended_at is not None:
            raise SuspendedError
        set_password_hash(connection, found.id, password_hash)
        delete_password_links(connection, found.id)
        succeed(connection, found.name, visitor.address)
        ended = end_sessions(connection, found.id)
        entry = AuditEntry(
            "password.reset", found.name, found.id, found.name, visitor.address, {"sessions_ended": ended}
        )
        insert_audit_entry(connection, entry)
        return enter_by(connection, found.user, visitor, via="password")

    return await database.write(reset)


def _note(
    connection: WriteConnection,
    action: str,
    caller: Principal,
    detail: dict[str, str | int | bool | None],
    address: str = "",
) -> None:
    insert_audit_entry(connection, AuditEntry(action, caller.name, caller.user, caller.name, address, detail))
