"""Section `openai`: what a token costs over `/v1/chat/completions`, streamed, where nothing is kept."""

from __future__ import annotations

from bench.cpu_per_token import CHATS, PER_S, REPEATS, TOKENS, Run, run_once
from bench.driver import OpenAIClient
from bench.processes import Server
from bench.tables import spread, table

BOUND_US = 30


async def measure(upstream: Server, quarterdeck: Server, relay: Server, key: str) -> str:
    runs: list[Run] = []
    for _ in range(REPEATS):
        clients = [OpenAIClient(quarterdeck.port, key) for _ in range(CHATS)]
        runs.append(await run_once(clients, quarterdeck, upstream))
    title = (
        f"### /v1/chat/completions, stateless: CPU per token, µs, at most {BOUND_US} "
        f"({CHATS} streams × {PER_S} tokens/s × {TOKENS} tokens, {REPEATS} runs)"
    )
    row = [
        "Quarterdeck",
        spread([run.cpu_us for run in runs]),
        f"{max(run.lag_s for run in runs):.2f}",
        str(sum(run.failed for run in runs)),
        spread([run.upstream_us for run in runs]),
    ]
    return "\n\n".join([title, table(["", "median (least–greatest)", "lag s", "failed", "fake upstream µs"], [row])])
