"""What is remembered in the pictures: `screenshot_texts/memories.jsonl`, brought in by the product's own import."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from tests.e2e.seeding import seed_learned
from tests.harness.server import Server

from screenshot_content import TEXTS


def remember(server: Server, conversations: dict[str, str], now: datetime) -> None:
    """Memories with their sources and uses, oldest first."""
    told = [msgspec.json.decode(line) for line in (TEXTS / "memories.jsonl").read_bytes().splitlines()]
    told.sort(key=lambda one: -one["days_ago"])
    with server.http() as http:
        asked = {title: _first_question(http, conversations[title]) for title in {one["from"] for one in told}}
        lines = [_line(one, asked[one["from"]], now) for one in told]
        http.post("/api/memories/import", content=b"\n".join(lines)).raise_for_status()
        found = http.get("/api/memories", params={"state": "all", "limit": 200}).json()["memories"]
    ids = {memory["text"]: memory["id"] for memory in found}
    uses = [(ids[one["text"]], conversations[one["used_in"]], one["signals"]) for one in told if "used_in" in one]
    seed_learned(server.data_dir, uses)


def _first_question(http: Any, conversation: str) -> str:
    messages = http.get(f"/api/conversations/{conversation}/messages").json()["items"]
    return str(next(message["id"] for message in messages if message["role"] == "user"))


def _line(one: dict[str, Any], message: str, now: datetime) -> bytes:
    names = ("id", "text", "kind", "pinned", "state", "superseded_by")
    given: dict[str, Any] = {name: one[name] for name in names if name in one}
    said_at = int((now - timedelta(days=one["days_ago"])).timestamp() * 1000)
    sources = [{"message": message, "quote": one.get("quote", "")}]
    given |= {"confidence": 0.9, "said_at": said_at, "valid_from": said_at, "sources": sources}
    return msgspec.json.encode(given)
