"""Signing in with a name and a password that the directory takes."""

from __future__ import annotations

from quarterdeck.accounts.identities.joining import Policy, find_or_join
from quarterdeck.accounts.identities.ldap import Ldap
from quarterdeck.accounts.sessions import open_session
from quarterdeck.accounts.tokens import Token
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.users import UserRow

# Its filter says whom the directory is asked for: whoever it knows may come.
_POLICY = Policy("ldap", "anybody")


async def sign_in_by_ldap(
    database: Database, ldap: Ldap, name: str, password: str, *, device: str = "", address: str = ""
) -> tuple[UserRow, Token] | None:
    """None when the directory does not take them. Raises: `SignInRefusedError` (down, or suspended here)."""
    person = await ldap.check(name, password)
    if person is None:
        return None

    def enter(connection: WriteConnection) -> tuple[UserRow, Token]:
        user = find_or_join(connection, person, _POLICY, address=address)
        token = open_session(connection, user, device, via="ldap", address=address)
        insert_audit_entry(
            connection, AuditEntry("session.opened", user.name, user.id, user.name, address, {"via": "ldap"})
        )
        return user, token

    return await database.write(enter)
