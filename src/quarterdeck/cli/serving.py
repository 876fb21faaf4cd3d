"""`serve` and `open`: the server, and the link that signs its owner in."""

from __future__ import annotations

from typing import Annotated

import typer

from quarterdeck.accounts.sessions import create_open_link
from quarterdeck.cli.options import DataDir, Host, Port, read_settings, write_once
from quarterdeck.errors import SetupError
from quarterdeck.serve import base_url, serve

Workers = Annotated[int, typer.Option(help="Processes that answer. This version has one.", min=1)]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")]


def serve_by_default() -> None:
    """`quarterdeck` without a command."""
    serve(read_settings(), opens_browser=True)


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
    serve(read_settings(host=host, port=port, data_dir=data_dir), opens_browser=not no_browser)


def open_command(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Print a new one-time link that signs the owner in; the server may be running.

    Example: quarterdeck open --port 8080
    """
    settings = read_settings(host=host, port=port, data_dir=data_dir)
    secret = write_once(settings, create_open_link)
    typer.echo(f"{base_url(settings)}/open?link={secret}")
