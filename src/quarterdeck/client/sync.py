"""`Client`: for scripts, the terminal, Streamlit. Not to be shared between threads while an answer is read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
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


class Client:
    """`key` is an API key; without one, `QUARTERDECK_KEY` in the environment.

    A server that has answered once is waited for when it goes away, `patience_s` without any news.
    """

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, patience_s: float = PATIENCE_S) -> None:
        given = os.environ.get("QUARTERDECK_KEY", "") if key is None else key
        self.http = httpx2.Client(**options_of(url, given))
        self.patience_s = patience_s
        self._was_reached = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.http.close()

    def call(self, call: Call[T]) -> T:
        """Any route of `quarterdeck.client.calls`. Raises: `ClientError`."""
        patience = Patience(self.patience_s if self._was_reached and call.is_repeatable else 0.0)
        while True:
            try:
                return answer_of(call, self._request(call))
            except ClientError as error:
                time.sleep(patience.pause_s(error))

    def _request(self, call: Call[Any]) -> httpx2.Response:
        try:
            response = self.http.request(**request_of(call))
        except BROKEN as error:
            raise broken_off(error, self.http.base_url) from error
        self._was_reached = True
        return response

    def open_link(self, link: str) -> None:
        """Sign in by a one-time link, as a browser would. Raises: `NotSignedInError`."""
        try:
            response = self.http.get(link)
        except BROKEN as error:
            raise broken_off(error, self.http.base_url) from error
        if response.status_code != 303:
            raise NotSignedInError("This link is used up or too old.", code="link_used", status=response.status_code)
        self.http.headers["origin"] = str(self.http.base_url).rstrip("/")

    def send(self, text: str, **options: Unpack[SendOptions]) -> Answer:
        """Say something; it is kept when this returns. Without `conversation` it begins one."""
        return self._answer(self.call(calls.send(text, options)))

    def retry(self, message: str, **options: Unpack[RetryOptions]) -> Answer:
        """Answer a question anew."""
        return self._answer(self.call(calls.retry(message, options)))

    def edit_and_send(self, message: str, text: str, **options: Unpack[EditOptions]) -> Answer:
        """Edit a question and have it answered anew, both or neither."""
        return self._answer(self.call(calls.edit_and_send(message, text, options)))

    def follow(self, turn: str, *, answer: str = "", after: int = 0) -> Answer:
        """A turn that was begun elsewhere. `answer`: its message's id, to be read there once the log is gone."""
        return Answer(self, turn, answer, after)

    def stop(self, turn: str) -> None:
        """The answer ends with what it has."""
        self.call(calls.stop(turn))

    def _answer(self, accepted: documents.Accepted) -> Answer:
        answer = Answer(self, accepted.turn, accepted.answer)
        answer.accepted = accepted
        return answer

    def me(self) -> documents.Me:
        return self.call(calls.me())

    def conversations(self, **query: Any) -> documents.Page[documents.Conversation]:
        """`q`, `folder`, `archived`, `pinned`, `deleted`, `cursor`, `limit`."""
        return self.call(calls.conversations(**query))

    def conversation(self, identifier: str) -> documents.Conversation:
        return self.call(calls.conversation(identifier))

    def change_conversation(self, identifier: str, **changes: Any) -> documents.Conversation:
        """`title`, `model`, `assistant`, `instructions`, `temperature`."""
        return self.call(calls.change_conversation(identifier, changes))

    def delete_conversation(self, identifier: str) -> None:
        self.call(calls.delete_conversation(identifier))

    def messages(self, conversation: str, **query: Any) -> documents.MessagePage:
        """The end of the active path; `before`, `after`, `around`, `limit`."""
        return self.call(calls.messages(conversation, **query))

    def message(self, identifier: str) -> documents.Message:
        return self.call(calls.message(identifier))

    def edit(self, message: str, text: str, *, version: int) -> documents.Message:
        """In place. Raises: `ConflictError` when it is not at `version` any more."""
        return self.call(calls.edit(message, text, version))

    def branch(self, message: str, text: str) -> documents.Message:
        """Another message beside it, with which the path ends."""
        return self.call(calls.branch(message, text))

    def choose(self, message: str) -> documents.Message:
        """Switch to the branch that it is on."""
        return self.call(calls.choose(message))

    def fork(self, message: str) -> documents.Conversation:
        return self.call(calls.fork(message))

    def delete_message(self, message: str, what: Literal["one", "from", "after"] = "one") -> documents.Deletion:
        return self.call(calls.delete_message(message, what))

    def undo_deletion(self, deletion: str) -> documents.Deletion:
        return self.call(calls.undo_deletion(deletion))

    def search(self, q: str, **query: Any) -> documents.Page[documents.SearchHit]:
        """`order`, `since`, `until`, `who`, `model`, `has`, `conversation`, `folder`, `cursor`, `limit`."""
        return self.call(calls.search(q, **query))

    def ideas(self, **query: Any) -> documents.Page[documents.Idea]:
        return self.call(calls.ideas(**query))

    def models(self, *, refresh: bool = False) -> documents.Models:
        return self.call(calls.models(refresh=refresh))

    def assistants(self) -> documents.Page[documents.Assistant]:
        return self.call(calls.assistants())

    def usage(self, **query: Any) -> documents.Report:
        """`since`, `until`, `group`."""
        return self.call(calls.usage(**query))

    def context(self, turn: str) -> documents.Context:
        """What the model was sent for an answer."""
        return self.call(calls.context(turn))

    def memories(self, **query: Any) -> documents.MemoryPage:
        return self.call(calls.memories(**query))

    def add_memory(self, text: str, **fields: Any) -> documents.Memory:
        return self.call(calls.add_memory(text, **fields))

    def forget(self, memory: str) -> dict[str, Any]:
        return self.call(calls.forget(memory))

    def recall(self, q: str, **query: Any) -> documents.Recollection:
        return self.call(calls.recall(q, **query))

    def export(self, conversation: str = "", *, format: ExportFormat = "jsonl") -> bytes:
        """One conversation, or all of them."""
        return self.call(calls.export(conversation, format))

    def begin_import(self, content: bytes, name: str) -> documents.Import:
        """It is worked on in the background: see `look_at_import`."""
        return self.call(calls.begin_import(content, name))

    def look_at_import(self, identifier: str) -> documents.Import:
        return self.call(calls.look_at_import(identifier))

    def sign_out(self) -> None:
        """End a session that a link opened. A key stays."""
        self.call(calls.sign_out())


class Answer:
    """The answer of one turn, to be read once: by `events`, `deltas`, `texts` or `wait`. Leaving does not stop it."""

    def __init__(self, client: Client, turn: str, message: str, after: int = 0) -> None:
        self.accepted: documents.Accepted | None = None
        self.turn = turn
        self.message = message
        self.state = AnswerState(turn, after)
        self._client = client

    def events(self) -> Iterator[Entry]:
        """Each event with its seq, to the end of the turn, over whatever happens to connections.

        Raises: `ClientError` when nothing new came for the client's patience.
        """
        patience = Patience(self._client.patience_s)
        while not self.state.is_over:
            try:
                for entry in self._attempt():
                    patience.reset()
                    yield entry
                if not self.state.is_over:
                    raise UnreachableError("The server has gone away in the middle of an answer.")
            except ClientError as error:
                time.sleep(patience.pause_s(error))

    def deltas(self) -> Iterator[Delta]:
        """Texts of all kinds: thoughts, ideas, calls of tools. Raises: `TurnFailedError` at the end."""
        for _, event in self.events():
            yield from self.state.deltas_of(event)
        self.state.raise_fault()

    def texts(self) -> Iterator[str]:
        """The answer's text as it comes. Raises: `TurnFailedError` at the end."""
        return (delta.text for delta in self.deltas() if delta.kind == "text")

    def wait(self) -> FoldedTurn:
        """The whole answer. Raises: `TurnFailedError`."""
        for _ in self.events():
            continue
        return self.state.check()

    def stop(self) -> None:
        self._client.stop(self.turn)

    def _attempt(self) -> Iterator[Entry]:
        self.state.begin()
        http = self._client.http
        try:
            with http.stream("GET", self.state.path, headers={"accept": "text/event-stream"}) as response:
                if response.status_code != 200:
                    response.read()
                    raise error_in(response)
                for chunk in response.iter_bytes():
                    yield from self.state.feed(chunk)
        except BROKEN as error:
            raise broken_off(error, http.base_url) from error
        except ResyncError as error:
            yield from self._saved(error)

    def _saved(self, error: ResyncError) -> Iterator[Entry]:
        """The log is gone: the answer is where messages are. Raises: `ClientError`."""
        if not self.message:
            raise error
        message = self._client.message(self.message)
        if message.status == "running":
            raise UnreachableError("The log of this answer is away.")
        yield from self.state.take_message(message)
