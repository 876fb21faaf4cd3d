"""Section `peers`: the same load through other people's programs, beside ours and the plain relay, in turn.

Each is installed by whoever measures, in an environment of its own: `python -m venv FOLDER/chainlit` and then
`FOLDER/chainlit/bin/pip install chainlit`; LiteLLM as `litellm[proxy]`, Open WebUI as `open-webui`. What is not there
is left out.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import uvloop
from msgspec import Struct

from bench.cpu_per_token import CHATS, PER_S, TOKENS, Run, run_once
from bench.driver import Client, RelayClient, SocketClient
from bench.peers import chainlit, litellm, open_webui
from bench.peers.peer import Peer
from bench.plot import Chart, Figures
from bench.processes import Server, create_key, running, start_plain_relay, start_quarterdeck, start_upstream
from bench.tables import median, spread, table

PEERS = (chainlit.PEER, litellm.PEER, open_webui.PEER)
_START_TIMEOUT_S = 600.0  # the first start of some makes a database and loads a gigabyte


class _Measured(Struct):
    """A server that runs, how to reach it, and what its runs gave."""

    title: str
    server: Server
    connect: Callable[[], Client]
    start_s: float
    runs: list[Run]


def measure(environments: Path, repeats: int) -> Figures:
    """`environments` has a virtual environment for each, named as in `Peer.name`."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        upstream = servers.enter_context(running(start_upstream(folder), "/v1/models"))
        measured = [_open_ours(servers, folder, upstream), _open_relay(servers, folder, upstream)]
        for peer in PEERS:
            programs = environments / peer.name / "bin"
            if (programs / "python").exists():
                measured += [_open_peer(servers, peer, programs, folder, upstream)]
        for _ in range(repeats):
            for one in measured:
                clients = [one.connect() for _ in range(CHATS)]
                one.runs.append(uvloop.run(run_once(clients, one.server, upstream)))
        rows = [_row(one, measured[0]) for one in measured]
    head = ["", "CPU per token, µs", "to ours", "lag s", "failed", "start s", "resident MiB, after the load"]
    title = f"### Beside others ({CHATS} chats × {PER_S} tokens/s × {TOKENS} tokens, {repeats} runs in turn)"
    bars = {one.title: [run.cpu_us for run in one.runs] for one in measured}
    chart = Chart(f"CPU per token beside others, {CHATS} chats × {PER_S} tokens/s", "µs", bars)
    return Figures("\n\n".join([title, table(head, rows)]), (chart,))


def _open_ours(servers: ExitStack, folder: Path, upstream: Server) -> _Measured:
    key = create_key(folder / "data")
    server = servers.enter_context(running(start_quarterdeck(folder / "data", upstream.port), "/readyz"))
    title = "Quarterdeck, everything logged"
    return _Measured(title, server, lambda: SocketClient(server.port, key), server.ready_s, [])


def _open_relay(servers: ExitStack, folder: Path, upstream: Server) -> _Measured:
    server = servers.enter_context(running(start_plain_relay(folder, upstream.port), "/readyz"))
    return _Measured("plain relay, stores nothing", server, lambda: RelayClient(server.port), server.ready_s, [])


def _open_peer(servers: ExitStack, peer: Peer, programs: Path, folder: Path, upstream: Server) -> _Measured:
    """It starts twice: what only the first start does is not counted."""
    own = folder / peer.name
    own.mkdir()
    with running(peer.start(programs, own, upstream.port), peer.ready, _START_TIMEOUT_S):
        pass
    server = servers.enter_context(running(peer.start(programs, own, upstream.port), peer.ready, _START_TIMEOUT_S))
    title = f"{peer.title} ({_version(programs, peer.distribution)})"
    return _Measured(title, server, lambda: peer.connect(server.port), server.ready_s, [])


def _version(programs: Path, distribution: str) -> str:
    code = f"import importlib.metadata; print(importlib.metadata.version({distribution!r}))"
    command = [str(programs / "python"), "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _row(one: _Measured, ours: _Measured) -> list[str]:
    cpu, base = ([run.cpu_us for run in each.runs] for each in (one, ours))
    return [
        one.title,
        spread(cpu),
        f"{median(cpu) / median(base):.1f}",
        f"{max(run.lag_s for run in one.runs):.2f}",
        str(sum(run.failed for run in one.runs)),
        f"{one.start_s:.2f}",
        f"{one.server.resident_bytes() / 2**20:.0f}",
    ]
