"""`[[m:ID]]`: an answer rests on that message or memory. Only the page can lead there; elsewhere it is left out.

The page has the same grammar in `web-ui/src/shared/markdown/citation-grammar.ts`.
"""

from __future__ import annotations

import re

_CITATION = r"[ \t]?\[\[m:[0-9a-z]{1,64}\]\]"
_FENCED = r"^[ \t]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
_SPAN = r"(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)"
_KEPT_OR_CITED = re.compile(rf"(?P<code>{_FENCED}|{_SPAN})|{_CITATION}", re.M | re.S)
_CITED = re.compile(_CITATION)
_BEGUN = re.compile(r"[ \t]?(?:\[(?:\[(?:m(?::[0-9a-z]{0,64}\]?)?)?)?)?\Z")


def leave_out_citations(text: str) -> str:
    """As it reads without them. Code stays as it is."""
    if "[[m:" not in text:
        return text
    return _KEPT_OR_CITED.sub(lambda found: found["code"] or "", text)


def leave_out_everywhere(text: str) -> str:
    """As `CitationFilter` has it: in code, too."""
    if "[[m:" not in text:
        return text
    citations = CitationFilter()
    return citations.feed(text) + citations.end()


class CitationFilter:
    """Leaves them out of a text that comes in pieces. What may be the beginning of one waits for the next piece.

    It does not know code: what stands in code as a citation is written there as one.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        text = self._held + piece
        while "[[m:" in text:  # what is left out may make one of what stands around it
            text, count = _CITED.subn("", text)
            if not count:
                break
        begun = _BEGUN.search(text)
        at = begun.start() if begun else len(text)
        self._held = text[at:]
        return text[:at]

    def end(self) -> str:
        """What was held back and is no citation."""
        held, self._held = self._held, ""
        return held
