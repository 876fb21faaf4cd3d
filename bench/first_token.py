"""Section `first`: how much later the first token comes through Quarterdeck than from the upstream itself."""

from __future__ import annotations

import asyncio

from bench.driver import Client, DirectClient, RelayClient, SocketClient
from bench.plot import Chart, Figures
from bench.processes import Server
from bench.tables import ms, percentile, table
from bench.upstream import model_name

REPEATS = 300
_WARM_UP = 20
_MODEL = model_name(3, 50)


async def measure(upstream: Server, quarterdeck: Server, relay: Server, key: str, *, is_short: bool = False) -> Figures:
    """The three in turn, one chat at a time, so that all see the same machine."""
    repeats = 10 if is_short else REPEATS
    clients: dict[str, Client] = {
        "upstream directly": DirectClient(upstream.port),
        "Quarterdeck": SocketClient(quarterdeck.port, key),
        "plain relay, stores nothing": RelayClient(relay.port),
    }
    taken: dict[str, list[float]] = {name: [] for name in clients}
    await asyncio.gather(*(client.open() for client in clients.values()))
    for repeat in range(_WARM_UP + repeats):
        for name, client in clients.items():
            chat = await client.ask(_MODEL)
            if chat.status != "complete":
                raise RuntimeError(f"{name}: {chat.status}")
            if repeat >= _WARM_UP:
                taken[name].append(chat.first_token_s)
    await asyncio.gather(*(client.close() for client in clients.values()))
    text = "\n\n".join([f"### First token, ms, one chat at a time ({repeats} each, in turn)", _table(taken)])
    bars = {name: [percentile(values, 0.5) * 1000] for name, values in taken.items() if name != "upstream directly"}
    return Figures(text, (Chart("First token, one chat at a time, p50", "ms", bars, 1),))


def _table(taken: dict[str, list[float]]) -> str:
    base = taken["upstream directly"]
    rows = []
    for name, values in taken.items():
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        over50, over99 = p50 - percentile(base, 0.5), p99 - percentile(base, 0.99)
        rows.append([name, ms(p50), ms(p99), *(["", ""] if values is base else [ms(over50), ms(over99)])])
    return table(["", "p50", "p99", "overhead p50", "overhead p99"], rows)
