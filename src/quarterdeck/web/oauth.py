"""Signing in elsewhere: to the provider, and back from it. Both are opened by the browser, not by a script."""

from __future__ import annotations

import contextlib
import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from quarterdeck.accounts.authenticate import Principal, authenticate
from quarterdeck.accounts.identities.flow import STATE_MS, Beginning, Return
from quarterdeck.accounts.identities.person import SignInRefusedError
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import AccessError, ForbiddenError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.house import House, address_of, credentials_of, public_base
from quarterdeck.web.session_cookie import is_secure, set_session

router = APIRouter(prefix="/api/oauth", tags=["sign-in"])
logger = get_logger("quarterdeck.identities")

BROWSER_COOKIE = "qd_oauth"
_PATH = "/api/oauth"
_LINKED = "/settings/account"


@router.get("/{provider}/start", status_code=302)
async def start(
    request: Request,
    house: TheHouse,
    provider: str,
    invitation: Annotated[str, Query(max_length=200)] = "",
    link: bool = False,
) -> Response:
    """Go and sign in elsewhere. With `link`, whoever is signed in adds that way to their account."""
    user = (await _linking(request, house)).user if link else None
    browser = request.cookies.get(BROWSER_COOKIE, "") or secrets.token_urlsafe(32)
    beginning = Beginning(provider, browser, redirect_uri(request, house, provider), invitation, user)
    try:
        response = RedirectResponse(await house.identity_flow.start(beginning), 302)
    except SignInRefusedError as error:
        return await _refuse(request, house, provider, error)
    response.set_cookie(
        BROWSER_COOKIE,
        browser,
        max_age=STATE_MS // 1000,
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return response


@router.get("/{provider}/callback", status_code=302)
async def callback(request: Request, house: TheHouse, provider: str) -> Response:
    """Where the provider sends the browser back to: signs in, and leads to the page."""
    user = None
    with contextlib.suppress(AccessError):
        user = (await authenticate(house.database, credentials_of(request))).user
    back = Return(
        provider=provider,
        browser=request.cookies.get(BROWSER_COOKIE, ""),
        redirect_uri=redirect_uri(request, house, provider),
        query=request.query_params,
        user=user,
        device=request.headers.get("user-agent", ""),
        address=address_of(request),
    )
    try:
        outcome = await house.identity_flow.finish(back)
    except SignInRefusedError as error:
        return await _refuse(request, house, provider, error)
    response = RedirectResponse("/" if outcome.token else _LINKED, 302)
    if outcome.token is not None:
        set_session(response, request, outcome.token)
    return response


def redirect_uri(request: Request, house: House, provider: str) -> str:
    """Exactly what must be entered at the provider."""
    return f"{public_base(request, house)}{_PATH}/{provider}/callback"


async def _linking(request: Request, house: House) -> Principal:
    """Who is signed in, if it was our own page that sent them here: another site must not begin this for anybody.

    Raises: `AccessError`.
    """
    principal = await authenticate(house.database, credentials_of(request))
    if principal.via == "key":
        raise ForbiddenError("Another way to sign in is linked in the browser, not with a key.")
    if principal.role == "guest":
        raise ForbiddenError("A guest has no account that a way to sign in could be added to.")
    if request.headers.get("sec-fetch-site") != "same-origin":
        raise ForbiddenError("Begin this in your settings, over https or on this very machine.")
    return principal


async def _refuse(request: Request, house: House, provider: str, error: SignInRefusedError) -> Response:
    logger.warning(
        "sign_in_refused", provider=provider, reason=error.reason, message=error.message, detail=error.detail
    )
    if error.reason not in ("state", "provider_down"):  # those anybody can cause, as often as they like
        entry = AuditEntry(
            "session.refused", provider, address=address_of(request), detail={"reason": error.reason, "via": "oauth"}
        )
        await house.database.write(lambda connection: insert_audit_entry(connection, entry))
    return RedirectResponse(f"/sign-in?error={error.reason}", 302)
