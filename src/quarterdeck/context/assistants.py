"""Assistants: instructions with a format. `ideas` is built in; `""` is no assistant at all."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.errors import InputError

_IDEAS = """\
You help the user to think. Answer in this exact form and nothing else: single-level YAML, one entry after the other,
each value a double-quoted string on one line (write \\n for a line break and \\" for a quotation mark):

idea: "..."
message: "..."

An `idea` entry is something worth keeping, in a few words: write one for each idea that the user wants to save or asks
you to note, and none when there is nothing to save. All ideas come first. Then comes exactly one `message`: what you
say to the user (Markdown is fine inside it).
"""


class Assistant(Struct, frozen=True):
    """`format` tells the engine how to read the answer: as it is, or as tagged entries."""

    id: str
    name: str
    description: str
    instructions: str
    format: Literal["plain", "tagged"]


_PLAIN = Assistant("", "None", "The model as it is.", "", "plain")
BUILT_IN = (
    Assistant("ideas", "Ideas", "Saves ideas as cards while it answers.", _IDEAS, "tagged"),
)  # fmt: skip


def find_assistant(assistant: str) -> Assistant:
    """Raises: `InputError` naming what there is."""
    for candidate in (_PLAIN, *BUILT_IN):
        if candidate.id == assistant:
            return candidate
    known = ", ".join(candidate.id for candidate in BUILT_IN)
    raise InputError(f"There is no assistant {assistant[:60]!r}. There are: {known}.")
