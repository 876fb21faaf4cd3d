"""Double-quoted YAML: reading one escape of a stream, and quoting a text so that it can be cut anywhere."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\(?:([0abtnvfre \t\"/\\N_LP])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))",
)
_PARTIAL_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?\Z")
# JSON's way of writing characters above U+FFFF, which models use in YAML as well.
_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_PARTIAL_PAIR = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z",
)
_SHORT = dict(
    zip('0abtnvfre \t"/\\N_LP', '\0\a\b\t\n\v\f\r\x1b \t"/\\\x85\xa0\u2028\u2029', strict=True),
)
_TO_QUOTE = re.compile(r'[\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]')
_NAMES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def read_escape(text: str, at: int, is_final: bool) -> tuple[str, int] | None:
    """What the backslash at `at` stands for and where it ends; None while more text is needed.

    An escape that YAML does not know stands for itself, and so does half of a surrogate pair.
    """
    if pair := _PAIR.match(text, at):
        high, low = int(pair[1], 16), int(pair[2], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), pair.end()
    if not is_final and (_PARTIAL_ESCAPE.match(text, at) or _PARTIAL_PAIR.match(text, at)):
        return None
    match = _ESCAPE.match(text, at)
    if match is None:
        return "\\", at + 1
    if match[1]:
        return _SHORT[match[1]], match.end()
    code = int(match[2] or match[3] or match[4], 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return match[0], match.end()
    return chr(code), match.end()


def quote_open(text: str) -> str:
    """`text` in double quotes without the closing one, so that more can be added.

    A blank at the end is escaped: a reader would hold it back, because before a line break it does not count.
    """
    quoted = _TO_QUOTE.sub(_escape, text)
    return f'"{quoted[:-1]}\\x20' if quoted.endswith(" ") else f'"{quoted}'


def quote(text: str) -> str:
    return f'"{_TO_QUOTE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _NAMES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
