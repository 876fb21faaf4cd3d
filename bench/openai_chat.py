"""Section `openai`: what a token costs over `/v1/chat/completions`, streamed, where nothing is kept."""

from __future__ import annotations

from bench.cpu_per_token import CHATS, PER_S, REPEATS, TOKENS, Run, run_once
from bench.driver import OpenAIClient
from bench.plot import Chart, Figures
from bench.processes import Server
from bench.tables import spread, table

BOUND_US = 30


async def measure(upstream: Server, quarterdeck: Server, relay: Server, key: str, *, is_short: bool = False) -> Figures:
    repeats, chats = (1, 10) if is_short else (REPEATS, CHATS)
    runs: list[Run] = []
    for _ in range(repeats):
        clients = [OpenAIClient(quarterdeck.port, key) for _ in range(chats)]
        runs.append(await run_once(clients, quarterdeck, upstream))
    title = (
        f"### /v1/chat/completions, stateless: CPU per token, µs, at most {BOUND_US} "
        f"({chats} streams × {PER_S} tokens/s × {TOKENS} tokens, {repeats} runs)"
    )
    row = [
        "Quarterdeck",
        spread([run.cpu_us for run in runs]),
        spread([run.steady_us for run in runs]),
        f"{max(run.lag_s for run in runs):.2f}",
        str(sum(run.failed for run in runs)),
        spread([run.upstream_us for run in runs]),
    ]
    head = ["", "median (least–greatest)", "while all stream", "lag s", "failed", "fake upstream µs"]
    bars = {"Quarterdeck": [run.cpu_us for run in runs]}
    chart = Chart("CPU per token over /v1/chat/completions", "µs", bars)
    return Figures("\n\n".join([title, table(head, [row])]), (chart,))
