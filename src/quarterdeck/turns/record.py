"""What a request leaves in the database: a message, an answer-to-be and a turn, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec
from msgspec import Struct

from quarterdeck.accounts.access import access_message
from quarterdeck.context.assistants import Speaking, choose_assistant, find_assistant, speaking_in
from quarterdeck.conversations.branches import lead_through
from quarterdeck.domain.asked import ApiRequest, encode_asked
from quarterdeck.domain.events import TurnStarted
from quarterdeck.domain.ids import id_after, new_id, now_ms
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.domain.titles import shorten
from quarterdeck.errors import ConflictError, InputError, NotFoundError, TooLargeError
from quarterdeck.store.conversations import (
    ConversationRow,
    find_conversation,
    insert_conversation,
    update_conversation,
)
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.locks import lock_conversation, lock_send
from quarterdeck.store.messages import MessageRow, NewMessage, find_message, insert_messages, lead_to
from quarterdeck.store.search import NewEntry, entry_of
from quarterdeck.store.tree import find_next, lead, list_children
from quarterdeck.store.turns import (
    OPEN,
    TurnRow,
    find_place,
    find_turn,
    find_turn_by_key,
    has_only_open_of,
    insert_turn,
)
from quarterdeck.turns.claim import Lease

MAX_TEXT_CHARS = 1_000_000
MAX_ID_CHARS = 200
MEMORY = ("", "off", "private")

Admit = Callable[[WriteConnection, str, str], None]
"""Raises what keeps a user (the second) from asking a model (the third): `Limits.admit`."""


class Send(Struct, frozen=True, kw_only=True):
    """`key`: the client's idempotency key. None means: as the conversation has it.

    `parts`: texts and pictures as they follow each other, where there are pictures; `text` is what they say.
    `parent`: the message to go on below, `instead_of`: the one to stand beside; without either it is the path's end.
    `memory` (`off`, `private`) is for a conversation that this opens.
    """

    key: str
    conversation: str
    text: str
    parts: list[Part] = []
    model: str | None = None
    temperature: float | None = None
    assistant: str | None = None
    instructions: str | None = None
    parent: str | None = None
    instead_of: str | None = None
    memory: str | None = None
    asked: ApiRequest | None = None  # by an API client; if `is_alone`, in a conversation that is hidden


class Retry(Struct, frozen=True, kw_only=True):
    """Answer anew what answer `message` answered, or `message` itself if it is a question.

    `beside`: the answers are to be compared: the path stays with the one it goes through, and both are written at once.
    """

    key: str
    message: str
    model: str | None = None
    temperature: float | None = None
    beside: bool = False


class Accepted(Struct, frozen=True):
    """What is promised once it is returned: the message is kept. `is_new` is False for a repeated send.

    `said`: what the search is to find, once it is kept.
    """

    row: TurnRow
    external_id: str
    is_new: bool
    said: NewEntry | None = None


def started_event(turn: TurnRow) -> TurnStarted:
    """The first event of the turn's log."""
    return TurnStarted(turn.id, turn.conversation_id, turn.message_id, turn.request_id, turn.model, turn.created_at)


def check_send(send: Send) -> None:
    """Raises: `InputError`, `TooLargeError`."""
    if not send.text.strip() and not send.parts and not _is_alone(send):
        raise InputError("The message is empty. Write something first.")
    if len(send.text) > MAX_TEXT_CHARS:
        raise TooLargeError(f"The message is longer than {MAX_TEXT_CHARS:,} characters. Send it in parts.")
    if not send.conversation or len(send.conversation) > MAX_ID_CHARS:
        raise InputError(f"The conversation's id must have 1 to {MAX_ID_CHARS} characters.")
    _check_key(send.key)
    _check_temperature(send.temperature)
    if send.assistant is not None and len(send.assistant) > MAX_ID_CHARS:
        raise InputError(f"There is no assistant with more than {MAX_ID_CHARS} characters.")
    if "\x00" in send.text or "\x00" in send.conversation:
        raise InputError("The message contains a NUL character, which cannot be stored.")
    if (send.memory or "") not in MEMORY:
        raise InputError("A conversation's memory is `off`, `private` or nothing.")
    if send.parent and send.instead_of:
        raise InputError("Give `parent` or `instead_of`, not both.")


def check_retry(retry: Retry) -> None:
    """Raises: `InputError`."""
    _check_key(retry.key)
    _check_temperature(retry.temperature)


def record_send(
    connection: WriteConnection, owner: str, send: Send, default_model: str, lease: Lease | None, admit: Admit
) -> Accepted:
    """Idempotent by `send.key`. Without a lease the turn waits for whoever claims it.

    Raises: `ConflictError` for the same key with another body; `InputError` for an assistant that is not there; what
    `admit` raises for its model.
    """
    digest = digest_of(send)
    lock_send(connection, owner, send.key)
    if (known := find_known(connection, owner, send.key, digest)) is not None:
        return known
    request, answer = new_id(), new_id()
    conversation = _find_locked(connection, owner, send.conversation)
    is_new = conversation is None
    if conversation is None:
        conversation = _open_conversation(connection, owner, send, default_model, request, answer)
    else:
        conversation = _keep_choices(connection, conversation, send)
    parent = _find_parent(connection, conversation, send)
    model = conversation.model or default_model
    admit(connection, owner, model)
    turn = _new_turn(
        connection, conversation, send.key, digest, request=request, model=model, answer=answer, is_first=is_new
    )
    if send.asked is not None:
        turn = msgspec.structs.replace(turn, asked=encode_asked(send.asked))
    question = _question(turn, parent, send.parts or [TextPart(send.text)])
    accepted = _store(connection, conversation, turn, lease, question)
    if not _is_alone(send):
        accepted = msgspec.structs.replace(accepted, said=entry_of(question))
    if is_new:
        return accepted  # it was opened with this path
    if parent == conversation.tip_id:
        lead(connection, conversation.id, parent, request)
    else:
        lead_through(connection, conversation.id, conversation.tip_id, request)
    _move_on(connection, turn)
    return accepted


def record_retry(
    connection: WriteConnection, owner: str, retry: Retry, default_model: str, lease: Lease | None, admit: Admit,
    *, digest: bytes = b"",
) -> Accepted:  # fmt: skip
    """A second answer beside the first; it takes its place on the active path, unless both are to be compared.

    `digest`: of what was asked, where that was more than this.
    Raises: `NotFoundError`, `InputError`, `ConflictError`; what `admit` raises for its model.
    """
    digest = digest or digest_of(retry)
    lock_send(connection, owner, retry.key)
    if (known := find_known(connection, owner, retry.key, digest)) is not None:
        return known
    tried = access_message(connection, owner, retry.message)
    conversation = _find_locked(connection, owner, tried.conversation_id)
    request = _find_request(connection, owner, retry)  # as it is, now that nobody else writes here
    if conversation is None or request is None:
        raise NotFoundError("There is no such message.")
    model = retry.model or conversation.model or default_model
    admit(connection, owner, model)
    turn = _new_turn(connection, conversation, retry.key, digest, request=request.id, model=model)
    if retry.temperature is not None:
        turn = msgspec.structs.replace(turn, temperature=retry.temperature)
    if retry.beside and find_next(connection, conversation.id, request.id) is not None:
        if has_only_open_of(connection, conversation.id, request.id):
            turn = msgspec.structs.replace(turn, status="running")
        _move_on(connection, turn, takes_path=False)
        return _store(connection, conversation, turn, lease)
    lead_through(connection, conversation.id, conversation.tip_id, request.id)
    lead_to(connection, request.id, turn.message_id)
    _move_on(connection, turn)
    return _store(connection, conversation, turn, lease)


def _find_parent(connection: WriteConnection, conversation: ConversationRow, send: Send) -> str | None:
    """The message that the question goes below; None: it is a first one. Raises: `NotFoundError`."""
    named = send.parent or send.instead_of
    if not named:
        return conversation.tip_id
    row = find_message(connection, conversation.id, named)
    if row is None or row.deleted_at is not None:
        raise NotFoundError("There is no such message in this conversation.")
    return row.id if send.parent else row.parent_id


def _find_request(connection: WriteConnection, owner: str, retry: Retry) -> MessageRow | None:
    """The question that is to be answered anew; None when it was deleted.

    Raises: `NotFoundError`; `ConflictError` while the answer that is to be replaced is being written.
    """
    row = access_message(connection, owner, retry.message)
    is_question = row.role != "assistant"
    answers = [node.status for node in list_children(connection, row.conversation_id, [row.id])] if is_question else []
    if not retry.beside and any(status in OPEN for status in [row.status, *answers]):
        raise ConflictError("This answer is still being written. Stop it first.")
    if is_question:
        return row
    request = find_message(connection, row.conversation_id, row.parent_id or "")
    return None if request is None or request.deleted_at is not None else request


def find_known(connection: WriteConnection, owner: str, key: str, digest: bytes) -> Accepted | None:
    """What this key has been used for. Raises: `ConflictError` when that was something else."""
    turn = find_turn_by_key(connection, owner, key)
    if turn is None:
        return None
    if turn.send_hash != digest:
        raise ConflictError("This id was used for another message already. Nothing was sent twice.")
    conversation = find_conversation(connection, owner, turn.conversation_id)
    external_id = conversation.external_id if conversation else turn.conversation_id
    return Accepted(turn, external_id, is_new=False)


def _find_locked(connection: WriteConnection, owner: str, name: str) -> ConversationRow | None:
    """As it stays until this transaction ends; where it is not there, nobody else makes it meanwhile."""
    found = find_conversation(connection, owner, name)
    while lock_conversation(connection, found.id if found else f"{owner} {name}"):
        again = find_conversation(connection, owner, name)
        if (again is None) == (found is None):
            return again
        found = again
    return found


def _open_conversation(
    connection: WriteConnection, owner: str, send: Send, default_model: str, request: str, answer: str
) -> ConversationRow:
    """With the path from its first question to the answer to that, which are written next."""
    assistant = find_assistant(connection, owner, send.assistant or "")
    row = insert_conversation(
        connection,
        owner=owner,
        external_id=send.conversation,
        title=shorten(send.text),
        model=send.model or assistant.model or default_model,
        assistant=assistant.id,
        instructions=send.instructions or "",
        temperature=assistant.temperature if send.temperature is None else send.temperature,
        memory=send.memory or "",
        root=request,
        tip=answer,
    )
    row = msgspec.structs.replace(row, tip_id=None)  # nothing is below which its first question could go
    if _is_alone(send):  # nothing of it is listed, named, searched or remembered
        hidden = {"is_hidden": 1, "archived_at": row.created_at, "title_from": "user", "memory": "off"}
        previous = find_turn(connection, owner, send.asked.previous) if send.asked and send.asked.previous else None
        if previous is not None:  # it is kept as long as what goes on from it
            hidden["forked_from"] = previous.message_id
        update_conversation(connection, row.id, hidden)
    return row


def _is_alone(send: Send) -> bool:
    return send.asked is not None and send.asked.is_alone


def _keep_choices(connection: WriteConnection, conversation: ConversationRow, send: Send) -> ConversationRow:
    """What is chosen with a message holds for the ones after it."""
    chosen: dict[str, object] = {
        name: value
        for name in ("model", "temperature", "assistant", "instructions")
        if (value := getattr(send, name)) is not None and value != getattr(conversation, name)
    }
    if not conversation.title and conversation.title_from == "words":
        chosen["title"] = shorten(send.text)
    if not chosen:
        return conversation
    chosen = choose_assistant(connection, conversation, chosen)
    update_conversation(connection, conversation.id, chosen)
    return msgspec.structs.replace(conversation, **chosen)


def _speak_on(connection: WriteConnection, conversation: ConversationRow) -> Speaking:
    """What an assistant said that is no more becomes the conversation's own instructions."""
    speaking = speaking_in(connection, conversation)
    if speaking.is_gone:
        update_conversation(
            connection,
            conversation.id,
            {"assistant": speaking.assistant, "instructions": speaking.instructions},
        )
    return speaking


def _new_turn(
    connection: WriteConnection, conversation: ConversationRow, key: str, digest: bytes, *, request: str, model: str,
    answer: str = "", is_first: bool = False,
) -> TurnRow:  # fmt: skip
    """`answer`: its message's id where that is settled. `is_first`: the conversation was opened just now."""
    # A conversation that was opened just now has the answer's id already, and no turns.
    latest, is_busy = (
        (None, False) if answer and conversation.tip_id is None else find_place(connection, conversation.id)
    )
    speaking = _speak_on(connection, conversation)
    return TurnRow(
        id=id_after(latest),  # a queue is in the order of its ids
        owner_id=conversation.owner_id,
        conversation_id=conversation.id,
        request_id=request,
        message_id=answer or new_id(),
        status="queued" if is_busy else "running",
        model=model,
        assistant=speaking.assistant,
        instructions=speaking.instructions,
        temperature=conversation.temperature,
        send_key=key,
        send_hash=digest,
        lease_owner=None,
        lease_until=0,
        stop_requested_at=None,
        created_at=now_ms(),
        ended_at=None,
    )


def _store(
    connection: WriteConnection,
    conversation: ConversationRow,
    turn: TurnRow,
    lease: Lease | None,
    question: NewMessage | None = None,
) -> Accepted:
    """The turn, its answer-to-be, and the question unless that is there already."""
    if turn.status == "running" and lease is not None:
        turn = msgspec.structs.replace(turn, lease_owner=lease.worker, lease_until=lease.until(connection))
    insert_turn(connection, turn)
    answer = NewMessage(
        message=turn.message_id, conversation=conversation.id, owner=turn.owner_id, parent=turn.request_id,
        role="assistant", status=turn.status, parts=[], model=turn.model, turn=turn.id, created_at=turn.answer_at,
    )  # fmt: skip
    insert_messages(connection, [answer] if question is None else [question, answer])
    return Accepted(turn, conversation.external_id, is_new=True)


def _move_on(connection: WriteConnection, turn: TurnRow, *, takes_path: bool = True) -> None:
    """The conversation is as new as this turn, and ends with its answer."""
    end: dict[str, object] = {"tip_id": turn.message_id} if takes_path else {}
    update_conversation(connection, turn.conversation_id, {**end, "updated_at": turn.created_at})


def _question(turn: TurnRow, parent: str | None, parts: list[Part]) -> NewMessage:
    return NewMessage(
        message=turn.request_id, conversation=turn.conversation_id, owner=turn.owner_id, parent=parent, role="user",
        status="complete", parts=parts, model="", turn=turn.id, active_child=turn.message_id,
        created_at=turn.created_at,
    )  # fmt: skip


def digest_of(command: Struct) -> bytes:
    """Of what was asked, as versions without the later wishes wrote it: a message may be sent again after an update."""
    asked = msgspec.to_builtins(command)
    for wish in ("parent", "instead_of", "beside", "memory", "asked", "parts"):
        if not asked.get(wish):
            asked.pop(wish, None)
    if "asked" in asked:
        asked["asked"].pop("items", None)  # they have ids that were made up for them
    return hashlib.sha256(msgspec.json.encode(asked)).digest()


def _check_key(key: str) -> None:
    if not key or len(key) > MAX_ID_CHARS:
        raise InputError(f"The message's id must have 1 to {MAX_ID_CHARS} characters.")


def _check_temperature(temperature: float | None) -> None:
    if temperature is not None and not 0 <= temperature <= 2:
        raise InputError("The temperature must be a number from 0 to 2.")
