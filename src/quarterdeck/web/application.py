"""The table of routes, readable on one page, and the FastAPI application around it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from quarterdeck import __version__
from quarterdeck.config import Settings
from quarterdeck.web import (
    account,
    admin_users,
    assistants,
    audit,
    budgets,
    chat_batch,
    context,
    conversations,
    events,
    exports,
    guests,
    health,
    ideas,
    identities,
    identity_providers,
    imports,
    invitations,
    keys,
    me,
    messages,
    metrics,
    models,
    oauth,
    organizing,
    own_data,
    page,
    prices,
    providers,
    rules,
    scim,
    search,
    server_settings,
    shares,
    sign_in,
    snippets,
    socket,
    turns,
    usage,
)
from quarterdeck.web.assets import PAGE, Assets
from quarterdeck.web.guard import Guard
from quarterdeck.web.problems import install_problems

ROUTERS = (
    socket.router,  # WS   /chat
    chat_batch.router,  # POST /chat_batch
    guests.router,  # POST /token, GET /refresh_token
    organizing.router,  # /api/conversations/bulk, /api/folders
    conversations.router,  # /api/conversations…
    exports.router,  # /api/export, /api/conversations/{conversation}/export
    imports.router,  # /api/imports…
    search.router,  # /api/search
    shares.router,  # /api/shares, /s/{token}
    messages.router,  # /api/messages…, /api/deletions/{deletion}/undo
    events.router,  # /api/events
    turns.router,  # /api/turns/{turn}/events, /stop
    context.router,  # /api/turns/{turn}/context, /api/conversations/{conversation}/context, /summaries, marks
    ideas.router,  # /api/ideas
    models.router,  # /api/models
    assistants.router,  # /api/assistants…
    assistants.sharing,  # /api/admin/assistants/{assistant}/sharing
    snippets.router,  # /api/snippets…
    providers.router,  # /api/providers…
    oauth.router,  # /api/oauth/{provider}/start, /callback
    identities.router,  # /api/me/identities
    identity_providers.router,  # /api/admin/identity-providers…
    sign_in.router,  # /api/sign-in, /api/sign-up, /api/password-reset
    account.router,  # /api/me, /api/me/password, /api/me/sessions
    invitations.router,  # /api/admin/invitations
    me.router,  # /api/settings
    scim.router,  # /scim/v2…
    keys.router,  # /api/me/keys
    own_data.router,  # DELETE /api/me, /api/me/export
    admin_users.router,  # /api/admin/users, /api/admin/owner
    server_settings.router,  # /api/admin/settings
    audit.router,  # /api/admin/audit
    usage.router,  # /api/usage
    budgets.router,  # /api/admin/budgets
    prices.router,  # /api/admin/prices
    rules.router,  # /api/admin/rules
    health.router,  # /healthz, /readyz
    metrics.router,  # /metrics
    page.router,  # /, /open, /sandbox/…
)

_DESCRIPTION = """\
A self-hosted AI chat server that keeps the log. Sign in with an API key (`quarterdeck key create`) as a bearer token.
The sockets and the events are described in docs/protocol.md.
"""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_application(settings: Settings, lifespan: Lifespan) -> FastAPI:
    """`lifespan` puts a `House` into `app.state.house` before the first request."""
    app = FastAPI(
        title="Quarterdeck",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=False,
    )
    for router in ROUTERS:
        _summarize(router)
        app.include_router(router)
    if PAGE.joinpath("assets").is_dir():
        app.mount("/assets", Assets(directory=PAGE / "assets"), name="assets")
    install_problems(app)
    app.add_middleware(Guard, settings=settings)
    return app


def _summarize(router: APIRouter) -> None:
    """A route's title in Swagger UI is the first sentence of its docstring."""
    for route in router.routes:
        if isinstance(route, APIRoute) and route.endpoint.__doc__:
            route.summary = route.endpoint.__doc__.strip().split("\n")[0].split(". ")[0].rstrip(".")
