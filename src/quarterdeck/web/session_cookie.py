"""The session's cookie, set in the same way whichever way somebody signed in."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from quarterdeck.accounts.sessions import SESSION_MS
from quarterdeck.accounts.tokens import Token
from quarterdeck.web.house import SESSION_COOKIE, house_of


def is_secure(request: Request) -> bool:
    """Whether the browser speaks https with us, or with the proxy in front."""
    return request.url.scheme == "https" or house_of(request).settings.public_url.startswith("https")


def set_session(response: Response, request: Request, token: Token) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        str(token),
        max_age=SESSION_MS // 1000,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
