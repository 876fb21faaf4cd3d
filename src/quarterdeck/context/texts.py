"""What a step sent, rebuilt from its manifest: the same functions, over the versions that were sent.

Messages keep what they said before each edit, deleted ones are kept as long as their conversation, summaries are never
changed; so this is exact, and the manifest's digest says whether it is.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from quarterdeck.context.manifest import Manifest, ManifestEntry, RecalledSource
from quarterdeck.context.prompt import Prompt
from quarterdeck.context.recalled import recalled_message
from quarterdeck.context.rendering import Before, Piece, pinned_text, row_pieces, summary_text
from quarterdeck.context.times import explain_times
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.periods import zone_or_utc
from quarterdeck.domain.step import Role
from quarterdeck.store.context_texts import read_texts
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.paths import PathRow, find_rows, read_versions
from quarterdeck.store.recalled import memories_as_sent, quoted_as_sent
from quarterdeck.store.summaries import SummaryRow
from quarterdeck.store.summaries import find_rows as find_summaries
from quarterdeck.tools.quoting import quote_memory

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


class Rebuilt(Struct, frozen=True):
    """A text for each entry, None where it is not to be had any more; `is_exact`: all of it is what was sent."""

    texts: list[str | None]
    is_exact: bool


def rebuild_texts(connection: AnyConnection, owner: str, conversation: str, manifest: Manifest) -> Rebuilt:
    """The cost is that of what was sent."""
    return _Rebuilder(connection, owner, conversation, manifest).rebuild()


class _Rebuilder:
    def __init__(self, connection: AnyConnection, owner: str, conversation: str, manifest: Manifest) -> None:
        self._manifest = manifest
        self._zone = zone_or_utc(manifest.zone)
        entries = manifest.entries
        own = [entry for entry in entries if entry.kind != "recalled"]
        self._rows = _rows_as_sent(connection, owner, conversation, own)
        recalled = [entry for entry in entries if entry.recalled is not None]
        said = {(entry.message, entry.version) for entry in recalled if entry.message}
        self._quoted = quoted_as_sent(connection, owner, said)
        known = {(source.id, entry.version) for entry in recalled if (source := _memory_of(entry)) is not None}
        self._memories = memories_as_sent(connection, owner, known)
        self._kept = read_texts(connection, owner, {entry.text for entry in entries if entry.text})
        wanted = {entry.summary for entry in entries if entry.summary}
        self._summaries: dict[str, SummaryRow] = find_summaries(connection, owner, wanted)
        self._before: Before | None = None
        self._pieces: dict[str, list[Piece]] = {}

    def rebuild(self) -> Rebuilt:
        prompt = Prompt()
        texts: list[str | None] = []
        for entry in self._manifest.entries:
            piece = self._piece_of(entry)
            if piece is None:
                texts.append(None)
                continue
            prompt.add(entry.kind, piece.role, piece.parts, apart=entry.at == len(prompt.messages))
            texts.append(prompt.texts[-1])
        return Rebuilt(texts, None not in texts and prompt.digest == self._manifest.digest)

    def _piece_of(self, entry: ManifestEntry) -> Piece | None:
        if entry.kind == "message":
            return self._message(entry)
        text = self._text_of(entry)
        return None if text is None else Piece(_ROLES[entry.role], [TextPart(text)])

    def _text_of(self, entry: ManifestEntry) -> str | None:
        if entry.kind == "summary":
            summary = self._summaries.get(entry.summary)
            return None if summary is None else summary_text(summary)
        if entry.kind == "pinned":
            row = self._rows.get((entry.message, entry.version))
            return None if row is None else pinned_text(row, self._manifest.format, self._zone)
        if entry.kind == "recalled" and entry.recalled is not None:
            return self._recalled(entry, entry.recalled)
        if entry.text:
            return self._kept.get(entry.text)
        if entry.said:
            return entry.said
        return explain_times(self._manifest.zone) if entry.kind == "time" else None

    def _recalled(self, entry: ManifestEntry, source: RecalledSource) -> str | None:
        if entry.message:
            row = self._quoted.get((entry.message, entry.version))
            return None if row is None else recalled_message(row, self._zone)
        memory = self._memories.get((source.id, entry.version))
        return None if memory is None else quote_memory(memory, self._zone)

    def _message(self, entry: ManifestEntry) -> Piece | None:
        if entry.piece == 0:
            row = self._rows.get((entry.message, entry.version))
            if row is None:
                return None
            manifest = self._manifest
            pieces = row_pieces(row, self._before, manifest.format, self._zone, with_calls=not manifest.no_calls)
            self._pieces = {row.id: pieces}
            self._before = Before(row.role, row.at)
        pieces = self._pieces.get(entry.message, [])
        return pieces[entry.piece] if entry.piece < len(pieces) else None


def _memory_of(entry: ManifestEntry) -> RecalledSource | None:
    return entry.recalled if entry.recalled is not None and entry.recalled.kind == "memory" else None


def _rows_as_sent(
    connection: AnyConnection, owner: str, conversation: str, entries: list[ManifestEntry]
) -> dict[tuple[str, int], PathRow]:
    wanted = {(entry.message, entry.version) for entry in entries if entry.message}
    rows = find_rows(connection, conversation, sorted({message for message, _ in wanted}))
    older = sorted({message for message, version in wanted if message in rows and rows[message].version != version})
    versions = read_versions(connection, owner, older) if older else {}
    found: dict[tuple[str, int], PathRow] = {}
    for message, version in wanted:
        row = rows.get(message)
        if row is None:
            continue
        if row.version == version:
            found[message, version] = row
        elif (parts := versions.get((message, version))) is not None:
            found[message, version] = msgspec.structs.replace(row, parts=parts, version=version)
    return found
