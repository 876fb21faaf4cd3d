"""The messages of a draft as trees that hold together: every parent is there, no rings, parents first.

Nothing is recursive: a conversation may be a hundred thousand messages deep. What had to be mended is noted.
"""

from __future__ import annotations

import heapq
from collections import defaultdict

from msgspec import Struct

from quarterdeck.exchange.draft import DraftConversation, DraftMessage


class Arranged(Struct, frozen=True):
    """`messages`: parents before children, by time otherwise. `path`: ids from the first message shown to the last."""

    messages: list[DraftMessage]
    path: list[str]
    by_id: dict[str, DraftMessage]
    places: dict[str, int]  # on the path
    names: dict[str, str]  # ids by what a message is known by


def key_of(message: DraftMessage) -> str:
    """What it is known by when it is imported again."""
    return message.source or message.id


def arrange(draft: DraftConversation) -> Arranged:
    """Uses up the draft's messages: they are changed in place."""
    messages = _with_own_ids(draft)
    by_id = {message.id: message for message in messages}
    _mend_parents(draft, messages, by_id)
    _break_rings(draft, messages, by_id)
    shown = draft.current if draft.current in by_id else None
    if draft.current and shown is None:
        draft.change("the end of the shown path", "It is not in the export; the newest message was taken instead.")
    shown = _without_links(messages, by_id, shown)
    messages = [message for message in messages if message.role]
    shown = _with_steps_joined(messages, by_id, shown)
    ordered = _in_order(draft, [message for message in messages if message.role])
    path = _choose_path(ordered, shown)
    places = {name: place for place, name in enumerate(path)}
    names = {key_of(message): message.id for message in ordered}
    return Arranged(ordered, path, {message.id: message for message in ordered}, places, names)


def _with_own_ids(draft: DraftConversation) -> list[DraftMessage]:
    seen: dict[str, DraftMessage] = {}
    for number, message in enumerate(draft.messages):
        message.id = message.id or f"#{number}"
        first = seen.get(message.id)
        if first is None:
            seen[message.id] = message
        elif (first.role, first.parent, first.parts) == (message.role, message.parent, message.parts):
            draft.skip(f"a second message {message.id}", "It is in the export twice, word for word.")
        else:
            twin = next(name for copy in range(2, len(seen) + 3) if (name := f"{message.id}#{copy}") not in seen)
            draft.change(f"message {message.id}", "Another message has the same id; both were kept.")
            message.id = twin
            seen[twin] = message
    return list(seen.values())


def _mend_parents(draft: DraftConversation, messages: list[DraftMessage], by_id: dict[str, DraftMessage]) -> None:
    for message in messages:
        if message.parent is not None and message.parent not in by_id:
            message.parent = None
            if message.role:
                draft.change(f"message {message.id}", "What it answers is not in the export; it begins a branch.")


def _break_rings(draft: DraftConversation, messages: list[DraftMessage], by_id: dict[str, DraftMessage]) -> None:
    """Messages that are each other's ancestors: the first of them in the file becomes a beginning."""
    walk_of: dict[str, int] = {}
    for number, start in enumerate(messages):
        message: DraftMessage | None = start
        while message is not None and message.id not in walk_of:
            walk_of[message.id] = number
            message = None if message.parent is None else by_id[message.parent]
        if message is not None and walk_of[message.id] == number and message.parent is not None:
            draft.change(f"message {start.id}", "It is among its own ancestors; it was made the beginning of a branch.")
            (start if _is_in_ring(start, by_id) else message).parent = None


def _is_in_ring(start: DraftMessage, by_id: dict[str, DraftMessage]) -> bool:
    seen: set[str] = set()
    message = start
    while message.parent is not None and message.parent not in seen:
        seen.add(message.parent)
        message = by_id[message.parent]
    return start.id in seen


def _without_links(messages: list[DraftMessage], by_id: dict[str, DraftMessage], shown: str | None) -> str | None:
    """What hangs on a link hangs on the nearest message above it."""
    above: dict[str, str | None] = {}

    def resolve(name: str | None) -> str | None:
        passed: list[str] = []
        while name is not None and not by_id[name].role:
            if name in above:
                name = above[name]
                break
            passed.append(name)
            name = by_id[name].parent
        above.update(dict.fromkeys(passed, name))
        return name

    for message in messages:
        if message.role:
            message.parent = resolve(message.parent)
    return resolve(shown)


def _with_steps_joined(messages: list[DraftMessage], by_id: dict[str, DraftMessage], shown: str | None) -> str | None:
    """A thought, a tool's call, its result and the words that follow are one answer, unless branches leave between."""
    children: dict[str, list[DraftMessage]] = defaultdict(list)
    for message in messages:
        if message.parent is not None:
            children[message.parent].append(message)
    taken: dict[str, str] = {}
    for message in messages:
        while message.role == "assistant" and message.goes_on:
            below = children[message.id]
            if len(below) != 1 or below[0].role != "assistant":
                break
            step = below[0]
            message.parts = [*message.parts, *step.parts]
            message.goes_on, message.model = step.goes_on, step.model or message.model
            children[message.id] = children.pop(step.id, [])
            for child in children[message.id]:
                child.parent = message.id
            step.role, taken[step.id] = "", message.id
    while shown is not None and shown in taken:
        shown = taken[shown]
    return shown


def _in_order(draft: DraftConversation, messages: list[DraftMessage]) -> list[DraftMessage]:
    """Whoever has no time has that of what it answers."""
    children: dict[str | None, list[tuple[int, DraftMessage]]] = defaultdict(list)
    for number, message in enumerate(messages):
        children[message.parent].append((number, message))
    begun = draft.created_at or min((message.created_at for message in messages if message.created_at), default=0)
    ordered: list[DraftMessage] = []
    waiting: list[tuple[int, int, DraftMessage]] = []

    def open_children(parent: str | None, earliest: int) -> None:
        for number, message in children.pop(parent, []):
            message.created_at = message.created_at or earliest
            order = number if draft.own_id else message.created_at  # our own export has them in order
            heapq.heappush(waiting, (order, number, message))

    open_children(None, begun)
    while waiting:
        message = heapq.heappop(waiting)[2]
        ordered.append(message)
        open_children(message.id, message.created_at or begun)
    return ordered


def _choose_path(ordered: list[DraftMessage], shown: str | None) -> list[str]:
    """Each message leads on to the child of the path that was shown, else to the one chosen there, else to its last."""
    by_id = {message.id: message for message in ordered}
    last: dict[str, str] = {}
    for message in ordered:
        if message.parent is not None:
            last[message.parent] = message.id
    for message in ordered:
        chosen = message.active_child
        if chosen is None or chosen not in by_id or by_id[chosen].parent != message.id:
            message.active_child = last.get(message.id)
    if not ordered:
        return []
    end = by_id[shown or ordered[-1].id]
    end.active_child = None
    path = [end.id]
    while end.parent is not None:
        by_id[end.parent].active_child = end.id
        end = by_id[end.parent]
        path.append(end.id)
    return path[::-1]
