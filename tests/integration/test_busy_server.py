"""A server that admits nobody: every surface says so, nothing is kept, and everything else goes on."""

from __future__ import annotations

import pytest
from tests.conftest import MakeServer
from tests.harness.full_client import new_name, open_full
from tests.harness.server import Server
from tests.harness.simple_client import open_simple


@pytest.fixture
def busy(make_server: MakeServer) -> Server:
    return make_server(WITHOUT="room").start()


async def test_it_refuses_politely_on_every_surface_and_keeps_nothing(busy: Server) -> None:
    with busy.http() as http:
        answer = http.post("/chat_batch", json={"message": "Hello"})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["retryable"]) == (503, "overloaded", True)
        assert int(answer.headers["retry-after"]) >= 1
        async with open_full(busy.port, busy.key) as client:
            name = new_name("m")
            error = await client.ask("send", id=name, conversation=name, text="Hello")
            assert (error["type"], error["code"], error["retryable"]) == ("error", "overloaded", True)
            assert error["retry_after_s"] >= 1
            assert (await client.ask("ping"))["type"] == "pong"
        async with open_simple(busy.port, busy.key) as simple:
            assert (await simple.ask("Hello", "chat"))[-1]["tag"] == "error"
        assert http.get("/api/conversations").json()["items"] == []
        assert 'quarterdeck_sends_refused_total{reason="line"} 3.0' in http.get("/metrics").text
    told = [line for line in busy.log_text().splitlines() if '"sends_refused"' in line]
    assert len(told) == 1, "once in a while, and not for each"
