"""All that is in a recognised file, one conversation after the other, from wherever an earlier run has stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.errors import InputError, TooLargeError
from quarterdeck.exchange.decoding import clean_text, decode_element
from quarterdeck.exchange.draft import DraftConversation
from quarterdeck.exchange.formats import quarterdeck
from quarterdeck.exchange.formats.markdown import read_text
from quarterdeck.exchange.opened import Member, Opened
from quarterdeck.exchange.pieces import MAX_ELEMENT_BYTES, CutOffError, Element, NoJsonError, split_elements
from quarterdeck.exchange.recognising import FORMATS, Plan, list_held
from quarterdeck.store.imports import Cursor, Note

_MAX_TEXT_BYTES = 64 << 20
_BELONGINGS = {"folder", "assistant", "snippet"}
_TOO_DEEP = "It is nested too deeply."
CUT_OFF = "The file ends too early: what came before is imported. Get the export again and import it, too."


class Found(Struct, frozen=True):
    """`cursor` is where it stands, `done_bytes` how much of the file was read by then. One of the rest is given.

    `belonging`: a folder, an assistant or a snippet of our own export.
    """

    cursor: Cursor
    done_bytes: int
    draft: DraftConversation | None = None
    belonging: dict[str, Any] | None = None
    notes: list[Note] = []
    next_element: int | None = None  # where to go on behind it; None: with the one after `cursor`
    problem: str = ""  # one sentence: something of the file could not be read at all


def read_drafts(opened: Opened, plan: Plan, start: Cursor) -> Iterator[Found]:
    """Blocking: to be run in a thread. What stands before `start` is stepped over without being decoded."""
    before = 0
    for number, member in enumerate(plan.members):
        if number >= start.member:
            skip = start.element if number == start.member else 0
            yield from _read_member(opened, plan, member, number, skip, before)
        before += member.size


def _read_member(opened: Opened, plan: Plan, member: Member, number: int, skip: int, before: int) -> Iterator[Found]:
    element = skip
    try:
        for found in _read_kind(opened, plan, member, number, skip, before):
            element = found.cursor.element + 1
            yield found
    except (CutOffError, NoJsonError, InputError, TooLargeError) as error:
        sentence = error.message if isinstance(error, InputError | TooLargeError) else CUT_OFF
        if isinstance(error, NoJsonError):
            sentence = "Something in the file is not JSON: what came before is imported. Get the export again."
        note = Note("skipped", f"the rest of {member.name}", sentence)
        yield Found(Cursor(number, element), before + member.size, notes=[note], problem=sentence)


def _read_kind(opened: Opened, plan: Plan, member: Member, number: int, skip: int, before: int) -> Iterator[Found]:
    if plan.format == "markdown":
        if not skip:
            draft = _read_markdown(opened, member)
            yield Found(Cursor(number, 0), before + member.size, draft=draft)
        return
    elements = split_elements(opened.read_chunks(member))
    if plan.format == "quarterdeck":
        yield from _read_own(elements, member, number, skip, before)
        return
    for place, element in enumerate(elements):
        if place >= skip:
            yield from _read_foreign(plan, element, Cursor(number, place), before + element.end, member)


def _read_markdown(opened: Opened, member: Member) -> DraftConversation:
    if member.size > _MAX_TEXT_BYTES:
        raise TooLargeError(f"A text is larger than {_MAX_TEXT_BYTES >> 20} MB.")
    text = b"".join(opened.read_chunks(member)).decode("utf-8", "replace")
    return read_text(clean_text(text), member.name)


def _read_foreign(plan: Plan, element: Element, cursor: Cursor, done: int, member: Member) -> Iterator[Found]:
    value, reason = _decode(element)
    if reason:
        note = Note("skipped", f"conversation {cursor.element + 1} of {member.name}", reason)
        yield Found(cursor, done, notes=[note])
        return
    entry = f"entry {cursor.element + 1} of {member.name}"
    try:
        drafts, notes = _drafts_of(value, plan.format, entry)
    except RecursionError:  # what a tool was called with, for example, is written as JSON again
        drafts, notes = [], [Note("skipped", entry, _TOO_DEEP)]
    del value  # what is long need not be there while it is written
    element.raw = None
    # All of one element have one cursor: broken off between them, they are read again, and known.
    for draft in drafts:
        yield Found(cursor, done, draft=draft)
    if notes or not drafts:
        yield Found(cursor, done, notes=notes)


def _drafts_of(value: Any, expected: str, entry: str) -> tuple[list[DraftConversation], list[Note]]:
    """`expected`: the file's format; single conversations of another one are read, too."""
    drafts: list[DraftConversation] = []
    notes: list[Note] = []
    formats = sorted(FORMATS, key=lambda known: known.name != expected)
    for conversation in list_held(value):
        known = next((known for known in formats if known.fits(conversation)), None)
        if known is None:
            notes.append(Note("skipped", entry, "It is no conversation."))
            continue
        draft = known.read(conversation)
        if draft.source.endswith(":"):
            draft.source += hashlib.sha256(msgspec.json.encode(conversation)).hexdigest()[:32]
        drafts.append(draft)
    return drafts, notes


def _decode(element: Element) -> tuple[Any, str]:
    if element.raw is None:
        return None, f"It is larger than {MAX_ELEMENT_BYTES >> 20} MB."
    try:
        return decode_element(element.raw), ""
    except ValueError as error:
        return None, _TOO_DEEP if "nested" in str(error) else "It is not valid JSON."


def _read_own(elements: Iterator[Element], member: Member, number: int, skip: int, before: int) -> Iterator[Found]:
    """Lines of a conversation and of its messages are gathered; the cursor is that of the last of them."""
    draft: DraftConversation | None = None
    begun = done = place = 0
    is_ended = False
    for place, element in enumerate(elements):
        if place < skip:
            continue
        value, reason = _decode(element)
        kind = value.get("kind") if isinstance(value, dict) else None
        if draft is not None and kind != "message":
            yield Found(Cursor(number, begun), done, draft=draft, next_element=place)
            draft = None
        done = before + element.end
        if reason or not isinstance(value, dict):
            yield Found(
                Cursor(number, place),
                done,
                notes=[Note("skipped", f"line {place + 1} of {member.name}", reason or "It is no object.")],
            )
        elif quarterdeck.is_header(value):
            _check_version(value)
        elif kind == "conversation":
            draft, begun = quarterdeck.read_conversation(value), place
        elif kind == "message" and draft is not None:
            quarterdeck.add_message(draft, value)
        elif kind in _BELONGINGS:
            yield Found(Cursor(number, place), done, belonging=value)
        elif kind == "end":
            is_ended = True
            if note := quarterdeck.note_unfinished(value):
                yield Found(Cursor(number, place), done, notes=[note])
        else:
            note = Note("skipped", f"line {place + 1} of {member.name}", "Its kind is not known.")
            yield Found(Cursor(number, place), done, notes=[note])
    if draft is not None:
        yield Found(Cursor(number, begun), done, draft=draft, next_element=place + 1)
    if not is_ended:
        raise CutOffError


def _check_version(value: dict[str, Any]) -> None:
    version = value.get("format_version")
    if not isinstance(version, int) or version > quarterdeck.FORMAT_VERSION:
        raise InputError("This export was made by a newer Quarterdeck. Bring this server to that version first.")
