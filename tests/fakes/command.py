"""The fakes as commands: `python -m tests.fakes.openai_server --port 9999`."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable

from tests.fakes.serving import FakeServer


def serve(make: Callable[..., FakeServer]) -> None:
    parser = argparse.ArgumentParser(description="A strict fake of a model's API, for manual use and for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default=None, help="the only key it takes; any key if not given")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(make(port=options.port, key=options.key)))
    except KeyboardInterrupt:
        return


async def _serve(fake: FakeServer) -> None:
    async with fake:
        print(f"The fake is ready at {fake.base_url}", flush=True)  # noqa: T201 - a command's output
        await asyncio.Event().wait()
