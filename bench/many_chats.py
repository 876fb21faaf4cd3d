"""Section `many`: 500 chats started within two seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.driver import Client, RelayClient, SocketClient, ask_spread, close_all, open_all
from bench.processes import Server
from bench.tables import ms, percentile, table
from bench.upstream import model_name

CHATS = 500
SOCKETS = 100
TOKENS = 100
PER_S = 10
_STARTS_OVER_S = 2.0
_MODEL = model_name(TOKENS, PER_S)


async def measure(upstream: Server, quarterdeck: Server, relay: Server, key: str) -> str:
    title = f"### {CHATS} chats started within {_STARTS_OVER_S:.0f} s ({TOKENS} tokens at {PER_S} a second each)"
    ours = await _row(f"Quarterdeck, {SOCKETS} sockets", [SocketClient(quarterdeck.port, key) for _ in range(SOCKETS)])
    theirs = await _row(f"plain relay, {CHATS} sockets", [RelayClient(relay.port) for _ in range(CHATS)])
    return "\n\n".join([title, table(["", "failed", "first token p50 ms", "p99 ms", "tokens lost"], [ours, theirs])])


async def _row(name: str, clients: Sequence[Client]) -> list[str]:
    await open_all(clients)
    chats = await ask_spread(clients, _MODEL, CHATS, _STARTS_OVER_S)
    await close_all(clients)
    reasons = Counter(chat.status for chat in chats if chat.status != "complete")
    failed = "0" if not reasons else ", ".join(f"{count} × {reason}" for reason, count in reasons.items())
    first = [chat.first_token_s for chat in chats]
    lost = CHATS * TOKENS - sum(chat.tokens for chat in chats)
    return [name, failed, ms(percentile(first, 0.5)), ms(percentile(first, 0.99)), str(lost)]
