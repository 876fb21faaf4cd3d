"""What is sent by mail, and to whom: to the address that an account or an invitation has, never to one just typed."""

from __future__ import annotations

from quarterdeck.accounts.attempts import count_mail, count_mail_from
from quarterdeck.accounts.mail import Letter, Mailer
from quarterdeck.accounts.own_account import create_password_link
from quarterdeck.config import Settings
from quarterdeck.errors import TooManyAttemptsError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.people import AccountRow, find_account_to_mail
from quarterdeck.store.settings import read_setting

MAILED_LINK_MS = 3600 * 1000


async def ask_for_password_mail(
    database: Database, mailer: Mailer | None, settings: Settings, name_or_email: str, address: str
) -> None:
    """Whether there is such an account, and whether it has an address, cannot be told from here.

    Raises: `TooManyAttemptsError` by the asking address alone.
    """
    await database.write(lambda connection: count_mail_from(connection, address))
    if mailer is None:
        return

    async def write() -> Letter | None:
        return await database.write(lambda connection: _write(connection, settings, name_or_email, address))

    mailer.post(write())


def write_invitation(settings: Settings, server_name: str, to: str, inviter: str, link: str, days: int) -> Letter:
    """`days`: how long the link works, a part of one counts as one."""
    name = server_name or "Quarterdeck"
    text = (
        f"Hello,\n\n{inviter} invites you to {name}, at {settings.public_url}\n\n"
        f"This link works once, for {'a day' if days == 1 else f'{days} days'} at most:\n\n{link}\n\n"
        "If you do not know what this is about, leave it alone: nothing happens.\n"
    )
    return Letter(to, f"You are invited to {name}", text)


def _write(connection: WriteConnection, settings: Settings, name_or_email: str, address: str) -> Letter | None:
    account = find_account_to_mail(connection, name_or_email.strip())
    if account is None or not account.email or account.suspended_at is not None:
        return None
    try:
        count_mail(connection, account.id)
    except TooManyAttemptsError:
        return None
    # anybody can ask, and must not void what an admin or the user has asked for
    secret, _ = create_password_link(connection, account.id, lifetime_ms=MAILED_LINK_MS, voids_others=False)
    insert_audit_entry(connection, AuditEntry("password.link_mailed", account.name, address=address))
    name = read_setting(connection, "server_name") or "Quarterdeck"
    return Letter(account.email, f"A new password for {name}", _text(account, name, settings, secret))


def _text(account: AccountRow, name: str, settings: Settings, secret: str) -> str:
    return (
        f"Hello {account.name},\n\nsomebody, presumably you, has asked for a new password for {name}.\n"
        f"This link lets you choose one, once, within an hour:\n\n"
        f"{settings.public_url}/reset/{secret}\n\n"
        "If it was not you, leave it alone: your password stays as it is.\n"
    )
