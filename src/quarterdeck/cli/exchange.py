"""`import` and `export`: conversations in and out, from the machine that the server runs on."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from quarterdeck.cli.options import DataDir, read_settings, run_on_database
from quarterdeck.cli.progress import show_progress
from quarterdeck.errors import InputError, QuarterdeckError
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.people import AccountRow, find_account_by_name
from quarterdeck.store.users import ensure_owner

_SHOWN_NOTES = 20


class Kind(StrEnum):
    jsonl = "jsonl"
    markdown = "markdown"
    html = "html"
    account = "account"


Format = Annotated[Kind, typer.Option("--format", help="What is written; of several pages it is a zip.")]

ImportFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The export, as it was downloaded.", show_default=False)
]
ExportFile = Annotated[Path, typer.Argument(metavar="FILE", help="What to write.", show_default=False)]
OneConversation = Annotated[str, typer.Option("--conversation", help="Only this one, by its id.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite FILE if it is there.")]
UserName = Annotated[str, typer.Option("--user", help="Whose account, by its name. Default: the owner's.")]


def import_command(file: ImportFile, user: UserName = "", data_dir: DataDir = None) -> None:
    """Take over conversations from ChatGPT, Claude, Open WebUI, LibreChat, Markdown or Quarterdeck; the server may run.

    What is here already is not imported twice: after an interruption, run it again.

    Example: quarterdeck import ~/Downloads/chatgpt-export.zip --user ann
    """
    settings = read_settings(data_dir=data_dir)
    if file.is_dir():
        raise InputError(f"{file} is a folder. Name the export's file.")
    if not file.is_file():
        raise InputError(f"There is no file {file}.")

    async def work(database: Database) -> Any:
        account = await database.write(lambda connection: _account(connection, user))
        with show_progress() as progress:
            return await import_module("quarterdeck.exchange.by_command").import_file(
                database, account.id, file, lambda row: progress("Importing", row.done_bytes, row.total_bytes)
            )

    row, notes = run_on_database(settings, work)
    _tell(row, notes)
    if row.status != "complete":
        raise QuarterdeckError(row.error or "The import was stopped. Run it again to go on.")


def export_command(
    file: ExportFile,
    user: UserName = "",
    conversation: OneConversation = "",
    format: Format = Kind.jsonl,
    force: Force = False,
    data_dir: DataDir = None,
) -> None:
    """Write conversations into a file: JSON Lines that import again, Markdown, HTML, or the account as a zip.

    Example: quarterdeck export ~/conversations.jsonl --user ann
    """
    settings = read_settings(data_dir=data_dir)
    wanted: Any = import_module("quarterdeck.exchange.by_command").WantedExport(file, format.value, conversation, force)

    async def work(database: Database) -> Any:
        account = await database.write(lambda connection: _account(connection, user))
        with show_progress() as progress:
            write = import_module("quarterdeck.exchange.by_command").export_file
            return await write(database, account.id, wanted, lambda done: progress("Bytes written", done, 0))

    written = run_on_database(settings, work)
    typer.echo(f"Written: {file}, {written.bytes} bytes.")
    if count := written.unfinished:
        left_out = "1 answer is" if count == 1 else f"{count} answers are"
        typer.echo(f"{left_out} still being written, and not in it. Export again when nothing is being written.")


def _tell(row: Any, notes: list[Any]) -> None:
    counts = row.counts
    typer.echo(
        f"Imported: {counts.conversations} conversations, {counts.messages} messages. Known already: "
        f"{counts.known_conversations} conversations, {counts.known_messages} messages."
    )
    if counts.skipped or counts.changed:
        typer.echo(f"Not taken over: {counts.skipped}; taken over changed: {counts.changed}.")
    for note in notes[:_SHOWN_NOTES]:
        typer.echo(f"  {note.item}: {note.reason}")
    if len(notes) > _SHOWN_NOTES:
        typer.echo("  … and more: the whole report is in the page, under Settings, Data.")


def _account(connection: WriteConnection, name: str) -> AccountRow:
    """Raises: `InputError`."""
    owner = ensure_owner(connection)
    found = find_account_by_name(connection, name or owner.name)
    if found is None:
        raise InputError(f"There is no user named {name!r}. `quarterdeck user list` shows them.")
    return found
