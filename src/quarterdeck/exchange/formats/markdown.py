"""A conversation as plain text: headings or bold words that name who speaks. Without any it is one note from the user.

Known are `## You`, `### User:`, `**You:**`, `**Assistant**`, `You said:`, alone on their line, and what follows
the name after a dot in the middle (`## Assistant · gpt-5 · 2026-11-28 09:14 UTC`, as our own export has it).
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from msgspec import Struct

from quarterdeck.domain.parts import TextPart
from quarterdeck.exchange.draft import DraftConversation, DraftMessage
from quarterdeck.exchange.reading import time_in

UNFINISHED = "This answer was still being written when this was exported."
"""What our own export has in place of such an answer, in italics: it is no message."""

_USER = {"you", "user", "human", "me", "prompt", "question", "you said", "q"}
_ASSISTANT = {
    "assistant", "chatgpt", "claude", "ai", "gpt", "bot", "model", "response", "answer", "chatgpt said", "gemini",
    "copilot", "claude said", "a", "llm", "system answer",
}  # fmt: skip
_NAME = r"([A-Za-z][A-Za-z ]{0,40}?)"
_LINES = (
    re.compile(rf"#{{1,6}}\s+(?:\W*\s)?{_NAME}\s*:?\s*(?:·(.*))?$"),
    re.compile(rf"\*\*{_NAME}\s*:?\*\*\s*:?\s*()$"),
    re.compile(rf"{_NAME}:()$"),
)
_INLINE = re.compile(rf"\*\*{_NAME}\s*(?::\*\*|\*\*\s*:)\s+(\S.*)$")
_MAX_HEADING_CHARS = 300  # of a line that names who speaks: blanks without end would be looked through again and again
_TITLE = re.compile(r"#\s+(\S.*)$")
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)\s*(?:UTC|Z)?")


class _Turn(Struct):
    role: str
    about: str
    lines: list[str]


def read_text(text: str, name: str) -> DraftConversation:
    """`name`: the file's. The same text of the same name is the same conversation."""
    title, turns = _split(text)
    digest = hashlib.sha256(f"{name}\0{text}".encode()).hexdigest()[:32]
    draft = DraftConversation(source=f"markdown:{digest}", title=title or PurePosixPath(name).stem, messages=[])
    before: str | None = None
    for number, turn in enumerate(turns):
        said = "\n".join(turn.lines).strip("\n")
        if said.strip() in ("", f"*{UNFINISHED}*"):
            continue
        message = DraftMessage(id=f"{number + 1}", parent=before, role=turn.role, parts=[TextPart(said)])
        if at := _TIME.search(turn.about):
            message.created_at = time_in({"at": f"{at[1]}T{at[2]}+00:00"}, "at")
            turn.about = turn.about.replace(at[0], "")
        message.model = turn.about.strip(" ·") if turn.role == "assistant" else ""
        draft.messages.append(message)
        before = message.id
    return draft


def _split(text: str) -> tuple[str, list[_Turn]]:
    title, fence = "", ""
    turns: list[_Turn] = []
    preface: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip("\r")
        marks = _FENCE.match(line)
        if fence:
            fence = "" if marks and marks[1].startswith(fence) and not line.strip(" `~") else fence
        elif marks:
            fence = marks[1]
        elif (speaker := _speaker(line)) is not None:
            turns.append(speaker)
            continue
        elif not turns and not title and not any(preface) and (found := _TITLE.match(line)):
            title = found[1].strip()
            continue
        (turns[-1].lines if turns else preface).append(line)
    if not turns:  # nobody is named: all of it is the user's
        return title, [_Turn("user", "", text.replace("\r\n", "\n").split("\n"))]
    if any(line.strip() for line in preface):
        turns.insert(0, _Turn("user", "", preface))
    return title, turns


def _speaker(line: str) -> _Turn | None:
    for pattern in _LINES if len(line) <= _MAX_HEADING_CHARS else ():
        if (found := pattern.match(line)) and (role := _role_of(found[1])):
            return _Turn(role, found[2] or "", [])
    if (found := _INLINE.match(line)) and (role := _role_of(found[1])):
        return _Turn(role, "", [found[2]])
    return None


def _role_of(name: str) -> str:
    plain = " ".join(name.lower().split())
    return "user" if plain in _USER else "assistant" if plain in _ASSISTANT else ""
