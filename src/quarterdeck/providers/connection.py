"""Connections to models: aiohttp's, without what it does again for each piece that is read."""

from __future__ import annotations

import asyncio
from functools import partial

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler


class Connection(ResponseHandler):
    """aiohttp asks for more after each piece it hands out, also when nothing has been held back.

    That runs its parser over nothing and asks the transport to go on, which it does: as much as a token costs.
    """

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused:
            super().resume_reading(resume_parser)


class Connector(TCPConnector):
    """Made in the event loop that uses it; its connections are `Connection`s."""

    def __init__(self, *, limit: int, ttl_dns_cache: int) -> None:
        super().__init__(limit=limit, ttl_dns_cache=ttl_dns_cache)
        kind: type[ResponseHandler] = Connection
        self._factory = partial(kind, loop=asyncio.get_running_loop())
