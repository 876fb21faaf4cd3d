"""What a fake model says and how it misbehaves; the same words for every dialect.

A request's script is, in this order: the next of `server.queue`; the JSON after `/fake ` in the last user
message; `server.by_model[name]`; what the model's name asks for (`script_for_model`); `server.default`.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from msgspec import Struct

Misbehaviour = Literal[
    "",
    "stall",  # after `fault_after` pieces: nothing more, the connection stays open
    "cut",  # … the connection is cut
    "no_end",  # … the stream ends properly, without the model's own end
    "malformed",  # … a chunk that is no JSON
    "bad_utf8",  # … a chunk that is no UTF-8
    "endless_line",  # … a line without an end
    "error",  # … an error object in the stream, then its end
    "filter",  # … the vendor's content filter ends the answer
    "refusal",  # the model declines
    "empty",  # 200, then the end of the stream
    "no_words",  # a proper stream in which the model says nothing
    "html",  # 200 with a web page
    "json",  # a whole answer although a stream was asked for
    "redirect",  # to another path of this server
    "hang_up",  # the connection is closed before any answer
]


class ScriptedUsage(Struct, forbid_unknown_fields=True):
    input: int = 11
    output: int = 0  # 0: the number of pieces
    cached: int = 0
    reasoning: int = 0


class ScriptedCall(Struct, forbid_unknown_fields=True):
    id: str
    name: str
    arguments: list[str]


class Script(Struct, kw_only=True, forbid_unknown_fields=True):
    """`delay_s` before each piece, `first_delay_s` before the response begins, `close_delay_s` before it ends.

    With a `status` other than 200 the first `failures` requests fail (None: all of them) and the script's
    answer follows. `write_bytes` 1 sends every byte of the stream by itself.
    """

    pieces: list[str] = msgspec.field(default_factory=lambda: ["Hello", ", ", "world", "!"])
    reasoning: list[str] = []
    tool_calls: list[ScriptedCall] = []
    usage: ScriptedUsage = msgspec.field(default_factory=ScriptedUsage)
    finish: Literal["stop", "length", "tool_calls"] = "stop"
    delay_s: float = 0.0
    first_delay_s: float = 0.0
    close_delay_s: float = 0.0
    status: int = 200
    failures: int | None = None
    error_message: str = ""
    error_code: str = ""
    retry_after: str = ""
    fault: Misbehaviour = ""
    fault_after: int = 1
    write_bytes: int = 0
    echo: bool = False
    logprobs: bool = False  # each piece is a token, and none other was likely


TAGGED = 'idea: "Whiskers"\nidea: "Fluffy"\nmessage: "Saved them!"\n'
_WORDS = (
    ("The harbour lay still under a thin mist while the crew wrote the day into the log, ")
    + ("line after line, until the lamp burned low and the tide began to turn.")
).split(" ")


def words(count: int) -> list[str]:
    """`count` numbered words, so that a missing or doubled one is seen."""
    return [f"{_WORDS[number % len(_WORDS)]}{number} " for number in range(count)]


def script_for_model(name: str) -> Script | None:
    """Scripts that a model's name asks for; N is a number.

    `fake-tagged` (characters of the seed example), `fake-slow[-N]` (50 pieces a second for N seconds, 10
    unless said), `fake-long[-N]` (N words at once, 2000), `fake-echo`, `fake-think`, `fake-markdown`,
    `fake-status-N`, `fake-fault-NAME` (a `Misbehaviour`, `-` for `_`).
    """
    found = re.fullmatch(r"fake-([a-z]+)-?([a-z0-9-]*)", name)
    if found is None:
        return None
    kind, rest = found[1], found[2]
    number = int(rest) if rest.isdigit() else None
    if kind == "status" and number is not None:
        return Script(status=number, retry_after="30" if number == 429 else "")
    if kind == "fault":
        return Script(fault=msgspec.convert(rest.replace("-", "_"), Misbehaviour))
    return _named(kind, number)


def _named(kind: str, number: int | None) -> Script | None:
    if kind == "tagged":
        return Script(pieces=list(TAGGED), delay_s=0.005)
    if kind == "slow":
        return Script(pieces=words(50 * (number or 10)), delay_s=0.02)
    if kind == "long":
        return Script(pieces=words(number or 2000))
    if kind == "echo":
        return Script(echo=True)
    if kind == "think":
        return Script(reasoning=["Let me ", "think about ", "that."], pieces=["I ", "thought."], delay_s=0.05)
    if kind == "markdown":
        return Script(pieces=re.findall(r"\S*\s*", _MARKDOWN)[:-1], delay_s=0.01)
    return None


def rest_of(pieces: list[str], said: str) -> list[str]:
    """The pieces after `said`, when `said` is a beginning of them; else all of them."""
    full = "".join(pieces)
    if not said or not full.startswith(said):
        return pieces
    rest: list[str] = []
    position = 0
    for piece in pieces:
        end = position + len(piece)
        if end > len(said):
            rest.append(piece[max(len(said) - position, 0) :])
        position = end
    return rest


_MARKDOWN = """# A short log

Some **bold**, some *italic*, some `code`, a [link](https://example.org/).

| day | wind |
|---|---|
| Monday | north |
| Tuesday | west |

```python
def greet(name: str) -> str:
    return f"Hello, {name}"
```

$$E = mc^2$$

1. first
2. second
"""
