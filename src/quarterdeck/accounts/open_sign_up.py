"""Making an account without an invitation, where the admins of a server want that."""

from __future__ import annotations

from quarterdeck.accounts.invitations import Arrival
from quarterdeck.accounts.names import check_email, check_name
from quarterdeck.accounts.passwords import Passwords, check_password
from quarterdeck.accounts.server_settings import read_server_settings
from quarterdeck.accounts.sign_in import SignedIn, Visitor, enter_by
from quarterdeck.config import Settings
from quarterdeck.errors import ForbiddenError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.people import insert_account


async def sign_up_openly(
    database: Database, settings: Settings, passwords: Passwords, arrival: Arrival, visitor: Visitor
) -> SignedIn:
    """A new member, signed in. Raises: `ForbiddenError`, `InputError`, `ConflictError` for a name that is taken."""

    def check_open(connection: AnyConnection) -> None:
        if not read_server_settings(connection, settings).sign_up:
            raise ForbiddenError("This server takes nobody without an invitation. Ask its owner for one.")

    await database.read(check_open)
    name, email = check_name(arrival.name), check_email(arrival.email)
    password_hash = await passwords.hash(check_password(arrival.password, name))

    def join(connection: WriteConnection) -> SignedIn:
        check_open(connection)
        user = insert_account(connection, name=name, role="member", email=email, password_hash=password_hash)
        entry = AuditEntry("user.joined", name, user.id, name, visitor.address, {"user": user.id, "invited": False})
        insert_audit_entry(connection, entry)
        return enter_by(connection, user, visitor, via="password")

    return await database.write(join)
