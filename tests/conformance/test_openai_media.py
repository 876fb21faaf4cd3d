"""The official `openai` client for Python against what is no chat: vectors, speech, transcripts, pictures."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types import CreateEmbeddingResponse, ImagesResponse
from openai.types.audio import Transcription
from tests.fakes.openai_server import embed
from tests.fakes.script import Script
from tests.harness.server import Server
from tests.harness.strict_api import Recorder, find_faults
from tests.harness.upstream import Upstream

SMALL = "openai/text-embedding-3-small"


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def client(server: Server, recorder: Recorder) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{server.url}/v1", api_key=server.key, max_retries=0, http_client=httpx2.Client(transport=recorder)
    ) as opened:
        yield opened


def test_texts_become_vectors(client: openai.OpenAI, http: httpx2.Client) -> None:
    for encoding in ({}, {"encoding_format": "float"}):
        given: Any = {"model": SMALL, "input": ["one", "two"], **encoding}
        told = client.embeddings.create(**given)
        assert told.model == SMALL
        assert [item.index for item in told.data] == [0, 1]
        assert told.data[1].embedding == pytest.approx(embed("two", 8), abs=1e-6)
        assert told.usage.prompt_tokens == 4
    assert len(client.embeddings.create(model=SMALL, input="one", dimensions=3).data[0].embedding) == 3
    assert client.embeddings.create(model="text-embedding-3-small", input="one").data[0].index == 0
    assert SMALL in json.dumps(http.get("/api/usage").json())


def test_a_text_is_spoken_and_written_down_again(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    spoken = client.audio.speech.create(model=model, input="Land ahoy", voice="alloy", response_format="wav")
    assert spoken.read() == b"RIFFLand ahoy"
    recording = ("ahoy.wav", b"RIFFLand\r\n--ahoy\r\n\r\n\x00\xff".replace(b"\xff", b"!"), "audio/wav")
    told = client.audio.transcriptions.create(model=model, file=recording, language="en")
    assert told.text == "Land\r\n--ahoy\r\n\r\n\x00!"
    asked = upstream.requests(model)[-1].body
    assert (asked["filename"], asked["language"]) == ("ahoy.wav", "en")


def test_pictures_are_drawn(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    drawn = client.images.generate(model=model, prompt="A lighthouse", n=2, size="1024x1024")
    assert [base64.b64decode(picture.b64_json or "") for picture in drawn.data or []] == [b"A lighthouse"] * 2


@pytest.mark.parametrize("model", ["nobody/none", "builtin/log-reader"])
def test_a_provider_without_them_is_told_of(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model=model, input="one")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.images.generate(model=model, prompt="A lighthouse")


def test_tokens_in_place_of_texts_are_refused(client: openai.OpenAI) -> None:
    for tokens in ([[1, 2, 3]], [1, 2, 3]):
        with pytest.raises(openai.BadRequestError, match=r"check_embedding_ctx_length=False\)\.$"):
            client.embeddings.create(model=SMALL, input=tokens)


def test_no_answer_had_a_shape_that_the_client_does_not_know(recorder: Recorder) -> None:
    """The last one: it looks at what all the others were answered."""
    types: dict[str, Any] = {
        "/v1/audio/transcriptions": Transcription, "/v1/images/generations": ImagesResponse,
    }  # fmt: skip
    for answer in recorder.answers:
        if answer.status != 200 or answer.path == "/v1/audio/speech":
            continue
        told = json.loads(answer.body)
        if answer.path == "/v1/embeddings":
            for item in told["data"]:
                item["embedding"] = [0.0]  # the client asks for base64 and unpacks it before its types see it
        assert find_faults(types.get(answer.path, CreateEmbeddingResponse), told) == []
