"""The command line. A mistake gives one sentence on standard error; status 2 for bad use, 1 for failure."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from quarterdeck import __version__
from quarterdeck.accounts.sessions import create_api_key, create_open_link
from quarterdeck.app import open_data_dir, open_database
from quarterdeck.config import Settings, load_settings
from quarterdeck.diagnostics import configure_logs, redact
from quarterdeck.errors import QuarterdeckError, SetupError
from quarterdeck.serve import base_url, serve

app = typer.Typer(
    name="quarterdeck",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
key_app = typer.Typer(help="API keys for scripts and other clients.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(key_app, name="key")

Host = Annotated[str | None, typer.Option(help="Address to listen on. Default 127.0.0.1.")]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 takes a free one. Default 8000.", min=0, max=65535)
]
DataDir = Annotated[Path | None, typer.Option(help="Folder for database, log and secrets. Made on first use.")]
Workers = Annotated[int, typer.Option(help="Processes that answer. This version has one.", min=1)]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")]


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
        _serve(_settings(), opens_browser=True)


@app.command("serve")
def serve_command(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    workers: Workers = 1,
    no_browser: NoBrowser = False,
) -> None:
    """Serve the page and the API.

    Example: quarterdeck serve --port 8080 --data-dir ~/quarterdeck --no-browser
    """
    if workers > 1:
        raise SetupError(
            "Several workers on one SQLite file would break what Quarterdeck promises, and it speaks to no other "
            "database yet. Use --workers 1."
        )
    _serve(_settings(host=host, port=port, data_dir=data_dir), opens_browser=not no_browser)


@app.command("open")
def open_command(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Print a new one-time link that signs the owner in; the server may be running.

    Example: quarterdeck open --port 8080
    """
    settings = _settings(host=host, port=port, data_dir=data_dir)
    secret = _write(settings, create_open_link)
    typer.echo(f"{base_url(settings)}/open?link={secret}")


@key_app.command("create")
def create_key(
    user: Annotated[str, typer.Option(help="Whose key it is. Default: the owner.")] = "",
    name: Annotated[str, typer.Option(help="A label, to know it again.")] = "command line",
    data_dir: DataDir = None,
) -> None:
    """Print a new API key. It is shown this once; the server may be running.

    Example: curl -H "Authorization: Bearer $(quarterdeck key create)" http://127.0.0.1:8000/api/me
    """
    settings = _settings(data_dir=data_dir)
    token = _write(settings, lambda connection: create_api_key(connection, user_name=user, label=name))
    typer.echo(str(token))


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


def _settings(**given: Any) -> Settings:
    settings = load_settings(**given)
    configure_logs(settings.log_level, settings.log_format)
    return settings


def _serve(settings: Settings, *, opens_browser: bool) -> None:
    serve(settings, opens_browser=opens_browser)


def _write(settings: Settings, fn: Any) -> Any:
    """One transaction in the data folder's database, beside a running server or without one."""

    async def run() -> Any:
        database = open_database(open_data_dir(settings.data_dir))
        try:
            return await database.write(fn)
        finally:
            await database.close()

    return asyncio.run(run())
