"""What an OpenID provider says of itself at its discovery address, kept for an hour, with its keys.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from quarterdeck.accounts.identities.fetching import Fetcher
from quarterdeck.accounts.identities.key_set import KeySet
from quarterdeck.accounts.identities.person import SignInRefusedError

_KEEP_S = 3600.0
_PAUSE_S = 3.0  # after a failure
_MAX_ISSUERS = 100


class Metadata(Struct, frozen=True):
    """`issuer` as it says itself: Microsoft's has `{tenantid}` in it where several directories share one."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    takes_basic: bool  # the client's secret as HTTP Basic; else in the form
    says_issuer: bool  # in the callback (RFC 9207)


class Issuer(Struct):
    metadata: Metadata
    keys_url: str
    keys: KeySet
    read_at_s: float


class Issuers:
    """By the address that discovery begins at. Of many who ask at once one goes, and a failure counts for a moment."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._known: dict[str, Issuer] = {}
        self._underway: dict[str, asyncio.Task[Issuer]] = {}
        self._failed: dict[str, tuple[float, SignInRefusedError]] = {}

    async def find(self, address: str, *, shares_issuer: bool = False) -> Issuer:
        """`shares_issuer`: what it says of itself may differ from its address. Raises: `SignInRefusedError`."""
        now_s = time.monotonic()
        known = self._known.get(address)
        if known is not None and now_s - known.read_at_s < _KEEP_S:
            return known
        failed_at_s, error = self._failed.get(address, (float("-inf"), None))
        if error is not None and now_s - failed_at_s < _PAUSE_S:
            raise SignInRefusedError(error.message, error.reason, detail=error.detail)
        task = self._underway.get(address)
        if task is None:
            task = self._underway[address] = asyncio.create_task(self._ask(address, shares_issuer))
            task.add_done_callback(lambda done: self._settle(address, done))
        return await asyncio.shield(task)

    def _settle(self, address: str, done: asyncio.Task[Issuer]) -> None:
        del self._underway[address]
        for remembered in (self._known, self._failed):
            if len(remembered) > _MAX_ISSUERS:
                remembered.pop(next(iter(remembered)))
        if done.cancelled():
            return
        error = done.exception()
        if isinstance(error, SignInRefusedError):
            self._failed[address] = (time.monotonic(), error)
        elif error is None:
            self._known[address] = done.result()

    async def _ask(self, address: str, shares_issuer: bool) -> Issuer:
        document = await self._fetcher.get(f"{address}/.well-known/openid-configuration")
        metadata = _read(document, address)
        if not shares_issuer and metadata.issuer.rstrip("/") != address:
            raise _wrong(f"{address} says that it is {metadata.issuer}")
        keys_url = _endpoint(document, "jwks_uri", address)
        known = self._known.get(address)
        is_same = known is not None and known.keys_url == keys_url
        keys = known.keys if known is not None and is_same else KeySet(lambda: self._fetcher.get(keys_url))
        return Issuer(metadata, keys_url, keys, time.monotonic())


def _read(document: dict[str, Any], address: str) -> Metadata:
    methods = document.get("token_endpoint_auth_methods_supported")
    issuer = document.get("issuer")
    if not isinstance(issuer, str):
        raise _wrong(f"{address} does not say who it is")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", address),
        token_endpoint=_endpoint(document, "token_endpoint", address),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", address) if "userinfo_endpoint" in document else "",
        takes_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
        says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: dict[str, Any], name: str, address: str) -> str:
    """An endpoint is never weaker protected than the address it was read from."""
    url = document.get(name)
    if not isinstance(url, str) or not url.startswith(("https://", f"{urlsplit(address).scheme}://")):
        raise _wrong(f"{address}: {name} is no good address")
    return url


def _wrong(detail: str) -> SignInRefusedError:
    return SignInRefusedError(
        "What the identity provider says of itself cannot be used. Ask the owner of this server.",
        "provider_down",
        detail=detail,
    )
