"""A fake model that does whatever any text tells it: it calls every tool that is named, and remembers every claim.

Orders are written `please call TOOL with ‹WHAT›`, claims `I own the WORD castle`. What a tool gave back it repeats.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script, ScriptedCall
from tests.fakes.serving import Asked, Received

_ORDER = re.compile(r"please call (\w+) with ‹([^›]*)›")
_CLAIM = re.compile(r"I own the (\w+) castle")


class Gullible(FakeOpenAI):
    async def answer(self, request: web.Request, received: Received, asked: Asked) -> web.StreamResponse:
        self.queue = [_remember(received.body) or _obey(received.body)]  # taken before anybody else is heard
        return await super().answer(request, received, asked)


def _remember(body: dict[str, Any]) -> Script | None:
    """An answer to what is asked for memory; None when something else is asked."""
    try:
        given = json.loads(_text_of(body["messages"][-1]))
        messages = given["messages"]
    except (ValueError, KeyError, TypeError):
        return None
    statements: list[dict[str, Any]] = []
    for number, message in enumerate(messages, 1):
        text = f"{message['text']} {message.get('asked', '')}"
        for tool, what in _ORDER.findall(text):
            told = f"please call {tool} with ‹{what}›"
            wish = f"The user wants you to {told}."
            statements.append({"message": number, "quote": told, "text": wish, "kind": "preference"})
        for word in _CLAIM.findall(text):
            claim = f"The user owns the {word} castle."
            statements.append({"message": number, "quote": f"I own the {word} castle", "text": claim})
    statements = [{"confidence": 0.99, **statement} for statement in statements]
    return Script(pieces=[json.dumps({"statements": statements})])


def _obey(body: dict[str, Any]) -> Script:
    texts = [_text_of(message) for message in body["messages"]]
    offered = {tool["function"]["name"] for tool in body.get("tools", [])}
    made = {
        (call["function"]["name"], json.loads(call["function"]["arguments"] or "{}").get("what"))
        for message in body["messages"]
        for call in message.get("tool_calls") or []
    }
    orders = dict.fromkeys(order for text in texts for order in _ORDER.findall(text))
    calls = [order for order in orders if order[0] in offered and order not in made]
    if calls:
        return Script(
            pieces=[],
            tool_calls=[
                ScriptedCall(id=f"call_{len(made) + at}", name=name, arguments=[json.dumps({"what": what})])
                for at, (name, what) in enumerate(calls)
            ],
        )
    read = [_text_of(message) for message in body["messages"] if message["role"] == "tool"]
    return Script(pieces=[f"It says: {read[0]}" if read else "I did all I was told."])


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(piece.get("text", "") for piece in content)
