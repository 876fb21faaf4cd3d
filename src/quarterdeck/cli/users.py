"""`user …`: accounts, from the machine that the server runs on. Whoever may run these outranks everybody."""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from quarterdeck.accounts.admin import (
    Actor,
    NewPerson,
    PersonChange,
    begin_removal,
    change_person,
    create_person,
    make_password_link,
    note_removal,
)
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.names import check_name
from quarterdeck.accounts.own_account import set_password
from quarterdeck.accounts.passwords import Passwords, check_password
from quarterdeck.cli.links import link_base
from quarterdeck.cli.options import DataDir, read_settings, run_on_database, write_once
from quarterdeck.config import Settings
from quarterdeck.errors import InputError
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.directory import PersonRow, list_people
from quarterdeck.store.owned import delete_some_conversations, delete_user
from quarterdeck.store.people import AccountRow, find_account_by_name
from quarterdeck.store.users import ensure_owner

T = TypeVar("T")

_PAGE = 200
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, its first line.")
]
UserName = Annotated[str, typer.Argument(help="Whose account, by its name.")]


class GivenRole(StrEnum):
    member = "member"
    admin = "admin"


def add_user(
    name: Annotated[str, typer.Argument(help="What they are called here.")],
    role: Annotated[GivenRole, typer.Option(help="What they may do.")] = GivenRole.member,
    email: Annotated[str, typer.Option(help="Where mail to them goes.")] = "",
    password_stdin: FromInput = False,
    data_dir: DataDir = None,
) -> None:
    """Make an account. Without --password-stdin a link is printed, by which they choose a password themselves.

    Example: quarterdeck user add ann --role admin
    """
    settings = read_settings(data_dir=data_dir)
    called = check_name(name)
    password_hash = _hash(_read_password(called, email)) if password_stdin else None
    wanted = NewPerson(called, role.value, email, password_hash)

    def add(connection: WriteConnection) -> str:
        actor = _command_line(connection)
        person = create_person(connection, actor, wanted)
        return "" if password_hash else make_password_link(connection, actor, person.id)[0]

    secret = write_once(settings, add)
    typer.echo(_password_link(settings, secret) if secret else f"{called} can sign in now.")


def list_users(data_dir: DataDir = None) -> None:
    """List the accounts there are: name, role, state, how they sign in, address.

    Example: quarterdeck user list
    """
    for row in write_once(read_settings(data_dir=data_dir), _all_people):
        ways = [*(["password"] if row.has_password else []), *row.identities] or ["-"]
        state = "active" if row.suspended_at is None else "suspended"
        typer.echo("\t".join((row.name, row.role, state, ",".join(ways), row.email or "-")))


def suspend_user(name: UserName, data_dir: DataDir = None) -> None:
    """Suspend an account: it opens nothing any more, and what it has open ends within seconds.

    Example: quarterdeck user suspend ann
    """
    _change(name, PersonChange(is_suspended=True), read_settings(data_dir=data_dir))
    typer.echo(f"{name} is suspended.")


def resume_user(name: UserName, data_dir: DataDir = None) -> None:
    """Let a suspended account in again.

    Example: quarterdeck user resume ann
    """
    _change(name, PersonChange(is_suspended=False), read_settings(data_dir=data_dir))
    typer.echo(f"{name} may sign in again.")


def set_user_password(name: UserName, password_stdin: FromInput = False, data_dir: DataDir = None) -> None:
    """Set somebody's password, the owner's too. It is asked for, and whatever they have open is signed out.

    Example: quarterdeck user password owner
    """
    settings = read_settings(data_dir=data_dir)

    async def work(database: Database) -> None:
        account = await database.write(lambda connection: _account(connection, name))
        password = _read_password(account.name, account.email, is_piped=password_stdin)
        passwords = Passwords()
        try:
            hashed = await passwords.hash(password)
        finally:
            passwords.close()
        await database.write(lambda connection: set_password(connection, account, hashed))

    run_on_database(settings, work)
    typer.echo(f"The password of {name} is set.")


def delete_account(
    name: UserName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete an account with everything it owns. This cannot be undone.

    Example: quarterdeck user delete ann
    """
    settings = read_settings(data_dir=data_dir)
    account = write_once(settings, lambda connection: _account(connection, name))
    if not yes and not typer.confirm(f"Delete {account.name} and everything they have written?"):
        raise typer.Abort

    async def work(database: Database) -> None:
        def begin(connection: WriteConnection) -> PersonRow:
            actor = _command_line(connection)
            return begin_removal(connection, actor, account.id, account.name)

        def end(connection: WriteConnection, person: PersonRow) -> None:
            delete_user(connection, person.id)
            note_removal(connection, _command_line(connection), person)

        person = await database.write(begin)
        while await database.write(lambda connection: delete_some_conversations(connection, person.id)):
            continue
        await database.write(lambda connection: end(connection, person))

    run_on_database(settings, work)
    typer.echo(f"{account.name} is deleted.")


def _change(name: str, wanted: PersonChange, settings: Settings) -> None:
    def change(connection: WriteConnection) -> None:
        actor = _command_line(connection)
        change_person(connection, actor, _account(connection, name).id, wanted)

    write_once(settings, change)


def _command_line(connection: WriteConnection) -> Actor:
    """It acts with the owner's rights, and the audit log says that it was here."""
    owner = ensure_owner(connection)
    return Actor(Principal(owner.id, "command line", "owner", "session", "command line"))


def _account(connection: WriteConnection, name: str) -> AccountRow:
    """Raises: `InputError`."""
    ensure_owner(connection)
    found = find_account_by_name(connection, name)
    if found is None:
        raise InputError(f"There is no user named {name!r}. `quarterdeck user list` shows them.")
    return found


def _all_people(connection: AnyConnection) -> list[PersonRow]:
    """The oldest first."""
    found: list[PersonRow] = []
    while some := list_people(connection, before=found[-1].id if found else "", limit=_PAGE):
        found += some
    return found[::-1]


def _read_password(*names: str, is_piped: bool = True) -> str:
    """From standard input, or asked for twice. Never an argument: others on this machine could read it."""
    if is_piped or not sys.stdin.isatty():
        return check_password(sys.stdin.readline().rstrip("\r\n"), *names)
    return check_password(str(typer.prompt("Password", hide_input=True, confirmation_prompt=True)), *names)


def _hash(password: str) -> str:
    async def work() -> str:
        passwords = Passwords()
        try:
            return await passwords.hash(password)
        finally:
            passwords.close()

    return asyncio.run(work())


def _password_link(settings: Settings, secret: str) -> str:
    return f"{link_base(settings)}/reset/{secret}"
