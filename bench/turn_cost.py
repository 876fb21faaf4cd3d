"""Section `turns`: what a chat costs the server beyond its tokens: send, commit, context, end.

The answers have two tokens, in one write, so nearly all of it is the turn. One chat after the other over the full
socket, each a new conversation; then turns that go on in conversations of some length; then several chats at a time,
which share commits and wake-ups. The plain relay answers the same number beside it, in turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bench.driver import Chat, Client, RelayClient, SocketClient, close_all, open_all
from bench.plot import Chart, Figures
from bench.processes import Server
from bench.tables import median, spread, table
from bench.upstream import model_name

TURNS = 160
REPEATS = 5
AT_ONCE = 16
_CONVERSATIONS = 10  # that are gone on with; each is as long as the runs before have made it
_MODEL = model_name(2, 0)
_BASE = "plain relay, stores nothing"
_AFTERWARDS_S = 0.2  # what follows an answer belongs to it

T = TypeVar("T", bound=Client)
Ask = Callable[[T, int], Awaitable[Chat]]
Load = Callable[[], Awaitable[float]]


async def measure(
    _upstream: Server, quarterdeck: Server, relay: Server, key: str, *, is_short: bool = False
) -> Figures:
    repeats, turns = (1, AT_ONCE) if is_short else (REPEATS, TURNS)

    def ours(clients: int, ask: Ask[SocketClient]) -> Load:
        return lambda: _measure_once(
            quarterdeck, [SocketClient(quarterdeck.port, key) for _ in range(clients)], ask, turns
        )

    def theirs(clients: int) -> Load:
        return lambda: _measure_once(relay, [RelayClient(relay.port) for _ in range(clients)], _ask_new, turns)

    loads = {
        "Quarterdeck, a new conversation each": ours(1, _ask_new),
        "Quarterdeck, going on in conversations": ours(1, _go_on),
        f"Quarterdeck, new ones, {AT_ONCE} at a time": ours(AT_ONCE, _ask_new),
        _BASE: theirs(1),
        f"plain relay, {AT_ONCE} at a time": theirs(AT_ONCE),
    }
    found: dict[str, list[float]] = {name: [] for name in loads}
    for repeat in range(repeats + 1):  # the first is for warming up
        for name, load in loads.items():
            cost = await load()
            found[name] += [cost] if repeat else []
    title = f"### CPU per chat beyond its tokens, ms ({turns} answers of two tokens, {repeats} runs in turn)"
    base = median(found[_BASE])
    rows = [[name, spread(costs, 2), f"{median(costs) / base:.2f}"] for name, costs in found.items()]
    text = "\n\n".join([title, table(["", "median (least–greatest)", "to the relay's"], rows)])
    return Figures(text, (Chart("CPU per chat beyond its tokens", "ms", found, 1),))


async def _measure_once(server: Server, clients: Sequence[T], ask: Ask[T], turns: int) -> float:
    """Milliseconds of the server's CPU for each chat. Raises: `RuntimeError` when one failed."""
    await open_all(clients)
    before_s = server.cpu_s()
    chats = await _in_turn(clients, ask, turns)
    await asyncio.sleep(_AFTERWARDS_S)
    spent_s = server.cpu_s() - before_s
    await close_all(clients)
    if failed := [chat.status for chat in chats if chat.status != "complete"]:
        raise RuntimeError(f"{len(failed)} chats of {len(chats)} failed; the first one with: {failed[0]}")
    return spent_s / len(chats) * 1000


async def _in_turn(clients: Sequence[T], ask: Ask[T], turns: int) -> list[Chat]:
    """On each client one after the other."""

    async def on(client: T) -> list[Chat]:
        return [await ask(client, number) for number in range(turns // len(clients))]

    return [chat for chats in await asyncio.gather(*map(on, clients)) for chat in chats]


async def _ask_new(client: Client, _number: int) -> Chat:
    return await client.ask(_MODEL)


async def _go_on(client: SocketClient, number: int) -> Chat:
    return await client.end_of(await client.begin(_MODEL, f"turns-{number % _CONVERSATIONS}"))
