"""Puts a request together, entry by entry; the manifest's entries and the messages grow together.

Neighbours of one role become one message with a blank line between them: some models insist that roles alternate. The
blank line belongs to the text of the later entry, so that the texts of all entries are what was sent, and no more.
"""

from __future__ import annotations

from typing import Any

from quarterdeck.context.manifest import Digest, Kind, ManifestEntry
from quarterdeck.context.rendering import BLANK_LINE, begin_with, text_of
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.domain.step import PromptMessage, Role
from quarterdeck.domain.tokens import estimate_parts


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
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == role and role != "tool" and not apart:
            parts = begin_with(BLANK_LINE, parts)
            self.messages[-1] = PromptMessage(role, [*last.parts, *parts])
        else:
            self.messages.append(PromptMessage(role, parts))
        text = text_of(parts)
        self._digest.add(role, text)
        self.texts.append(text)
        at = len(self.messages) - 1
        self.entries.append(ManifestEntry(kind=kind, tokens=estimate_parts(parts), role=role, at=at, **source))

    @property
    def tokens(self) -> int:
        return sum(entry.tokens for entry in self.entries)

    @property
    def digest(self) -> str:
        return self._digest.hex()
