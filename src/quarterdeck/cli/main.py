"""The command line: the table of commands, and how a mistake is told.

A mistake gives one sentence on standard error; status 2 for bad use, 1 for failure.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from quarterdeck import __version__
from quarterdeck.cli import database, doctor, exchange, keys, serving, users
from quarterdeck.diagnostics import redact
from quarterdeck.errors import QuarterdeckError

app = typer.Typer(
    name="quarterdeck",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
key_app = typer.Typer(help="API keys for scripts and other clients.", rich_markup_mode=None, no_args_is_help=True)

user_app = typer.Typer(help="Accounts of this server.", rich_markup_mode=None, no_args_is_help=True)


@app.callback(invoke_without_command=True)
def quarterdeck(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """A self-hosted AI chat server that keeps the log.

    Without a command it serves and opens the browser. Example: quarterdeck serve --port 8080
    """
    if version:
        typer.echo(f"quarterdeck {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        serving.serve_by_default()


app.command("serve")(serving.serve_command)
app.command("worker")(serving.worker_command)
app.command("open")(serving.open_command)
app.command("backup")(database.backup_command)
app.command("restore")(database.restore_command)
app.command("copy-database")(database.copy_database_command)
app.command("migrate")(database.migrate_command)
app.command("doctor")(doctor.doctor_command)
app.command("import")(exchange.import_command)
app.command("export")(exchange.export_command)
app.add_typer(user_app, name="user")
user_app.command("add")(users.add_user)
user_app.command("list")(users.list_users)
user_app.command("suspend")(users.suspend_user)
user_app.command("resume")(users.resume_user)
user_app.command("password")(users.set_user_password)
user_app.command("delete")(users.delete_account)
app.add_typer(key_app, name="key")
key_app.command("create")(keys.create_key)
key_app.command("list")(keys.list_keys)
key_app.command("revoke")(keys.revoke_key)
key_app.command("rotate")(keys.rotate_key)


def main() -> None:
    """The `quarterdeck` command."""
    try:
        status = app(prog_name="quarterdeck", standalone_mode=False)
    except typer.TyperException as error:
        _tell_mistake(error)
    except (typer.Abort, KeyboardInterrupt):
        status = 130
    except QuarterdeckError as error:
        _fail(error.message, 1)
    except BrokenPipeError:
        status = 0
    sys.exit(status if isinstance(status, int) else 0)


def _tell_mistake(error: typer.TyperException) -> None:
    """A command that was not used as it should be; one that was only begun gets its help."""
    said = error.format_message().strip()
    if said.startswith("Usage:"):
        typer.echo(said)
        sys.exit(2)
    context = getattr(error, "ctx", None)  # public only as far as `TyperException` goes
    hint = f" See `{context.command_path} --help`." if context else ""
    _fail(f"{' '.join(said.split()).rstrip('.')}.{hint}", 2)


def _fail(sentence: str, status: int) -> None:
    typer.echo(f"quarterdeck: {redact(sentence)}", err=True)
    sys.exit(status)
