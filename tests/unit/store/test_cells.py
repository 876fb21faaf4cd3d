"""What `docs/scaling.md` promises of the keys: users can be dealt out to installations of their own."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Table

from quarterdeck.store.tables import metadata

_OF_THE_INSTALLATION = {
    "users", "leases", "endpoints", "server_settings", "invitations", "sign_in_attempts", "audit_entries",
    "identity_providers", "access_rules", "prices", "budgets", "token_ratios",
}  # fmt: skip
_PAGE = Path(__file__).parents[3] / "docs" / "scaling.md"


def test_every_row_belongs_to_a_user_or_to_the_installation() -> None:
    homeless = {name for name, table in metadata.tables.items() if not _belongs_to_user(table)}
    assert homeless == _OF_THE_INSTALLATION


def test_the_page_on_scaling_names_every_table() -> None:
    page = _PAGE.read_text()
    assert [name for name in metadata.tables if f"`{name}`" not in page] == []


def test_no_key_is_counted_by_a_database() -> None:
    counted = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.primary_key
        if column is table.autoincrement_column
    ]
    assert counted == []


def _belongs_to_user(table: Table) -> bool:
    if {"owner_id", "user_id"} & set(table.columns.keys()):
        return True
    parents = [key.column.table for key in table.foreign_keys]
    return any(parent.name != "users" and _belongs_to_user(parent) for parent in parents)
