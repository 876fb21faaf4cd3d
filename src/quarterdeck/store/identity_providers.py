"""Identity providers that an admin has entered; those of the environment are not here."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import delete, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import identity_providers
from quarterdeck.store.upsert import upsert


class IdentityProviderRow(Struct, frozen=True):
    """`secret_sealed` None when saving: what is stored stays."""

    name: str
    label: str
    kind: str
    issuer: str
    client_id: str
    secret_sealed: bytes | None
    sign_up: str
    domains: str


def list_identity_providers(connection: AnyConnection) -> list[IdentityProviderRow]:
    rows = connection.execute(select(identity_providers).order_by(identity_providers.c.name))
    return [
        IdentityProviderRow(
            row.name, row.label, row.kind, row.issuer, row.client_id, row.secret_sealed, row.sign_up, row.domains
        )
        for row in rows
    ]


def save_identity_provider(connection: WriteConnection, row: IdentityProviderRow) -> None:
    values: dict[str, object] = {
        "label": row.label, "kind": row.kind, "issuer": row.issuer, "client_id": row.client_id,
        "sign_up": row.sign_up, "domains": row.domains, "updated_at": now_ms(),
    }  # fmt: skip
    if row.secret_sealed is not None:
        values["secret_sealed"] = row.secret_sealed
    upsert(connection, identity_providers, {"name": row.name}, values)


def delete_identity_provider(connection: WriteConnection, name: str) -> bool:
    return bool(connection.execute(delete(identity_providers).where(identity_providers.c.name == name)).rowcount)
