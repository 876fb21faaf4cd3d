"""The manifest of a step: what was sent, in order, so that it can be shown and rebuilt exactly.

It holds ids and versions, not texts: what a message said in each version is kept with it, a summary's text never
changes, and what stands nowhere else is in `context_texts` by its digest.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.taint import join_taints

Kind = Literal["instructions", "about", "time", "summary", "pinned", "message", "recalled", "continuation"]


class RecalledSource(Struct, frozen=True, omit_defaults=True):
    """A message, memory or summary that was recalled; `signals` say what each gave of the score."""

    kind: str
    id: str
    messages: list[str] = []
    conversation: str = ""
    title: str = ""
    at: int = 0
    score: float = 0.0
    signals: dict[str, float] = {}


class ManifestEntry(Struct, frozen=True, omit_defaults=True):
    """One thing the model was sent; tokens are estimated.

    `at`: which of the messages of the request it is, or is part of: the texts of entries with the same `at`, one after
    the other, are that message's text. `piece`: which part of a stored message that was sent as several (tool calls).
    `said` or the text with the digest `text` is what stands nowhere else. `recalled` says what was found elsewhere in
    the user's log, and `taint` what of it is untrusted.
    """

    kind: Kind
    tokens: int
    role: str = ""
    message: str = ""
    version: int = 1
    piece: int = 0
    summary: str = ""
    at: int = 0
    said: str = ""
    text: str = ""
    recalled: RecalledSource | None = None
    taint: str = ""


class Manifest(Struct, frozen=True, omit_defaults=True):
    """What one step sent. `tokens` as estimated; the model counts about `ratio` times as many.

    `budget` is what they had to fit in, in the model's tokens; `clipped` says that older messages were left out, the
    newest of them being `clipped_at`. `digest` is of all that was sent.
    """

    model: str
    window: int
    window_is_known: bool
    tokens: int
    clipped: bool
    entries: list[ManifestEntry]
    budget: int = 0
    ratio: float = 1.0
    zone: str = ""
    format: Literal["plain", "tagged"] = "plain"  # of the answers
    digest: str = ""
    clipped_at: str = ""
    stale_summaries: int = 0  # not sent: something that they cover was changed
    pins_left_out: int = 0  # there was no room for them
    shortened: bool = False  # it was sent longer at first, and the provider said that it was too long
    no_summary: str = ""  # why older messages are not summarised; empty: they are, or need not be
    tools: list[str] = []  # that the model was offered
    tool_tokens: int = 0  # of their descriptions
    no_calls: bool = False  # calls of tools in earlier answers were left out, since none is offered
    no_recall: str = ""  # why nothing was looked for elsewhere in the user's log; empty: it was

    @property
    def estimated(self) -> int:
        return self.tokens + self.tool_tokens

    @property
    def counted(self) -> int:
        """Tokens as the model would count them."""
        return round(self.estimated * self.ratio)

    @property
    def taint(self) -> str:
        """What of the text that was sent is untrusted."""
        return join_taints(entry.taint for entry in self.entries if entry.taint)


class Digest:
    """Of everything sent, in order."""

    def __init__(self) -> None:
        # hashed together: many short ones take as long to be handed over as to be hashed
        self._pieces: list[bytes] = []

    def add(self, role: str, text: str) -> None:
        raw = text.encode("utf-8", "surrogatepass")
        self._pieces.append(b"%s %d\n%s" % (role.encode(), len(raw), raw))

    def copy(self) -> Digest:
        copied = Digest()
        copied._pieces = self._pieces.copy()
        return copied

    def hex(self) -> str:
        return hashlib.sha256(b"".join(self._pieces)).hexdigest()


def encode_manifest(manifest: Manifest) -> str:
    return msgspec.json.encode(manifest).decode()


def decode_manifest(stored: str) -> Manifest:
    return msgspec.json.decode(stored, type=Manifest)
