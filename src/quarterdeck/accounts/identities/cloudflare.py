"""Cloudflare Access: the assertion it puts into each request's header, verified against the team's own keys.

What the token holds: https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/application-token/
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from quarterdeck.accounts.identities.fetching import Fetcher
from quarterdeck.accounts.identities.key_set import KeySet
from quarterdeck.accounts.identities.person import Person, SignInRefusedError, domain_of
from quarterdeck.accounts.identities.signed import TokenError, check_audience, check_times, read_claims, text_claim
from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import AccessError, SetupError

if TYPE_CHECKING:
    from joserfc.jwk import Key

ASSERTION_HEADER = "cf-access-jwt-assertion"
_ALGORITHMS = frozenset({"RS256"})
_NOTE_EVERY_S = 60.0

logger = get_logger("quarterdeck.identities")


class Assertion(Struct, frozen=True):
    """`expires_at` in milliseconds: until then it proves who is there."""

    person: Person
    expires_at: int


class KeysAwayError(AccessError):
    """The keys by which Cloudflare Access signs were not to be had since the start: nobody can be recognised by it."""

    code: ClassVar[str] = "keys_away"
    status: ClassVar[int] = 503
    retryable: ClassVar[bool] = True


class CloudflareAccess:
    """One team and one application. `allowed`: addresses, `@domains`, or `*` for whomever the application lets in."""

    def __init__(
        self, team: str, audience: str, allowed: frozenset[str], keys: KeySet, now_s: Callable[[], float] = time.time
    ) -> None:
        self._team = team
        self._audience = audience
        self._allowed = allowed
        self._keys = keys
        self._now_s = now_s
        self._noted_s: dict[str, float] = {}

    async def verify(self, assertion: str) -> Assertion:
        """Raises: `TokenError`, `KeysAwayError`; `SignInRefusedError` for whom the settings do not name."""
        try:
            return await self._verify(assertion)
        except TokenError as error:
            self._note(error.detail)
            raise

    def _note(self, detail: str) -> None:
        """Each reason at most once a minute: whoever reaches the server may send what they like, as often."""
        reason = detail.partition(":")[0]
        now = self._now_s()
        if now - self._noted_s.get(reason, 0.0) >= _NOTE_EVERY_S:
            self._noted_s[reason] = now
            logger.warning("assertion_refused", detail=reason)

    async def _verify(self, assertion: str) -> Assertion:
        claims = await read_claims(assertion, self._find_key, _ALGORITHMS)
        if claims.get("iss") != self._team:
            raise TokenError("iss is another team")
        check_audience(claims, self._audience, form="list")
        if claims.get("type") != "app":
            raise TokenError("type is not app")
        expires_s = check_times(claims, self._now_s())
        subject, email = text_claim(claims, "sub"), text_claim(claims, "email")
        if "common_name" in claims or not subject or not email:
            raise TokenError("a service token is nobody")
        if not self._is_allowed(email):
            raise SignInRefusedError("Your address is not among those that may use this server. Ask its owner.")
        return Assertion(Person(self._team, subject, email, email.partition("@")[0], email), expires_s * 1000)

    async def _find_key(self, kid: str, algorithm: str) -> Key | None:
        """Cloudflare's tokens always name theirs."""
        key = await self._keys.find(kid, algorithm) if kid else None
        if key is None and self._keys.is_empty:
            raise KeysAwayError("The keys of Cloudflare Access could not be fetched. Try again in a minute.")
        return key

    def _is_allowed(self, email: str) -> bool:
        return "*" in self._allowed or email.lower() in self._allowed or f"@{domain_of(email)}" in self._allowed


def open_cloudflare(settings: Settings, fetcher: Fetcher) -> CloudflareAccess | None:
    """None when it is not set up. Raises: `SetupError` when it is by half."""
    given = (settings.cloudflare_team, settings.cloudflare_audience, settings.cloudflare_allowed)
    if not any(given):
        return None
    if not all(given):
        raise SetupError(
            "For Cloudflare Access set all of QUARTERDECK_CLOUDFLARE_TEAM, QUARTERDECK_CLOUDFLARE_AUDIENCE and "
            "QUARTERDECK_CLOUDFLARE_ALLOWED."
        )
    team = team_url(settings.cloudflare_team)
    allowed = frozenset(settings.cloudflare_allowed.replace(",", " ").lower().split())
    keys = KeySet(lambda: fetcher.get(f"{team}/cdn-cgi/access/certs"))
    return CloudflareAccess(team, settings.cloudflare_audience, allowed, keys)


def team_url(team: str) -> str:
    """`name`, `name.cloudflareaccess.com` and the whole address mean the same. Raises: `SetupError`."""
    text = team.strip().rstrip("/")
    if "://" not in text:
        text = f"https://{text if '.' in text else f'{text}.cloudflareaccess.com'}"
    parts = urlsplit(text)
    is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or parts.path or parts.query or not (parts.scheme == "https" or is_local):
        raise SetupError(
            "QUARTERDECK_CLOUDFLARE_TEAM must be your team's name or its address, as https://name.cloudflareaccess.com."
        )
    return text
