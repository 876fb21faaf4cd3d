"""Whether a provider can be used as it is set up: asked with a code that nobody has, before anybody signs in."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.accounts.identities.discovery import Metadata
from quarterdeck.accounts.identities.fetching import Fetcher, NotTakenError
from quarterdeck.accounts.identities.oidc import Exchange, exchange_code
from quarterdeck.accounts.identities.person import SignInRefusedError
from quarterdeck.accounts.identities.providers import Provider

_RIGHT = {"invalid_grant", "bad_verification_code"}  # the client is known, the code is not
_WRONG_CLIENT = {"invalid_client", "incorrect_client_credentials", "unauthorized_client", "Not Found"}


class Verdict(Struct, frozen=True):
    ok: bool
    message: str


async def probe(provider: Provider, metadata: Metadata, fetcher: Fetcher, redirect_uri: str) -> Verdict:
    exchange = Exchange("quarterdeck-test", redirect_uri, "quarterdeck-test-" * 3, "")
    try:
        error = str((await exchange_code(provider, metadata, fetcher, exchange)).get("error") or "a token")
    except NotTakenError as refusal:
        error = refusal.error
    except SignInRefusedError as refusal:
        return Verdict(False, f"{refusal.message} ({refusal.detail})")
    if error in _RIGHT:
        return Verdict(True, "The provider answers and knows this client.")
    if error in _WRONG_CLIENT or error == "status 401":
        return Verdict(False, "The provider does not know this client id and secret.")
    if error == "redirect_uri_mismatch":
        return Verdict(False, f"The provider does not allow the redirect address {redirect_uri}.")
    return Verdict(False, f"The provider answered `{error}`.")
