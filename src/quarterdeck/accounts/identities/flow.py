"""The way to a provider and back: begun by a browser, finished once, by the same browser.

What is kept between: `oauth_states`, found by the hash of `state` and of the browser's cookie together.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from quarterdeck.accounts.identities import oidc
from quarterdeck.accounts.identities.discovery import Issuers, Metadata
from quarterdeck.accounts.identities.fetching import Fetcher
from quarterdeck.accounts.identities.github import SCOPE as GITHUB_SCOPE
from quarterdeck.accounts.identities.github import github_metadata, identify_at_github
from quarterdeck.accounts.identities.joining import find_or_join, link
from quarterdeck.accounts.identities.ldap import issuer_of_url
from quarterdeck.accounts.identities.oidc import Exchange
from quarterdeck.accounts.identities.person import Person, SignInRefusedError
from quarterdeck.accounts.identities.probe import Verdict, probe
from quarterdeck.accounts.identities.providers import Provider, list_providers
from quarterdeck.accounts.sessions import open_session
from quarterdeck.accounts.tokens import Token, hash_secret
from quarterdeck.accounts.vault import Vault
from quarterdeck.config import Settings
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LimitError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.oauth_states import OAuthStateRow, count_oauth_states, insert_oauth_state, take_oauth_state

STATE_MS = 10 * 60 * 1000
MAX_UNDERWAY = 20_000  # beyond that somebody floods us


class Beginning(Struct, frozen=True):
    """`browser`: the secret of the browser's cookie. `user`: who links another way in, None for signing in."""

    provider: str
    browser: str
    redirect_uri: str
    invitation: str = ""
    user: str | None = None


class Return(Struct, frozen=True):
    """The callback. `user` is who is signed in in that browser now, if anybody."""

    provider: str
    browser: str
    redirect_uri: str
    query: Mapping[str, str]
    user: str | None = None
    device: str = ""
    address: str = ""


class Outcome(Struct, frozen=True):
    """`token` is the new session's; None when another way in was linked."""

    token: Token | None


class IdentityFlow:
    def __init__(self, database: Database, vault: Vault, settings: Settings, fetcher: Fetcher) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings
        self._fetcher = fetcher
        self._issuers = Issuers(fetcher)

    async def providers(self) -> list[Provider]:
        return await list_providers(self._database, self._vault, self._settings)

    async def find_provider(self, name: str) -> Provider:
        """Raises: `NotFoundError`."""
        for provider in await self.providers():
            if provider.name == name:
                return provider
        raise NotFoundError("There is no such way to sign in.")

    async def issuer_of(self, name: str) -> str:
        """Whose subjects a provider's people are; empty when there is no such provider."""
        if name == "ldap" and self._settings.ldap_url:
            return issuer_of_url(self._settings.ldap_url)
        return next((provider.issuer for provider in await self.providers() if provider.name == name), "")

    async def start(self, beginning: Beginning) -> str:
        """Where to send the browser. Raises: `NotFoundError`, `SignInRefusedError`, `LimitError`."""
        provider = await self.find_provider(beginning.provider)
        metadata = await self.metadata(provider)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        row = OAuthStateRow(
            provider.name,
            nonce,
            verifier,
            beginning.user,
            hash_secret(beginning.invitation) if beginning.invitation else None,
        )
        await self._database.write(lambda connection: _keep(connection, row, state, beginning.browser))
        is_github = provider.kind == "github"
        own = {"scope": GITHUB_SCOPE} if is_github else oidc.authorization_parameters(provider, nonce)
        parameters = {
            "response_type": "code", "client_id": provider.client_id, "redirect_uri": beginning.redirect_uri,
            "state": state, "code_challenge": challenge_of(verifier), "code_challenge_method": "S256", **own,
        }  # fmt: skip
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(parameters)}"

    async def finish(self, back: Return) -> Outcome:
        """Raises: `SignInRefusedError`, whose `reason` the sign-in page is told; `NotFoundError`."""
        provider = await self.find_provider(back.provider)
        kept = await self._take(back)
        if kept.user_id is not None and kept.user_id != back.user:
            raise SignInRefusedError("Whoever began to link this is not signed in here any more.", "state")
        if "error" in back.query:
            raise SignInRefusedError("The identity provider did not sign you in.", detail=back.query["error"][:80])
        metadata = await self.metadata(provider)
        _check_origin(back.query.get("iss"), metadata, provider)
        code = back.query.get("code", "")
        if not code:
            raise SignInRefusedError("The identity provider sent nothing to sign you in with.", "unproven")
        exchange = Exchange(code, back.redirect_uri, kept.verifier, kept.nonce)
        person = await self._identify(provider, exchange)
        return await self._database.write(lambda connection: _settle(connection, provider, person, kept, back))

    async def metadata(self, provider: Provider) -> Metadata:
        """Raises: `SignInRefusedError`, `provider_down`."""
        if provider.kind == "github":
            return github_metadata(provider)
        found = await self._issuers.find(provider.issuer, shares_issuer=provider.kind == "microsoft")
        return found.metadata

    async def probe(self, provider: Provider, redirect_uri: str) -> Verdict:
        """Raises: `SignInRefusedError` when the provider cannot even say where its endpoints are."""
        return await probe(provider, await self.metadata(provider), self._fetcher, redirect_uri)

    async def _identify(self, provider: Provider, exchange: Exchange) -> Person:
        if provider.kind == "github":
            return await identify_at_github(provider, self._fetcher, exchange)
        issuer = await self._issuers.find(provider.issuer, shares_issuer=provider.kind == "microsoft")
        return await oidc.identify(provider, issuer, self._fetcher, exchange)

    async def _take(self, back: Return) -> OAuthStateRow:
        state = back.query.get("state", "")
        row = None
        if state and back.browser:
            row = await self._database.write(
                lambda connection: take_oauth_state(
                    connection,
                    state_hash=hash_secret(state),
                    browser_hash=hash_secret(back.browser),
                    provider=back.provider,
                )
            )
        if row is None:
            raise SignInRefusedError("This sign-in was not begun here, or too long ago. Begin again.", "state")
        return row


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _keep(connection: WriteConnection, row: OAuthStateRow, state: str, browser: str) -> None:
    if count_oauth_states(connection) >= MAX_UNDERWAY:
        raise LimitError("Too many people are signing in. Try again in some minutes.", retry_after_s=60)
    insert_oauth_state(
        connection,
        row,
        state_hash=hash_secret(state),
        browser_hash=hash_secret(browser),
        expires_at=now_ms() + STATE_MS,
    )


def _check_origin(said: str | None, metadata: Metadata, provider: Provider) -> None:
    """An answer of one provider must not pass for another's (RFC 9207)."""
    if provider.kind == "microsoft" and "{tenantid}" in metadata.issuer:
        return
    if said != metadata.issuer and (said is not None or metadata.says_issuer):
        message = "The answer came from another identity provider."
        raise SignInRefusedError(message, "unproven", detail=f"iss {said!r}"[:200])


def _settle(
    connection: WriteConnection, provider: Provider, person: Person, kept: OAuthStateRow, back: Return
) -> Outcome:
    if kept.user_id is not None:
        link(connection, person, kept.user_id, provider.name, back.address)
        return Outcome(None)
    user = find_or_join(connection, person, provider.policy, invitation_hash=kept.invitation_hash, address=back.address)
    token = open_session(connection, user, back.device, via="oauth", address=back.address)
    detail: dict[str, str | int | bool | None] = {"via": "oauth", "provider": provider.name}
    insert_audit_entry(connection, AuditEntry("session.opened", user.name, user.id, user.name, back.address, detail))
    return Outcome(token)
