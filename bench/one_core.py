"""Section `core`: ever more chats on a server that has one core for itself. The model and the clients have the others.

Each token carries the moment at which the model's server wrote it, so that its whole way to the client is known: the
relay's, the wait for the tick, and what the clients themselves take.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import uvloop
from msgspec import Struct

from bench.driver import Chat, SocketClient, ask_spread, close_all, failures, open_all
from bench.plot import Chart, Figures
from bench.processes import Server, create_key, on_cores, running, start_quarterdeck, start_upstream
from bench.shapes import FIRST, OTHERS
from bench.tables import ms, percentile, table
from bench.upstream import stamped_model_name

CHATS = [100, 250, 500, 1_000]
TOKENS = 300
PER_S = 50
_SOCKETS = 100  # a user may have twice as many
_STARTS_OVER_S = 4.0  # what a start costs is another section's


class Load(Struct, frozen=True):
    """`busy`: part of the server's core. `delays_s`: from the model's server to the client, of each token."""

    chats: int
    cpu_us: float
    busy: float
    lag_s: float
    failed: str
    lost: int
    delays_s: list[float]


def measure(counts: list[int] | None = None, tokens: int = TOKENS) -> Figures:
    counts = counts or CHATS
    with tempfile.TemporaryDirectory() as name, on_cores(OTHERS):
        folder = Path(name)
        with running(start_upstream(folder), "/v1/models") as upstream:
            key = create_key(folder / "data")
            with on_cores(FIRST):
                starting = start_quarterdeck(folder / "data", upstream.port)
            with running(starting, "/readyz") as server:
                loads = [uvloop.run(_run(server, key, count, tokens)) for count in [10, *counts]][1:]
    head = ["chats", "failed", "tokens lost", "CPU per token µs", "core busy", "behind, s", "token p50 ms", "p99"]
    rows = [_row(load) for load in loads]
    bars = {f"{load.chats} chats": [1000 * percentile(load.delays_s, 0.99)] for load in loads}
    chart = Chart(f"From the model to the client, {PER_S} tokens/s each, one core: p99", "ms", bars)
    title = f"### On one core, {PER_S} tokens a second each, {tokens} tokens, {_SOCKETS} sockets"
    return Figures("\n\n".join([title, table(head, rows)]), (chart,))


def _row(load: Load) -> list[str]:
    delays = [ms(percentile(load.delays_s, part)) for part in (0.5, 0.99)]
    lag, busy = f"{load.lag_s:.2f}", f"{100 * load.busy:.0f} %"
    return [str(load.chats), load.failed, str(load.lost), f"{load.cpu_us:.0f}", busy, lag, *delays]


async def _run(server: Server, key: str, count: int, tokens: int) -> Load:
    clients = [SocketClient(server.port, key) for _ in range(min(count, _SOCKETS))]
    await open_all(clients)
    cpu_s, started_s = server.cpu_s(), time.perf_counter()
    chats = await ask_spread(clients, stamped_model_name(tokens, PER_S), count, _STARTS_OVER_S)
    taken_s, cpu_s = time.perf_counter() - started_s, server.cpu_s() - cpu_s
    await close_all(clients)
    received = sum(len(chat.delays_s) for chat in chats)
    return Load(
        chats=count,
        cpu_us=cpu_s / max(received, 1) * 1e6,
        busy=cpu_s / taken_s,
        lag_s=taken_s - tokens / PER_S - _STARTS_OVER_S * (count - 1) / count,
        failed=failures(chats),
        lost=count * tokens - received,
        delays_s=_delays(chats),
    )


def _delays(chats: list[Chat]) -> list[float]:
    return [delay for chat in chats for delay in chat.delays_s] or [0.0]
