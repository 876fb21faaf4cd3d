"""Finds model servers on this machine by themselves: Ollama, LM Studio, llama.cpp, vLLM.

Each is asked at its usual port and must answer in its own words, so that no other web server (nor this
one) is taken for it. All at once, and no longer than `PROBE_TIMEOUT_S` each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.openai_models import read_entries
from quarterdeck.providers.presets import BY_NAME, make_endpoint
from quarterdeck.providers.transport import Call, Transport

PROBE_TIMEOUT_S = 0.3

Ask = Callable[[str], Awaitable[Any]]
"""Path → decoded JSON of a 200; raises `UpstreamError`."""


async def _is_ollama(ask: Ask) -> bool:
    version, tags = await ask("/api/version"), await ask("/api/tags")
    return _has(version, "version", str) and _has(tags, "models", list)


async def _is_lmstudio(ask: Ask) -> bool:
    entries = read_entries(await ask("/api/v0/models"))
    return bool(entries) and all("type" in entry and "state" in entry for entry in entries or [])


async def _is_llamacpp(ask: Ask) -> bool:
    entries = read_entries(await ask("/v1/models"))
    return bool(entries) and all(entry.get("owned_by") == "llamacpp" for entry in entries or [])


async def _is_vllm(ask: Ask) -> bool:
    entries = read_entries(await ask("/v1/models"))
    return bool(entries) and any(entry.get("owned_by") == "vllm" for entry in entries or [])


class Probe(Struct, frozen=True):
    """Where a server may be (`origin` without a path) and how it is recognised."""

    name: str
    origin: str
    recognises: Callable[[Ask], Awaitable[bool]]
    timeout_s: float = PROBE_TIMEOUT_S


_CHECKS = {"ollama": _is_ollama, "lmstudio": _is_lmstudio, "llamacpp": _is_llamacpp, "vllm": _is_vllm}


def usual_probes() -> tuple[Probe, ...]:
    return tuple(probe_at(name, BY_NAME[name].base_url.removesuffix("/v1")) for name in _CHECKS)


def probe_at(name: str, origin: str, timeout_s: float = PROBE_TIMEOUT_S) -> Probe:
    """The check of server `name` at another place than usual."""
    return Probe(name, origin, _CHECKS[name], timeout_s)


async def find_servers(transport: Transport, probes: Collection[Probe], own_port: int) -> list[Endpoint]:
    """The servers that are there, in the order of `probes`; the port we serve on ourselves is left out."""
    others = [probe for probe in probes if urlsplit(probe.origin).port != own_port]
    await transport.prepare()
    present = await asyncio.gather(*(_is_there(transport, probe) for probe in others))
    return [
        make_endpoint(BY_NAME[probe.name], base_url=f"{probe.origin}/v1", origin="found")
        for probe, is_there in zip(others, present, strict=True)
        if is_there
    ]


async def _is_there(transport: Transport, probe: Probe) -> bool:
    async def ask(path: str) -> Any:
        return await transport.fetch_json(Call("GET", probe.origin + path, {}), probe.timeout_s, probe.timeout_s)

    try:
        async with asyncio.timeout(probe.timeout_s):
            return await probe.recognises(ask)
    except (UpstreamError, TimeoutError):
        return False


def _has(content: Any, name: str, kind: type) -> bool:
    return isinstance(content, dict) and isinstance(content.get(name), kind)
