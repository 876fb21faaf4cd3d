"""The tagged format: single-level YAML of `idea:` entries and one `message:`, parsed while it streams.

    idea: "WebSockets"
    idea: 'HTTP + SSE'
    message: "Okay, I've saved them!"

Well-formed YAML gives what a YAML loader gives, with two exceptions: `|` and `>` without an indicator
do not count the final line break as text, and ` #` is text, not a comment. Of what models write instead
of YAML nothing is lost:

- An answer that does not begin with a tag is one message, exactly as it came. A fence (three backticks,
  `yaml`), `---`, blank lines and a byte order mark may stand before the first tag; the fence's end is dropped.
- A quote closes only if the rest of its line is blank; any other is text. Unknown escapes are text.
- In a multi-line scalar, indented lines are folded as in YAML. From the first line that is not indented
  (which is no YAML) line breaks are kept as they are.
- After an idea, text without a tag begins the message. A tag at line start ends an unclosed idea.
- Once the message has begun everything belongs to it, later tags and text after its closing quote too:
  ideas come before the single message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from quarterdeck.domain.tagged_lines import (
    LONGEST_BLANK,
    BlockLines,
    Sight,
    end_of_blank,
    end_of_fence,
    end_of_tag,
    see_fence,
    see_header,
    see_tag,
)
from quarterdeck.domain.tagged_quoting import quote, quote_open, read_escape

Tag = Literal["idea", "message"]


class EntryStarted(Struct, frozen=True):
    tag: Tag


class EntryText(Struct, frozen=True):
    """More of the entry's text; never empty."""

    text: str


class EntryEnded(Struct, frozen=True):
    """The entry is complete. Of a message it comes only at `close`, because text may still follow."""


TagEvent = EntryStarted | EntryText | EntryEnded
Reader = Callable[[str, int], int]

_LONGEST_PREAMBLE = 512

_PREAMBLE = re.compile(r"\ufeff?(?:[ \t]*(?:---|```(?:ya?ml)?)?[ \t]*(?:\r\n?|\n))*[ \t]*", re.IGNORECASE)
_PREAMBLE_LINES = ("---", "```yaml", "```yml")
_RUNS = {"": re.compile(r"[^\n]*"), '"': re.compile(r'[^"\\\n]*'), "'": re.compile(r"[^'\n]*")}
_CLOSING = re.compile(r"[\"'][ \t]*(\n|\Z)")


class TaggedParser:
    """Feed it the answer in any pieces, then close it; the entries do not depend on the pieces.

    A reader (`_read`) takes the text from a position on and says how far it came. Where it stands
    still, what follows is ambiguous: it is held back until more text or the end is there.
    """

    def __init__(self) -> None:
        self._read: Reader = self._read_start
        self._events: list[TagEvent] = []
        self._held = ""
        self._is_final = False
        self._after_cr = False
        self._entry: Tag | None = None
        self._base = 0  # blanks before the first tag
        self._in_fence = False
        # of a flow scalar
        self._quote = ""
        self._keeps_breaks = False
        self._has_odd_quotes = False
        self._break_is_escaped = False
        self._breaks_after_closing = 0
        self._block: BlockLines | None = None

    def feed(self, text: str) -> list[TagEvent]:
        self._events = []
        self._parse(text)
        return self._events

    def close(self) -> list[TagEvent]:
        """The answer is over: what was held back, and the end of the open entry."""
        self._events = []
        self._is_final = True
        self._parse("")
        self._end_entry()
        return self._events

    def _parse(self, text: str) -> None:
        text = self._held + (text if self._read == self._read_start else self._unify_breaks(text))
        at = 0
        while at < len(text):
            reader = self._read
            following = reader(text, at)
            if following == at and self._read == reader:
                break
            at = following
            if reader == self._read_start:
                text, at = self._unify_breaks(text[at:]), 0
        self._held = text[at:]

    def _unify_breaks(self, text: str) -> str:
        if self._read == self._read_raw or not text:
            return text
        if self._after_cr and text[0] == "\n":
            text = text[1:]
        self._after_cr = text.endswith("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _emit(self, text: str) -> None:
        if not text:
            return
        if self._events and isinstance(last := self._events[-1], EntryText):
            self._events[-1] = EntryText(last.text + text)
        else:
            self._events.append(EntryText(text))

    # entries

    def _start_entry(self, tag: Tag) -> None:
        self._end_entry()
        self._entry = tag
        self._quote = ""
        self._keeps_breaks = self._has_odd_quotes = self._break_is_escaped = False
        self._events.append(EntryStarted(tag))

    def _end_entry(self) -> None:
        if self._entry is not None:
            self._events.append(EntryEnded())
            self._entry = None

    def _start_tag(self, text: str, at: int, tag: Literal["idea", "message"]) -> int:
        self._start_entry(tag)
        self._read = self._read_value
        return end_of_tag(text, at)

    def _start_untagged_message(self, at: int) -> int:
        self._start_entry("message")
        self._keeps_breaks = True
        self._read = self._read_flow
        return at

    def _pass_fence(self, text: str, at: int) -> int:
        """The fence's end: an idea ends with it, of a message it is the last line."""
        if self._entry == "idea":
            self._end_entry()
        if self._entry is None:
            self._read = self._read_gap
        self._in_fence = False
        return end_of_fence(text, at)

    def _read_start(self, text: str, at: int) -> int:
        seen = text[:_LONGEST_PREAMBLE]
        match = _PREAMBLE.match(seen)
        first = match.end() if match else 0
        rest = seen[first:].rstrip(" \t\r").lower()
        sight = see_tag(seen, first, self._is_final)
        is_open = not self._is_final and any(line.startswith(rest) for line in _PREAMBLE_LINES)
        if (sight == "more" or is_open) and len(seen) < _LONGEST_PREAMBLE:
            return at
        if sight in ("idea", "message"):
            self._in_fence = "```" in seen[:first]
            self._base = len(re.split("[\r\n\ufeff]", seen[:first])[-1])
            return self._start_tag(text, first, sight)
        if self._is_final and not rest:
            return len(text)
        self._start_entry("message")
        self._read = self._read_raw
        return at

    def _read_raw(self, text: str, at: int) -> int:
        self._emit(text[at:])
        return len(text)

    def _read_gap(self, text: str, at: int) -> int:
        """After a closed idea: the next tag, the fence's end, or the message without its tag."""
        first = end_of_blank(text, at)
        if first == len(text):
            return first
        sight = self._see_line(text, first, indent=0)
        if sight == "more":
            return first
        if sight == "fence":
            return self._pass_fence(text, first)
        return self._start_untagged_message(first) if sight == "text" else self._start_tag(text, first, sight)

    def _see_line(self, text: str, at: int, indent: int) -> Sight:
        """What stands at `at`, the first character of a line that is not blank, after `indent` blanks.

        In a message a tag is text, and so is a fence's end that is not the answer's: it may be about code.
        """
        if indent > self._base:
            return "text"
        if self._in_fence and text[at] == "`":
            is_open_message = self._entry == "message" and self._read != self._read_closed
            return see_fence(text, at, self._is_final, must_be_last=is_open_message)
        return "text" if self._entry == "message" else see_tag(text, at, self._is_final)

    # the value: which style, flow scalars

    def _read_value(self, text: str, at: int) -> int:
        first = end_of_blank(text, at)
        if first == len(text):
            return max(at, first - LONGEST_BLANK)
        line = text.rfind("\n", at, first) + 1
        if line:
            sight = self._see_line(text, first, first - line)
            if sight == "more":
                return at
            if sight == "fence":
                return self._pass_fence(text, first)
            if sight != "text":
                return self._start_tag(text, first, sight)
            self._keeps_breaks = first - line <= self._base
        return self._start_scalar(text, first)

    def _start_scalar(self, text: str, at: int) -> int:
        if text[at] in "|>":
            header = see_header(text, at, self._is_final)
            if header == "more":
                return at
            if header is not None:
                self._block = BlockLines(header, self._base)
                self._read = self._read_block_break
                return header.end()
        self._read = self._read_flow
        self._quote = text[at] if text[at] in "\"'" else ""
        return at + len(self._quote)

    def _read_flow(self, text: str, at: int) -> int:
        """The inside of a line of a plain or quoted scalar, up to a quote, an escape or blanks at its end."""
        run = _RUNS[self._quote].match(text, at)
        end = run.end() if run else at
        special = text[end : end + 1]
        if special in ("", "\n"):
            return self._read_line_end(text, at, end)
        self._emit(text[at:end])
        return self._read_quote(text, end) if special == self._quote else self._read_backslash(text, end)

    def _read_line_end(self, text: str, at: int, end: int) -> int:
        kept = at + len(text[at:end].rstrip(" \t"))
        if kept == at and end - at > LONGEST_BLANK:
            kept = at + LONGEST_BLANK
        elif end < len(text):
            self._read = self._read_break
        elif self._is_final and self._quote:
            kept = end
        self._emit(text[at:kept])
        return kept

    def _read_break(self, text: str, at: int) -> int:
        """From the blanks at a line's end to the first character of the next line that is not blank."""
        first = end_of_blank(text, at)
        if first - at > LONGEST_BLANK:
            self._emit(text[at : at + LONGEST_BLANK])
            return at + LONGEST_BLANK
        if first == len(text):
            return at
        line = max(text.rfind("\n", at, first) + 1, at)
        sight = self._see_line(text, first, first - line)
        if sight == "more":
            return at
        if sight == "fence":
            return self._pass_fence(text, first)
        if sight != "text":
            return self._start_tag(text, first, sight)
        is_indented = first - line > self._base
        if self._entry == "idea" and not self._quote and not is_indented:
            return self._start_untagged_message(first)
        self._join_lines(text[at:line], text[line:first], is_indented)
        self._read = self._read_flow
        return first

    def _join_lines(self, before: str, indent: str, is_indented: bool) -> None:
        breaks = before.count("\n")
        if self._break_is_escaped:
            self._emit("\n" * (breaks - 1))
        elif is_indented and not self._keeps_breaks:
            self._emit(" " if breaks == 1 else "\n" * (breaks - 1))
        else:
            self._keeps_breaks = True
            self._emit(before.split("\n", 1)[0] + "\n" * breaks + indent)
        self._break_is_escaped = False

    def _read_backslash(self, text: str, at: int) -> int:
        if text.startswith("\\\n", at):
            self._break_is_escaped = True
            self._read = self._read_break
            return at + 1
        escape = read_escape(text, at, self._is_final)
        if escape is None:
            return at
        self._emit(escape[0])
        return escape[1]

    def _read_quote(self, text: str, at: int) -> int:
        if self._quote == "'" and text.startswith("''", at):
            self._emit("'")
            return at + 2
        closing = _CLOSING.match(text, at)
        if closing is None or closing.end() - at > LONGEST_BLANK:
            self._has_odd_quotes = not self._has_odd_quotes and self._quote == '"'
            self._emit(self._quote)
            return at + 1
        if not closing[1] and not self._is_final:
            return at
        if self._entry == "idea":
            self._end_entry()
            self._read = self._read_gap
        else:
            self._breaks_after_closing = 0
            self._read = self._read_closed
        return closing.start(1)

    def _read_closed(self, text: str, at: int) -> int:
        """After the message's closing quote: text that the model added, or the quote belonged to a pair inside."""
        first = end_of_blank(text, at)
        line = max(text.rfind("\n", at, first) + 1, at)
        self._breaks_after_closing += text.count("\n", at, line)
        if first == len(text):
            return max(line, first - LONGEST_BLANK)
        sight = self._see_line(text, first, first - line)
        if sight == "more":
            return line
        if sight == "fence":
            return self._pass_fence(text, first)
        quote_char, self._quote = ('"', '"') if self._has_odd_quotes else ("", "")
        self._emit(quote_char + "\n" * self._breaks_after_closing + text[line:first])
        self._has_odd_quotes = False
        self._keeps_breaks = True
        self._read = self._read_flow
        return first

    # block scalars

    def _read_block_line(self, text: str, at: int) -> int:
        end = text.find("\n", at)
        if end < 0:
            end = len(text)
        else:
            self._read = self._read_block_break
        self._emit(text[at:end])
        return end

    def _read_block_break(self, text: str, at: int) -> int:
        """From a line's end (or the header's) to the first character of the next line that is not blank."""
        block = self._block
        assert block is not None  # nosec B101  # noqa: S101 - only a block's header leads here
        first = end_of_blank(text, at)
        if first - at > LONGEST_BLANK:
            self._emit(text[at : at + LONGEST_BLANK])
            return at + LONGEST_BLANK
        line = max(text.rfind("\n", at, first) + 1, at)
        breaks = text.count("\n", at, line)
        if first == len(text):
            self._emit(block.end(breaks) if self._is_final else "")
            return first if self._is_final else at
        sight = self._see_line(text, first, first - line)
        if sight == "more":
            return at
        if sight != "text":
            self._emit(block.end(breaks))
            return self._pass_fence(text, first) if sight == "fence" else self._start_tag(text, first, sight)
        if self._entry == "idea" and block.is_left_by(first - line):
            self._emit(block.end(breaks))
            return self._start_untagged_message(first)
        self._emit(block.join(breaks, text[line:first]))
        self._read = self._read_block_line
        return first


def render(entries: Iterable[tuple[Tag, str]], open_last: bool = False) -> str:
    """Ideas and a message in the tagged format, one line each.

    With `open_last` the last entry is left open: a parser that was fed this (its events thrown away)
    goes on with that entry, and so may a model.
    """
    lines = [(tag, text) for tag, text in entries]
    closed, last = (lines[:-1], lines[-1:]) if open_last else (lines, [])
    done = "".join(f"{tag}: {quote(text)}\n" for tag, text in closed)
    return done + "".join(f"{tag}: {quote_open(text)}" for tag, text in last)
