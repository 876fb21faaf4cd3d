"""What admins may do with people's accounts. The owner is out of reach for everybody else."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.names import check_email, check_name
from quarterdeck.accounts.own_account import create_password_link
from quarterdeck.accounts.sessions import is_fresh
from quarterdeck.errors import ConflictError, ForbiddenError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.directory import PersonRow, find_person, set_role, set_suspended
from quarterdeck.store.keys import revoke_all_api_keys
from quarterdeck.store.people import end_sessions, find_own_session, insert_account, rename_account, set_email
from quarterdeck.store.users import find_role

_PROVEN_BY = ("password", "ldap", "link")

Detail = dict[str, str | int | bool | None]
GivenRole = Literal["admin", "member"]


class Actor(Struct, frozen=True):
    """Who does it, and from where."""

    principal: Principal
    address: str = ""


class NewPerson(Struct, frozen=True):
    """`password_hash` None: they choose a password by a link."""

    name: str
    role: GivenRole
    email: str = ""
    password_hash: str | None = None


class PersonChange(Struct, frozen=True):
    """None leaves it as it is."""

    name: str | None = None
    role: GivenRole | None = None
    email: str | None = None
    is_suspended: bool | None = None


def access_person(connection: AnyConnection, user: str) -> PersonRow:
    """Raises: `NotFoundError`."""
    found = find_person(connection, user)
    if found is None:
        raise NotFoundError("There is no such user.")
    return found


def create_person(connection: WriteConnection, actor: Actor, wanted: NewPerson) -> PersonRow:
    """Raises: `InputError`, `ConflictError` for a name that is taken, `ForbiddenError`."""
    _check_may_make(actor, wanted.role)
    email = check_email(wanted.email)
    made = insert_account(
        connection, name=check_name(wanted.name), role=wanted.role, email=email, password_hash=wanted.password_hash
    )
    _note(connection, actor, "user.created", made.name, {"role": wanted.role, "user": made.id})
    return access_person(connection, made.id)


def change_person(connection: WriteConnection, actor: Actor, user: str, wanted: PersonChange) -> PersonRow:
    """Raises: `NotFoundError`, `ForbiddenError` for the owner, `InputError`, `ConflictError`."""
    before = access_person(connection, user)
    check_reach(actor, before)
    if wanted.name is not None and (name := check_name(wanted.name)) != before.name:
        rename_account(connection, user, name)
        _note(connection, actor, "user.renamed", before.name, {"to": name, "user": user})
    if wanted.email is not None:
        set_email(connection, user, check_email(wanted.email))
    if wanted.role is not None and wanted.role != before.role:
        _change_role(connection, actor, before, wanted.role)
    if wanted.is_suspended is not None:
        _suspend(connection, actor, before, is_suspended=wanted.is_suspended)
    return access_person(connection, user)


def make_password_link(connection: WriteConnection, actor: Actor, user: str) -> tuple[str, int]:
    """A secret by which somebody chooses a password, once, and until when. Raises: as `change_person`."""
    person = access_person(connection, user)
    check_reach(actor, person)
    _note(connection, actor, "user.password_link", person.name, {"user": user})
    return create_password_link(connection, user)


def sign_out_person(connection: WriteConnection, actor: Actor, user: str, *, keys_too: bool = False) -> int:
    """Everywhere; how many sessions ended. Raises: as `change_person`."""
    person = access_person(connection, user)
    check_reach(actor, person)
    ended = end_sessions(connection, user)
    revoked = revoke_all_api_keys(connection, user) if keys_too else 0
    _note(connection, actor, "user.signed_out", person.name, {"user": user, "sessions": ended, "keys": revoked})
    return ended


def hand_over(connection: WriteConnection, actor: Actor, user: str) -> PersonRow:
    """The owner, who has just signed in, makes another one the owner, and is an admin from then on.

    Raises: `ForbiddenError`, `NotFoundError`, `ConflictError`.
    """
    if find_role(connection, actor.principal.user) != "owner":  # as it is now: there is never more than one
        raise ForbiddenError("Only the owner can hand this server over.")
    session = find_own_session(connection, actor.principal.user, actor.principal.credential)
    if session is None or session.via not in _PROVEN_BY or not is_fresh(session.created_at):
        raise ForbiddenError("Sign in again first, with your password or the link of `quarterdeck open`.")
    heir = access_person(connection, user)
    if heir.id == actor.principal.user:
        raise ConflictError("You are the owner already.")
    if heir.suspended_at is not None or heir.role == "guest":
        raise ConflictError("Only an account that can sign in can become the owner.")
    set_role(connection, actor.principal.user, "admin")
    set_role(connection, heir.id, "owner")
    _note(connection, actor, "owner.changed", heir.name, {"user": heir.id, "from": actor.principal.name})
    return access_person(connection, heir.id)


def begin_removal(connection: WriteConnection, actor: Actor, user: str, name: str) -> PersonRow:
    """From now on they are out, and nothing new is made of theirs. `name` repeats whom it is about.

    Raises: `ConflictError` when it does not, and as `change_person`.
    """
    person = access_person(connection, user)
    check_reach(actor, person)
    if person.id == actor.principal.user:
        raise ConflictError("Delete your own account in your account's settings.")
    if name.strip() != person.name:
        raise ConflictError("The name does not match. Repeat the user's name to delete the account.")
    set_suspended(connection, user, is_suspended=True)
    return person


def begin_own_removal(connection: WriteConnection, caller: Principal) -> PersonRow:
    """Raises: `ConflictError` for the owner."""
    person = access_person(connection, caller.user)
    if person.role == "owner":
        raise ConflictError("The owner cannot be deleted. Hand this server over to somebody else first.")
    set_suspended(connection, person.id, is_suspended=True)
    return person


def check_reach(actor: Actor, person: PersonRow) -> None:
    """The owner is out of reach for everybody else, and an admin for other admins. Raises: `ForbiddenError`."""
    if actor.principal.user == person.id:
        return
    if person.role == "owner":
        raise ForbiddenError("The owner of this server can be changed by nobody else.")
    if person.role == "admin" and actor.principal.role != "owner":
        raise ForbiddenError("Only the owner of this server changes another admin.")


def note_removal(connection: WriteConnection, actor: Actor, person: PersonRow) -> None:
    """In the transaction that deletes the account; the entry outlives it."""
    _note(connection, actor, "user.deleted", person.name, {"user": person.id, "conversations": person.conversations})


def note_export(connection: WriteConnection, actor: Actor, person: PersonRow) -> None:
    _note(connection, actor, "user.exported", person.name, {"user": person.id})


def _check_may_make(actor: Actor, role: GivenRole) -> None:
    if role == "admin" and actor.principal.role != "owner":
        raise ForbiddenError("Only the owner of this server makes admins.")


def _change_role(connection: WriteConnection, actor: Actor, person: PersonRow, role: GivenRole) -> None:
    if person.role == "owner":
        raise ConflictError("The owner stays the owner until they hand this server over.")
    _check_may_make(actor, role)
    set_role(connection, person.id, role)
    _note(connection, actor, "user.role_changed", person.name, {"user": person.id, "from": person.role, "to": role})


def _suspend(connection: WriteConnection, actor: Actor, person: PersonRow, *, is_suspended: bool) -> None:
    if is_suspended and person.id == actor.principal.user:
        raise ConflictError("You cannot suspend yourself.")
    if set_suspended(connection, person.id, is_suspended=is_suspended):
        _note(connection, actor, "user.suspended" if is_suspended else "user.resumed", person.name, {"user": person.id})


def _note(connection: WriteConnection, actor: Actor, action: str, target: str, detail: Detail) -> None:
    who = actor.principal
    insert_audit_entry(connection, AuditEntry(action, target, who.user, who.name, actor.address, detail))
