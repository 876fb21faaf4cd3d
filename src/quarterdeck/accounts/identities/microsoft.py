"""Microsoft Entra ID: directories share keys and endpoints, and an address in a token proves nothing.

Keyed by directory and object (`tid`, `oid`): https://learn.microsoft.com/entra/identity-platform/claims-validation
"""

from __future__ import annotations

import re
from typing import Any

from quarterdeck.accounts.identities.person import Person, SignInRefusedError, domain_of
from quarterdeck.accounts.identities.signed import TokenError, text_claim

_PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"  # the directory of personal accounts
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def check_issuer(claims: dict[str, Any], said: str, address: str, key_issuer: str) -> None:
    """The token is of the directory it names, and that one may be used here.

    `said` is the issuer of the discovery document, `address` the one that was set, `key_issuer` whom the key is for.
    Raises: `TokenError`; `SignInRefusedError` where another account of this person might be let in.
    """
    tenant = text_claim(claims, "tid")
    if not _GUID.fullmatch(tenant) or not _GUID.fullmatch(text_claim(claims, "oid")):
        raise TokenError("tid or oid is missing")
    if claims.get("iss") != said.replace("{tenantid}", tenant):
        raise TokenError("iss is another directory")
    if key_issuer and key_issuer.replace("{tenantid}", tenant) != claims["iss"]:
        raise TokenError("the key is another directory's")
    wanted = address.rstrip("/").removesuffix("/v2.0").rpartition("/")[2]
    if (wanted == "organizations" and tenant == _PERSONAL) or (wanted == "consumers" and tenant != _PERSONAL):
        raise _not_here("an account of the wrong kind")
    if _GUID.fullmatch(wanted.lower()) and tenant != wanted.lower():
        raise _not_here("another directory")


def _not_here(detail: str) -> SignInRefusedError:
    said = "Accounts of this directory are not let in here. Use another one."
    return SignInRefusedError(said, "domain", detail=detail)


def microsoft_person(claims: dict[str, Any]) -> Person:
    """Rules by domain see the directory's id, and the address only where the directory owns its domain."""
    tenant, email = text_claim(claims, "tid"), text_claim(claims, "email")
    is_owned = claims.get("xms_edov") in (True, 1, "1", "true")
    domains = {domain_of(email)} if is_owned and domain_of(email) else set()
    label = text_claim(claims, "preferred_username") or email
    return Person(
        issuer=str(claims["iss"]),
        subject=text_claim(claims, "oid"),
        label=label,
        name=text_claim(claims, "name") or label.partition("@")[0],
        email=email,
        realms=frozenset({tenant, *domains}),
    )
