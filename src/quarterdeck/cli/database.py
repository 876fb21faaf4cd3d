"""`backup`, `restore`, `copy-database`, `migrate`: the whole of what is remembered, kept, brought back and moved.

What they need is loaded when one of them is used: it is not needed to serve.
"""

from __future__ import annotations

import asyncio
import re
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from quarterdeck.accounts.vault import decode_keys
from quarterdeck.app.data import lock_data_dir, open_data_dir
from quarterdeck.cli.options import DataDir, read_settings
from quarterdeck.cli.progress import show_progress
from quarterdeck.config import Settings
from quarterdeck.diagnostics import register_secret
from quarterdeck.errors import InputError, SetupError
from quarterdeck.postgres_url import PostgresUrl, parse_postgres_url

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Overwrite FILE if it is there.")]
WithSecrets = Annotated[
    bool, typer.Option("--with-secrets", help="Put secret.key into it, which opens the stored provider keys.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Put the backup in the place of a database that is not empty.")
]
Url = Annotated[str, typer.Argument(metavar="URL", help="postgresql://user:password@host/database", show_default=False)]
Check = Annotated[bool, typer.Option("--check", help="Change nothing; status 1 if there is something to do.")]


def backup_command(
    file: File, force: Force = False, with_secrets: WithSecrets = False, data_dir: DataDir = None
) -> None:
    """Write everything that is remembered into one file; the server may be running.

    Example: quarterdeck backup ~/quarterdeck-2026-11-21.backup
    """
    settings = _read(data_dir)
    secret = _read_secret(settings) if with_secrets else None
    place = import_module("quarterdeck.store.transfer_places").place_of(settings.database_url, settings.data_dir)
    write_backup = import_module("quarterdeck.operations.backup").write_backup
    with show_progress() as progress:
        manifest = asyncio.run(write_backup(place, file, overwrites=force, secret=secret, progress=progress))
    typer.echo(f"Written: {file}, {_count(manifest.tables)}, {file.stat().st_size} bytes.")
    if manifest.unreadable_texts:
        typer.echo(
            f"{manifest.unreadable_texts} texts were not valid UTF-8: what could not be read is � in the backup."
        )
    if with_secrets:
        typer.echo("It contains secret.key, which opens your provider keys: keep it as you keep those.")
    else:
        typer.echo("secret.key is not in it: keep a copy of that file elsewhere, or use --with-secrets.")


def restore_command(file: File, replace: Replace = False, data_dir: DataDir = None) -> None:
    """Make a backup the database, SQLite or PostgreSQL; no server may be running.

    Example: quarterdeck restore ~/quarterdeck-2026-11-21.backup
    """
    settings = _read(data_dir)
    with lock_data_dir(open_data_dir(settings.data_dir)), show_progress() as progress:
        restore = import_module("quarterdeck.operations.restore").restore
        restored = asyncio.run(restore(file, settings, replaces=replace, progress=progress))
    manifest, loaded = restored.manifest, restored.loaded
    typer.echo(f"Restored: the backup of {manifest.created_at}, {_count(manifest.tables)}, all compared.")
    if restored.kept:
        typer.echo(f"What was there before is in {restored.kept}.")
    if loaded.mended:
        typer.echo(f"{loaded.mended} rows had a character that PostgreSQL cannot hold (NUL); it is � now.")
    if loaded.sealed_keys and not restored.has_secret:
        typer.echo(
            f"{loaded.sealed_keys} provider keys open only with the secret.key of the installation they come from: "
            "copy it into the data folder, or enter the keys again under Settings."
        )
    if restored.has_secret and settings.secret_key:
        typer.echo("QUARTERDECK_SECRET_KEY is set and counts more than the secret.key that was restored.")


def copy_database_command(url: Url, data_dir: DataDir = None) -> None:
    """Move the SQLite database to an empty PostgreSQL; run again after an interruption, it goes on.

    Example: quarterdeck copy-database postgresql://quarterdeck:secret@db.example.org/quarterdeck
    """
    address = _parse_url(url)
    settings = _read(data_dir)
    source = settings.data_dir / "quarterdeck.sqlite3"
    if not source.exists():
        raise SetupError(f"There is no SQLite database in {settings.data_dir}. Name the folder with --data-dir.")
    with lock_data_dir(settings.data_dir), show_progress() as progress:
        copy_database = import_module("quarterdeck.operations.copy_database").copy_database
        try:
            copied = asyncio.run(copy_database(source, url, settings, progress))
        except SetupError as error:
            raise SetupError(_about_the_url(error), detail=error.detail) from error
    typer.echo(f"Copied to {address.place}: {_count(copied.tables)}, all compared.")
    if copied.resumed:
        typer.echo(f"{copied.resumed} of the rows were there already from an earlier run.")
    if copied.mended or copied.unreadable:
        typer.echo(
            f"{copied.mended} rows with the character NUL and {copied.unreadable} unreadable texts have � there."
        )
    if copied.answers:
        typer.echo(f"{copied.answers} answers that were being written will go on there.")
    typer.echo(
        f"Now set QUARTERDECK_DATABASE_URL={_without_password(url)} and start Quarterdeck. "
        "Keep the data folder: secret.key is in it."
    )


def migrate_command(check: Check = False, data_dir: DataDir = None) -> None:
    """Bring the database to this version; a copy of it is made first.

    Example: quarterdeck migrate --check
    """
    settings = _read(data_dir)
    operations: Any = import_module("quarterdeck.operations.migration")
    if check:
        _tell_revision(asyncio.run(operations.find_revision(settings)), operations.HEAD)
        return
    open_data_dir(settings.data_dir)
    migrated = asyncio.run(operations.migrate_database(settings))
    if migrated.before == migrated.after:
        typer.echo(f"The database is up to date (tables {migrated.after}).")
        return
    typer.echo(f"The database has this version's tables now ({migrated.before or 'none'} → {migrated.after}).")
    if migrated.snapshot:
        typer.echo(f"As it was before, it is in {migrated.snapshot}.")


def _parse_url(url: str) -> PostgresUrl:
    try:
        address = parse_postgres_url(url)
    except SetupError as error:
        raise typer.BadParameter(_about_the_url(error)) from error
    register_secret(address.password)
    return address


def _about_the_url(error: SetupError) -> str:
    """The rooms below know where a URL usually comes from; this one was given on the command line."""
    return error.message.replace("QUARTERDECK_DATABASE_URL", "the URL")


def _tell_revision(found: str | None, head: str) -> None:
    if found == head:
        typer.echo(f"The database is up to date (tables {head}).")
        return
    typer.echo(f"The database has {f'tables {found}' if found else 'no tables'}, this version needs {head}.")
    raise typer.Exit(1)


def _read(data_dir: Path | None) -> Settings:
    settings = read_settings(data_dir=data_dir)
    if settings.database_url:
        register_secret(parse_postgres_url(settings.database_url).password)
    return settings


def _read_secret(settings: Settings) -> bytes:
    if settings.secret_key:
        return b"".join(decode_keys(settings.secret_key))
    try:
        return (settings.data_dir / "secret.key").read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no secret.key in {settings.data_dir}. Leave --with-secrets out.") from None


def _count(tables: dict[str, Any]) -> str:
    conversations, messages = tables["conversations"].rows, tables["messages"].rows
    rows = sum(table.rows for table in tables.values())
    return f"{conversations} conversations, {messages} messages, {rows} rows in all"


def _without_password(url: str) -> str:
    """As it was given, with three dots in the place of the password."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    query = re.sub(r"((?:^|&)(?:ssl)?password=)[^&]*", r"\1…", parts.query)
    return parts._replace(netloc=f"{user}{':…' if colon else ''}{at}{hosts}", query=query).geturl()
