"""What of a message is its writer's own: not the code, the quotations and the documents that they put into it."""

from __future__ import annotations

import re

MAX_CHARS = 2_000
"""Whoever says more has most likely pasted it: what stands around it is theirs."""

_EDGE_CHARS = 800
_FENCED = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)
_TAGGED = re.compile(r"<(\w+)\b[^>]*>.*?</\1>", re.DOTALL)
_QUOTATION = re.compile(r"“[^”]*”|„[^“”]*[“”]|«[^»]*»|\"[^\"]*\"")
_LONG_QUOTATION_WORDS = 12


def own_words(text: str) -> str:
    """Paragraphs stay apart; what is left out leaves none of it behind."""
    for foreign in (_FENCED, _TAGGED, _QUOTED_LINE, _INDENTED):
        text = foreign.sub("\n", text)
    text = _QUOTATION.sub(_drop_long, text).strip()
    return text if len(text) <= MAX_CHARS else _edges(text)


def _drop_long(quotation: re.Match[str]) -> str:
    return " " if len(quotation[0].split()) > _LONG_QUOTATION_WORDS else quotation[0]


def _edges(text: str) -> str:
    """The first and the last paragraph, where they are short enough to be what was written about the rest."""
    paragraphs = [paragraph for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    edges = dict.fromkeys((paragraphs[0], paragraphs[-1]))
    return "\n\n".join(edge for edge in edges if len(edge) <= _EDGE_CHARS)
