"""Entries of the search that an older version has written by other rules. It did not know all spellings of some letters
(`domain.composing`), and had stems by the rules of English alone (`domain.indexed`).

All messages are looked through once, after an upgrade, the newest first, and later those that a process of an older
version may have written since. To look at one that is as it should be costs some microseconds, and nothing is written.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial

from sqlalchemy import bindparam, select

from quarterdeck.domain.composing import JAMO, UNSEEN, VOICING
from quarterdeck.domain.ids import least_id, now_ms
from quarterdeck.domain.languages import languages_of
from quarterdeck.domain.stop_words import said_words
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.leases import find_done
from quarterdeck.store.locks import lock_conversations
from quarterdeck.store.search import ANY_LANGUAGE, index_again
from quarterdeck.store.tables import messages, search_entries

WORK = "outdated"
"""Another name, and all is looked through again."""
_BACK_MS = 3_600_000  # before the last time: answers take a while
_LOOKED_AT, _WRITTEN = 250, 50  # at once: nobody waits long behind them
_PAUSE_S = 0.02  # others want the database, too

_LETTERS = (
    "\u00ad\u02bb\u02bc\u0640\ufcf2-\ufcf4\ufe71-\ufe7f\u09ce\u0d7a-\u0d7f\u0e4d\u0ecd\u0edc-\u0edf\u0f35-\u0fbcゟヿﾞﾟ"
    f"{JAMO}{VOICING}{UNSEEN}"
)
_FOLLOWED = {  # by one of these, it is cut in another way
    "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca": "\u200c\u200d",
    # Marks in another order than the usual one, and a Burmese vowel in two halves.
    "\u0e38\u0e39\u0e48-\u0e4b": "\u0e38-\u0e3a",
    "\u0eb8\u0eb9\u0ec8-\u0ecb": "\u0eb8-\u0eba",
    "\u1039\u103a": "\u1037",
    "\u1025": "\u102e",
}
_CUT_OTHERWISE = re.compile("|".join([f"[{_LETTERS}]", *(f"[{one}][{other}]" for one, other in _FOLLOWED.items())]))
_MAY_BE = re.compile(f"[{_LETTERS}{''.join(_FOLLOWED)}]")  # a single set is looked for ten times as fast
_SOME = (
    select(
        messages.c.id, messages.c.conversation_id, messages.c.parts, messages.c.speaker, search_entries.c.words,
        search_entries.c.facets,
    )
    .outerjoin(search_entries, search_entries.c.message_id == messages.c.id)
    .where(messages.c.id < bindparam("before"), messages.c.id >= bindparam("least"))
    .order_by(messages.c.id.desc())
    .limit(_LOOKED_AT)
)  # fmt: skip


async def index_outdated(database: Database) -> int:
    """How many got another entry. Broken off anywhere, it begins anew; what is done by then is not written again."""
    since_ms = await database.read(lambda connection: find_done(connection, WORK))
    least = least_id(since_ms - _BACK_MS) if since_ms else ""
    before: str | None = least_id(now_ms() + _BACK_MS)
    count = 0
    while before is not None:
        before, found = await database.read(partial(_look_at_some, before=before, least=least))
        for start in range(0, len(found), _WRITTEN):
            count += await database.write(partial(_index, found=found[start : start + _WRITTEN]))
            await asyncio.sleep(_PAUSE_S)
        await asyncio.sleep(_PAUSE_S)
    return count


def is_cut_otherwise(text: str) -> bool:
    """Whether it has letters that were once cut in another way."""
    return not text.isascii() and _MAY_BE.search(text) is not None and _CUT_OTHERWISE.search(text) is not None


def is_without_stems(words: str, facets: str) -> bool:
    """Whether an entry has none of the language that its words are in."""
    return ANY_LANGUAGE not in facets and bool(languages_of(said_words(words)))


def _look_at_some(connection: AnyConnection, before: str, least: str) -> tuple[str | None, list[tuple[str, str]]]:
    """Where to go on, and the messages of which that is so, with their conversations."""
    rows = connection.execute(_SOME, {"before": before, "least": least}).all()
    found = [
        (row.id, row.conversation_id)
        for row in rows
        if is_cut_otherwise(row.parts)
        or is_cut_otherwise(row.speaker)
        or (row.words and is_without_stems(row.words, row.facets))
    ]
    return (rows[-1].id if len(rows) == _LOOKED_AT else None), found


def _index(connection: WriteConnection, found: list[tuple[str, str]]) -> int:
    lock_conversations(connection, [conversation for _, conversation in found])
    return index_again(connection, [message for message, _ in found])
