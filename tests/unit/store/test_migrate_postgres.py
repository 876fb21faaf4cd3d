"""A database on PostgreSQL is brought to this version, or refused with one sentence; nothing is lost on the way."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Text
from tests.conftest import MakePostgres
from tests.harness.postgres import Databases

from quarterdeck.errors import LogError, SetupError
from quarterdeck.postgres_url import parse_postgres_url
from quarterdeck.store import migrate
from quarterdeck.store.migrate_postgres import _refuse_old, current_revision, migrate_postgres
from quarterdeck.store.postgres import make_engine
from quarterdeck.store.tables import Identifier, metadata

ADD_COLUMN = """
from alembic import op
import sqlalchemy as sa
revision = "9999"
down_revision = "{head}"
def upgrade():
    op.add_column("users", sa.Column("shoe_size", sa.Integer))
"""


@pytest.fixture
def empty(postgres: Databases) -> str:
    return postgres.new_database(is_empty=True)


@pytest.fixture
def older(postgres: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with a user in it, which lacks the last migration."""
    url = postgres.new_database()
    postgres.ask("INSERT INTO users (id, name, role, created_at) VALUES ('1', 'ann', 'owner', 0)", url)
    folder = tmp_path / "migrations"
    shutil.copytree(migrate._FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_shoe_size.py").write_text(ADD_COLUMN.format(head=migrate.HEAD))
    monkeypatch.setattr(migrate, "_FOLDER", folder)
    monkeypatch.setattr(migrate, "HEAD", "9999")
    return url


def columns_of_users(postgres: Databases, url: str) -> set[str]:
    return set(postgres.ask("SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass", url).split())


async def refusal(url: str) -> str:
    with pytest.raises(SetupError) as caught:
        await migrate_postgres(url)
    assert "\n" not in caught.value.message
    return caught.value.message


def is_kept(name: str | None, kind: str, _parents: object) -> bool:
    """Indexes over expressions that only PostgreSQL knows are in the migrations alone."""
    return kind != "index" or name not in ("ix_search_entries_terms", "ix_conversations_title")


async def test_the_migrations_lead_to_the_tables_of_the_code(postgres: Databases) -> None:
    def compare(connection: Connection) -> list[object]:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": is_kept}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, metadata))

    engine = make_engine(parse_postgres_url(postgres.new_database()), 1, 0)
    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


async def test_what_is_put_in_order_sorts_byte_by_byte_whatever_the_language(postgres: Databases) -> None:
    statement = (
        "SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attcollation = '\"C\"'::regcollation"
    )
    found = set(postgres.ask(statement, postgres.new_database()).split())
    wanted = {str(column) for table in metadata.tables.values() for column in table.c if column.type is Identifier}
    assert found - {"alembic_version.version_num"} == wanted
    keys = {str(column) for table in metadata.tables.values() for column in table.primary_key if is_text(column)}
    assert keys <= wanted


def is_text(column: Column[object]) -> bool:
    return isinstance(column.type, Text)


async def test_the_conditions_of_indexes_are_those_of_the_file(postgres: Databases) -> None:
    url = postgres.new_database()
    found = postgres.ask("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '% WHERE %'", url)
    wanted = {
        str(index.name)
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert set(found.split()) == wanted


async def test_a_database_that_is_up_to_date_is_left_alone_without_a_snapshot(empty: str) -> None:
    async def forbidden(_current: str) -> Path | None:
        raise AssertionError("there was nothing to keep")

    assert await current_revision(empty) is None
    for _ in range(2):
        assert await migrate_postgres(empty, forbidden) is None
        assert await current_revision(empty) == migrate.HEAD


async def test_of_many_processes_that_start_at_once_one_makes_the_tables(empty: str) -> None:
    await asyncio.gather(*(migrate_postgres(empty) for _ in range(6)))
    assert await current_revision(empty) == migrate.HEAD


async def test_before_an_upgrade_a_snapshot_is_taken_of_the_database_as_it_was(
    postgres: Databases, older: str, tmp_path: Path
) -> None:
    async def keep(current: str) -> Path | None:
        columns = await asyncio.to_thread(columns_of_users, postgres, older)  # it can be read meanwhile
        (tmp_path / "copy").write_text(f"{current} {'shoe_size' in columns}")
        return tmp_path / "copy"

    head = await current_revision(older)
    assert await migrate_postgres(older, keep) == tmp_path / "copy"
    assert (tmp_path / "copy").read_text() == f"{head} False"
    assert "shoe_size" in columns_of_users(postgres, older)
    assert await current_revision(older) == "9999"


@pytest.mark.parametrize("error", [OSError("no space"), LogError("The disk is full."), SetupError("It is full.")])
async def test_without_a_snapshot_nothing_is_changed(postgres: Databases, older: str, error: Exception) -> None:
    async def fail(_current: str) -> Path | None:
        raise error

    with pytest.raises(SetupError):
        await migrate_postgres(older, fail)
    with pytest.raises(SetupError, match="quarterdeck migrate"):
        await migrate_postgres(older)
    assert "shoe_size" not in columns_of_users(postgres, older)


async def test_an_upgrade_that_fails_leaves_the_database_as_it_was_and_names_the_snapshot(
    postgres: Databases, older: str, tmp_path: Path
) -> None:
    async def keep(_current: str) -> Path | None:
        return tmp_path / "the-copy"

    with (migrate._FOLDER / "versions" / "9999_shoe_size.py").open("a") as file:
        file.write("    op.drop_table('nowhere')\n")
    with pytest.raises(SetupError, match="the-copy") as caught:
        await migrate_postgres(older, keep)
    assert "nowhere" not in caught.value.message
    assert "shoe_size" not in columns_of_users(postgres, older)
    assert postgres.ask("SELECT name FROM users", older) == "ann"


async def test_a_database_of_a_newer_version_is_refused_and_not_touched(postgres: Databases) -> None:
    url = postgres.new_database()
    postgres.ask("UPDATE alembic_version SET version_num = '8888'", url)
    assert "newer Quarterdeck" in await refusal(url)
    assert postgres.ask("SELECT version_num FROM alembic_version", url) == "8888"


async def test_somebody_elses_database_is_refused_and_keeps_its_tables(postgres: Databases, empty: str) -> None:
    postgres.ask("CREATE TABLE users (shopping_list TEXT)", empty)
    assert "another program" in await refusal(empty)
    assert "shopping_list" in columns_of_users(postgres, empty)
    assert postgres.ask("SELECT to_regclass('alembic_version') IS NULL", empty) == "t"


async def test_a_user_who_may_not_make_tables_is_told_so(postgres: Databases, empty: str) -> None:
    postgres.ask("DROP ROLE IF EXISTS modest")
    postgres.ask("CREATE ROLE modest LOGIN")
    url = re.sub(r"//[^@]*@", "//modest@", empty)
    assert "may not make tables" in await refusal(url)


async def test_what_keeps_a_connection_from_being_made_is_said_in_one_sentence(postgres: Databases) -> None:
    with socket.socket() as unused:  # bound and not listening: nobody else takes this port
        unused.bind(("127.0.0.1", 0))
        nowhere = f"postgresql://ann:sesame@127.0.0.1:{unused.getsockname()[1]}/deck"
        assert "cannot be reached" in await refusal(nowhere)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        silent = f"postgresql://ann:sesame@127.0.0.1:{mute.getsockname()[1]}/deck?connect_timeout=1"
        assert "no answer in time" in await refusal(silent)
    wrong = re.sub(r"//[^@]*@", "//guarded:sesame@", postgres.url)
    assert "user or password" in await refusal(wrong)
    assert "no database" in await refusal(postgres.url_of("nowhere"))
    assert "cannot be reached" in await refusal(f"{postgres.url}?sslmode=require")
    assert "cannot be reached" in await refusal(f"{postgres.url}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem")


async def test_a_server_on_this_machine_is_reached_through_its_socket(make_postgres: MakePostgres) -> None:
    server = make_postgres(fsync=False)
    url = f"postgresql://postgres@/postgres?host={server.folder}&port={server.port}"
    assert await migrate_postgres(url) is None
    assert await current_revision(server.url) == migrate.HEAD


def test_a_server_that_is_too_old_is_refused() -> None:
    _refuse_old(140_000)
    with pytest.raises(SetupError, match="14 or newer; this server is version 13"):
        _refuse_old(130_012)
