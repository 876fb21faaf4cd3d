"""Local model servers are found by their own words, and nothing else is taken for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from quarterdeck.config import Settings
from quarterdeck.errors import ModelNotFoundError
from quarterdeck.providers.discovery import Probe, find_servers, probe_at, usual_probes
from quarterdeck.providers.registry import Registry
from quarterdeck.providers.transport import Transport

Answers = dict[str, Any]

OLLAMA: Answers = {
    "/api/version": {"version": "0.14.2"},
    "/api/tags": {"models": [{"name": "llama3.2:3b"}]},
    "/v1/models": {"object": "list", "data": [{"id": "llama3.2:3b", "object": "model", "owned_by": "library"}]},
    "/api/show": {
        "capabilities": ["completion", "tools"],
        "model_info": {"llama.context_length": 131072},
        "parameters": "num_ctx 8192",
    },
}
LMSTUDIO: Answers = {
    "/api/v0/models": {"object": "list", "data": [{"id": "qwen3-4b", "type": "llm", "state": "not-loaded"}]},
    "/v1/models": {"object": "list", "data": [{"id": "qwen3-4b", "object": "model"}]},
}
LLAMACPP: Answers = {
    "/v1/models": {"object": "list", "data": [{"id": "gemma.gguf", "object": "model", "owned_by": "llamacpp"}]},
    "/props": {"default_generation_settings": {"n_ctx": 16384}},
}
VLLM: Answers = {
    "/v1/models": {"object": "list", "data": [{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 40960}]}
}
SERVERS = {"ollama": OLLAMA, "lmstudio": LMSTUDIO, "llamacpp": LLAMACPP, "vllm": VLLM}


@asynccontextmanager
async def serve(answer: Callable[[web.Request], Any]) -> AsyncIterator[int]:
    """A web server on a free port; `answer` gives a JSON-able value, a response, or None for 404."""

    async def reply(request: web.Request) -> web.StreamResponse:
        found = answer(request)
        if asyncio.iscoroutine(found):
            found = await found
        if isinstance(found, web.StreamResponse):
            return found
        return web.json_response(found) if found is not None else web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", reply)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def probes_at(port: int) -> tuple[Probe, ...]:
    return tuple(probe_at(name, f"http://127.0.0.1:{port}", timeout_s=3.0) for name in SERVERS)


async def find_at(port: int, own_port: int = 0) -> list[str]:
    transport = Transport()
    try:
        return [endpoint.name for endpoint in await find_servers(transport, probes_at(port), own_port)]
    finally:
        await transport.close()


@pytest.mark.parametrize("name", list(SERVERS))
async def test_a_server_is_found_as_itself_only(name: str) -> None:
    async with serve(lambda request: SERVERS[name].get(request.path)) as port:
        assert await find_at(port) == [name]


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: None,
        lambda request: web.Response(text="<html>hello</html>", content_type="text/html"),
        lambda request: {},
        lambda request: [],
        lambda request: {"object": "list", "data": []},
        lambda request: {"object": "list", "data": [{"id": "x", "object": "model", "owned_by": "quarterdeck"}]},
        lambda request: {"data": [{"id": 3, "owned_by": "vllm"}]},
        lambda request: web.Response(status=401, text="sign in"),
        lambda request: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        lambda request: web.Response(body=b"\xff\xfe{"),
        lambda request: web.Response(body=b"[" * 60_000),
    ],
    ids=["404", "web page", "object", "list", "no models", "ourselves", "odd ids", "401", "redirect", "noise", "deep"],
)
async def test_another_web_server_is_not_taken_for_a_model_server(answer: Callable[[web.Request], Any]) -> None:
    async with serve(answer) as port:
        assert await find_at(port) == []


async def test_a_server_that_takes_too_long_is_passed_over() -> None:
    async with serve(lambda request: asyncio.sleep(4, OLLAMA)) as port:
        transport = Transport()
        assert await find_servers(transport, [probe_at("ollama", f"http://127.0.0.1:{port}")], 0) == []
        await transport.close()


async def test_the_port_we_serve_on_is_not_asked() -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> Any:
        asked.append(request.path)
        return VLLM.get(request.path)

    async with serve(answer) as port:
        assert await find_at(port, own_port=port) == []
    assert asked == []


async def test_nothing_there_is_nothing_found() -> None:
    assert await find_at(9) == []


async def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    async with serve(lambda request: VLLM.get(request.path)) as port:
        assert await find_at(port) == ["vllm"]


def test_the_usual_places_are_the_servers_own_and_get_a_moment() -> None:
    assert {probe.timeout_s for probe in usual_probes()} == {0.3}
    assert {probe.name: probe.origin for probe in usual_probes()} == {
        "ollama": "http://127.0.0.1:11434",
        "lmstudio": "http://127.0.0.1:1234",
        "llamacpp": "http://127.0.0.1:8080",
        "vllm": "http://127.0.0.1:8000",
    }


@pytest.mark.parametrize(
    ("name", "model", "window"),
    [
        ("ollama", "ollama/llama3.2:3b", 8192),
        ("lmstudio", "lmstudio/qwen3-4b", None),
        ("llamacpp", "llamacpp/gemma.gguf", 16384),
        ("vllm", "vllm/Qwen/Qwen3-8B", 40960),
    ],
)
async def test_a_found_server_offers_its_models(name: str, model: str, window: int | None) -> None:
    async with serve(lambda request: SERVERS[name].get(request.path)) as port:
        settings = Settings(port=0)
        settings.__dict__["environment"] = {}
        registry = Registry(settings, probes=probes_at(port))
        offered = await registry.models()
        assert [(profile.id, profile.context_window) for profile in offered.items] == [(model, window)]
        assert await registry.default_model() == model
        assert [endpoint.origin for endpoint in registry.endpoints()] == ["found"]
        await registry.close()


async def test_discovery_can_be_switched_off() -> None:
    async with serve(lambda request: VLLM.get(request.path)) as port:
        settings = Settings(port=0, discover=False)
        settings.__dict__["environment"] = {}
        registry = Registry(settings, probes=probes_at(port))
        assert (await registry.models()).items == []
        await registry.close()


def registry_at(port: int, model: str = "") -> Registry:
    settings = Settings(port=0, model=model)
    settings.__dict__["environment"] = {}
    return Registry(settings, probes=probes_at(port))


async def test_who_comes_while_servers_are_looked_for_gets_what_is_found() -> None:
    async with serve(lambda request: asyncio.sleep(0.2, OLLAMA.get(request.path))) as port:
        registry = registry_at(port)
        assert await asyncio.gather(*(registry.default_model() for _ in range(3))) == ["ollama/llama3.2:3b"] * 3
        await registry.close()


async def test_a_server_that_is_wanted_is_looked_for_before_anybody_lists_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_there = False
    async with serve(lambda request: OLLAMA.get(request.path) if is_there else None) as port:
        registry = registry_at(port, model="ollama/llama3.2:3b")
        assert await registry.default_model() == "ollama/llama3.2:3b"
        await registry.look_for("ollama/llama3.2:3b")
        with pytest.raises(ModelNotFoundError):
            registry.provider_for("ollama/llama3.2:3b")
        is_there = True  # somebody does what the sentence says: starts it
        monkeypatch.setattr("quarterdeck.providers.registry._LOOK_AGAIN_S", 0.0)
        await registry.look_for("ollama/llama3.2:3b")
        assert registry.provider_for("ollama/llama3.2:3b")[0].endpoint.origin == "found"
        await registry.close()


async def test_what_the_first_request_loads_takes_no_time_from_a_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    async def load_slowly(_module: str) -> None:
        await asyncio.sleep(0.6)

    monkeypatch.setattr("quarterdeck.providers.transport.load", load_slowly)
    async with serve(lambda request: OLLAMA.get(request.path)) as port:
        transport = Transport()
        probe = probe_at("ollama", f"http://127.0.0.1:{port}", timeout_s=0.5)
        assert [endpoint.name for endpoint in await find_servers(transport, [probe], 0)] == ["ollama"]
        await transport.close()
