"""What this machine gives: Python, the data folder, the page, the port."""

from __future__ import annotations

import contextlib
import errno
import http.client
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import quarterdeck
from quarterdeck.address_file import reachable, read_address
from quarterdeck.config import Settings
from quarterdeck.open_files import FEW, raise_limit
from quarterdeck.operations.findings import Finding, fail, ok, size_text, warn

_LITTLE_SPACE = 1_000_000_000
_NO_SPACE = 100_000_000
_ANSWER_S = 2.0


def check_version(_settings: Settings) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    says = f"Quarterdeck {quarterdeck.__version__} on Python {python}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield ok("version", says)
    else:
        yield warn("version", says, "Use Python 3.11, 3.12 or 3.13: others are not tested.")


def check_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        yield ok("data folder", f"{folder} is not there yet; the first start makes it")
        return
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        yield fail("data folder", f"{folder} cannot be written ({reason})", "Mend its owner and modes, or --data-dir.")
        return
    yield from _check_modes(folder)
    yield _check_space(folder)


def _check_modes(folder: Path) -> Iterator[Finding]:
    private = [folder, *(file for name in ("*.sqlite3*", "secret.key*", "*.backup") for file in folder.glob(name))]
    exposed = [file for file in private if stat.S_IMODE(file.stat().st_mode) & 0o077]
    if not exposed:
        yield ok("data folder", f"{folder} can be written, and read by you alone")
        return
    names = ", ".join(file.name for file in exposed[:3]) + (" …" if len(exposed) > 3 else "")
    yield warn("data folder", f"others on this machine may read {names}", f"chmod -R go= {folder}")


def _check_space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    says = f"{size_text(free)} free on the disk of the data folder"
    if free < _NO_SPACE:
        return fail("disk", says, "Free some space: soon nothing can be saved.")
    return warn("disk", says, "Free some space.") if free < _LITTLE_SPACE else ok("disk", says)


def check_page(_settings: Settings) -> Iterator[Finding]:
    page = Path(quarterdeck.__file__).parent / "web" / "page"
    if page.joinpath("index.html").is_file() and page.joinpath("assets").is_dir():
        yield ok("page", "the web page is built")
    else:
        yield fail("page", "the web page is not built", "Install again without QUARTERDECK_SKIP_PAGE.")


def check_open_files(_settings: Settings) -> Iterator[Finding]:
    count = raise_limit()  # as a server does, for this process alone
    says = f"a server may have {count:,} files and connections open"
    if count < FEW:
        yield warn("open files", says, "Raise the limit: `ulimit -n`, or LimitNOFILE of the unit.")
    else:
        yield ok("open files", says)


def check_port(settings: Settings) -> Iterator[Finding]:
    """That of the data folder's server, where one runs; else the one that the next start would listen on."""
    found = read_address(settings.data_dir)
    if found is not None and found.is_alive:
        running = urlsplit(reachable(found.url))
        if running.hostname and running.port and _answers(running.hostname, running.port):
            yield ok("port", f"Quarterdeck answers on {urlsplit(found.url).netloc}")
            return
    place = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        yield ok("port", f"{place} is free")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            yield fail(
                "port", f"nothing can listen on {place} ({error.strerror})", "Choose another with --host, --port."
            )
        elif _answers(settings.host, settings.port):
            yield ok("port", f"Quarterdeck answers on {place}")
        else:
            yield fail("port", f"another program listens on {place}", "Stop it, or choose another with --port.")


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_S)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == 200 and b'"alive"' in answer.read(200)
    return False
