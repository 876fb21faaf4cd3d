"""What is talked about in the pictures: made up for them, held over some weeks, by nobody in particular.

Each `screenshot_texts/*.md` is a conversation: its title, then questions (`>>> 3 days ago, 21:30`) and answers
(`<<<`, or `<<< continued after 420` characters), which may begin with lines `idea: …`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.e2e.seeding import Said
from tests.fakes.script import Script

TEXTS = Path(__file__).parent / "screenshot_texts"
MODEL = "home/atlas-large"
MODELS = ["atlas-large", "atlas-mini", "atlas-reasoner", "tern-small"]

_FERRY = (
    "It hangs in the terminal, and is kept up to date at "
    "[the ferry office](https://example.org/timetables/ferry?line=cacilhas&season=winter)."
)
_KIND_WORDS = "Thank you for keeping the lights on. Somewhere a disk spins a little easier because you looked in, and "


@dataclass(frozen=True)
class Told:
    title: str
    assistant: str
    said: list[Said]


def read_conversations(now: datetime) -> list[Told]:
    """All of them, the one that was spoken last at the end; `now` is the time where the pictures are taken."""
    return [_read(path.read_text(), now) for path in sorted(TEXTS.glob("*.md"))]


def _read(text: str, now: datetime) -> Told:
    head, *blocks = re.split(r"^(?=>>> |<<<)", text, flags=re.MULTILINE)
    title = head.splitlines()[0].removeprefix("# ")
    assistant = "ideas" if "assistant: ideas" in head else ""
    said: list[Said] = []
    for block in blocks:
        mark, _, words = block.partition("\n")
        said.append(_ask(mark, words, now) if mark.startswith(">>>") else _answer(mark, words, said[-1].at_ms + 900))
    return Told(title, assistant, said)


def _ask(mark: str, words: str, now: datetime) -> Said:
    found = re.fullmatch(r">>> (\d+) days? ago, (\d\d):(\d\d)", mark)
    if found is None:
        raise ValueError(f"no time in {mark!r}")
    days, hour, minute = (int(number) for number in found.groups())
    at = now.replace(hour=hour, minute=minute, second=0, microsecond=0) - timedelta(days=days)
    return Said("user", words.strip(), int(at.timestamp() * 1000))


def _answer(mark: str, words: str, at_ms: int) -> Said:
    ideas = tuple(re.findall(r"^idea: (.*)\n", words, flags=re.MULTILINE))
    text = re.sub(r"^idea: .*\n", "", words, flags=re.MULTILINE).strip()
    after = re.search(r"\d+", mark)
    return Said(
        "assistant",
        text,
        at_ms,
        ideas=ideas,
        model=MODEL,
        output_tokens=len(text) // 4,
        took_ms=len(text) * 9,
        continued_after=int(after[0]) if after else 0,
    )


def scripts() -> dict[str, Script]:
    """What the models say when they are asked in a picture, by their names."""
    story, kind_words = _in_words((TEXTS / "story.txt").read_text()), _in_words(_KIND_WORDS)
    return {
        "atlas-large": Script(pieces=story, delay_s=0.01, fault="stall", fault_after=len(story)),
        "atlas-mini": Script(pieces=[_FERRY]),
        "tern-small": Script(pieces=kind_words, delay_s=0.02, fault="cut", fault_after=len(kind_words)),
    }


def _in_words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)
