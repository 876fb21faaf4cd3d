"""The full-text index over `search_entries`, kept by the database itself: by triggers on SQLite.

Each term begins with six characters of its owner's id, so that the lists that are read for a search are as long as what
this owner has, not everybody. (PostgreSQL's index is over an expression that does the same: migration 0005.)
"""

from __future__ import annotations

from sqlalchemy import Connection

INDEX = "search_index"
_MERGED_PAGES = 200  # at once: nobody waits long
_LEAST_CHANGES = 2  # fewer, and nothing was merged: so FTS5 says it

_TERMS = "replace(' ' || {row}facets || ' ' || {row}words, ' ', ' ' || substr({row}owner_id, -6))"
_NEW = "INSERT INTO search_index (rowid, terms) VALUES (new.id, " + _TERMS.format(row="new.") + ")"  # nosec B608  # noqa: S608
_OLD = (
    "INSERT INTO search_index (search_index, rowid, terms) VALUES ('delete', old.id, " + _TERMS.format(row="old.") + ")"  # nosec B608  # noqa: S608
)
_INDEXED = "id, owner_id, facets, words"
TERMS_ON_POSTGRESQL = (
    "array_to_tsvector(string_to_array("
    "right(owner_id, 6) || replace(facets || CASE words WHEN '' THEN '' ELSE ' ' || words END, "
    "' ', ' ' || right(owner_id, 6)), ' '))"
)
"""As the index says it, or it is not used."""

ON_SQLITE = (
    # What FTS5 reads when it is told to make itself anew: INSERT INTO search_index (search_index) VALUES ('rebuild').
    "CREATE VIEW search_terms AS SELECT id, " + _TERMS.format(row="") + " AS terms FROM search_entries",  # nosec B608  # noqa: S608
    # Words come folded and with spaces between them: `ascii` cuts there and nowhere else.
    "CREATE VIRTUAL TABLE search_index USING fts5 "
    "(terms, content = 'search_terms', content_rowid = 'id', tokenize = 'ascii', columnsize = 0)",
    f"CREATE TRIGGER search_entries_insert AFTER INSERT ON search_entries BEGIN {_NEW}; END",
    f"CREATE TRIGGER search_entries_delete AFTER DELETE ON search_entries BEGIN {_OLD}; END",
    f"CREATE TRIGGER search_entries_update AFTER UPDATE OF {_INDEXED} ON search_entries BEGIN {_OLD}; {_NEW}; END",
    # All that ranking reads of a candidate, one owner's together. (An entry of PostgreSQL's index has no room for it.)
    "CREATE INDEX ix_search_entries_ranked ON search_entries "
    "(owner_id, id, message_id, conversation_id, facets, length, standing)",
)
"""What makes the index of a SQLite database, after its tables."""
PARTS_ON_SQLITE = ("search_terms", INDEX, "search_entries_insert", "search_entries_delete", "search_entries_update")
"""What `ON_SQLITE` makes without which nothing is found, or written: the view, the index and its triggers."""


def merge_some(connection: Connection) -> bool:
    """On SQLite: what is deleted is in older segments of the index until these are merged. False: they all are."""
    before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    connection.exec_driver_sql(f"INSERT INTO {INDEX} ({INDEX}, rank) VALUES ('merge', -{_MERGED_PAGES})")  # nosec B608  # noqa: S608
    after = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    return int(after) - int(before) >= _LEAST_CHANGES


def is_index(table: str) -> bool:
    """Whether a table is of the index itself: made from others, so nothing that is kept or carried over."""
    return table == INDEX or table.startswith(f"{INDEX}_")
