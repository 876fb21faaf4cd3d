"""SCIM 2.0 (RFC 7644): a directory keeps accounts. Its answers and its errors have a shape of their own."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from quarterdeck.accounts.access import require_scope
from quarterdeck.accounts.identities import provisioning
from quarterdeck.accounts.identities.provisioning import DirectoryActor
from quarterdeck.accounts.identities.scim import LIST, USER, ScimError, read_filter, read_patch, read_user
from quarterdeck.accounts.identities.scim_documents import RESOURCE_TYPES, SCHEMAS, SERVICE
from quarterdeck.errors import AccessError, ForbiddenError, InputError, NotFoundError, QuarterdeckError
from quarterdeck.store.provisioned import ProvisionedRow, find_provisioned, list_provisioned
from quarterdeck.views.scim_errors import MEDIA_TYPE, scim_refusal
from quarterdeck.web.dependencies import Address, BearerKey, TheHouse
from quarterdeck.web.house import House, identify, public_base

_MAX_PAGE = 200


class ScimRoute(APIRoute):
    """Errors in SCIM's shape (RFC 7644 3.12)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except ScimError as error:
                return _problem(400, error.message, error.kind)
            except RequestValidationError:
                return _problem(400, "The request does not fit.", "invalidValue")
            except QuarterdeckError as error:
                if error.status >= 500:
                    raise  # for the log, and the edge
                kinds = {409: "uniqueness", 422: "invalidValue"}
                status = 400 if error.status == 422 else error.status
                return _problem(status, error.message, kinds.get(error.status, ""))

        return handle


router = APIRouter(prefix="/scim/v2", tags=["scim"], route_class=ScimRoute)


async def _directory(request: Request, house: TheHouse, address: Address, _key: BearerKey) -> DirectoryActor:
    """Who keeps the accounts. Raises: `AccessError`, `ForbiddenError`, `InputError`."""
    user, name = await _recognise(request, house)
    wanted = house.settings.scim_provider
    issuer = await house.identity_flow.issuer_of(wanted)
    if wanted and not issuer and request.method != "GET":
        raise InputError("QUARTERDECK_SCIM_PROVIDER names no identity provider of this server.")
    return DirectoryActor(issuer, user, name, address)


async def _recognise(request: Request, house: House) -> tuple[str, str]:
    """Whose key it is; nobody's for `QUARTERDECK_SCIM_TOKEN`. Raises: `AccessError`, `ForbiddenError`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    known = house.settings.scim_token
    if known and scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), known.encode()):
        return "", "SCIM"
    if not token:
        raise AccessError("Send the directory's token as a bearer token.")
    try:
        principal = await identify(request)
    except AccessError as error:
        if type(error) is not AccessError:  # who it is is known
            raise
        raise AccessError("This is neither what QUARTERDECK_SCIM_TOKEN says nor a valid API key.") from error
    require_scope(principal, "scim")
    if principal.role not in ("owner", "admin"):
        raise ForbiddenError("Only the key of the owner or of an admin may keep accounts.")
    return principal.user, principal.name


Keeper = Annotated[DirectoryActor, Depends(_directory)]


@router.get("/ServiceProviderConfig")
async def service(keeper: Keeper) -> Response:
    """What this server can do for a directory."""
    return _answer(SERVICE)


@router.get("/ResourceTypes")
async def resource_types(keeper: Keeper) -> Response:
    """The kinds of things a directory keeps here."""
    return _answer(_page(RESOURCE_TYPES, len(RESOURCE_TYPES), 1))


@router.get("/Schemas")
async def schemas(keeper: Keeper) -> Response:
    """What is known of a user."""
    return _answer(_page(SCHEMAS, len(SCHEMAS), 1))


@router.get("/Users")
async def list_users(
    request: Request,
    house: TheHouse,
    keeper: Keeper,
    filter_text: Annotated[str, Query(alias="filter", max_length=1000)] = "",
    start: Annotated[int, Query(alias="startIndex", le=2**31)] = 1,
    count: Annotated[int, Query(le=2**31)] = 100,
) -> Response:
    """List the accounts that a directory keeps."""
    wanted = read_filter(filter_text) if filter_text else None
    start, count = max(1, start), min(max(0, count), _MAX_PAGE)
    attribute, value = (wanted.attribute, wanted.value) if wanted else ("", "")
    rows, total = await house.database.read(
        lambda connection: list_provisioned(connection, attribute=attribute, value=value, offset=start - 1, limit=count)
    )
    return _answer(_page([_document(request, house, row) for row in rows], total, start))


@router.post("/Users", status_code=201)
async def create_user(request: Request, house: TheHouse, keeper: Keeper) -> Response:
    """Make an account."""
    wanted = read_user(await _body(request))
    row = await house.database.write(lambda connection: provisioning.create_provisioned(connection, wanted, keeper))
    document = _document(request, house, row)
    return _answer(document, 201, {"location": document["meta"]["location"]})


@router.get("/Users/{user}")
async def get_user(request: Request, house: TheHouse, keeper: Keeper, user: str) -> Response:
    """One account."""
    row = await house.database.read(lambda connection: find_provisioned(connection, user))
    if row is None:
        raise NotFoundError("There is no such user.")
    return _answer(_document(request, house, row))


@router.put("/Users/{user}")
async def replace_user(request: Request, house: TheHouse, keeper: Keeper, user: str) -> Response:
    """Describe an account anew; what is not said stays."""
    wanted = read_user(await _body(request))
    row = await house.database.write(lambda connection: provisioning.change(connection, user, wanted, keeper))
    return _answer(_document(request, house, row))


@router.patch("/Users/{user}")
async def patch_user(request: Request, house: TheHouse, keeper: Keeper, user: str) -> Response:
    """Change an account: let it in, put it out, rename it."""
    wanted = read_patch(await _body(request))
    row = await house.database.write(lambda connection: provisioning.change(connection, user, wanted, keeper))
    return _answer(_document(request, house, row))


@router.delete("/Users/{user}", status_code=204)
async def delete_user(house: TheHouse, keeper: Keeper, user: str) -> Response:
    """Let go of an account: nobody signs in by it, and what it holds stays until an admin deletes it."""
    await house.database.write(lambda connection: provisioning.remove(connection, user, keeper))
    return Response(status_code=204)


async def _body(request: Request) -> Any:
    """Raises: `ScimError`."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise ScimError("The request is not JSON.", "invalidSyntax") from error


def _document(request: Request, house: House, row: ProvisionedRow) -> dict[str, Any]:
    created = datetime.fromtimestamp(row.created_at / 1000, UTC).isoformat(timespec="milliseconds")
    document: dict[str, Any] = {
        "schemas": [USER],
        "id": row.id,
        "userName": row.user_name,
        "displayName": row.name,
        "name": {"formatted": row.name},
        "active": row.suspended_at is None,
        "meta": {
            "resourceType": "User",
            "created": created.replace("+00:00", "Z"),
            "location": f"{public_base(request, house)}/scim/v2/Users/{row.id}",
        },
    }
    if row.external_id:
        document["externalId"] = row.external_id
    if row.email:
        document["emails"] = [{"value": row.email, "type": "work", "primary": True}]
    return document


def _page(items: list[Any], total: int, start: int) -> dict[str, Any]:
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(items),
        "Resources": items,
    }


def _problem(status: int, detail: str, kind: str = "") -> Response:
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    return _answer(scim_refusal(status, detail, kind), status, headers)


def _answer(document: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(document, status, headers=headers, media_type=MEDIA_TYPE)
