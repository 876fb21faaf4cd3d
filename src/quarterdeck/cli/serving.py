"""`serve`, `worker` and `open`: the processes, and the link that signs the owner in."""

from __future__ import annotations

from typing import Annotated

import typer

from quarterdeck.accounts.sessions import create_open_link
from quarterdeck.cli.links import link_base
from quarterdeck.cli.options import DataDir, Host, Port, read_settings, write_once
from quarterdeck.serve import serve
from quarterdeck.worker import work

Workers = Annotated[
    int,
    typer.Option(
        help="Processes that answer (PostgreSQL); 0 leaves the turns to `quarterdeck worker`.", min=0, max=256
    ),
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")]
HealthPort = Annotated[
    int | None,
    typer.Option(help="Answer /healthz, /readyz and /metrics on this port of QUARTERDECK_HOST.", min=0, max=65535),
]


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
    serve(read_settings(host=host, port=port, data_dir=data_dir), opens_browser=not no_browser, workers=workers)


def worker_command(data_dir: DataDir = None, health_port: HealthPort = None) -> None:
    """Run turns and scheduled work for servers elsewhere. Needs PostgreSQL and Redis.

    Example: quarterdeck worker --health-port 9000
    """
    work(read_settings(data_dir=data_dir), health_port=health_port)


def open_command(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Print a new one-time link that signs the owner in; the server may be running.

    It begins with QUARTERDECK_PUBLIC_URL where that is set, else with the address of the server that runs on the data
    folder, else with the one that a server would have.

    Example: quarterdeck open --data-dir ~/quarterdeck
    """
    settings = read_settings(host=host, port=port, data_dir=data_dir)
    secret = write_once(settings, create_open_link)
    is_told = host is not None or port is not None
    typer.echo(f"{link_base(settings, is_told=is_told)}/open?link={secret}")
