"""Identity providers, entered by an admin. A secret goes in and never comes out again."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.identities.joining import SignUp
from quarterdeck.accounts.identities.person import SignInRefusedError
from quarterdeck.accounts.identities.providers import USUAL_ISSUERS, Kind, Provider, read_domains, secret_purpose
from quarterdeck.diagnostics import register_secret
from quarterdeck.errors import ConflictError, InputError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.identity_providers import (
    IdentityProviderRow,
    delete_identity_provider,
    save_identity_provider,
)
from quarterdeck.store.locks import lock_secrets
from quarterdeck.web.dependencies import Address, Administrator, TheHouse
from quarterdeck.web.house import House
from quarterdeck.web.oauth import redirect_uri

router = APIRouter(prefix="/api/admin/identity-providers", tags=["administration"])

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Domain = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^@?[A-Za-z0-9.-]+$")]


class IdentityProviderChange(BaseModel):
    """`client_secret` omitted: the stored one stays, as long as the issuer does. `issuer` empty: the vendor's own."""

    model_config = ConfigDict(extra="forbid")  # whoever writes `tenant` would else believe that it bounds who is let in

    kind: Kind
    label: Annotated[str, Field(max_length=80)] = ""
    issuer: Annotated[str, Field(max_length=500)] = ""
    client_id: Annotated[str, Field(min_length=1, max_length=300)]
    client_secret: Annotated[str, Field(max_length=2000)] | None = None
    sign_up: SignUp = "invitation"
    domains: Annotated[list[Domain], Field(max_length=100)] = []


class IdentityProviderDocument(BaseModel):
    """`origin`: `settings` or `environment`; `redirect_uri` is what must be entered at the provider."""

    name: str
    label: str
    kind: Kind
    issuer: str
    client_id: str
    has_secret: bool
    sign_up: SignUp
    domains: list[str]
    origin: Literal["settings", "environment"]
    redirect_uri: str


class IdentityProviderPage(BaseModel):
    items: list[IdentityProviderDocument]
    next_cursor: None = None


class IdentityProviderVerdict(BaseModel):
    ok: bool
    message: str


@router.get("")
async def list_all(request: Request, house: TheHouse, caller: Administrator) -> IdentityProviderPage:
    """List the identity providers of the settings and of the environment."""
    items = [_shown(request, house, provider) for provider in await house.identity_flow.providers()]
    return IdentityProviderPage(items=items)


@router.get("/{name}")
async def get_one(request: Request, house: TheHouse, caller: Administrator, name: str) -> IdentityProviderDocument:
    """One identity provider."""
    return _shown(request, house, await house.identity_flow.find_provider(name))


@router.put("/{name}")
async def save(
    request: Request,
    house: TheHouse,
    caller: Administrator,
    address: Address,
    name: Name,
    wanted: IdentityProviderChange,
) -> IdentityProviderDocument:
    """Enter or change an identity provider. Its secret is stored encrypted."""
    row = await _row(house, name, wanted)
    secret = None if wanted.client_secret is None else wanted.client_secret.strip()

    def write(connection: WriteConnection) -> None:
        lock_secrets(connection)
        sealed = None if secret is None else house.vault.seal(secret, secret_purpose(name))
        _save(connection, structs.replace(row, secret_sealed=sealed), caller, address)

    await house.database.write(write)
    return _shown(request, house, await house.identity_flow.find_provider(name))


@router.delete("/{name}", status_code=204)
async def remove(house: TheHouse, caller: Administrator, address: Address, name: str) -> Response:
    """Remove an identity provider that was entered here. Who signed in by it keeps their account."""
    if not await house.database.write(lambda connection: _delete(connection, name, caller, address)):
        if any(provider.name == name for provider in await house.identity_flow.providers()):
            raise ConflictError("This provider comes from the environment: remove it there.")
        raise NotFoundError("There is no such identity provider.")
    return Response(status_code=204)


@router.post("/{name}/test")
async def test(request: Request, house: TheHouse, caller: Administrator, name: str) -> IdentityProviderVerdict:
    """Ask the provider whether it can be used as it is set up. Nobody is signed in."""
    provider = await house.identity_flow.find_provider(name)
    try:
        verdict = await house.identity_flow.probe(provider, redirect_uri(request, house, name))
    except SignInRefusedError as error:
        return IdentityProviderVerdict(ok=False, message=f"{error.message} ({error.detail})")
    return IdentityProviderVerdict(ok=verdict.ok, message=verdict.message)


def _shown(request: Request, house: House, provider: Provider) -> IdentityProviderDocument:
    return IdentityProviderDocument(
        name=provider.name,
        label=provider.label,
        kind=provider.kind,
        issuer=provider.issuer,
        client_id=provider.client_id,
        has_secret=bool(provider.client_secret),
        sign_up=provider.sign_up,
        domains=sorted(provider.domains),
        origin=provider.origin,
        redirect_uri=redirect_uri(request, house, provider.name),
    )


async def _row(house: House, name: str, wanted: IdentityProviderChange) -> IdentityProviderRow:
    """As it is to be kept, the secret left out. Raises: `InputError`."""
    issuer = wanted.issuer.strip().rstrip("/") or USUAL_ISSUERS.get(wanted.kind, "")
    parts = urlsplit(issuer)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise InputError("`issuer` must be an address that begins with https://, as the provider gives it.")
    domains = read_domains(" ".join(wanted.domains))
    if wanted.sign_up == "domain" and not domains:
        raise InputError("`domains` must name at least one domain when it decides who signs up.")
    if wanted.client_secret is None:
        await _check_secret_stays(house, name, issuer)
    register_secret((wanted.client_secret or "").strip())
    return IdentityProviderRow(
        name, wanted.label.strip(), wanted.kind, issuer, wanted.client_id.strip(), None, wanted.sign_up,
        " ".join(sorted(domains)),
    )  # fmt: skip


async def _check_secret_stays(house: House, name: str, issuer: str) -> None:
    """A secret is sent to the issuer it was entered for, and to no other."""
    for provider in await house.identity_flow.providers():
        if provider.name == name and provider.origin == "settings" and provider.issuer != issuer:
            raise InputError("Enter `client_secret` again: it was stored for another issuer.")


def _save(connection: WriteConnection, row: IdentityProviderRow, caller: Principal, address: str) -> None:
    save_identity_provider(connection, row)
    detail: dict[str, str | int | bool | None] = {"kind": row.kind, "issuer": row.issuer, "sign_up": row.sign_up}
    insert_audit_entry(connection, AuditEntry("provider.saved", row.name, caller.user, caller.name, address, detail))


def _delete(connection: WriteConnection, name: str, caller: Principal, address: str) -> bool:
    if not delete_identity_provider(connection, name):
        return False
    insert_audit_entry(connection, AuditEntry("provider.removed", name, caller.user, caller.name, address))
    return True
