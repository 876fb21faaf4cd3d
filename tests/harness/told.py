"""What a model was told, in the words all dialects share: by the request as it was received, and by the manifest."""

from __future__ import annotations

import hashlib
from typing import Any

Told = list[tuple[str, str]]
"""Roles and texts, in order."""


def received(body: dict[str, Any]) -> Told:
    """Of a request in OpenAI's, Anthropic's or Gemini's shape."""
    if "contents" in body:
        return _of_gemini(body)
    told = [(str(message["role"]), _text(message["content"])) for message in body["messages"]]
    return [("system", str(body["system"])), *told] if "system" in body else told


def listed(step: dict[str, Any]) -> Told:
    """Of a step of `/api/turns/{turn}/context?texts=1`; its digests are checked on the way."""
    told: dict[int, tuple[str, str]] = {}
    for entry in step["entries"]:
        text = entry["text"]
        assert entry["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert entry["chars"] == len(text)
        _, before = told.get(entry["at"], ("", ""))
        told[entry["at"]] = (entry["role"], before + text)
    assert list(told) == list(range(len(told))), "the entries are in the order of what was sent"
    return list(told.values())


def _of_gemini(body: dict[str, Any]) -> Told:
    system = "".join(part["text"] for part in body["systemInstruction"]["parts"])
    contents = [
        ("assistant" if content["role"] == "model" else "user", "".join(part["text"] for part in content["parts"]))
        for content in body["contents"]
    ]
    return [("system", system), *contents]


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
