"""Files that messages name: pictures become part of the message, of others only the name stands in the text."""

from __future__ import annotations

import base64

from quarterdeck.domain.parts import ImagePart, Part, TextPart
from quarterdeck.exchange.draft import DraftMessage, FilePart
from quarterdeck.exchange.opened import Opened
from quarterdeck.store.imports import Note

MAX_IMAGE_BYTES = 2 << 20  # as a file; the page and the models get it within the message
_MAX_IMAGES = 8  # of one message
_SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_SHOWN = {"image/png", "image/jpeg", "image/gif", "image/webp"}


def sniff_image(head: bytes) -> str | None:
    """Its media type by its first bytes; None when it is no picture that every browser shows."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in _SIGNS if head.startswith(sign)), None)


def fill_in(opened: Opened, message: DraftMessage, title: str) -> tuple[list[Part], list[Note]]:
    """The message's parts with its files in them, and what could not be."""
    parts: list[Part] = []
    notes: list[Note] = []
    images = 0
    for part in message.parts:
        filled, reason = _fill(opened, part) if isinstance(part, FilePart) else _check(part)
        if isinstance(filled, ImagePart):
            images += 1
            if images > _MAX_IMAGES:
                filled, reason = _named(part), f"A message has {_MAX_IMAGES} pictures at most here."
        parts.append(filled)
        if reason:
            called = part.name if isinstance(part, FilePart) else "a picture"
            notes.append(Note("skipped", f"{called} of message {message.id} in “{title}”", reason))
    return parts, notes


def _fill(opened: Opened, part: FilePart) -> tuple[Part, str]:
    member = opened.find_file(part.key) if opened.is_zip else None
    if member is None:
        return _named(part), "The file is not in the export."
    head = opened.read_head(member, 32)
    kind = sniff_image(head)
    if kind is None:
        return _named(part), "Files other than pictures are named in the text only."
    content = opened.read_file(member, MAX_IMAGE_BYTES)
    if content is None:
        return _named(part), f"The picture is larger than {MAX_IMAGE_BYTES >> 20} MB."
    return ImagePart(kind, base64.b64encode(content).decode()), ""


def _check(part: Part) -> tuple[Part, str]:
    """Pictures that came within the text of an export are looked at like those that are files."""
    if not isinstance(part, ImagePart):
        return part, ""
    if len(part.data) * 3 // 4 > MAX_IMAGE_BYTES:
        return _named(part), f"The picture is larger than {MAX_IMAGE_BYTES >> 20} MB."
    try:
        kind = sniff_image(base64.b64decode(part.data[:64], validate=True))
    except ValueError:
        kind = None
    if kind is None or kind not in _SHOWN:
        return _named(part), "It is no picture that a browser shows."
    return ImagePart(kind, part.data), ""


def _named(part: Part | FilePart) -> TextPart:
    return TextPart(f"\n\n[{part.name if isinstance(part, FilePart) else 'picture'}]")
