"""A conversation's tree in memory, what one does to it at random, and what must hold of it at any time."""

from __future__ import annotations

from sqlalchemy import Connection, create_engine, insert, select
from sqlalchemy.pool import StaticPool

from quarterdeck.conversations.branches import choose_branch, list_alternatives
from quarterdeck.conversations.deleting import What, delete_messages, undo
from quarterdeck.conversations.editing import edit_as_branch
from quarterdeck.conversations.reading import read_page
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.errors import InputError
from quarterdeck.store.conversations import find_conversation, insert_conversation, update_conversation
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.messages import insert_message, lead_to
from quarterdeck.store.tables import messages, metadata, users


class Tree:
    """One user's conversation on a database of its own."""

    def __init__(self) -> None:
        self._engine = create_engine("sqlite://", poolclass=StaticPool)
        self._raw: Connection = self._engine.connect()
        metadata.create_all(self._raw)
        self.connection = WriteConnection(self._raw)
        self.user = new_id()
        self.connection.execute(insert(users).values(id=self.user, name="ann", role="owner", created_at=now_ms()))
        self.id = insert_conversation(
            self.connection, owner=self.user, external_id="", title="A talk", model="", assistant="",
            instructions="", temperature=None,
        ).id  # fmt: skip
        self.deletions: list[str] = []

    def close(self) -> None:
        self._raw.close()
        self._engine.dispose()

    def say(self, text: str) -> tuple[str, str]:
        """A question below the end of the path, and its answer, as a turn records them."""
        tip = self.ends()[1]
        question, answer = new_id(), new_id()
        self.add(question, tip, "user", text, answer)
        self.add(answer, question, "assistant", f"{text}!", None)
        if tip is None:
            update_conversation(self.connection, self.id, {"root_id": question})
        else:
            lead_to(self.connection, tip, question)
        update_conversation(self.connection, self.id, {"tip_id": answer})
        return question, answer

    def add(
        self, message: str, parent: str | None, role: str, text: str, child: str | None, status: str = "complete"
    ) -> None:
        insert_message(
            self.connection, message=message, conversation=self.id, owner=self.user, parent=parent, role=role,
            status=status, parts=[TextPart(text)], model="", turn="", active_child=child,
        )  # fmt: skip

    def delete(self, message: str, what: What) -> str | None:
        """The deletion; None when there was nothing to delete."""
        try:
            self.deletions.append(delete_messages(self.connection, self.user, message, what).id)
        except InputError:
            return None
        return self.deletions[-1]

    def undo(self, deletion: str) -> None:
        self.deletions.remove(deletion)
        undo(self.connection, self.user, deletion)

    def branch(self, message: str) -> str:
        return edit_as_branch(self.connection, self.user, message, text="otherwise").id

    def choose(self, message: str) -> None:
        choose_branch(self.connection, self.user, message)

    def ends(self) -> tuple[str | None, str | None]:
        row = find_conversation(self.connection, self.user, self.id)
        assert row is not None
        return row.root_id, row.tip_id

    def path(self) -> list[str]:
        """What a reader sees, read page by page from its end."""
        found: list[str] = []
        before: str | None = ""
        while before is not None:
            page = read_page(self.connection, self.user, self.id, before=before, limit=3)
            found = [row.id for row in page.rows] + found
            before = page.older
        return found

    def path_down(self) -> list[str]:
        """The same, read from its first message downwards."""
        root = self.ends()[0]
        if root is None:
            return []
        page = read_page(self.connection, self.user, self.id, around=root, limit=3)
        found = [row.id for row in page.rows]
        while page.newer is not None:
            page = read_page(self.connection, self.user, self.id, after=page.newer, limit=3)
            found += [row.id for row in page.rows]
        return found

    def living(self) -> list[str]:
        statement = select(messages.c.id).where(messages.c.deleted_at.is_(None)).order_by(messages.c.id)
        return list(self.connection.execute(statement).scalars())

    def check(self) -> None:
        """From the root, following the choices, one arrives at the tip, which has none; up and down are one path."""
        root, tip = self.ends()
        rows = self.connection.execute(select(messages.c.id, messages.c.active_child_id))
        chosen: dict[str, str | None] = {row.id: row.active_child_id for row in rows}
        at = root
        while at is not None and chosen[at] is not None:
            at = chosen[at]
        assert at == tip, "the choices do not lead from the root to the tip"
        assert self.path() == self.path_down()

    def check_alternatives(self) -> None:
        """Whoever stands beside others is among them, and choosing any of them and then it again changes nothing."""
        page = read_page(self.connection, self.user, self.id, limit=1000)
        for row in page.rows:
            if beside := list_alternatives(self.connection, self.id, [row]).get(row.id):
                assert row.id in {node.id for node in beside}
