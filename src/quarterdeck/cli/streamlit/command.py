"""`quarterdeck streamlit`: a small page on a server's API, for who likes to build upon Streamlit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess  # nosec B404  # of Streamlit, as it is meant to be run
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from quarterdeck.cli.chat.command import DataDir, Key, Url, explain
from quarterdeck.cli.chat.place import open_place
from quarterdeck.client import Client, ClientError
from quarterdeck.client.calls import make_key, revoke_key
from quarterdeck.errors import SetupError
from quarterdeck.late import install_command

_PAGE = Path(__file__).with_name("page.py")


def streamlit_command(
    url: Url = "",
    key: Key = "",
    port: Annotated[int, typer.Option(help="Port of the page, on 127.0.0.1.", min=1, max=65535)] = 8501,
    data_dir: DataDir = None,
) -> None:
    """Serve a Streamlit page that chats with a server. Needs the extra `streamlit`.

    Example: quarterdeck streamlit --url https://chat.example.org --port 8501
    """
    if not _is_installed():
        raise SetupError(f"Streamlit is not installed: run `{install_command('streamlit')}`.")
    key = key or os.environ.get("QUARTERDECK_KEY", "")
    try:
        with open_place(url, key, data_dir) as place, _key_for(place.client, key) as of_page:
            place.client.me()
            _run(str(place.client.http.base_url), of_page, port)
    except ClientError as error:
        raise SetupError(explain(error, key)) from error


@contextlib.contextmanager
def _key_for(client: Client, key: str) -> Iterator[str]:
    """The one that was given, or one that ends with the page."""
    if key:
        yield key
        return
    made = client.call(make_key("Streamlit page", ["chat", "read"]))
    try:
        yield made.secret
    finally:
        with contextlib.suppress(ClientError):
            client.call(revoke_key(made.id))


def _run(url: str, key: str, port: int) -> None:
    """Until it is stopped. It listens on this machine only: whoever reaches the page speaks with our key."""
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    environment = os.environ | {"QUARTERDECK_URL": url, "QUARTERDECK_KEY": key}
    command = [sys.executable, "-m", "streamlit", "run", str(_PAGE), *words]
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what is open here is closed
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603  # nosec B603  # with words of ours
        try:
            status = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            status = 0
        finally:
            signal.signal(signal.SIGTERM, before)
    if status > 0:
        raise SetupError(f"Streamlit ended with status {status}; it says why above.")


def _is_installed() -> bool:
    try:
        return find_spec("streamlit") is not None
    except ValueError:  # how it says that importing it is forbidden
        return False
