"""The Python client of a Quarterdeck server, sync and async.

    from quarterdeck.client import Client

    with Client("http://127.0.0.1:8000", key="qd_k…") as client:
        for text in client.send("Names for a cat?").texts():
            print(text, end="", flush=True)

An answer is followed by its cursor: a cut connection or a restarted server is waited for and nothing is lost or
told twice. What goes wrong is a `ClientError` with the server's stable code. `calls.py` is the table of all routes
that it knows; to add one, describe it there and name it in `sync.py` and `asynchronous.py`.

It knows the wire alone and loads quickly. May import: domain.
"""

from quarterdeck.client.answers import Delta
from quarterdeck.client.asynchronous import AsyncAnswer, AsyncClient
from quarterdeck.client.errors import (
    BadInputError,
    ClientError,
    ConflictError,
    ForbiddenError,
    LimitError,
    NotFoundError,
    NotSignedInError,
    ResyncError,
    ServerError,
    TurnFailedError,
    UnreachableError,
)
from quarterdeck.client.sync import Answer, Client

__all__ = [
    "Answer",
    "AsyncAnswer",
    "AsyncClient",
    "BadInputError",
    "Client",
    "ClientError",
    "ConflictError",
    "Delta",
    "ForbiddenError",
    "LimitError",
    "NotFoundError",
    "NotSignedInError",
    "ResyncError",
    "ServerError",
    "TurnFailedError",
    "UnreachableError",
]
