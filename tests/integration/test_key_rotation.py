"""`quarterdeck key rotate` beside a running server: what is stored opens before, meanwhile and afterwards."""

from __future__ import annotations

import re

from tests.conftest import MakeServer
from tests.fakes.script import Script
from tests.harness.upstream import UPSTREAM_KEY, Upstream


def test_a_running_server_and_the_next_one_go_on_with_the_new_key(make_server: MakeServer, upstream: Upstream) -> None:
    running = make_server(OPENAI_API_KEY="", OPENAI_BASE_URL="").start()
    model = upstream.model(Script()).replace("openai/", "mine/")
    given = {"base_url": upstream.base_url, "key": UPSTREAM_KEY}
    file = running.data_dir / "secret.key"
    old = file.read_bytes()
    with running.http() as http:
        assert http.put("/api/providers/mine", json=given).status_code == 200
        done = running.run("key", "rotate")
        assert (done.returncode, done.stdout, done.stderr) == (0, "Sealed anew: 1.\n", "")
        assert file.read_bytes() != old
        assert http.post("/chat_batch", json={"message": "Hi", "model": model}).status_code == 200
        assert http.put("/api/providers/other", json=given).status_code == 200, "it seals with the new one"
    running.terminate()
    running.restart()
    with running.http() as http:
        for name in ("mine", "other"):
            answer = http.post("/chat_batch", json={"message": "Hi", "model": re.sub("^mine", name, model)})
            assert (answer.status_code, answer.text) == (200, "Hello, world!")
    assert "provider_key_locked" not in running.log_text()


def test_with_one_key_in_the_environment_it_says_what_to_do(make_server: MakeServer) -> None:
    alone = make_server(QUARTERDECK_SECRET_KEY="A" * 43 + "=")
    done = alone.run("key", "rotate")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Put a new one before it" in done.stderr
    assert "AAAA" not in done.stderr
