"""What belongs to the installation."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from quarterdeck.store.tables.base import Identifier, metadata

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("label", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("key_sealed", LargeBinary),  # AES-GCM, accounts.vault
    Column("updated_at", BigInteger, nullable=False),
)

server_settings = Table(
    "server_settings",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("value", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Identifier, primary_key=True),  # of the scheduled work
    Column("owner", Identifier, nullable=False),  # the worker that does it; empty: nobody
    Column("until", BigInteger, nullable=False),
    Column("done_at", BigInteger, nullable=False),  # 0: never yet
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor_id", Identifier, nullable=False),  # empty: nobody signed in; outlives the account
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),  # `user.suspended`, `session.opened`, …
    Column("target", Text, nullable=False),  # whom or what it was done to, by name
    Column("address", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON object, without secrets
)
Index("ix_audit_entries_action", audit_entries.c.action, audit_entries.c.id)

identity_providers = Table(
    "identity_providers",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("label", Text, nullable=False),
    Column("kind", Text, nullable=False),  # oidc | google | microsoft | github
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("secret_sealed", LargeBinary),  # AES-GCM, accounts.vault
    Column("sign_up", Text, nullable=False),  # nobody | invitation | domain | anybody
    Column("domains", Text, nullable=False),  # separated by blanks
    Column("updated_at", BigInteger, nullable=False),
)
