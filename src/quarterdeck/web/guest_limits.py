"""How much guests may do: by the address they come from, because a new guest costs nothing. Of one process each."""

from __future__ import annotations

import contextlib

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.households import household
from quarterdeck.accounts.sessions import GUEST_MS
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LimitError
from quarterdeck.store.database import StorageError
from quarterdeck.store.users import touch_credential
from quarterdeck.web.house import House

MAX_GUEST_SOCKETS = 10  # of one address


def has_guest_place(house: House, principal: Principal, address: str) -> bool:
    """Whether one more socket may be opened."""
    return principal.role != "guest" or house.connections.count_guests(household(address)) < MAX_GUEST_SOCKETS


async def admit_guest_message(house: House, principal: Principal, address: str) -> None:
    """A guest's message counts, and is their latest use. Raises: `LimitError` with the time to wait."""
    if principal.role != "guest":
        return
    if wait_s := house.guest_messages.wait_s(address):
        raise LimitError("Guests can send so many messages a minute. Wait a little.", retry_after_s=wait_s)
    with contextlib.suppress(StorageError):  # the message itself will say what is wrong
        await house.database.write(
            lambda connection: touch_credential(connection, principal.credential, now_ms() + GUEST_MS)
        )
