"""The server and Vite side by side, for `scripts/dev`: the server starts again when its code changes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE_URL = "http://127.0.0.1:5173"
LOOK_EVERY_S = 1.0
STOP_TIMEOUT_S = 12.0


def newest_change() -> float:
    """When the server's code last changed, in seconds since 1970."""
    return max(path.stat().st_mtime for path in (ROOT / "src").rglob("*.py"))


def server_url(arguments: list[str]) -> str:
    port = os.environ.get("QUARTERDECK_PORT", "8000")
    if "--port" in arguments[:-1]:
        port = arguments[arguments.index("--port") + 1]
    return f"http://127.0.0.1:{port}"


def start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """In a group of its own: npm, Vite and what they start end together."""
    return subprocess.Popen([sys.executable, *command], env={**os.environ, **environment}, start_new_session=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def start_server(arguments: list[str]) -> subprocess.Popen[bytes]:
    settings = {"QUARTERDECK_PUBLIC_URL": PAGE_URL, "QUARTERDECK_LOG_LEVEL": "debug"}
    return start(["-m", "quarterdeck", "serve", "--no-browser", *arguments], settings)


def main(arguments: list[str]) -> None:
    vite = start(
        ["scripts/page.py", "run", "dev", "--", "--host", "127.0.0.1", "--strictPort"],
        {"QUARTERDECK_DEV_SERVER": server_url(arguments)},
    )
    print(f"Open the server's link once to sign in; then the page as you edit it is at {PAGE_URL}", flush=True)
    server, seen = start_server(arguments), newest_change()
    try:
        while vite.poll() is None:
            time.sleep(LOOK_EVERY_S)
            changed = newest_change()
            if changed > seen:
                print("The code changed: starting the server again", flush=True)
                stop(server)
                server, seen = start_server(arguments), changed
    finally:
        stop(server)
        stop(vite)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
