"""The routes that the client knows: how each is called, and what it answers with. Pure: nothing is sent here."""

from __future__ import annotations

import secrets
from typing import Any, Generic, Literal, TypedDict, TypeVar
from urllib.parse import quote

from msgspec import Struct

from quarterdeck.client.documents import (
    Accepted,
    Assistant,
    Context,
    Conversation,
    Deletion,
    Idea,
    Import,
    Me,
    Memory,
    MemoryPage,
    Message,
    MessagePage,
    Models,
    NewKey,
    Page,
    Recollection,
    Report,
    SearchHit,
)

T = TypeVar("T")
ExportFormat = Literal["jsonl", "markdown", "html"]


class Call(Struct, Generic[T], frozen=True, kw_only=True):
    """`answer` is the type of the JSON that comes back; `bytes` for the body as it is, None for nothing.

    `is_repeatable`: sent twice, it does what it does once.
    """

    method: str
    path: str
    answer: Any
    query: dict[str, Any] = {}
    json: dict[str, Any] | None = None
    content: bytes | None = None
    is_repeatable: bool = False


class SendOptions(TypedDict, total=False):
    """`conversation`: an existing id or any name that you make up. `id` is the idempotency key."""

    conversation: str
    model: str | None
    temperature: float | None
    assistant: str | None
    instructions: str | None
    parent: str | None
    instead_of: str | None
    id: str


class RetryOptions(TypedDict, total=False):
    """`beside`: to compare; the path stays where it is until one is chosen."""

    model: str | None
    temperature: float | None
    beside: bool
    id: str


class EditOptions(TypedDict, total=False):
    """`version`: in place, if the question is at that one; without it, as another branch."""

    version: int | None
    model: str | None
    temperature: float | None
    id: str


def new_name(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(12)}"


def send(text: str, options: SendOptions) -> Call[Accepted]:
    """It carries an id, so that it can be sent again until it is answered."""
    named = {"conversation": new_name("chat"), "id": new_name("send")} | _given(options)
    return Call(method="POST", path="/api/messages", json={"text": text} | named, answer=Accepted, is_repeatable=True)


def retry(message: str, options: RetryOptions) -> Call[Accepted]:
    body = {"id": new_name("retry")} | _given(options)
    return Call(
        method="POST", path=f"/api/messages/{_safe(message)}/retry", json=body, answer=Accepted, is_repeatable=True
    )


def edit_and_send(message: str, text: str, options: EditOptions) -> Call[Accepted]:
    body = {"text": text, "id": new_name("edit")} | _given(options)
    return Call(
        method="POST", path=f"/api/messages/{_safe(message)}/send", json=body, answer=Accepted, is_repeatable=True
    )


def stop(turn: str) -> Call[None]:
    return Call(method="POST", path=f"/api/turns/{_safe(turn)}/stop", answer=None, is_repeatable=True)


def context(turn: str) -> Call[Context]:
    return _get(f"/api/turns/{_safe(turn)}/context", Context)


def me() -> Call[Me]:
    return _get("/api/me", Me)


def conversations(**query: Any) -> Call[Page[Conversation]]:
    return _get("/api/conversations", Page[Conversation], query)


def conversation(identifier: str) -> Call[Conversation]:
    return _get(f"/api/conversations/{_safe(identifier)}", Conversation)


def change_conversation(identifier: str, changes: dict[str, Any]) -> Call[Conversation]:
    return Call(
        method="PATCH", path=f"/api/conversations/{_safe(identifier)}", json=changes, answer=Conversation,
    )  # fmt: skip


def delete_conversation(identifier: str) -> Call[None]:
    return Call(method="DELETE", path=f"/api/conversations/{_safe(identifier)}", answer=None)


def messages(conversation: str, **query: Any) -> Call[MessagePage]:
    return _get(f"/api/conversations/{_safe(conversation)}/messages", MessagePage, query)


def message(identifier: str) -> Call[Message]:
    return _get(f"/api/messages/{_safe(identifier)}", Message)


def edit(identifier: str, text: str, version: int) -> Call[Message]:
    body = {"text": text, "version": version}
    return Call(method="PATCH", path=f"/api/messages/{_safe(identifier)}", json=body, answer=Message)


def branch(identifier: str, text: str) -> Call[Message]:
    body = {"text": text, "id": new_name("branch")}
    place = f"/api/messages/{_safe(identifier)}/branch"
    return Call(method="POST", path=place, json=body, answer=Message, is_repeatable=True)


def choose(identifier: str) -> Call[Message]:
    return Call(
        method="POST", path=f"/api/messages/{_safe(identifier)}/choose", answer=Message, is_repeatable=True
    )  # fmt: skip


def fork(identifier: str) -> Call[Conversation]:
    place, body = f"/api/messages/{_safe(identifier)}/fork", {"id": new_name("fork")}
    return Call(method="POST", path=place, json=body, answer=Conversation, is_repeatable=True)


def delete_message(identifier: str, what: Literal["one", "from", "after"]) -> Call[Deletion]:
    return Call(method="DELETE", path=f"/api/messages/{_safe(identifier)}", query={"what": what}, answer=Deletion)


def undo_deletion(identifier: str) -> Call[Deletion]:
    return Call(method="POST", path=f"/api/deletions/{_safe(identifier)}/undo", answer=Deletion)


def search(q: str, **query: Any) -> Call[Page[SearchHit]]:
    return _get("/api/search", Page[SearchHit], {"q": q} | query)


def ideas(**query: Any) -> Call[Page[Idea]]:
    return _get("/api/ideas", Page[Idea], query)


def models(*, refresh: bool) -> Call[Models]:
    return _get("/api/models", Models, {"refresh": True} if refresh else {})


def assistants() -> Call[Page[Assistant]]:
    return _get("/api/assistants", Page[Assistant])


def usage(**query: Any) -> Call[Report]:
    return _get("/api/usage", Report, query)


def memories(**query: Any) -> Call[MemoryPage]:
    return _get("/api/memories", MemoryPage, query)


def add_memory(text: str, **fields: Any) -> Call[Memory]:
    return Call(method="POST", path="/api/memories", json={"text": text} | _given(fields), answer=Memory)


def forget(identifier: str) -> Call[dict[str, Any]]:
    return Call(method="DELETE", path=f"/api/memories/{_safe(identifier)}", answer=dict[str, Any])


def recall(q: str, **query: Any) -> Call[Recollection]:
    return _get("/api/memories/search", Recollection, {"q": q} | query)


def export(conversation: str, format: ExportFormat) -> Call[bytes]:
    place = f"/api/conversations/{_safe(conversation)}/export" if conversation else "/api/export"
    return _get(place, bytes, {"format": format})


def begin_import(content: bytes, name: str) -> Call[Import]:
    return Call(method="POST", path="/api/imports", query={"name": name}, content=content, answer=Import)


def look_at_import(identifier: str) -> Call[Import]:
    return _get(f"/api/imports/{_safe(identifier)}", Import)


def make_key(name: str, scopes: list[str]) -> Call[NewKey]:
    return Call(method="POST", path="/api/me/keys", json={"name": name, "scopes": scopes}, answer=NewKey)


def revoke_key(identifier: str) -> Call[None]:
    return Call(method="DELETE", path=f"/api/me/keys/{_safe(identifier)}", answer=None)


def sign_out() -> Call[None]:
    return Call(method="POST", path="/api/sign-out", answer=None)


def _get(path: str, answer: Any, query: dict[str, Any] | None = None) -> Call[Any]:
    return Call(method="GET", path=path, query=_given(query or {}), answer=answer, is_repeatable=True)


def _given(options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _safe(identifier: str) -> str:
    """Any name that somebody has made up, as one step of a path."""
    return quote(identifier, safe="")
