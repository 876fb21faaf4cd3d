"""What somebody has linked: shown to them, and taken away, but never their last way in."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from quarterdeck.accounts.identities.providers import Provider
from quarterdeck.errors import ConflictError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.identities import IdentityRow, delete_identity, has_password, list_identities, name_of_user
from quarterdeck.store.locks import lock_belongings

_HINT_CHARS = 4


class Linked(Struct, frozen=True):
    """`provider` is its name, or the issuer's host where that provider is set up no longer."""

    provider: str
    issuer: str
    subject: str
    label: str
    created_at: int
    seen_at: int

    @property
    def subject_hint(self) -> str:
        return f"…{self.subject[-_HINT_CHARS:]}"


def list_linked(connection: AnyConnection, user: str, providers: list[Provider]) -> list[Linked]:
    return [
        Linked(provider_of(row, providers), row.issuer, row.subject, row.label, row.created_at, row.seen_at)
        for row in list_identities(connection, user)
    ]


def unlink(connection: WriteConnection, user: str, provider: str, providers: list[Provider]) -> None:
    """All identities of that provider. Raises: `NotFoundError`, `ConflictError` for the last way in."""
    lock_belongings(connection, user)
    linked = list_linked(connection, user, providers)
    going = [item for item in linked if item.provider == provider]
    if not going:
        raise NotFoundError("You do not sign in that way.")
    if len(going) == len(linked) and not has_password(connection, user):
        raise ConflictError("This is your only way in. Set a password or link another one first.")
    for item in going:
        delete_identity(connection, user, item.issuer, item.subject)
    name = name_of_user(connection, user)
    insert_audit_entry(connection, AuditEntry("identity.removed", name, user, name, detail={"provider": provider}))


def provider_of(row: IdentityRow, providers: list[Provider]) -> str:
    for provider in providers:
        if row.issuer.rstrip("/") == provider.issuer or _is_directory_of(row.issuer, provider):
            return provider.name
    host = urlsplit(row.issuer).hostname or "elsewhere"
    return "cloudflare" if host.endswith(".cloudflareaccess.com") else host


def _is_directory_of(issuer: str, provider: Provider) -> bool:
    return provider.kind == "microsoft" and urlsplit(issuer).netloc == urlsplit(provider.issuer).netloc
