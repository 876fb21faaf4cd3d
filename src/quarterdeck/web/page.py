"""The page: a Jinja2 index that carries model name and settings, its assets, and the one-time link."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from quarterdeck import __version__
from quarterdeck.accounts.authenticate import Credentials, Principal, authenticate
from quarterdeck.accounts.identities.admission import link_asserted
from quarterdeck.accounts.sessions import close_session, open_session_by_link
from quarterdeck.errors import AccessError, InternalError, LogError, NotFoundError
from quarterdeck.late import Late
from quarterdeck.log.base import feed_name
from quarterdeck.store.people import find_preferences
from quarterdeck.views.frames import HEARTBEAT_S
from quarterdeck.web.assets import PAGE, file_response
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.house import SESSION_COOKIE, House, credentials_of, visitor_of
from quarterdeck.web.session_cookie import set_session

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = Late("jinja2")

router = APIRouter(include_in_schema=False)

# The diagram's frame has an opaque origin: it can neither reach this server nor anything else.
_SANDBOX_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; "
    "font-src 'none'; connect-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_LOG_PATIENCE_S = 1.0  # for a figure that the page can do without


async def index(request: Request) -> Response:
    """Every address of the page answers the same index; signed out it says how to get in."""
    house: House = request.app.state.house
    try:
        principal = await authenticate(house.database, credentials_of(request))
    except AccessError:
        principal = None
    return await _render(house, principal)


async def way_in(request: Request) -> Response:
    """Where one signs in: there is nothing wrong with being signed out here."""
    answer = await index(request)
    answer.status_code = 200
    return answer


for address in (
    "/",
    "/c/{conversation}",
    "/deleted",
    "/ideas",
    "/memory",
    "/memory/{section}",
    "/search",
    "/settings",
    "/settings/{section}",
    "/admin",
    "/admin/{section}",
):
    router.add_api_route(address, index, methods=["GET"])
for address in ("/sign-in", "/invite/{secret}", "/reset/{secret}"):
    router.add_api_route(address, way_in, methods=["GET"])


@router.get("/open")
async def open_link(request: Request, house: TheHouse, link: str = "") -> Response:
    """The one-time link. Opened again by who has a session already, it just leads to the page."""
    visitor = visitor_of(request)
    try:
        token = await house.database.write(
            lambda connection: open_session_by_link(connection, link, visitor.device, visitor.address)
        )
    except AccessError:
        try:
            await authenticate(house.database, credentials_of(request))
        except AccessError:
            return await _render(house, None, notice="link_used")
        return RedirectResponse("/", 303)
    await _link_asserted(house, credentials_of(request), str(token))
    response = RedirectResponse("/", 303)
    set_session(response, request, token)
    return response


async def _link_asserted(house: House, given: Credentials, token: str) -> None:
    if given.access is not None and given.assertion:
        principal = await authenticate(house.database, Credentials(cookie=token))
        await link_asserted(house.database, given.access, given.assertion, principal.user)


@router.post("/api/sign-out", status_code=204)
async def sign_out(house: TheHouse, caller: Caller) -> Response:
    if caller.via == "session":
        await house.database.write(lambda connection: close_session(connection, caller.credential))
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/sandbox/mermaid")
async def mermaid_frame() -> Response:
    file = PAGE / "sandbox" / "mermaid.html"
    if not file.exists():
        raise NotFoundError("There is nothing at this address.")
    return FileResponse(file, media_type="text/html", headers={"content-security-policy": _SANDBOX_POLICY})


@router.get("/docs")
async def api_docs() -> Response:
    """Swagger UI over `/openapi.json`, from our own files: a private server has no use for a CDN."""
    file = PAGE / "docs" / "index.html"
    if not file.exists():
        raise NotFoundError("The API page is not built. The schema is at /openapi.json.")
    return FileResponse(file, media_type="text/html", headers={"content-security-policy": _DOCS_POLICY})


@router.get("/docs/{name}")
async def api_docs_file(request: Request, name: str) -> Response:
    if (
        name not in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js", "icon.svg")
        or not (PAGE / "docs" / name).exists()
    ):
        raise NotFoundError("There is nothing at this address.")
    return file_response(request, PAGE / "docs" / name, "public, max-age=86400")


async def _user(house: House, principal: Principal) -> dict[str, str]:
    known = await house.database.read(lambda connection: find_preferences(connection, principal.user))
    return {"id": principal.user, "name": principal.name, "role": principal.role, "time_zone": known.time_zone}


async def _render(house: House, principal: Principal | None, notice: str = "") -> Response:
    model = await house.limits.default_model(principal.user) if principal else ""
    settings: dict[str, Any] = {
        "version": __version__,
        "model": model,
        "user": await _user(house, principal) if principal else None,
        "heartbeat_s": HEARTBEAT_S,
        "notice": notice,
    }
    if principal is not None and (after := await _feed_cursor(house, principal.user)) is not None:
        settings["feed_after"] = after
    try:
        template = _templates().get_template("index.html")
    except jinja2.TemplateNotFound as error:
        raise InternalError(
            "The page is not built. Run `scripts/run`, or `npm run build` in web-ui/.", detail=str(PAGE)
        ) from error
    html = template.render(model_name=settings["model"], settings=settings)
    return HTMLResponse(html, 200 if principal else 401, headers={"cache-control": "no-store"})


async def _feed_cursor(house: House, user: str) -> int | None:
    """The last seq of the user's feed: what the page loads from now on is newer. None when the log is away."""
    try:
        async with asyncio.timeout(_LOG_PATIENCE_S):
            status = await house.log.status(feed_name(user))
    except (LogError, TimeoutError):
        return None
    return 0 if status is None else status.last


@functools.cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE), autoescape=jinja2.select_autoescape(default=True), auto_reload=False
    )
