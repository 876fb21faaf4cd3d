"""The table of routes, readable on one page, and the FastAPI application around it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from quarterdeck import __version__
from quarterdeck.config import Settings
from quarterdeck.web import (
    account,
    assistants,
    chat_batch,
    context,
    conversations,
    events,
    guests,
    health,
    ideas,
    me,
    messages,
    models,
    openai_chat,
    organizing,
    own_data,
    page,
    providers,
    search,
    sign_in,
    snippets,
    socket,
    turns,
)
from quarterdeck.web.assets import PAGE, Assets
from quarterdeck.web.compression import Compression
from quarterdeck.web.guard import Guard
from quarterdeck.web.invalid import install_validation
from quarterdeck.web.later import LaterRoutes, include
from quarterdeck.web.problems import install_problems

ROUTERS = (
    socket.router,  # WS   /chat
    chat_batch.router,  # POST /chat_batch
    openai_chat.router,  # POST /v1/chat/completions: among the first, since each route before it costs a look
    guests.router,  # POST /token, GET /refresh_token
    organizing.router,  # /api/conversations/bulk, /api/folders
    conversations.router,  # /api/conversations…
    search.router,  # /api/search
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
    sign_in.router,  # /api/sign-in, /api/sign-up, /api/password-reset
    account.router,  # /api/me, /api/me/password, /api/me/sessions
    me.router,  # /api/settings
    own_data.router,  # DELETE /api/me, /api/me/export
    health.router,  # /healthz, /readyz, /metrics
    page.router,  # /, /open, /sandbox/…
)

LATER = (
    "exports",  # /api/export, /api/conversations/{conversation}/export
    "imports",  # /api/imports…
    "memory_search",  # /api/memories/search
    "memory_model",  # /api/admin/memory
    "memory_account",  # /api/memories/export, /import, /notes, /settings, /learn
    "memories",  # /api/memories…
    "shares",  # /api/shares, /s/{token}
    "oauth",  # /api/oauth/{provider}/start, /callback
    "identities",  # /api/me/identities
    "identity_providers",  # /api/admin/identity-providers…
    "invitations",  # /api/admin/invitations
    "scim",  # /scim/v2…
    "keys",  # /api/me/keys
    "admin_users",  # /api/admin/users, /api/admin/owner
    "server_settings",  # /api/admin/settings
    "audit",  # /api/admin/audit
    "usage",  # /api/usage
    "budgets",  # /api/admin/budgets
    "prices",  # /api/admin/prices
    "rules",  # /api/admin/rules
    "ui_chat",  # /api/ui/chat…
    "ag_ui",  # /api/ag-ui
    "openai_models",  # /v1/models
    "openai_media",  # POST /v1/embeddings, /v1/audio/…, /v1/images/generations
    "openai_responses",  # /v1/responses…
    "openai_conversations",  # /v1/conversations…
    "anthropic_api",  # POST /v1/messages, /v1/messages/count_tokens
)
"""Modules whose routes are loaded when one of them is first asked for: none that the page asks for when it opens."""

_DESCRIPTION = """\
A self-hosted AI chat server that keeps the log. Sign in with an API key (`quarterdeck key create`) as a bearer token.
The sockets and the events are described in docs/protocol.md.
"""


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_application(settings: Settings, lifespan: Lifespan | None = None) -> FastAPI:
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
        include(app, router)
    if PAGE.joinpath("assets").is_dir():
        app.mount("/assets", Assets(directory=PAGE / "assets"), name="assets")
    LaterRoutes(app, LATER)
    install_problems(app)
    install_validation(app)
    app.add_middleware(Compression)
    app.add_middleware(Guard, settings=settings)
    return app
