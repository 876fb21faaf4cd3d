"""Section `many`: 500 chats started within two seconds, and 2,000 within ten."""

from __future__ import annotations

from collections.abc import Sequence

from bench.driver import Chat, Client, RelayClient, SocketClient, ask_spread, close_all, failures, open_all
from bench.plot import Chart, Figures
from bench.processes import Server
from bench.tables import ms, percentile, table
from bench.upstream import model_name

CHATS = 500
MORE_CHATS = 2_000
SOCKETS = 100
TOKENS = 100
PER_S = 10
_STARTS_OVER_S = 2.0
_MORE_OVER_S = 10.0
_MODEL = model_name(TOKENS, PER_S)


async def measure(upstream: Server, quarterdeck: Server, relay: Server, key: str, *, is_short: bool = False) -> Figures:
    count = 50 if is_short else CHATS
    what = f"{count} chats started within {_STARTS_OVER_S:.0f} s"
    ours, theirs = f"Quarterdeck, {SOCKETS} sockets", f"plain relay, {count} sockets"
    sockets = [SocketClient(quarterdeck.port, key) for _ in range(SOCKETS)]
    relayed = [RelayClient(relay.port) for _ in range(count)]
    found = {
        ours: await _run(sockets, count, _STARTS_OVER_S),
        theirs: await _run(relayed, count, _STARTS_OVER_S),
    }
    rows = [_row(name, chats) for name, chats in found.items()]
    if not is_short:
        sockets = [SocketClient(quarterdeck.port, key) for _ in range(SOCKETS)]
        more = await _run(sockets, MORE_CHATS, _MORE_OVER_S)
        rows.append(_row(f"Quarterdeck, {MORE_CHATS:,} within {_MORE_OVER_S:.0f} s", more))
    text = "\n\n".join(
        [
            f"### {what} ({TOKENS} tokens at {PER_S} a second each)",
            table(["", "failed", "first token p50 ms", "p99 ms", "tokens lost"], rows),
        ]
    )
    bars = {name: [percentile(_first(chats), 0.99) * 1000] for name, chats in found.items()}
    return Figures(text, (Chart(f"{what}: first token, p99", "ms", bars),))


async def _run(clients: Sequence[Client], count: int, over_s: float) -> list[Chat]:
    await open_all(clients)
    chats = await ask_spread(clients, _MODEL, count, over_s)
    await close_all(clients)
    return chats


def _first(chats: list[Chat]) -> list[float]:
    """Seconds to the first token of those that had one."""
    return [chat.first_token_s for chat in chats if chat.first_s is not None] or [0.0]


def _row(name: str, chats: list[Chat]) -> list[str]:
    first = [chat.first_token_s for chat in chats]
    lost = len(chats) * TOKENS - sum(chat.tokens for chat in chats)
    return [name, failures(chats), ms(percentile(first, 0.5)), ms(percentile(first, 0.99)), str(lost)]
