"""What some embedding models want before a text: one phrase before a query, another before what is looked through.

They were trained so; without it they find worse. A model is known by its name, whoever serves it. To add a family:
a row in `_FAMILIES`, the narrower name first.
"""

from __future__ import annotations

import re

from msgspec import Struct

_INSTRUCTION = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
_REPRESENT = "Represent this sentence for searching relevant passages: "


class Prefixes(Struct, frozen=True):
    query: str = ""
    passage: str = ""


_NONE = Prefixes()
# As the models' cards say it. `(?<![a-z0-9])`: a name begins there, so that “e5” is not found within another word.
_FAMILIES: tuple[tuple[str, Prefixes], ...] = (
    (r"e5-.*instruct|e5-mistral", Prefixes(_INSTRUCTION)),
    (r"(multilingual-)?e5-", Prefixes("query: ", "passage: ")),
    (r"nomic-embed-text|nomic-embed-v|modernbert-embed", Prefixes("search_query: ", "search_document: ")),
    (r"embedding-?gemma", Prefixes("task: search result | query: ", "title: none | text: ")),
    (r"qwen3-embedding", Prefixes(_INSTRUCTION)),
    (r"(snowflake-)?arctic-embed.*(v2|2\.0)|arctic-embed2", Prefixes("query: ")),
    (r"(snowflake-)?arctic-embed", Prefixes(_REPRESENT)),
    (r"mxbai-embed", Prefixes(_REPRESENT)),
    (r"bge-(small|base|large)-en", Prefixes(_REPRESENT)),
)
_COMPILED = tuple((re.compile(f"(?<![a-z0-9])(?:{pattern})"), prefixes) for pattern, prefixes in _FAMILIES)


def prefixes_of(model: str) -> Prefixes:
    """Of `provider/model` or `local/NAME`; of an unknown family none."""
    name = model.rstrip("/").rpartition("/")[2].lower().replace("_", "-")
    return next((prefixes for pattern, prefixes in _COMPILED if pattern.search(name)), _NONE)
