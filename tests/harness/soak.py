"""Mixed load for as long as one likes, and whether a server's memory grows under it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
from tests.harness.crowd import BROKEN, Viewer
from tests.harness.full_client import Frame, new_name, open_full
from tests.harness.server import Server, children_of
from tests.harness.simple_client import open_simple

MIB = 1024 * 1024
WARM_UP = 0.4  # of all samples: caches fill, allocators take what they need at the busiest moment
SILENT_S = 5.0  # that a client may be without a frame
_TURNS_EACH = 10  # of a conversation, of a connection
Samples = list[tuple[float, float]]
"""(seconds since the start, resident MiB)."""


def resident_mib(process: Server) -> float:
    """Of a server, and of its children if it has any."""
    return sum(resident_bytes(pid) for pid in (process.pid, *children_of(process.pid))) / MIB


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.split("VmRSS:")[1].split()[0])


def slope_per_minute(samples: Samples) -> float:
    """MiB a minute, by least squares."""
    count = len(samples)
    mean_t = sum(at for at, _ in samples) / count
    mean_m = sum(held for _, held in samples) / count
    spread = sum((at - mean_t) ** 2 for at, _ in samples)
    return 60 * sum((at - mean_t) * (held - mean_m) for at, held in samples) / spread


def find_growth(samples: Samples, limit: float) -> list[str]:
    """After the warm-up it grows by less than `limit` MiB a minute, and not faster at the end than before."""
    settled = samples[int(len(samples) * WARM_UP) :]
    half = len(settled) // 2
    whole, late = slope_per_minute(settled), slope_per_minute(settled[half:])
    wrong = [] if whole < limit else [f"it grows by {whole:.2f} MiB a minute"]
    if late >= limit:
        wrong.append(f"it does not level off: {late:.2f} MiB a minute at the end")
    return wrong


class Soak:
    """Clients of every kind, each doing one thing after the other; `counts` says how often."""

    def __init__(self, port: int, key: str, make_model: Callable[[int], str], *, pause_s: float) -> None:
        self.port, self.key, self.pause_s = port, key, pause_s
        self.counts: dict[str, int] = {}
        self.wrong: list[str] = []
        self.waits_s: list[float] = []  # for a short answer, all of it
        self._models = [make_model(count) for count in (3, 40, 400)]
        self._random = random.Random(17)
        self._is_over = False

    async def run(self, duration_s: float, measure: Callable[[], float], clients: int = 2) -> Samples:
        """Resident memory, looked at every second."""
        samples: Samples = []
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for kind in (self._talk, self._talk_simply, self._ask_in_one_go, self._watch_events, self._read):
                for _ in range(clients):
                    group.create_task(self._repeat(kind))
            while (at := time.monotonic() - begun) < duration_s:
                samples.append((at, measure()))
                await asyncio.sleep(1)
            self._is_over = True
        return samples

    async def _repeat(self, kind: Callable[[], object]) -> None:
        while not self._is_over:
            try:
                await kind()  # type: ignore[misc]
            except (*BROKEN, AssertionError) as error:
                self.wrong.append(f"{kind.__name__}: {error!r}")
                await asyncio.sleep(1)

    async def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        await asyncio.sleep(self.pause_s * self._random.uniform(0.5, 1.5))

    def _model(self) -> str:
        return self._random.choice(self._models)

    async def _talk(self) -> None:
        """A tab: a conversation, followed, sometimes stopped, with its feed."""
        chat = new_name("chat")
        async with open_full(self.port, self.key) as client:
            await client.ask("feed")
            for _ in range(_TURNS_EACH):
                accepted = await client.send("Tell me more", conversation=chat, model=self._model())
                if self._random.random() < 0.1:
                    await client.ask("stop", turn=accepted["turn"])
                await client.until_ended(accepted["turn"], 60)
                client.transcripts.clear()
                await self._count("answers by socket")

    async def _talk_simply(self) -> None:
        chat = new_name("chat")
        async with open_simple(self.port, self.key) as client:
            for _ in range(_TURNS_EACH):
                begun = time.monotonic()
                await client.ask("Hello", chat, SILENT_S, model=self._models[0])
                self.waits_s.append(time.monotonic() - begun)
                client.frames.clear()
                await self._count("answers by simple socket")

    async def _ask_in_one_go(self) -> None:
        body = {"message": "All of it", "model": self._model()}
        async with self._session() as session, session.post("/chat_batch", json=body) as answer:
            assert answer.status == 200, answer.status
            await answer.read()
        await self._count("answers in one go")

    async def _watch_events(self) -> None:
        async with open_full(self.port, self.key) as client:
            accepted: Frame = await client.send(model=self._model(), follow=False)
        viewer = Viewer("sse", self.port, self.key, accepted)
        await viewer.watch()
        await self._count("answers by events")

    async def _read(self) -> None:
        async with self._session() as session:
            for path in ("/api/conversations", "/api/models", "/api/ideas", "/"):
                async with session.get(path) as answer:
                    assert answer.status == 200, (path, answer.status)
                    await answer.read()
                await self._count("pages")

    def _session(self) -> aiohttp.ClientSession:
        headers = {"Authorization": f"Bearer {self.key}"}
        return aiohttp.ClientSession(f"http://127.0.0.1:{self.port}", headers=headers)
