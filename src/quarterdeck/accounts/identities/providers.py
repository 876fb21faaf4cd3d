"""Which identity providers there are: an admin's, and those of the environment. An admin's count more."""

from __future__ import annotations

from typing import Literal, cast

from msgspec import Struct

from quarterdeck.accounts.identities.joining import Policy, SignUp
from quarterdeck.accounts.vault import Vault
from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger, register_secret
from quarterdeck.errors import SetupError
from quarterdeck.store.database import Database
from quarterdeck.store.identity_providers import IdentityProviderRow, list_identity_providers

logger = get_logger("quarterdeck.identities")

Kind = Literal["oidc", "google", "microsoft", "github"]

GOOGLE = "https://accounts.google.com"
MICROSOFT = "https://login.microsoftonline.com/{tenant}/v2.0"
GITHUB = "https://github.com"
USUAL_ISSUERS: dict[Kind, str] = {"google": GOOGLE, "microsoft": MICROSOFT.format(tenant="common"), "github": GITHUB}
USUAL_LABELS: dict[Kind, str] = {
    "google": "Google",
    "microsoft": "Microsoft",
    "github": "GitHub",
    "oidc": "Single sign-on",
}


class Provider(Struct, frozen=True):
    """`issuer`: the address that discovery begins at, without a slash at its end; GitHub's own, or an Enterprise's."""

    name: str
    label: str
    kind: Kind
    issuer: str
    client_id: str
    client_secret: str
    sign_up: SignUp
    domains: frozenset[str] = frozenset()
    origin: Literal["settings", "environment"] = "settings"

    @property
    def policy(self) -> Policy:
        return Policy(self.name, self.sign_up, self.domains)

    def __repr__(self) -> str:
        return f"Provider({self.name}, {self.kind}, {self.issuer})"


async def list_providers(database: Database, vault: Vault, settings: Settings) -> list[Provider]:
    """By name. One whose secret cannot be opened is left out, and the log says so."""
    found = {provider.name: provider for provider in providers_of_environment(settings)}
    for row in await database.read(list_identity_providers):
        try:
            found[row.name] = _open(row, vault)
        except SetupError:
            found.pop(row.name, None)
            logger.error("identity_provider_locked", provider=row.name, reason="the key does not open its secret")
    return sorted(found.values(), key=lambda provider: provider.name)


def secret_purpose(name: str) -> str:
    return f"identity:{name}"


def read_domains(text: str) -> frozenset[str]:
    """Separated by blanks or commas; an `@` before them is allowed."""
    return frozenset(word.lstrip("@").lower() for word in text.replace(",", " ").split())


def providers_of_environment(settings: Settings) -> list[Provider]:
    microsoft = MICROSOFT.format(tenant=settings.microsoft_tenant)
    given: list[tuple[Kind, str, str, str, str]] = [
        ("google", GOOGLE, settings.google_client_id, settings.google_client_secret, ""),
        (
            "microsoft",
            microsoft,
            settings.microsoft_client_id,
            settings.microsoft_client_secret,
            "",
        ),
        ("github", settings.github_url, settings.github_client_id, settings.github_client_secret, ""),
        ("oidc", settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_label),
    ]
    found = []
    for kind, issuer, client_id, secret, label in given:
        if client_id and issuer:
            register_secret(secret)
            found.append(
                Provider(
                    name=kind, label=label or USUAL_LABELS[kind], kind=kind, issuer=issuer.rstrip("/"),
                    client_id=client_id, client_secret=secret, sign_up=settings.sign_up,
                    domains=read_domains(settings.sign_up_domains), origin="environment",
                )
            )  # fmt: skip
    return found


def _open(row: IdentityProviderRow, vault: Vault) -> Provider:
    secret = vault.open(row.secret_sealed, secret_purpose(row.name)) if row.secret_sealed else ""
    register_secret(secret)
    return Provider(
        name=row.name, label=row.label or USUAL_LABELS[cast(Kind, row.kind)], kind=cast(Kind, row.kind),
        issuer=row.issuer, client_id=row.client_id, client_secret=secret, sign_up=cast(SignUp, row.sign_up),
        domains=read_domains(row.domains),
    )  # fmt: skip
