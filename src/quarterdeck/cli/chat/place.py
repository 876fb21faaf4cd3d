"""Where the chat takes place: a server elsewhere, the one that runs on the data folder, or one of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess  # nosec B404  # of this very program
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO

from msgspec import Struct

from quarterdeck.address_file import reachable
from quarterdeck.client import Client, ClientError
from quarterdeck.errors import SetupError

_START_S = 60.0
_STOP_S = 12.0
_LOOK_S = 0.1
_READY = b"Quarterdeck is ready at "


class Place(Struct, frozen=True):
    """`data_dir`: where the terminal keeps what it remembers; None for a server elsewhere."""

    client: Client
    data_dir: Path | None


@contextlib.contextmanager
def open_place(url: str, key: str, data_dir: Path | None) -> Iterator[Place]:
    """Raises: `SetupError`, `ClientError`."""
    if url:
        with Client(url, key=key) as client:
            yield Place(client, None)
        return
    config = import_module("quarterdeck.config")  # who chats with a server elsewhere has no settings here
    settings = config.load_settings(data_dir=data_dir)
    links = import_module("quarterdeck.cli.links")
    address = reachable(links.find_running(settings.data_dir))
    with contextlib.ExitStack() as stack:
        link = ""
        if not address:
            address, link = stack.enter_context(_run_server(settings.data_dir))
        client = stack.enter_context(Client(address, key=key))
        if not key:
            stack.enter_context(_signed_in(client, link or _make_link(settings)))
        yield Place(client, settings.data_dir)


def _make_link(settings: object) -> str:
    """Whoever may write the data folder may sign in: the same link that `quarterdeck open` prints."""
    options = import_module("quarterdeck.cli.options")  # the database, too: a second that a server elsewhere spares
    secret = options.write_once(settings, import_module("quarterdeck.accounts.sessions").create_open_link)
    return f"/open?link={secret}"


@contextlib.contextmanager
def _signed_in(client: Client, link: str) -> Iterator[None]:
    client.open_link(link)
    try:
        yield
    finally:
        with contextlib.suppress(ClientError):
            client.patience_s = 0.0
            client.sign_out()


@contextlib.contextmanager
def _run_server(data_dir: Path) -> Iterator[tuple[str, str]]:
    """A server on a free port, for as long as this lasts; its address and a link that signs in."""
    life, held = os.pipe()
    with tempfile.TemporaryFile() as said, os.fdopen(held, "wb"):
        process = subprocess.Popen(  # noqa: S603  # nosec B603  # this very program
            [sys.executable, "-m", "quarterdeck", "serve", "--no-browser", "--port", "0", "--data-dir", str(data_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            pass_fds=[life],
            start_new_session=True,  # Ctrl-C is for the answer
            env=os.environ | {"QUARTERDECK_LIFE": str(life), "QUARTERDECK_HOST": "127.0.0.1"},
        )
        os.close(life)
        try:
            link = _wait_ready(process, said)
            address, _, rest = link.partition("/open?")
            yield address, f"/open?{rest}"
        finally:
            _end(process)


def _wait_ready(process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
    """Raises: `SetupError` with what the server said."""
    stdout = process.stdout
    line = stdout.readline() if stdout is not None else b""  # it ends when the process does
    if line.startswith(_READY):
        return line[len(_READY) :].decode().strip()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_S)
    said.seek(0)
    lines = [words for words in said.read().decode(errors="replace").splitlines() if words.startswith("quarterdeck: ")]
    raise SetupError(lines[-1].removeprefix("quarterdeck: ") if lines else "The server for this chat did not start.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    ends_at = time.monotonic() + _STOP_S
    while process.poll() is None and time.monotonic() < ends_at:
        time.sleep(_LOOK_S)
    if process.poll() is None:
        process.kill()
