"""`key create`: API keys for scripts and other clients."""

from __future__ import annotations

from typing import Annotated

import typer

from quarterdeck.accounts.sessions import create_api_key
from quarterdeck.cli.options import DataDir, read_settings, write_once


def create_key(
    user: Annotated[str, typer.Option(help="Whose key it is. Default: the owner.")] = "",
    name: Annotated[str, typer.Option(help="A label, to know it again.")] = "command line",
    data_dir: DataDir = None,
) -> None:
    """Print a new API key. It is shown this once; the server may be running.

    Example: curl -H "Authorization: Bearer $(quarterdeck key create)" http://127.0.0.1:8000/api/me
    """
    settings = read_settings(data_dir=data_dir)
    token = write_once(settings, lambda connection: create_api_key(connection, user_name=user, label=name))
    typer.echo(str(token))
