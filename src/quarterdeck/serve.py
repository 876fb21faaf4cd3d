"""`quarterdeck serve`: bind, lock, start uvicorn, say that it is ready, and drain at the end."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import sys
import threading
import webbrowser
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from quarterdeck.accounts.sessions import create_open_link
from quarterdeck.app import create_app, lock_data_dir, open_data_dir
from quarterdeck.config import Settings
from quarterdeck.errors import SetupError
from quarterdeck.views.frames import MAX_FRAME_BYTES
from quarterdeck.web.connections import ABORT
from quarterdeck.web.house import House

_GRACEFUL_S = 3
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def serve(settings: Settings, *, opens_browser: bool) -> None:
    """Runs until a signal. Raises: `SetupError` with one sentence when it cannot start."""
    if settings.host not in _LOOPBACK:
        raise SetupError(
            f"Quarterdeck does not listen on {settings.host} before its owner has a password or an identity provider, "
            "which this version cannot set up yet. Use 127.0.0.1, and a tunnel or a proxy that signs people in."
        )
    listener = _bind(settings.host, settings.port)
    lock = lock_data_dir(open_data_dir(settings.data_dir))
    try:
        settings.port = listener.getsockname()[1]
        houses: list[House] = []
        app = create_app(settings, on_ready=houses.append)
        config = uvicorn.Config(
            app,
            loop="uvloop" if sys.platform != "win32" else "asyncio",
            http=_Http,
            ws=_Socket,
            ws_max_size=MAX_FRAME_BYTES + 1024,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACEFUL_S,
            timeout_keep_alive=30,
            backlog=4096,
        )
        server = _Server(config, houses, opens_browser=opens_browser)
        # a refusal is told in one sentence, not by uvicorn with a traceback
        logging.getLogger("uvicorn.error").addFilter(lambda _: not hasattr(app.state, "refusal"))
        with contextlib.suppress(SystemExit):  # how uvicorn says that it could not start
            server.run(sockets=[listener])
        if not server.has_started:
            raise getattr(app.state, "refusal", None) or SetupError("Quarterdeck could not start; the log says why.")
    finally:
        lock.release()


class _Http(HttpToolsProtocol):
    """Lets the application cut a connection whose other end does not read."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: self.transport.abort}  # type: ignore[dict-item]  # ours, beside ASGI's own


class _Socket(WebSocketsSansIOProtocol):
    """The same for sockets."""

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[ABORT] = self.transport.abort
        await super().run_asgi()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, houses: list[House], *, opens_browser: bool) -> None:
        super().__init__(config)
        self._houses = houses
        self._opens_browser = opens_browser
        self.has_started = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        self.has_started = True
        house = self._houses[0]
        secret = await house.database.write(create_open_link)
        link = f"{base_url(house.settings)}/open?link={secret}"
        print(f"Quarterdeck is ready at {link}", flush=True)  # noqa: T201  # promised on standard output
        if self._opens_browser and _has_display():
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Viewers are told to come back before uvicorn closes what is open."""
        for house in self._houses:
            house.is_draining.set()
            await house.connections.tell_to_reconnect()
        await super().shutdown(sockets)


def base_url(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise SetupError(_bind_reason(error, host, port)) from error
    listener.set_inheritable(True)
    return listener


def _bind_reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use. Stop what uses it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved on this machine. Choose one above 1023 with --port."
    return f"Cannot listen on {host}:{port} ({error.strerror})."


def _has_display() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    environment: Any = os.environ
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")) and sys.stdout.isatty()
