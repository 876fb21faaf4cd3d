"""The snippets of docs/other-front-ends.md, run as they stand there; nobody else has their conversations."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.conftest import MakeServer
from tests.fakes.script import Script
from tests.harness.front_ends import FOLDER
from tests.harness.openid_provider import find_node
from tests.harness.upstream import Upstream

PAGE = Path(__file__).parents[2] / "docs" / "other-front-ends.md"
SNIPPETS = re.findall(r"^```js\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["AI SDK", "AG-UI"])
def test_a_snippet_prints_the_answer(make_server: MakeServer, upstream: Upstream, snippet: str) -> None:
    model = upstream.model(Script(pieces=["Whiskers, ", "of course."]))
    server = make_server(QUARTERDECK_MODEL=model).start()
    ran = subprocess.run(
        [str(find_node()), "--input-type=module", "--eval", snippet],
        cwd=FOLDER,
        env=os.environ | {"QUARTERDECK_URL": server.url, "QUARTERDECK_KEY": server.key},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (ran.stdout, ran.returncode) == ("Whiskers, of course.\n", 0), ran.stderr
