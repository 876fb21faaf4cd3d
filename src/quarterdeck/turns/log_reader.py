"""`builtin/log-reader`: no language model, and it says so. It answers by quoting the user's own log.

It keeps the provider's contract, so that everything (streaming, stop, take-over) works before any
model is connected.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from quarterdeck.domain.parts import plain_text
from quarterdeck.domain.step import Delta, FinishChunk, StepRequest, TextChunk
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.providers.base import Endpoint
from quarterdeck.store.database import Database
from quarterdeck.store.messages import QuoteRow, search_log

MODEL = "builtin/log-reader"
_QUOTES = 5
_QUOTE_CHARS = 280
_AMONG = 5_000
_MAX_WORDS = 12
_WORD = re.compile(r"\w{3,}")
_COMMON_WORDS = """
the and for are but not you all any can had her was one our out has him his how its may new now old see two way who
did get let put say she too use what when where which with from this that have will your about there their would
could should please tell give show into them then than some just like know want does been were more over also here
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_CONNECT = (
    "To connect one: open **Settings → Models**, or put a key such as `OPENAI_API_KEY` or `GROQ_API_KEY` into `.env` "
    "and start again. A local Ollama, LM Studio, llama.cpp or vLLM server is found by itself."
)


class LogReader:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.endpoint = Endpoint(
            name="builtin", label="Built in", dialect="builtin", base_url="", origin="builtin", needs_key=False
        )

    async def stream(self, request: StepRequest) -> AsyncGenerator[list[Delta], None]:
        for delta in await self.complete(request):
            yield [delta]

    async def complete(self, request: StepRequest) -> list[Delta]:
        """The whole answer in pieces of a paragraph each."""
        question = request.question
        words = keywords(question)
        found = await self._find(request, words) if words else []
        paragraphs = ["No language model is connected, so I cannot think about this. I can only read in your own log."]
        paragraphs.append(_quotes(words, found))
        paragraphs.append(_CONNECT)
        texts: list[Delta] = [
            TextChunk(paragraph if index == 0 else f"\n\n{paragraph}") for index, paragraph in enumerate(paragraphs)
        ]
        return [*texts, FinishChunk("stop")]

    async def list_models(self) -> list[ModelProfile]:
        return [ModelProfile(id=MODEL, provider="builtin", name="log-reader", context_window=32_000)]

    async def _find(self, request: StepRequest, words: list[str]) -> list[QuoteRow]:
        return await self._database.read(
            lambda connection: search_log(
                connection,
                request.owner,
                words,
                skip_conversation=request.conversation,
                limit=_QUOTES,
                among=_AMONG,
            )
        )


def keywords(text: str) -> list[str]:
    """The words worth looking for, in their order, each once."""
    seen = dict.fromkeys(word.lower() for word in _WORD.findall(text))
    return [word for word in seen if word not in _COMMON][:_MAX_WORDS]


def _quotes(words: list[str], found: list[QuoteRow]) -> str:
    if not words:
        return "Ask with a word or two to look for, and I quote what you wrote about it."
    if not found:
        return f"You have written nothing about {_listed(words)} in your other conversations yet."
    lines = [
        f"- {_day(row.created_at)}, in [{_plain(row.title)}](/c/{row.conversation_id}#m-{row.message_id}):\n"
        f"  > {_excerpt(plain_text(row.parts), words)}"
        for row in found
    ]
    return "This is what you wrote before:\n\n" + "\n".join(lines)


def _listed(words: list[str]) -> str:
    return " or ".join(f"“{word}”" for word in words[:4])


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%d %b %Y, %H:%M} UTC"


def _excerpt(text: str, words: list[str]) -> str:
    """The part of `text` around the first of `words`, on one line."""
    line = _plain(" ".join(text.split()))
    if len(line) <= _QUOTE_CHARS:
        return line
    places = [place for word in words if (place := line.lower().find(word)) >= 0]
    start = max(min(places, default=0) - _QUOTE_CHARS // 3, 0)
    return ("…" if start else "") + line[start : start + _QUOTE_CHARS] + "…"


def _plain(text: str) -> str:
    """Without the characters that Markdown would take for its own."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)
