"""The clients that several files of this folder drive."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai
import pytest
from tests.harness.front_ends import FrontEnds, open_front_ends
from tests.harness.server import Server
from tests.harness.strict_api import Recorder


@pytest.fixture(scope="package")
def front_ends() -> Iterator[FrontEnds]:
    with open_front_ends() as opened:
        yield opened


@pytest.fixture(scope="module")
def client(server: Server, recorder: Recorder) -> Iterator[openai.OpenAI]:
    """The official one; the file's own `recorder` looks at its answers."""
    with openai.OpenAI(
        base_url=f"{server.url}/v1", api_key=server.key, max_retries=0, http_client=httpx2.Client(transport=recorder)
    ) as opened:
        yield opened
