"""`WS /chat`: who is it, which protocol do they speak."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter
from starlette.websockets import WebSocket

from quarterdeck.accounts.access import require_scope
from quarterdeck.accounts.authenticate import authenticate
from quarterdeck.accounts.households import household
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import AccessError
from quarterdeck.web.connections import MAX_PER_USER
from quarterdeck.web.guest_limits import has_guest_place
from quarterdeck.web.house import address_of, credentials_of, house_of
from quarterdeck.web.socket_full import FullSocket
from quarterdeck.web.socket_simple import SimpleSocket

router = APIRouter()
logger = get_logger("quarterdeck.sockets")

PROTOCOL = "quarterdeck.v1"
_CLOSE_REFUSED = 1008
_CLOSE_TRY_LATER = 1013


async def chat(socket: WebSocket) -> None:
    """Simple clients ask for no subprotocol, full ones for `quarterdeck.v1`. Guests bring theirs as `?token=…`."""
    house = house_of(socket)
    given, address = credentials_of(socket), address_of(socket)
    try:
        principal = await authenticate(
            house.database, msgspec.structs.replace(given, guest=socket.query_params.get("token", ""))
        )
        require_scope(principal, "chat")
    except AccessError as error:
        await socket.close(_CLOSE_REFUSED, error.message[:120])
        return
    has_place = house.connections.count(principal.user) < MAX_PER_USER and has_guest_place(house, principal, address)
    if house.is_draining.is_set() or not has_place:
        await socket.close(_CLOSE_TRY_LATER, "Too many connections, or the server is restarting. Try again.")
        return
    is_full = PROTOCOL in socket.scope.get("subprotocols", [])
    await socket.accept(subprotocol=PROTOCOL if is_full else None)
    connection = house.connections.add(socket, principal, is_full=is_full, household=household(address))
    logger.debug("socket_opened", user=principal.user, protocol=PROTOCOL if is_full else "simple")
    try:
        await (FullSocket if is_full else SimpleSocket)(house, principal, socket, connection).serve()
    except asyncio.CancelledError:
        if not connection.is_gone:  # else it was dropped, which has been said
            raise
    finally:
        house.connections.remove(connection)
        logger.debug("socket_closed", user=principal.user)


# Starlette's route: FastAPI's keeps 3 KiB for each socket while it is open, for dependencies, of which there are none.
router.add_websocket_route("/chat", chat)
