"""Section `cpu`: what a token costs the server, from the question to the end of the answer, and while all stream.

The second figure leaves out how turns begin and end, which section `turns` measures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from msgspec import Struct

from bench.driver import Chat, Client, RelayClient, SocketClient, ask_spread, close_all, open_all
from bench.plot import Chart, Figures
from bench.processes import Server
from bench.tables import median, spread, table
from bench.upstream import WORD, model_name

CHATS = 100
TOKENS = 300
PER_S = 50
REPEATS = 3
_STARTS_OVER_S = 1.0
_SETTLED_S = 0.5  # after the last has begun, and before the first ends
_MODEL = model_name(TOKENS, PER_S)


class Run(Struct):
    """`cpu_us` is the server's for each token the clients received; `lag_s` beyond the upstream's own pace.

    `steady_us`: the same while all stream and none begins or ends.
    """

    cpu_us: float
    steady_us: float
    upstream_us: float
    lag_s: float
    failed: int


async def measure(upstream: Server, quarterdeck: Server, relay: Server, key: str, *, is_short: bool = False) -> Figures:
    repeats, chats = (1, 10) if is_short else (REPEATS, CHATS)
    ours: list[Run] = []
    theirs: list[Run] = []
    for _ in range(repeats):
        ours.append(await run_once([SocketClient(quarterdeck.port, key) for _ in range(chats)], quarterdeck, upstream))
        theirs.append(await run_once([RelayClient(relay.port) for _ in range(chats)], relay, upstream))
    title = f"### CPU per token, µs ({chats} chats × {PER_S} tokens/s × {TOKENS} tokens, {repeats} runs in turn)"
    rows = [_row("Quarterdeck, everything logged", ours, ours), _row("plain relay, stores nothing", theirs, ours)]
    head = ["", "median (least–greatest)", "ratio", "while all stream", "lag s", "failed", "fake upstream µs"]
    bars = {row[0]: [run.cpu_us for run in runs] for row, runs in zip(rows, (ours, theirs), strict=True)}
    chart = Chart(f"CPU per token, {chats} chats × {PER_S} tokens/s", "µs", bars)
    return Figures("\n\n".join([title, table(head, rows)]), (chart,))


def _row(name: str, runs: list[Run], base: list[Run]) -> list[str]:
    cpu = [run.cpu_us for run in runs]
    ratio = median(cpu) / median([run.cpu_us for run in base])
    lag = max(run.lag_s for run in runs)
    upstream = [run.upstream_us for run in runs]
    steady = [run.steady_us for run in runs]
    return [
        name,
        spread(cpu),
        f"{ratio:.2f}",
        spread(steady),
        f"{lag:.2f}",
        str(sum(run.failed for run in runs)),
        spread(upstream),
    ]


async def run_once(clients: Sequence[Client], server: Server, upstream: Server) -> Run:
    await open_all(clients)
    cpu_s, upstream_s, started_s = server.cpu_s(), upstream.cpu_s(), time.perf_counter()
    asking = asyncio.create_task(ask_spread(clients, _MODEL, len(clients), _STARTS_OVER_S))
    await asyncio.sleep(_STARTS_OVER_S + _SETTLED_S)
    steady_us = await _steady_us(server, TOKENS / PER_S - _STARTS_OVER_S - 2 * _SETTLED_S)
    chats = await asking
    taken_s = time.perf_counter() - started_s
    cpu_s, upstream_s = server.cpu_s() - cpu_s, upstream.cpu_s() - upstream_s
    await close_all(clients)
    tokens = sum(chat.tokens for chat in chats)
    return Run(
        cpu_us=cpu_s / tokens * 1e6,
        steady_us=steady_us,
        upstream_us=upstream_s / tokens * 1e6,
        lag_s=taken_s - TOKENS / PER_S - _STARTS_OVER_S,
        failed=sum(chat.status != "complete" or chat.tokens != TOKENS for chat in chats),
    )


async def _steady_us(server: Server, seconds: float) -> float:
    cpu_s, received = server.cpu_s(), Chat.received
    await asyncio.sleep(seconds)
    return (server.cpu_s() - cpu_s) / max(Chat.received - received, 1) * len(WORD) * 1e6
