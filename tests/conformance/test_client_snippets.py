"""The snippets of docs/clients.md, run as they stand there: they share a conversation, and a server of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.script import Script
from tests.harness.server import Server, clean_environment
from tests.harness.upstream import Upstream

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
FENCED = re.compile(r"^```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SNIPPETS = [found.groups() for found in FENCED.finditer(PAGE.read_text(encoding="utf-8"))][1:]  # the first sets up
MODEL = "openai/gpt-5-mini"
ANSWER = "Whiskers, of course."


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    """Every model that a snippet asks says the same."""
    upstream.change(MODEL, Script(pieces=["Whiskers, ", "of course."]))
    running = Server(tmp_path_factory.mktemp("snippets"), QUARTERDECK_MODEL=MODEL, **upstream.environment).start()
    yield running
    running.close()


@pytest.mark.parametrize(("language", "snippet"), SNIPPETS, ids=lambda value: value.splitlines()[-1][:40])
def test_a_snippet_tells_the_answer(answering: Server, tmp_path: Path, language: str, snippet: str) -> None:
    command = ["bash", "-c", snippet] if language == "sh" else [sys.executable, "-c", snippet]
    environment = clean_environment(tmp_path, QUARTERDECK_URL=answering.url, QUARTERDECK_KEY=answering.key)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    ran = subprocess.run(
        command, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    if "--json" in snippet:
        assert '"type":"accepted"' in ran.stdout
    elif "/events" in snippet:
        assert "Whiskers, " in ran.stdout
        assert "turn.ended" in ran.stdout
    else:
        assert ran.stdout.rstrip("\n") == ANSWER


def test_every_language_has_snippets() -> None:
    assert len(SNIPPETS) >= 11
    assert {language for language, _ in SNIPPETS} == {"sh", "python"}
