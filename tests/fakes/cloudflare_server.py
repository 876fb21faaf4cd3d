"""A team's key server, as Cloudflare Access has one, and the assertions that Access would send with it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from aiohttp import web
from tests.fakes.signing import SigningKey
from tests.fakes.threaded import ThreadedServer

AUDIENCE = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2"


class FakeTeam(ThreadedServer):
    """`published` is what `/cdn-cgi/access/certs` shows; every request for it is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.key = SigningKey("team-key-1")
        self.published = [self.key]
        self.fetches = 0
        self.status = 200
        self.delay_s = 0.0
        self._counting = threading.Lock()

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a server behind this team; everybody of example.org may come."""
        return {
            "QUARTERDECK_CLOUDFLARE_TEAM": self.url,
            "QUARTERDECK_CLOUDFLARE_AUDIENCE": AUDIENCE,
            "QUARTERDECK_CLOUDFLARE_ALLOWED": "@example.org, friend@elsewhere.net",
        }

    def claims(self, email: str | None = "ann@example.org", **changed: Any) -> dict[str, Any]:
        """What Access says of a person; an entry of `changed` that is None is left out."""
        now = int(time.time())
        said = {
            "aud": [AUDIENCE], "email": email, "exp": now + 600, "iat": now, "nbf": now, "iss": self.url,
            "type": "app", "identity_nonce": "6ei69kawdKzMIAPF", "sub": f"sub-of-{email}", "country": "NL", **changed,
        }  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    def assertion(self, email: str | None = "ann@example.org", **changed: Any) -> str:
        return self.key.sign(self.claims(email, **changed), typ=None)

    def rotate(self, kid: str, *, withdraws: bool = False) -> SigningKey:
        """Signs with a new key from now on; returns the old one, published on unless it is withdrawn."""
        before, self.key = self.key, SigningKey(kid)
        self.published = [self.key] if withdraws else [before, self.key]
        return before

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/cdn-cgi/access/certs", self._certs)

    async def _certs(self, _: web.Request) -> web.Response:
        with self._counting:
            self.fetches += 1
        await asyncio.sleep(self.delay_s)
        if self.status != 200:
            return web.Response(status=self.status)
        keys = [key.public for key in self.published]
        return web.json_response({"keys": keys, "public_cert": {"kid": keys[0]["kid"], "cert": ""}})
