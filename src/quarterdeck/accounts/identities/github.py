"""GitHub and GitHub Enterprise: OAuth without OpenID. People are their numeric ids, which nobody can take over.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from __future__ import annotations

import json
from typing import Any

from quarterdeck.accounts.identities.discovery import Metadata
from quarterdeck.accounts.identities.fetching import Fetcher
from quarterdeck.accounts.identities.oidc import Exchange, exchange_code, no_token, refused
from quarterdeck.accounts.identities.person import Person, domain_of
from quarterdeck.accounts.identities.providers import GITHUB, Provider

SCOPE = "read:user user:email"


def github_metadata(provider: Provider) -> Metadata:
    return Metadata(
        issuer=provider.issuer,
        authorization_endpoint=f"{provider.issuer}/login/oauth/authorize",
        token_endpoint=f"{provider.issuer}/login/oauth/access_token",
        userinfo_endpoint=f"{_api(provider)}/user",
        takes_basic=False,
        says_issuer=False,
    )


async def identify_at_github(provider: Provider, fetcher: Fetcher, exchange: Exchange) -> Person:
    """Raises: `SignInRefusedError`."""
    tokens = await exchange_code(provider, github_metadata(provider), fetcher, exchange)
    access = tokens.get("access_token")
    if not isinstance(access, str) or not access:  # its errors come with status 200
        raise no_token(tokens)
    headers = {"authorization": f"Bearer {access}", "accept": "application/vnd.github+json"}
    user = await fetcher.get(f"{_api(provider)}/user", headers)
    number, login = user.get("id"), user.get("login")
    if isinstance(number, bool) or not isinstance(number, int) or number <= 0 or not isinstance(login, str):
        raise refused("no numeric id")
    email = _primary(await fetcher.get_bytes(f"{_api(provider)}/user/emails", headers))
    name = user.get("name")
    return Person(
        issuer=provider.issuer,
        subject=str(number),
        label=login,
        name=name if isinstance(name, str) and name.strip() else login,
        email=email,
        realms=frozenset({domain_of(email)} if domain_of(email) else ()),
    )


def _api(provider: Provider) -> str:
    return "https://api.github.com" if provider.issuer == GITHUB else f"{provider.issuer}/api/v3"


def _primary(body: bytes) -> str:
    """The verified primary address, else none: the profile's public one is whatever somebody typed."""
    try:
        listed: Any = json.loads(body)
    except ValueError as error:
        raise refused("no list of addresses") from error
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("primary") is True and entry.get("verified") is True:
            email = entry.get("email")
            return email if isinstance(email, str) else ""
    return ""
