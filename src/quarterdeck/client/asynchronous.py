"""`AsyncClient`: the same for asyncio; many answers may be read at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any, Literal, Self, TypeVar, Unpack

import httpx2

from quarterdeck.client import calls, documents
from quarterdeck.client.answers import AnswerState, Delta, Entry, Patience
from quarterdeck.client.calls import Call, EditOptions, ExportFormat, RetryOptions, SendOptions
from quarterdeck.client.errors import ClientError, NotSignedInError, ResyncError, UnreachableError
from quarterdeck.client.wire import (
    BROKEN,
    DEFAULT_URL,
    PATIENCE_S,
    answer_of,
    broken_off,
    error_in,
    options_of,
    request_of,
)
from quarterdeck.domain.fold import FoldedTurn

T = TypeVar("T")


class AsyncClient:
    """`key` is an API key; without one, `QUARTERDECK_KEY` in the environment.

    A server that has answered once is waited for when it goes away, `patience_s` without any news.
    """

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, patience_s: float = PATIENCE_S) -> None:
        given = os.environ.get("QUARTERDECK_KEY", "") if key is None else key
        self.http = httpx2.AsyncClient(**options_of(url, given))
        self.patience_s = patience_s
        self._was_reached = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.http.aclose()

    async def call(self, call: Call[T]) -> T:
        """Any route of `quarterdeck.client.calls`. Raises: `ClientError`."""
        patience = Patience(self.patience_s if self._was_reached and call.is_repeatable else 0.0)
        while True:
            try:
                return answer_of(call, await self._request(call))
            except ClientError as error:
                await asyncio.sleep(patience.pause_s(error))

    async def _request(self, call: Call[Any]) -> httpx2.Response:
        try:
            response = await self.http.request(**request_of(call))
        except BROKEN as error:
            raise broken_off(error, self.http.base_url) from error
        self._was_reached = True
        return response

    async def open_link(self, link: str) -> None:
        """Sign in by a one-time link, as a browser would. Raises: `NotSignedInError`."""
        try:
            response = await self.http.get(link)
        except BROKEN as error:
            raise broken_off(error, self.http.base_url) from error
        if response.status_code != 303:
            raise NotSignedInError("This link is used up or too old.", code="link_used", status=response.status_code)
        self.http.headers["origin"] = str(self.http.base_url).rstrip("/")

    async def send(self, text: str, **options: Unpack[SendOptions]) -> AsyncAnswer:
        """Say something; it is kept when this returns. Without `conversation` it begins one."""
        return self._answer(await self.call(calls.send(text, options)))

    async def retry(self, message: str, **options: Unpack[RetryOptions]) -> AsyncAnswer:
        """Answer a question anew."""
        return self._answer(await self.call(calls.retry(message, options)))

    async def edit_and_send(self, message: str, text: str, **options: Unpack[EditOptions]) -> AsyncAnswer:
        """Edit a question and have it answered anew, both or neither."""
        return self._answer(await self.call(calls.edit_and_send(message, text, options)))

    def follow(self, turn: str, *, answer: str = "", after: int = 0) -> AsyncAnswer:
        """A turn that was begun elsewhere. `answer`: its message's id, to be read there once the log is gone."""
        return AsyncAnswer(self, turn, answer, after)

    async def stop(self, turn: str) -> None:
        """The answer ends with what it has."""
        await self.call(calls.stop(turn))

    def _answer(self, accepted: documents.Accepted) -> AsyncAnswer:
        answer = AsyncAnswer(self, accepted.turn, accepted.answer)
        answer.accepted = accepted
        return answer

    async def me(self) -> documents.Me:
        return await self.call(calls.me())

    async def conversations(self, **query: Any) -> documents.Page[documents.Conversation]:
        """`q`, `folder`, `archived`, `pinned`, `deleted`, `cursor`, `limit`."""
        return await self.call(calls.conversations(**query))

    async def conversation(self, identifier: str) -> documents.Conversation:
        return await self.call(calls.conversation(identifier))

    async def change_conversation(self, identifier: str, **changes: Any) -> documents.Conversation:
        """`title`, `model`, `assistant`, `instructions`, `temperature`."""
        return await self.call(calls.change_conversation(identifier, changes))

    async def delete_conversation(self, identifier: str) -> None:
        await self.call(calls.delete_conversation(identifier))

    async def messages(self, conversation: str, **query: Any) -> documents.MessagePage:
        """The end of the active path; `before`, `after`, `around`, `limit`."""
        return await self.call(calls.messages(conversation, **query))

    async def message(self, identifier: str) -> documents.Message:
        return await self.call(calls.message(identifier))

    async def edit(self, message: str, text: str, *, version: int) -> documents.Message:
        """In place. Raises: `ConflictError` when it is not at `version` any more."""
        return await self.call(calls.edit(message, text, version))

    async def branch(self, message: str, text: str) -> documents.Message:
        """Another message beside it, with which the path ends."""
        return await self.call(calls.branch(message, text))

    async def choose(self, message: str) -> documents.Message:
        """Switch to the branch that it is on."""
        return await self.call(calls.choose(message))

    async def fork(self, message: str) -> documents.Conversation:
        return await self.call(calls.fork(message))

    async def delete_message(self, message: str, what: Literal["one", "from", "after"] = "one") -> documents.Deletion:
        return await self.call(calls.delete_message(message, what))

    async def undo_deletion(self, deletion: str) -> documents.Deletion:
        return await self.call(calls.undo_deletion(deletion))

    async def search(self, q: str, **query: Any) -> documents.Page[documents.SearchHit]:
        """`order`, `since`, `until`, `who`, `model`, `has`, `conversation`, `folder`, `cursor`, `limit`."""
        return await self.call(calls.search(q, **query))

    async def ideas(self, **query: Any) -> documents.Page[documents.Idea]:
        return await self.call(calls.ideas(**query))

    async def models(self, *, refresh: bool = False) -> documents.Models:
        return await self.call(calls.models(refresh=refresh))

    async def assistants(self) -> documents.Page[documents.Assistant]:
        return await self.call(calls.assistants())

    async def usage(self, **query: Any) -> documents.Report:
        """`since`, `until`, `group`."""
        return await self.call(calls.usage(**query))

    async def context(self, turn: str) -> documents.Context:
        """What the model was sent for an answer."""
        return await self.call(calls.context(turn))

    async def memories(self, **query: Any) -> documents.MemoryPage:
        return await self.call(calls.memories(**query))

    async def add_memory(self, text: str, **fields: Any) -> documents.Memory:
        return await self.call(calls.add_memory(text, **fields))

    async def forget(self, memory: str) -> dict[str, Any]:
        return await self.call(calls.forget(memory))

    async def recall(self, q: str, **query: Any) -> documents.Recollection:
        return await self.call(calls.recall(q, **query))

    async def export(self, conversation: str = "", *, format: ExportFormat = "jsonl") -> bytes:
        """One conversation, or all of them."""
        return await self.call(calls.export(conversation, format))

    async def begin_import(self, content: bytes, name: str) -> documents.Import:
        """It is worked on in the background: see `look_at_import`."""
        return await self.call(calls.begin_import(content, name))

    async def look_at_import(self, identifier: str) -> documents.Import:
        return await self.call(calls.look_at_import(identifier))

    async def sign_out(self) -> None:
        """End a session that a link opened. A key stays."""
        await self.call(calls.sign_out())


class AsyncAnswer:
    """The answer of one turn, to be read once: by `events`, `deltas`, `texts` or `wait`. Leaving does not stop it."""

    def __init__(self, client: AsyncClient, turn: str, message: str, after: int = 0) -> None:
        self.accepted: documents.Accepted | None = None
        self.turn = turn
        self.message = message
        self.state = AnswerState(turn, after)
        self._client = client

    async def events(self) -> AsyncIterator[Entry]:
        """Each event with its seq, to the end of the turn, over whatever happens to connections.

        Raises: `ClientError` when nothing new came for the client's patience.
        """
        patience = Patience(self._client.patience_s)
        while not self.state.is_over:
            try:
                async for entry in self._attempt():
                    patience.reset()
                    yield entry
                if not self.state.is_over:
                    raise UnreachableError("The server has gone away in the middle of an answer.")
            except ClientError as error:
                await asyncio.sleep(patience.pause_s(error))

    async def deltas(self) -> AsyncIterator[Delta]:
        """Texts of all kinds: thoughts, ideas, calls of tools. Raises: `TurnFailedError` at the end."""
        async for _, event in self.events():
            for delta in self.state.deltas_of(event):
                yield delta
        self.state.raise_fault()

    def texts(self) -> AsyncIterator[str]:
        """The answer's text as it comes. Raises: `TurnFailedError` at the end."""
        return (delta.text async for delta in self.deltas() if delta.kind == "text")

    async def wait(self) -> FoldedTurn:
        """The whole answer. Raises: `TurnFailedError`."""
        async for _ in self.events():
            continue
        return self.state.check()

    async def stop(self) -> None:
        await self._client.stop(self.turn)

    async def _attempt(self) -> AsyncIterator[Entry]:
        self.state.begin()
        http = self._client.http
        try:
            async with http.stream("GET", self.state.path, headers={"accept": "text/event-stream"}) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise error_in(response)
                async for chunk in response.aiter_bytes():
                    for entry in self.state.feed(chunk):
                        yield entry
        except BROKEN as error:
            raise broken_off(error, http.base_url) from error
        except ResyncError as error:
            async for entry in self._saved(error):
                yield entry

    async def _saved(self, error: ResyncError) -> AsyncIterator[Entry]:
        """The log is gone: the answer is where messages are. Raises: `ClientError`."""
        if not self.message:
            raise error
        message = await self._client.message(self.message)
        if message.status == "running":
            raise UnreachableError("The log of this answer is away.")
        for entry in self.state.take_message(message):
            yield entry
