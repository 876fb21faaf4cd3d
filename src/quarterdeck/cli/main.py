"""The command line: the table of commands, and how a mistake is told.

A mistake gives one sentence on standard error; status 2 for bad use, 1 for failure.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated

import typer

from quarterdeck import __version__
from quarterdeck.diagnostics import redact
from quarterdeck.errors import QuarterdeckError

COMMANDS = {  # where each is: a file of this folder, and its function
    "serve": "serving:serve_command",
    "chat": "chat.command:chat_command",
    "streamlit": "streamlit.command:streamlit_command",
    "worker": "serving:worker_command",
    "open": "serving:open_command",
    "backup": "database:backup_command",
    "restore": "database:restore_command",
    "copy-database": "database:copy_database_command",
    "migrate": "database:migrate_command",
    "doctor": "doctor:doctor_command",
    "import": "exchange:import_command",
    "export": "exchange:export_command",
    "user add": "users:add_user",
    "user list": "users:list_users",
    "user suspend": "users:suspend_user",
    "user resume": "users:resume_user",
    "user password": "users:set_user_password",
    "user delete": "users:delete_account",
    "memory status": "memory:show_status",
    "memory search": "memory:search_memory",
    "memory list": "memory:list_memory",
    "memory forget": "memory:forget_memory",
    "memory export": "memory:export_memory",
    "memory import": "memory:import_memory",
    "key create": "keys:create_key",
    "key list": "keys:list_keys",
    "key revoke": "keys:revoke_key",
    "key rotate": "keys:rotate_key",
}
_GROUPS = {
    "user": "Accounts of this server.",
    "memory": "What is remembered of people.",
    "key": "API keys for scripts and other clients.",
}


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
        _load("serving:serve_by_default")()


def build(words: list[str]) -> typer.Typer:
    """The commands that begin with the first of `words`, or all of them: most load the server, which takes a second."""
    app = typer.Typer(
        name="quarterdeck",
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(quarterdeck)
    first = next((word for word in words if not word.startswith("-")), "")
    named = {name: place for name, place in COMMANDS.items() if name.split()[0] == first}
    groups: dict[str, typer.Typer] = {}
    for name, place in ({} if words == ["--version"] else named or COMMANDS).items():
        group, _, command = name.rpartition(" ")
        if group and group not in groups:
            groups[group] = typer.Typer(help=_GROUPS[group], rich_markup_mode=None, no_args_is_help=True)
            app.add_typer(groups[group], name=group)
        groups.get(group, app).command(command)(_load(place))
    return app


def _load(place: str) -> Callable[..., None]:
    module, _, function = place.partition(":")
    command: Callable[..., None] = getattr(import_module(f"quarterdeck.cli.{module}"), function)
    return command


def main() -> None:
    """The `quarterdeck` command."""
    try:
        app = build(words := sys.argv[1:])
        if words and words[0] not in ("serve", "worker"):  # a server turns the collector on when it is ready
            gc.freeze()
            gc.enable()
        status = app(prog_name="quarterdeck", standalone_mode=False)
    except typer.TyperException as error:
        _tell_mistake(error)
    except (typer.Abort, KeyboardInterrupt):
        status = 130
    except QuarterdeckError as error:
        _fail(error.message, 1)
    except BrokenPipeError:
        status = 0
    except OSError as error:  # a full disk, a folder of somebody else, no more open files
        if error.errno is None:
            raise
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror}.", 1)
    sys.exit(status if isinstance(status, int) else 0)


def _tell_mistake(error: typer.TyperException) -> None:
    """A command that was not used as it should be; one that was only begun gets its help."""
    said = error.format_message().strip().replace("Value error, ", "")  # how pydantic begins what a validator says
    if said.startswith("Usage:"):
        typer.echo(said)
        sys.exit(2)
    context = getattr(error, "ctx", None)  # public only as far as `TyperException` goes
    hint = f" See `{context.command_path} --help`." if context else ""
    _fail(f"{' '.join(said.split()).rstrip('.')}.{hint}", 2)


def _fail(sentence: str, status: int) -> None:
    typer.echo(f"quarterdeck: {redact(sentence)}", err=True)
    sys.exit(status)
