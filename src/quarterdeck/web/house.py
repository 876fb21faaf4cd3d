"""What a route can reach: the composed rooms, put together once by `quarterdeck.app`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import HTTPConnection, Request

from quarterdeck.accounts.access import require_scope
from quarterdeck.accounts.asking import Asking
from quarterdeck.accounts.authenticate import Credentials, Principal, authenticate
from quarterdeck.accounts.identities.cloudflare import ASSERTION_HEADER, CloudflareAccess
from quarterdeck.accounts.identities.flow import IdentityFlow
from quarterdeck.accounts.identities.ldap import Ldap
from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.mail import Mailer
from quarterdeck.accounts.passwords import Passwords
from quarterdeck.accounts.relaying import Relay
from quarterdeck.accounts.sign_in import Visitor
from quarterdeck.accounts.vault import Vault
from quarterdeck.config import Settings
from quarterdeck.context.calibration import Calibration
from quarterdeck.context.summarise import Summariser
from quarterdeck.egress.client import Egress
from quarterdeck.exchange.running import Imports
from quarterdeck.gauges import Gauges
from quarterdeck.log.base import Log
from quarterdeck.log.bell import Bell
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.recall import Recall
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.search_queue import IndexQueue
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.start import Turns
from quarterdeck.turns.ticker import Ticker
from quarterdeck.web.connections import Connections
from quarterdeck.web.doors import Doors, make_guest_bucket

SESSION_COOKIE = "qd_session"
PROVIDERS_CHANGED = "providers"  # told to all processes: what is stored of providers must be read again

MEMORY_CHANGED = "memory"  # told to all processes: another embedding model was chosen

STREAM_S = 0.05  # how often an answer that is streamed to an API client gets what has come

Role = Literal["all", "web", "worker"]
"""What a process is for: the web and turns, the web alone, or turns alone."""


@dataclass
class House:
    settings: Settings
    database: Database
    log: Log
    registry: Registry
    turns: Turns
    feed: Feed
    vault: Vault
    gauges: Gauges
    limits: Limits
    asking: Asking
    relay: Relay
    calibration: Calibration
    summariser: Summariser
    bell: Bell
    egress: Egress
    identity_flow: IdentityFlow
    imports: Imports
    recall: Recall
    embedding: Embedding
    index_queue: IndexQueue
    role: Role = "all"
    access: CloudflareAccess | None = None  # verifies what Cloudflare asserts, where that is set up
    ldap: Ldap | None = None  # the directory that checks passwords, where one is set up
    mailer: Mailer | None = None  # sends mail, where that is set up
    passwords: Passwords = field(default_factory=Passwords)
    guest_messages: Doors = field(default_factory=make_guest_bucket)
    ticker: Ticker = field(default_factory=lambda: Ticker(STREAM_S))
    connections: Connections = field(default_factory=Connections)
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    is_draining: asyncio.Event = field(default_factory=asyncio.Event)


def house_of(connection: HTTPConnection) -> House:
    house: House = connection.app.state.house
    return house


def credentials_of(connection: HTTPConnection) -> Credentials:
    return Credentials(
        authorization=_authorization(connection),
        cookie=connection.cookies.get(SESSION_COOKIE, ""),
        assertion=connection.headers.get(ASSERTION_HEADER, ""),
        access=house_of(connection).access,
        guests=house_of(connection).settings.guests,
    )


def _authorization(connection: HTTPConnection) -> str:
    """Anthropic's clients send their key in a header of its own."""
    key = connection.headers.get("x-api-key", "")
    return connection.headers.get("authorization", "") or (f"Bearer {key}" if key else "")


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from, as the audit log names it; empty when the transport does not say."""
    return "" if connection.client is None else connection.client.host


def visitor_of(request: Request) -> Visitor:
    """Who is at the door: nobody is signed in yet."""
    return Visitor(address_of(request), request.headers.get("user-agent", ""))


def public_base(request: Request, house: House) -> str:
    """What addresses of this server begin with for whoever asks: QUARTERDECK_PUBLIC_URL, else what they asked."""
    return house.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"


async def current_principal(request: Request) -> Principal:
    """Who is asking; an API key must be for reading or, where something is changed, for chatting.

    Raises: `AccessError`, `ForbiddenError`.
    """
    principal = await identify(request)
    require_scope(principal, "read" if request.method in ("GET", "HEAD") else "chat")
    return principal


async def identify(request: Request) -> Principal:
    """Who is asking, whatever their key is for. The request remembers it: a stream ends with what opened it.

    Raises: `AccessError`.
    """
    principal = await authenticate(house_of(request).database, credentials_of(request))
    request.state.principal = principal
    return principal
