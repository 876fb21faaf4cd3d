"""Other front ends' own clients from npm, as one Node process (tests/conformance/node)."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.openid_provider import find_node
from tests.harness.waiting import WAIT_S

FOLDER = Path(__file__).parents[1] / "conformance" / "node"

Answer = dict[str, Any]


class FrontEnds:
    """Many commands may be under way at once."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Answer]] = {}
        threading.Thread(target=self._read, daemon=True).start()

    async def ui_chat(self, port: int, key: str, chat: str, steps: list[Answer], **more: Any) -> Answer:
        """What the AI SDK's chat has after `steps`: its messages, status and error, the chunks that came."""
        return await self._do("ui-chat", url=f"http://127.0.0.1:{port}", key=key, chat=chat, steps=steps, **more)

    async def ui_chat_through(self, port: int, key: str, chat: str, text: str, **more: Any) -> list[Answer]:
        """Over a bad network, by resuming: what each attempt had, and whether it took that for whole."""
        command = {"url": f"http://127.0.0.1:{port}", "key": key, "chat": chat, "text": text}
        attempts: list[Answer] = (await self._do("ui-chat-through", **command, **more))["attempts"]
        return attempts

    async def ag_ui_through(
        self, port: int, key: str, thread: str, messages: list[Answer], **props: Any
    ) -> list[Answer]:
        """The same, by running again with the same message."""
        command = {"url": f"http://127.0.0.1:{port}", "key": key, "thread": thread, "messages": messages}
        attempts: list[Answer] = (await self._do("ag-ui-through", **command, props=props))["attempts"]
        return attempts

    async def ag_ui(self, port: int, key: str, thread: str, messages: list[Answer], **props: Any) -> Answer:
        """What AG-UI's `HttpAgent` has after one run."""
        return await self._do(
            "ag-ui", url=f"http://127.0.0.1:{port}", key=key, thread=thread, messages=messages, props=props
        )

    async def read_ui_message(self, text: str, sdk: str) -> Answer:
        """What the AI SDK (one of its versions) makes of an encoded stream."""
        return await self._do("ui-read", text=text, sdk=sdk)

    async def read_ag_ui(self, text: str) -> Answer:
        """What AG-UI's client makes of an encoded run."""
        return await self._do("ag-read", text=text)

    async def _do(self, does: str, **command: Any) -> Answer:
        number, future = next(self._numbers), Future[Answer]()
        self._waiting[number] = future
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"number": number, "does": does, **command}) + "\n")
        self._process.stdin.flush()
        async with asyncio.timeout(3 * WAIT_S):  # some of it is many attempts over a network that is cut
            return await asyncio.wrap_future(future)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            future = self._waiting.pop(told["number"])
            if not future.set_running_or_notify_cancel():
                continue  # nobody waits for it any more
            if "error" in told:
                future.set_exception(AssertionError(told["error"]))
            else:
                future.set_result(told["answer"])


@contextmanager
def open_front_ends() -> Iterator[FrontEnds]:
    command = [str(find_node()), "clients.mjs"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=FOLDER, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready, (
                "Node did not start: install its packages with scripts/page.py packages tests/conformance/node"
            )
            yield FrontEnds(process)
        finally:
            process.kill()
