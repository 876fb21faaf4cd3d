"""The page behind a share link, and that of an address that is not there: HTML without scripts, made on the server.

Raw HTML is shown as text, pictures as their names, and links lead to the web only and tell nobody where from.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from quarterdeck.domain.citations import leave_out_citations
from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, TextPart
from quarterdeck.store.shares import SharedMessage, ShareRow

PAGE_SIZE = 50
_MAX_MARKDOWN_CHARS = 50_000  # a longer text is shown as it is: it would take seconds

_FOLDER = Path(__file__).parent / "templates"
_templates = Environment(loader=FileSystemLoader(_FOLDER), autoescape=select_autoescape(default=True))
_STYLE = (_FOLDER / "share.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": f"{_POLICY}; sandbox allow-popups allow-popups-to-escape-sandbox",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cache-control": "private, no-store",
}
_MISSING_HEADERS = {"content-security-policy": _POLICY, "cache-control": "no-store"}
_UNFINISHED = "This answer was still being written when the conversation was shared."
_NOTHING = "There is nothing at this address"
_LINKS = ("http://", "https://", "mailto:")


def count_pages(share: ShareRow) -> int:
    return max(1, -(-share.message_count // PAGE_SIZE))


def first_position(share: ShareRow, page: int) -> int:
    """Of the messages on a page, which are counted from 1."""
    return 1 - share.message_count + (page - 1) * PAGE_SIZE


def render_share(share: ShareRow, messages: Sequence[SharedMessage], page: int) -> str:
    """A page of it."""
    day = datetime.fromtimestamp(share.created_at / 1000, UTC)
    count = "1 message" if share.message_count == 1 else f"{share.message_count:,} messages"
    return _templates.get_template("share.html").render(
        title=share.title or "A conversation",
        style=Markup(_STYLE),  # nosec B704  # noqa: S704  # our own file
        note=f"{count}, as they were on {day:%d %B %Y}.",
        messages=[_shown(message) for message in messages],
        page=page,
        pages=count_pages(share),
    )


def render_nothing() -> str:
    """What an unknown link and a revoked one show: the same."""
    return _templates.get_template("share.html").render(
        title=_NOTHING,
        style=Markup(_STYLE),  # nosec B704  # noqa: S704  # our own file
        note="The link is not complete, or whoever shared it has taken it back.",
        messages=[],
        page=1,
        pages=1,
    )


def answer_missing() -> HTMLResponse:
    """What a browser shows at an address that the server does not have."""
    page = _templates.get_template("missing.html").render(
        title=_NOTHING,
        style=Markup(_STYLE),  # nosec B704  # noqa: S704  # our own file
    )
    return HTMLResponse(page, 404, headers=_MISSING_HEADERS)


def _shown(message: SharedMessage) -> dict[str, Any]:
    at = datetime.fromtimestamp(message.created_at / 1000, UTC)
    is_question = message.role == "user"
    return {
        "is_question": is_question,
        "model": message.model,
        "iso": at.isoformat(timespec="seconds"),
        "when": f"{at:%d %b %Y, %H:%M} UTC",
        "blocks": [_block(part, is_question) for part in message.parts] or [("unfinished", escape(_UNFINISHED))],
    }


def _block(part: Part, is_question: bool) -> tuple[str, Markup]:
    match part:
        case TextPart(text=text):
            return "text", escape(text) if is_question else render_markdown(leave_out_citations(text))
        case IdeaPart(text=text):
            return "idea", escape(leave_out_citations(text))
        case ImagePart():
            return "picture", escape("A picture, which is not shared")
    return "text", escape("")


def render_markdown(text: str) -> Markup:
    """HTML that can do nothing: no raw HTML, no pictures, links to the web and to mail only."""
    if len(text) > _MAX_MARKDOWN_CHARS:
        return Markup('<pre class="plain">{}</pre>').format(text)
    return Markup(_parser().render(text))  # nosec B704  # noqa: S704  # raw HTML is off


@cache
def _parser() -> Any:
    # Loaded when the first shared page is asked for: it costs 90 ms, which no start should wait for.
    parser = import_module("markdown_it").MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = lambda url: url.strip().lower().startswith(_LINKS)
    parser.add_render_rule("image", _picture)
    parser.add_render_rule("link_open", _link)
    return parser


def _picture(_renderer: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    return str(Markup('<span class="picture">{}</span>').format(tokens[index].content or "picture"))


def _link(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return str(renderer.renderToken(tokens, index, options, env))
