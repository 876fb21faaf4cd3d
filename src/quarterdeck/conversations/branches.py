"""Which of several messages the path goes on with: alternatives beside each other, and switching between them.

A deleted message stays a link of its path. So at one place of what a reader sees there stand the children of the
message above and those of the deleted ones between, without the deleted ones that lead to nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from quarterdeck.accounts.access import access_conversation
from quarterdeck.errors import NotFoundError
from quarterdeck.store.conversations import update_conversation
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.messages import MessageRow, find_owned_message
from quarterdeck.store.tree import Node, find_end, lead, lead_along, list_children, list_nodes, read_path_down

_NEAR = 2_000  # messages: so far down one looks for the end before one goes all the way up
_LINKS = 1_000  # deleted messages in a row that are looked past


class _Placed(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def parent_id(self) -> str | None: ...


Alternatives = dict[str, list[Node]]
"""Of each message with others in its place: all of them, itself too, in the order in which they were made."""


def list_alternatives(connection: AnyConnection, conversation: str, shown: Sequence[_Placed]) -> Alternatives:
    """For all of `shown` in a few queries; messages that stand alone are left out."""
    links = _deleted_links(connection, conversation, shown)
    chains = {row.id: _chain(row, links) for row in shown}
    parents = {node.parent_id for chain in chains.values() for node in chain}
    children: dict[str | None, list[Node]] = defaultdict(list)
    for child in list_children(connection, conversation, parents):
        children[child.parent_id].append(child)
    empty = _leading_nowhere(connection, conversation, [node for listed in children.values() for node in listed])
    found: Alternatives = {}
    for row in shown:
        on_path = {node.id for node in chains[row.id][1:]}
        beside = [
            child
            for node in chains[row.id]
            for child in children[node.parent_id]
            if child.id == row.id or (child.id not in on_path and child.id not in empty)
        ]
        if len(beside) > 1:
            found[row.id] = sorted(beside, key=lambda node: node.id)
    return found


def choose_branch(connection: WriteConnection, user: str, message: str) -> MessageRow:
    """The path goes through `message` from now on, and below it as it went when one was last there.

    Raises: `NotFoundError`.
    """
    row = find_owned_message(connection, user, message)
    if row is None:
        raise NotFoundError("There is no such message.")
    lock_conversation(connection, row.conversation_id)
    conversation = access_conversation(connection, user, row.conversation_id)
    if row.deleted_at is not None and not has_more(connection, conversation.id, row.id):
        raise NotFoundError("There is no such message.")
    lead_through(connection, conversation.id, conversation.tip_id, row.id)
    return row


def lead_through(connection: WriteConnection, conversation: str, tip: str | None, message: str) -> None:
    """The active path goes through `message`: one change where it branches off, and the new end."""
    node = list_nodes(connection, conversation, [message])[message]
    if _is_next_to_path(connection, conversation, tip, node):
        lead(connection, conversation, node.parent_id, message)
    else:
        lead_along(connection, conversation, message)
    update_conversation(connection, conversation, {"tip_id": find_end(connection, conversation, message)})


def has_more(connection: AnyConnection, conversation: str, message: str) -> bool:
    """Whether the path has something to read below `message`."""
    return bool(read_path_down(connection, conversation, message, 1, _LINKS))


def _is_next_to_path(connection: AnyConnection, conversation: str, tip: str | None, node: Node) -> bool:
    """Whether its parent is known to be on the active path, without going all the way."""
    if node.parent_id is None:
        return True
    end = find_end(connection, conversation, node.parent_id, _NEAR)
    return end is not None and end == tip


def _deleted_links(connection: AnyConnection, conversation: str, shown: Sequence[_Placed]) -> dict[str, Node]:
    """The deleted messages right above those `shown`."""
    known = {row.id for row in shown}
    links: dict[str, Node] = {}
    wanted = {row.parent_id for row in shown if row.parent_id is not None} - known
    while wanted and len(links) < _LINKS:
        above = [node for node in list_nodes(connection, conversation, wanted).values() if node.is_deleted]
        links |= {node.id: node for node in above}
        wanted = {node.parent_id for node in above if node.parent_id is not None} - known - links.keys()
    return links


def _chain(row: _Placed, links: dict[str, Node]) -> list[_Placed]:
    """The message and the deleted ones right above it."""
    chain: list[_Placed] = [row]
    while (parent := chain[-1].parent_id) is not None and parent in links and len(chain) <= _LINKS:
        chain.append(links[parent])
    return chain


def _leading_nowhere(connection: AnyConnection, conversation: str, nodes: list[Node]) -> set[str]:
    """The deleted ones among them below which their path has nothing to read."""
    deleted = [node.id for node in nodes if node.is_deleted]
    return {link for link in deleted if not has_more(connection, conversation, link)}
