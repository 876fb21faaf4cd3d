"""Summaries of sections, as recall looks through them: each is a further key to the messages that it covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, bindparam, select

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.tables import conversations, summaries, summary_sources

MOST_SECTIONS = 500  # the newest of an owner's: more than half a million words that were said

# Built once: building a statement costs more than running it.
_RECENT = (
    select(summaries.c.id)
    .join(conversations, conversations.c.id == summaries.c.conversation_id)
    .where(
        summaries.c.owner_id == bindparam("owner"),
        summaries.c.level == 1,
        summaries.c.text != "",
        summaries.c.stale_at.is_(None),
        summaries.c.replaced_by.is_(None),
        conversations.c.deleted_at.is_(None),
        conversations.c.memory == "",
    )
    .order_by(summaries.c.id.desc())
    .limit(MOST_SECTIONS)
)
_SECTIONS = _RECENT.add_columns(summaries.c.text)
_COVERED = select(summary_sources).where(summary_sources.c.summary_id.in_(bindparam("sections", expanding=True)))


class SectionRow(Struct, frozen=True):
    id: str
    text: str


def section_ids() -> Select[Any]:
    """Those that `list_sections` has, of an `owner`. The text of a summary never changes."""
    return _RECENT


def list_sections(connection: AnyConnection, owner: str) -> list[SectionRow]:
    """Those of messages (not of summaries) that are up to date, the newest first; of what may be recalled only."""
    rows = connection.execute(_SECTIONS, {"owner": owner})
    return [SectionRow(row.id, row.text) for row in rows]


def list_covered(connection: AnyConnection, sections: Sequence[str]) -> dict[str, list[str]]:
    """The messages of each section."""
    covered: dict[str, list[str]] = {}
    rows = connection.execute(_COVERED, {"sections": list(sections)})
    for row in rows:
        covered.setdefault(row.summary_id, []).append(row.source_id)
    return covered
