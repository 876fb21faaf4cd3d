"""Who comes through Cloudflare Access: looked up at each request, and made an account at the first."""

from __future__ import annotations

import contextlib

from quarterdeck.accounts.identities.cloudflare import CloudflareAccess
from quarterdeck.accounts.identities.joining import Policy, find_or_join, link
from quarterdeck.accounts.identities.person import Person
from quarterdeck.errors import AccessError, SuspendedError
from quarterdeck.store.database import Database, StorageError
from quarterdeck.store.identities import find_identity, touch_identity
from quarterdeck.store.users import UserRow

_ALLOWED = Policy("cloudflare", "anybody")  # whom the settings name; nobody else comes this far


async def admit(database: Database, person: Person) -> UserRow:
    """Raises: `AccessError` for a suspended account."""
    known = await database.read(lambda connection: find_identity(connection, person.issuer, person.subject))
    if known is None:
        return await database.write(lambda connection: find_or_join(connection, person, _ALLOWED))
    if known.user.suspended_at is not None:
        raise SuspendedError
    if known.is_stale:
        with contextlib.suppress(StorageError):  # a full disk locks nobody out
            await database.write(
                lambda connection: touch_identity(connection, person.issuer, person.subject, person.label)
            )
    return known.user


async def link_asserted(database: Database, access: CloudflareAccess, assertion: str, user: str) -> None:
    """Whoever opens their one-time link through Cloudflare Access is known by that from then on.

    Nothing happens where the assertion is not good, or its identity has an account already.
    """
    with contextlib.suppress(AccessError):
        person = (await access.verify(assertion)).person
        await database.write(lambda connection: link(connection, person, user, "cloudflare"))
