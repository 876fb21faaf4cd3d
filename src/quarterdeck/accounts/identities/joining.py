"""What a proven identity gets: the account linked to it, a new one if the rules allow it, or a reason why not."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.identities.person import Person, SignInRefusedError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.identities import (
    find_identity,
    insert_identity,
    insert_named_user,
    name_of_user,
    touch_identity,
    use_invitation,
)
from quarterdeck.store.users import UserRow

SignUp = Literal["nobody", "invitation", "domain", "anybody"]


class Policy(Struct, frozen=True):
    """Who may make an account through `provider` (its name). An invitation opens all doors but `nobody`."""

    provider: str
    sign_up: SignUp
    domains: frozenset[str] = frozenset()


def find_or_join(
    connection: WriteConnection,
    person: Person,
    policy: Policy,
    *,
    invitation_hash: bytes | None = None,
    address: str = "",
) -> UserRow:
    """The person's account, made now if `policy` allows it. Raises: `SignInRefusedError`."""
    known = find_identity(connection, person.issuer, person.subject)
    if known is not None:
        if known.user.suspended_at is not None:
            raise SignInRefusedError("This account is suspended. Ask the owner of this server.", "suspended")
        touch_identity(connection, person.issuer, person.subject, person.label)
        return known.user
    user = _join(connection, person, policy, invitation_hash)
    insert_identity(
        connection, issuer=person.issuer, subject=person.subject, user=user.id, label=person.label or person.subject
    )
    detail: dict[str, str | int | bool | None] = {"provider": policy.provider, "invited": invitation_hash is not None}
    insert_audit_entry(connection, AuditEntry("user.joined", user.name, user.id, user.name, address, detail))
    return user


def link(connection: WriteConnection, person: Person, user: str, provider: str, address: str = "") -> None:
    """Another way in for somebody who is signed in and has asked for it. Raises: `SignInRefusedError`."""
    known = find_identity(connection, person.issuer, person.subject)
    if known is not None and known.user.id != user:
        raise SignInRefusedError("That way to sign in belongs to another account here.", "already_linked")
    if known is not None:
        return
    label = person.label or person.subject
    insert_identity(connection, issuer=person.issuer, subject=person.subject, user=user, label=label)
    name = name_of_user(connection, user)
    insert_audit_entry(connection, AuditEntry("identity.linked", name, user, name, address, {"provider": provider}))


def _join(connection: WriteConnection, person: Person, policy: Policy, invitation_hash: bytes | None) -> UserRow:
    if policy.sign_up == "nobody":
        raise SignInRefusedError("Nobody signs up this way here. Ask the owner of this server.", "not_invited")
    if invitation_hash is not None:
        user = use_invitation(connection, invitation_hash, lambda role: _new_user(connection, person, role))
        if user is None:
            raise SignInRefusedError("This invitation was used or is too old. Ask for a new one.", "not_invited")
        return user
    if policy.sign_up == "invitation":
        raise SignInRefusedError("You need an invitation to this server. Ask its owner.", "not_invited")
    if policy.sign_up == "domain":
        _check_domain(person, policy)
    return _new_user(connection, person, "member")


def _check_domain(person: Person, policy: Policy) -> None:
    if person.realms & policy.domains:
        return
    if not person.realms:
        raise SignInRefusedError("Your address there is not verified, so it says nothing here.", "unverified")
    raise SignInRefusedError("Addresses of your domain may not sign up here. Ask the owner.", "domain")


def _new_user(connection: WriteConnection, person: Person, role: str) -> UserRow:
    wanted = person.name or person.label.partition("@")[0] or "member"
    return insert_named_user(connection, name=wanted, role=role, email=person.email)
