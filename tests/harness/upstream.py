"""The fake model API that the tests' servers call, in a thread; a model's name chooses what it says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script
from tests.fakes.serving import Received

UPSTREAM_KEY = "sk-canary-upstream-0f8e7d6c5b4a"  # searched for wherever a secret must not be


class Upstream:
    """Each test makes its own models: their scripts and their counted requests belong to nobody else."""

    def __init__(self, fake: FakeOpenAI) -> None:
        self._fake = fake
        self._numbers = itertools.count(1)

    @property
    def environment(self) -> dict[str, str]:
        return {"OPENAI_API_KEY": UPSTREAM_KEY, "OPENAI_BASE_URL": self._fake.base_url}

    @property
    def base_url(self) -> str:
        return self._fake.base_url

    def model(self, script: Script) -> str:
        """The id of a new model that plays `script`."""
        name = f"scripted-{next(self._numbers)}"
        self._fake.by_model[name] = script
        return f"openai/{name}"

    def change(self, model: str, script: Script) -> None:
        self._fake.by_model[model.partition("/")[2]] = script

    def hurry(self, model: str) -> None:
        """Its answers, also those that have begun, say the rest at once."""
        name = model.partition("/")[2]
        self.change(model, msgspec.structs.replace(self._fake.by_model[name], delay_s=0.0))
        for request in self.requests(model):
            request.is_hurried = True

    def all_requests(self) -> list[Received]:
        return list(self._fake.requests)

    def requests(self, model: str) -> list[Received]:
        name = model.partition("/")[2]
        return [request for request in list(self._fake.requests) if request.model == name]


@contextmanager
def open_upstream() -> Iterator[Upstream]:
    with FakeOpenAI(key=UPSTREAM_KEY).in_thread() as fake:
        yield Upstream(fake)
