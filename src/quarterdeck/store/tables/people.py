"""Accounts and the ways into them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from quarterdeck.store.tables.base import Identifier, metadata

users = Table(
    "users",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # owner | admin | member | guest
    Column("created_at", BigInteger, nullable=False),
    Column("suspended_at", BigInteger),
    Column("name_key", Identifier, nullable=False, server_default=""),  # the name, case-folded; empty: made by 0.1
    Column("email", Text, nullable=False, server_default=""),  # to write to; never what an account is found by
    Column("password_hash", Text),  # argon2id; None: no password
    Column("scim_id", Identifier),  # `externalId` of the directory that keeps this account
    Column("scim_name", Identifier),  # `userName` there; None: no directory keeps this account
    Column("time_zone", Text, nullable=False, server_default=""),  # IANA name; empty: UTC
    Column("about", Text, nullable=False, server_default=""),  # what they want every model to know of them
    Column("memory", Text, nullable=False, server_default="on"),  # on | off: recalled from and learned from
)
Index(
    "uq_users_owner",
    users.c.role,
    unique=True,
    sqlite_where=text("role = 'owner'"),
)
Index("uq_users_scim_name", users.c.scim_name, unique=True)
Index("uq_users_name_key", users.c.name_key, unique=True, sqlite_where=text("name_key <> ''"))

identities = Table(
    "identities",
    metadata,
    Column("issuer", Identifier, primary_key=True),
    Column("subject", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("label", Text, nullable=False),  # what people call them there: an address, a login
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("created_by", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),  # admin | member
    Column("email", Text, nullable=False),  # whom it was made for, a note
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("used_by", Identifier),
)

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    Column("browser_hash", LargeBinary, nullable=False),  # of the cookie of the browser that began
    Column("provider", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),  # PKCE
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE")),  # who links another way to sign in
    Column("invitation_hash", LargeBinary),
    Column("expires_at", BigInteger, nullable=False),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("key", Identifier, primary_key=True),  # `name:…` or `address:…`, hashed
    Column("failures", Integer, nullable=False),
    Column("failed_at", BigInteger, nullable=False),
    Column("blocked_until", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("device", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("via", Text, nullable=False, server_default="link"),  # link | password | oauth | ldap | guest
    Column("address", Text, nullable=False, server_default=""),  # where it was opened from
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("scopes", Text, nullable=False, server_default="chat read admin"),
    Column("expires_at", BigInteger),
)

open_links = Table(
    "open_links",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False, server_default="open"),  # open | password
)
