"""OpenID Connect: the code is exchanged, the id token is verified, and a person comes out.

https://openid.net/specs/openid-connect-core-1_0.html; PKCE is RFC 7636.
"""

from __future__ import annotations

import base64
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from quarterdeck.accounts.identities.discovery import Issuer, Metadata
from quarterdeck.accounts.identities.fetching import Fetcher
from quarterdeck.accounts.identities.microsoft import check_issuer, microsoft_person
from quarterdeck.accounts.identities.person import Person, SignInRefusedError, domain_of
from quarterdeck.accounts.identities.providers import Provider
from quarterdeck.accounts.identities.signed import (
    TokenError,
    check_audience,
    check_times,
    read_claims,
    text_claim,
)

if TYPE_CHECKING:
    from joserfc.jwk import Key

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "EdDSA"})
SCOPE = "openid profile email"


class Exchange(Struct, frozen=True):
    """What the callback brought, and what was kept of the beginning."""

    code: str
    redirect_uri: str
    verifier: str
    nonce: str


def authorization_parameters(provider: Provider, nonce: str) -> dict[str, str]:
    more = {"prompt": "select_account"} if provider.kind in ("google", "microsoft") else {}
    return {"scope": SCOPE, "nonce": nonce, **more}


async def identify(provider: Provider, issuer: Issuer, fetcher: Fetcher, exchange: Exchange) -> Person:
    """Raises: `SignInRefusedError`."""
    tokens = await exchange_code(provider, issuer.metadata, fetcher, exchange)
    id_token = tokens.get("id_token")
    if not isinstance(id_token, str):
        raise no_token(tokens)
    try:
        claims = await _read_id_token(provider, issuer, id_token, exchange.nonce)
    except TokenError as error:
        raise refused(error.detail) from error
    if provider.kind == "microsoft":
        return microsoft_person(claims)
    if not text_claim(claims, "email"):
        claims = await _with_userinfo(claims, issuer.metadata, fetcher, tokens)
    return _person(provider, claims)


async def exchange_code(provider: Provider, metadata: Metadata, fetcher: Fetcher, exchange: Exchange) -> dict[str, Any]:
    """Raises: `SignInRefusedError`."""
    form = {
        "grant_type": "authorization_code",
        "code": exchange.code,
        "redirect_uri": exchange.redirect_uri,
        "code_verifier": exchange.verifier,
    }
    headers = {}
    if provider.client_secret and metadata.takes_basic:
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form["client_id"] = provider.client_id
        if provider.client_secret:
            form["client_secret"] = provider.client_secret
    return await fetcher.post_form(metadata.token_endpoint, form, headers)


async def _read_id_token(provider: Provider, issuer: Issuer, token: str, nonce: str) -> dict[str, Any]:
    used: list[Key] = []

    async def find_key(kid: str, algorithm: str) -> Key | None:
        key = await issuer.keys.find(kid, algorithm)
        used.extend([] if key is None else [key])
        return key

    claims = await read_claims(token, find_key, ALGORITHMS)
    if provider.kind == "microsoft":
        check_issuer(claims, issuer.metadata.issuer, provider.issuer, str(used[0].get("issuer") or ""))
    elif claims.get("iss") != issuer.metadata.issuer:
        raise TokenError("iss is another issuer")
    check_audience(claims, provider.client_id)
    _check_party(claims, provider.client_id)
    check_times(claims, time.time())
    if not hmac.compare_digest(text_claim(claims, "nonce").encode(), nonce.encode()):
        raise TokenError("nonce is another one")
    if not text_claim(claims, "sub"):
        raise TokenError("sub is missing")
    return claims


def _check_party(claims: dict[str, Any], client_id: str) -> None:
    audience = claims["aud"]
    is_shared = isinstance(audience, list) and len(audience) > 1
    if (is_shared or "azp" in claims) and claims.get("azp") != client_id:
        raise TokenError("azp is another party")


async def _with_userinfo(
    claims: dict[str, Any], metadata: Metadata, fetcher: Fetcher, tokens: dict[str, Any]
) -> dict[str, Any]:
    """Some providers say the address only there; nobody must be told about by it but who signed in."""
    access = tokens.get("access_token")
    if not metadata.userinfo_endpoint or not isinstance(access, str):
        return claims
    said = await fetcher.get(metadata.userinfo_endpoint, {"authorization": f"Bearer {access}"})
    if said.get("sub") != claims["sub"]:
        raise refused("userinfo tells of somebody else")
    return {**said, **claims}


def _person(provider: Provider, claims: dict[str, Any]) -> Person:
    email = text_claim(claims, "email")
    domain = domain_of(email) if claims.get("email_verified") is True else ""
    if provider.kind == "google" and domain != "gmail.com":
        # An address that Google does not host was verified once, at best: `hd` is what Google answers for.
        domain = text_claim(claims, "hd").lower()
    login = text_claim(claims, "preferred_username")
    return Person(
        issuer=provider.issuer,
        subject=text_claim(claims, "sub"),
        label=email or login or text_claim(claims, "name"),
        name=text_claim(claims, "name") or login or email.partition("@")[0],
        email=email,
        realms=frozenset({domain} if domain else ()),
    )


def refused(detail: str) -> SignInRefusedError:
    message = "The identity provider did not prove who you are. Sign in again."
    return SignInRefusedError(message, "unproven", detail=detail)


def no_token(said: dict[str, Any]) -> SignInRefusedError:
    """`said` by the token endpoint; some say with status 200 what is wrong."""
    if "error" not in said:
        return refused("no token came")
    detail = f"no token: {str(said['error'])[:80]}"
    return SignInRefusedError("The identity provider did not sign you in.", detail=detail)
