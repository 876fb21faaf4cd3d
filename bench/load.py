"""A load of chats on a running fleet, and what it cost."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from msgspec import Struct

from bench.driver import Chat, SocketClient, close_all, open_all
from bench.shapes import Fleet
from bench.upstream import model_name

SHORT = 20
_SOCKETS = 100  # a user may have twice as many
_STARTS_OVER_S = 1.0


class Load(Struct, frozen=True):
    """`per_s` tokens a second for each chat; each answer is seen by `viewers` sockets."""

    chats: int
    tokens: int = 300
    per_s: int = 50
    viewers: int = 1

    @property
    def name(self) -> str:
        return f"{self.chats} chats × {self.per_s} tokens/s × {self.tokens} tokens"


class Run(Struct, frozen=True):
    """`cpu_us`: for each token of an answer, by kind of process. `lag_s`: beyond the model's own pace.

    `lost`: tokens of answers that were acknowledged. `failed` counts reasons, those of refused questions as well.
    """

    cpu_us: dict[str, float]
    first_s: list[float]
    lag_s: float
    lost: int
    failed: dict[str, int]

    @property
    def ours_us(self) -> float:
        return self.cpu_us["web"] + self.cpu_us["workers"]


async def run(fleet: Fleet, load: Load, *, is_warm_up: bool = False) -> Run:
    """One socket for each chat as far as they reach, and one for each further viewer of it."""
    sockets = min(load.chats, _SOCKETS)
    clients = [SocketClient(fleet.port, fleet.key) for _ in range(sockets * load.viewers)]
    for start in range(0, len(clients), 100):  # no faster than a server takes them
        await open_all(clients[start : start + 100])
    before, started_s = fleet.cpu_s(), time.perf_counter()
    seen = await asyncio.gather(
        *(
            _watch(
                clients[number % sockets :: sockets], load, 0.0 if is_warm_up else _STARTS_OVER_S * number / load.chats
            )
            for number in range(load.chats)
        )
    )
    taken_s, after = time.perf_counter() - started_s, fleet.cpu_s()
    await close_all(clients)
    tokens = max(sum(chats[0].tokens for chats in seen), 1)
    chats = [chat for chats in seen for chat in chats]
    return Run(
        cpu_us={kind: (after[kind] - before[kind]) / tokens * 1e6 for kind in after},
        first_s=[chats[0].first_token_s for chats in seen if chats[0].turn],
        lag_s=taken_s - load.tokens / load.per_s - _STARTS_OVER_S,
        lost=sum(load.tokens - chat.tokens for chat in chats if chat.turn),
        failed=dict(Counter(chat.status for chat in chats if chat.status != "complete")),
    )


async def warm_up(fleet: Fleet) -> None:
    await run(fleet, Load(20, 20), is_warm_up=True)


async def run_turns(fleet: Fleet, conversations: int, turns: int, parts: int) -> list[float]:
    """Milliseconds of CPU for a turn of `SHORT` tokens, sent at once, in each of `parts` parts of the conversations.

    Raises: `RuntimeError` when a turn failed.
    """
    clients = [SocketClient(fleet.port, fleet.key) for _ in range(conversations)]
    await open_all(clients)
    costs = []
    for _ in range(parts):
        before = fleet.cpu_s()
        await asyncio.gather(*(_talk(client, f"talk-{n}", turns // parts) for n, client in enumerate(clients)))
        after = fleet.cpu_s()
        spent = sum(after[kind] - before[kind] for kind in ("web", "workers"))
        costs.append(spent / (conversations * turns // parts) * 1000)
    await close_all(clients)
    return costs


async def _talk(client: SocketClient, conversation: str, turns: int) -> None:
    for _ in range(turns):
        chat = await client.end_of(await client.begin(model_name(SHORT, 0), conversation))
        if chat.status != "complete":
            raise RuntimeError(f"a turn ended with: {chat.status}")


async def _watch(clients: list[SocketClient], load: Load, after_s: float) -> list[Chat]:
    await asyncio.sleep(after_s)
    asker, *others = clients
    asked = await asker.begin(model_name(load.tokens, load.per_s))
    viewing = [asyncio.create_task(other.view(asked)) for other in others]
    return [await asker.end_of(asked), *await asyncio.gather(*viewing)]


def cannot(run: Run) -> str:
    """How many failed, and of what."""
    return ", ".join(f"{count} × {reason}" for reason, count in run.failed.items()) or "0"
