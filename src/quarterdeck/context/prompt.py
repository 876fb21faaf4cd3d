"""Puts a request together, entry by entry; the manifest's entries and the messages grow together.

Neighbours of one role become one message with a blank line between them: some models insist that roles alternate. The
blank line belongs to the text of the later entry, so that the texts of all entries are what was sent, and no more.
"""

from __future__ import annotations

from typing import Any

from quarterdeck.context.manifest import Digest, Kind, ManifestEntry
from quarterdeck.context.rendering import BLANK_LINE, Piece, begin_with, text_of
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.domain.step import PromptMessage, Role
from quarterdeck.domain.tokens import estimate_parts
from quarterdeck.store.paths import PathRow


class Prompt:
    def __init__(self) -> None:
        self.messages: list[PromptMessage] = []
        self.entries: list[ManifestEntry] = []
        self.texts: list[str] = []  # of the entries
        self._digest = Digest()

    def add_text(self, kind: Kind, role: Role, text: str, /, **source: Any) -> None:
        self.add(kind, role, [TextPart(text)], **source)

    def add(self, kind: Kind, role: Role, parts: list[Part], /, *, apart: bool = False, **source: Any) -> None:
        """`source`: fields of the entry that say where it comes from. `apart`: a message of its own in any case."""
        tokens, at = self._put(role, parts, apart=apart)
        self.entries.append(ManifestEntry(kind=kind, tokens=tokens, role=role, at=at, **source))

    def add_piece(self, piece: Piece, row: PathRow, number: int) -> None:
        """The piece of that number of a stored message: most of a request are such, and take most of its time."""
        tokens, at = self._put(piece.role, piece.parts)
        self.entries.append(
            ManifestEntry("message", tokens, piece.role, row.id, row.version, number, "", at, "", "", None, row.taint)
        )

    def _put(self, role: Role, parts: list[Part], *, apart: bool = False) -> tuple[int, int]:
        """How many tokens it is, and which message it has become part of."""
        messages = self.messages
        if messages and messages[-1].role == role and role != "tool" and not apart:
            parts = begin_with(BLANK_LINE, parts)
            messages[-1] = PromptMessage(role, [*messages[-1].parts, *parts])
        else:
            messages.append(PromptMessage(role, parts))
        text = text_of(parts)
        self._digest.add(role, text)
        self.texts.append(text)
        return estimate_parts(parts), len(messages) - 1

    def copy(self) -> Prompt:
        copied = Prompt()
        copied.messages, copied.entries, copied.texts = self.messages.copy(), self.entries.copy(), self.texts.copy()
        copied._digest = self._digest.copy()
        return copied

    def says_the_same(self, other: Prompt) -> bool:
        return self.entries == other.entries and self.messages == other.messages

    @property
    def tokens(self) -> int:
        return sum(entry.tokens for entry in self.entries)

    @property
    def digest(self) -> str:
        return self._digest.hex()
