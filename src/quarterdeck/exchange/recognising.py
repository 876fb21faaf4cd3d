"""Whose export a file is, by what is in it: names are only looked at where a zip has files of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from quarterdeck.errors import InputError
from quarterdeck.exchange.decoding import decode_element
from quarterdeck.exchange.draft import DraftConversation
from quarterdeck.exchange.formats import chatgpt, claude, librechat, openwebui, quarterdeck
from quarterdeck.exchange.opened import Member, Opened
from quarterdeck.exchange.pieces import CutOffError, NoJsonError, split_elements

UNKNOWN = (
    "This is no export that Quarterdeck knows: it reads those of ChatGPT, Claude, Open WebUI, LibreChat and "
    "Quarterdeck, and Markdown."
)
_PAGE = "This is a web page, not an export: the download may have asked you to sign in. Get the file again."
_EMPTY = "There are no conversations in this file."
_LOOKED_AT = 100  # elements
_TEXTS = {".md", ".markdown", ".txt"}
_LISTS = ("conversations", "chats")  # what an object that holds many may call them
# What exports have beside the conversations.
_ASIDE = {
    "chat.html": "It shows the conversations once more, as a page.",
    "user.json": "It is about the account there.",
    "users.json": "It is about the account there.",
    "user_settings.json": "It is about the account there.",
    "message_feedback.json": "It is what was thought of answers.",
    "shared_conversations.json": "It is the list of shared links there.",
    "model_comparisons.json": "It is what was chosen between two answers.",
    "projects.json": "Projects of Claude are not taken over: their instructions and documents stay in this file.",
    "memories.json": "Memories of Claude are not taken over.",
    "conversation_asset_file_names.json": "It is the list of the files in the zip.",
}


class Format(Struct, frozen=True):
    name: str
    fits: Callable[[Any], bool]
    read: Callable[[Any], DraftConversation]


# The first that fits: the more telling ones stand before.
FORMATS = (
    Format("chatgpt", chatgpt.fits, chatgpt.read),
    Format("claude", claude.fits, claude.read),
    Format("librechat", librechat.fits, librechat.read),
    Format("openwebui", openwebui.fits, openwebui.read),
)


class Plan(Struct, frozen=True):
    """`format` is one of `FORMATS`, `markdown` or `quarterdeck`; `members` are read in this order, `others` are not."""

    format: str
    members: list[Member]
    others: list[tuple[Member, str]]  # with the reason


def recognise(opened: Opened) -> Plan:
    """Raises: `InputError` with the one sentence that helps."""
    if not opened.is_zip:
        member = opened.members[0]
        return Plan(_look(opened, member), [member], [])
    named = sorted(opened.members, key=lambda member: member.name)
    if own := [member for member in named if PurePosixPath(member.name).name == "quarterdeck.jsonl"]:
        reason = "It is for reading, not for importing."
        return Plan("quarterdeck", own, [(member, reason) for member in named if member not in own])
    data = [member for member in named if PurePosixPath(member.name).suffix.lower() in (".json", ".jsonl")]
    if not data:
        return _plan_texts(opened, named)
    return _plan_data(opened, named, data)


def _plan_data(opened: Opened, named: list[Member], data: list[Member]) -> Plan:
    kinds: dict[str, str] = {}
    refused: InputError | None = None
    for member in data:
        if PurePosixPath(member.name).name.lower() in _ASIDE:
            continue
        try:
            kinds[member.name] = _look(opened, member)
        except InputError as error:
            refused = error
    found = sorted(set(kinds.values()) - {"markdown"}, key=list(kinds.values()).count, reverse=True)
    if not found:
        raise refused or InputError(UNKNOWN)
    chosen = [member for member in data if kinds.get(member.name) == found[0]]
    # `conversations/<id>.json` beside `conversations.json`, and the like: what is there twice is known the second time.
    others = [
        (member, _ASIDE.get(PurePosixPath(member.name).name.lower(), "It holds no conversations of this export."))
        for member in named
        if member not in chosen and not _may_be_shown(member)
    ]
    return Plan(found[0], chosen, others)


def _may_be_shown(member: Member) -> bool:
    """Pictures and the like are spoken of where a message has them."""
    return PurePosixPath(member.name).suffix.lower() not in {".json", ".jsonl", ".html", ".csv", ".pdf", ".txt", ".md"}


def _plan_texts(opened: Opened, named: list[Member]) -> Plan:
    texts = [member for member in named if PurePosixPath(member.name).suffix.lower() in _TEXTS]
    if not texts:
        is_page = any(member.name.lower().endswith((".html", ".htm")) for member in named)
        raise InputError(_PAGE if is_page else UNKNOWN if named else "The zip file is empty.")
    return Plan("markdown", texts, [(member, "It is no text.") for member in named if member not in texts])


def _look(opened: Opened, member: Member) -> str:
    """By its first element that is one of somebody's. Raises: `InputError`."""
    head = opened.read_head(member).lstrip()
    start = head[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        raise InputError(_PAGE)
    if start[:1] not in (b"[", b"{"):
        return _look_at_text(opened, member, head)
    is_empty = True
    try:
        for value in islice(read_values(opened, member), _LOOKED_AT):
            is_empty = False
            if value is not None and (kind := format_of(value)):
                return kind
    except CutOffError:
        raise InputError("The file ends too early: get the export again.") from None
    except NoJsonError:
        return _look_at_text(opened, member, head)
    raise InputError(_EMPTY if is_empty else UNKNOWN)


def _look_at_text(opened: Opened, member: Member, head: bytes) -> str:
    if not head.strip():
        raise InputError("There is nothing in this file but blanks.")
    is_named = PurePosixPath(member.name).suffix.lower() in _TEXTS
    if b"\0" in head[:4096] or (not is_named and _is_no_text(head)):
        raise InputError(UNKNOWN)
    if PurePosixPath(member.name).suffix.lower() in (".json", ".jsonl", ".zip"):
        raise InputError("The file is not the JSON that its name promises. Get the export again.")
    return "markdown"


def _is_no_text(head: bytes) -> bool:
    try:
        head[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < 4090
    return False


def read_values(opened: Opened, member: Member) -> Iterator[Any]:
    """Elements one after the other, None for one that cannot be read. Raises: `CutOffError`, `NoJsonError`."""
    for element in split_elements(opened.read_chunks(member)):
        try:
            yield None if element.raw is None else decode_element(element.raw)
        except ValueError:
            yield None


def format_of(value: Any) -> str:
    """Empty when it is nobody's."""
    if quarterdeck.is_header(value):
        return "quarterdeck"
    for held in list_held(value):
        if name := next((known.name for known in FORMATS if known.fits(held)), ""):
            return name
    return ""


def list_held(value: Any) -> list[Any]:
    """The conversations in an object that holds many; itself otherwise."""
    for name in _LISTS:
        if isinstance(value, dict) and isinstance(value.get(name), list):
            return list(value[name])
    return [value]
