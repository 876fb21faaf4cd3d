"""LiteLLM's proxy: `/v1/chat/completions` to an upstream that speaks the same. One key, no database, nothing kept."""

from __future__ import annotations

import secrets
from pathlib import Path

from bench.driver import OpenAIClient
from bench.peers.peer import Peer
from bench.processes import Server, free_port

_KEY = "sk-" + secrets.token_hex(24)  # it refuses to start with a weak one, or with none
_CONFIGURATION = """\
model_list:
  - model_name: "*"
    litellm_params:
      model: "openai/*"
      api_base: "http://127.0.0.1:{upstream_port}/v1"
      api_key: "sk-bench"
"""


def start(programs: Path, folder: Path, upstream_port: int) -> Server:
    configuration = folder / "litellm.yaml"
    configuration.write_text(_CONFIGURATION.format(upstream_port=upstream_port))
    port = free_port()
    command = [str(programs / "litellm"), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        "LITELLM_MASTER_KEY": _KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "REPEATED_STREAMING_CHUNK_LIMIT": "1000000",  # our upstream says one word all the time
    }
    return Server([*command, "--num_workers", "1", "--telemetry", "False"], port, environment, folder / "litellm.log")


PEER = Peer(
    "litellm", "LiteLLM's proxy, stores nothing", "litellm", "/health/liveliness", start,
    lambda port: OpenAIClient(port, _KEY),
)  # fmt: skip
