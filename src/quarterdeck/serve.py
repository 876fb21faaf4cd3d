"""`quarterdeck serve`: bind, lock, start uvicorn (or the supervisor of several), say that it is ready, drain."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn

from quarterdeck.accounts.sessions import create_open_link
from quarterdeck.accounts.ways_in import has_way_in
from quarterdeck.address_file import remove_address, write_address
from quarterdeck.app.data import lock_data_dir, open_data_dir, open_database
from quarterdeck.app.identity import Identity, make_worker_name
from quarterdeck.app.serving import create_app
from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import SetupError
from quarterdeck.open_files import FEW, raise_limit
from quarterdeck.supervise import Inheritance, Supervisor, end_with, read_inheritance, say_ready
from quarterdeck.views.frames import MAX_FRAME_BYTES
from quarterdeck.web.hosts import LOOPBACK
from quarterdeck.web.house import House, Role
from quarterdeck.web.wire import NEW_S, Http, Socket

LIFE = "QUARTERDECK_LIFE"  # in the environment of a server that ends with who started it: its end of a pipe
_GRACEFUL_S = 3
HARD_STOP_S = 9.0
_LOOK_S = 0.02

logger = get_logger("quarterdeck")


def serve(settings: Settings, *, opens_browser: bool, workers: int = 1) -> None:
    """Runs until a signal; `workers` processes, 0 for the web alone.

    Raises: `SetupError` with one sentence when it cannot start.
    """
    take_files()
    if (inherited := read_inheritance()) is not None:
        _serve_as_child(settings, inherited)
        return
    if life := os.environ.pop(LIFE, ""):
        end_with(int(life))
    check_deployment(settings, workers)
    listener = bind(settings.host, settings.port)
    settings.port = listener.getsockname()[1]
    open_data_dir(settings.data_dir)
    if workers > 1:
        _check_way_in(settings)
        try:
            Supervisor(settings, listener, workers).run(lambda link: _tell(settings, link, opens_browser))
        finally:
            remove_address(settings.data_dir)
        return
    role: Role = "all" if workers else "web"
    lock = None if settings.database_url else lock_data_dir(settings.data_dir)
    try:
        _check_way_in(settings)
        _run(
            settings,
            listener,
            role,
            Identity(make_worker_name()),
            lambda link: _tell(settings, link, opens_browser),
        )
    finally:
        remove_address(settings.data_dir)
        if lock is not None:
            lock.release()


def take_files() -> None:
    """As many open files as may be; when they are used up, who connects would be turned away without a word."""
    if (count := raise_limit()) < FEW:
        logger.warning(
            "few_open_files", limit=count, advice="Raise the limit: `ulimit -n`, or LimitNOFILE of the unit."
        )


def signals_to_leave() -> Iterator[int]:
    """A terminal that is closed says SIGHUP, unless `nohup` has seen to it that nobody hears it."""
    yield from (signal.SIGTERM, signal.SIGINT)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


def check_deployment(settings: Settings, workers: int) -> None:
    """Refuse what could not keep its promises. Raises: `SetupError` that says which setting is missing."""
    if workers == 1:
        return
    if not settings.database_url:
        raise SetupError(
            "Several processes on one SQLite file would break what Quarterdeck promises. "
            "Set QUARTERDECK_DATABASE_URL to a PostgreSQL address, or use --workers 1."
        )
    if workers == 0 and not settings.redis_url:
        raise SetupError(
            "With --workers 0 the turns are run by `quarterdeck worker`, which needs Redis: set QUARTERDECK_REDIS_URL."
        )


def _check_way_in(settings: Settings) -> None:
    """Beyond this machine it serves only who can sign in. Raises: `SetupError` before anybody can."""
    if settings.host in LOOPBACK:
        return

    async def look() -> bool:
        database = await open_database(settings)
        try:
            return await database.read(lambda connection: has_way_in(connection, settings))
        finally:
            await database.close()

    if not asyncio.run(look()):
        raise SetupError(
            f"Quarterdeck does not listen on {settings.host} before its owner has a password or an identity provider "
            "is set up. Set one with `quarterdeck user password owner`."
        )


def _serve_as_child(settings: Settings, inherited: Inheritance) -> None:
    end_with(inherited.life)
    listener = socket.socket(fileno=inherited.listener)
    _run(settings, listener, "all", inherited.identity, lambda link: say_ready(inherited, link))


def _run(
    settings: Settings, listener: socket.socket, role: Role, identity: Identity, on_ready: Callable[[str], None]
) -> None:
    houses: list[House] = []
    app = create_app(settings, houses.append, role, identity)
    config = uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=Http,
        ws=Socket,
        ws_max_size=MAX_FRAME_BYTES + 1024,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies.replace(",", " ").split(),
        server_header=False,
        timeout_graceful_shutdown=_GRACEFUL_S,
        timeout_keep_alive=30,
        backlog=4096,
    )
    server = _Server(config, houses, on_ready)
    # a refusal is told in one sentence, not by uvicorn with a traceback
    logging.getLogger("uvicorn.error").addFilter(lambda _: not hasattr(app.state, "refusal"))
    with contextlib.suppress(SystemExit):  # how uvicorn says that it could not start
        server.run(sockets=[listener])
    if not server.has_started and not server.should_exit:
        raise getattr(app.state, "refusal", None) or SetupError("Quarterdeck could not start; the log says why.")


def _tell(settings: Settings, link: str, opens_browser: bool) -> None:
    write_address(settings.data_dir, base_url(settings))
    print(f"Quarterdeck is ready at {link}", flush=True)  # noqa: T201  # promised on standard output
    if opens_browser and _has_display():
        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()


def stop_hard_after(timeout_s: float) -> None:
    """Whatever hangs: who asked this process to end has to see it end."""
    timer = threading.Timer(timeout_s, os._exit, (1,))
    timer.daemon = True
    timer.start()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, houses: list[House], on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._houses = houses
        self._on_ready = on_ready
        self.has_started = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        self.has_started = True
        house = self._houses[0]
        secret = await house.database.write(create_open_link)
        self._on_ready(f"{base_url(house.settings)}/open?link={secret}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal is not raised again when all is written: whoever drains ends with 0."""
        before = {number: signal.signal(number, self.handle_exit) for number in signals_to_leave()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            stop_hard_after(HARD_STOP_S)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Nobody new comes in here, but who has just come is answered as ever: another process may listen on the same
        address, so that to them nothing stops. Viewers are told to come back, before uvicorn closes what is open."""
        for server in self.servers:
            server.close()
        await self._answer_newcomers()
        for house in self._houses:
            house.is_draining.set()
            await house.connections.tell_to_reconnect()
        await super().shutdown(sockets)

    async def _answer_newcomers(self) -> None:
        """Those who were let in and have not been answered: uvicorn would close on them without a word."""
        deadline_s = time.monotonic() + NEW_S
        is_waiting = True
        while is_waiting and time.monotonic() < deadline_s:
            await asyncio.sleep(_LOOK_S)  # first of all: one that was accepted is made known a moment later
            is_waiting = any(isinstance(one, Http) and one.is_new for one in self.server_state.connections)


def base_url(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def bind(host: str, port: int, option: str = "--port") -> socket.socket:
    """Raises: `SetupError` that names the option to choose another port with."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except UnicodeError as error:
        raise SetupError(f"Cannot listen on {host}: this is no name of a host.") from error
    except OSError as error:
        raise SetupError(_bind_reason(error, host, port, option)) from error
    listener.set_inheritable(True)
    return listener


def _bind_reason(error: OSError, host: str, port: int, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use. Stop what uses it, or choose another with {option}."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved on this machine. Choose one above 1023 with {option}."
    return f"Cannot listen on {host}:{port} ({error.strerror})."


def _has_display() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    environment: Any = os.environ
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")) and sys.stdout.isatty()
