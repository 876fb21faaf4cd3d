"""Accounts in a running server's database: who they are, how they prove it, and how they cease to be let in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import create_engine, delete, event, insert, update

from quarterdeck.accounts.sessions import SESSION_MS
from quarterdeck.accounts.tokens import Token, hash_secret, new_token
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.tables import api_keys, sessions, users

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """`session` and `key` are whole bearer tokens; the key has all scopes."""

    id: str
    name: str
    role: str
    session: str = field(repr=False)
    key: str = field(repr=False)


def write(data_dir: Path, change: Callable[[WriteConnection], T]) -> T:
    """One transaction beside the running server, which sees it at its next question."""
    engine = create_engine(f"sqlite:///{data_dir / 'quarterdeck.sqlite3'}", connect_args={"timeout": 10})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))  # after whoever writes now
    try:
        with engine.begin() as connection:
            return change(cast(WriteConnection, connection))
    finally:
        engine.dispose()


def _prepare(made: Any, _record: Any) -> None:
    made.isolation_level = None
    made.execute("PRAGMA foreign_keys = ON")


def add_person(data_dir: Path, name: str, role: str = "member", **columns: Any) -> Person:
    """`columns`: further ones of the account."""
    identifier = new_id()
    values = {"id": identifier, "name": name, "name_key": name.casefold(), "role": role, "created_at": now_ms()}

    def add(connection: WriteConnection) -> Person:
        connection.execute(insert(users).values(values | columns))
        via = "guest" if role == "guest" else "password"
        session = insert_session(connection, identifier, via=via)
        return Person(identifier, name, role, session, insert_key(connection, identifier))

    return write(data_dir, add)


def insert_session(connection: WriteConnection, user: str, **columns: Any) -> str:
    """The bearer token of a new session."""
    token, now = new_token("guest" if columns.get("via") == "guest" else "session"), now_ms()
    values = {"device": "tests", "created_at": now, "seen_at": now, "expires_at": now + SESSION_MS}
    connection.execute(insert(sessions).values(_proof(token, user) | values | columns))
    return str(token)


def insert_key(connection: WriteConnection, user: str, **columns: Any) -> str:
    """The bearer token of a new API key."""
    token = new_token("key")
    connection.execute(
        insert(api_keys).values(_proof(token, user) | {"name": "tests", "created_at": now_ms()} | columns)
    )
    return str(token)


def _proof(token: Token, user: str) -> dict[str, Any]:
    return {"id": token.id, "user_id": user, "secret_hash": hash_secret(token.secret)}


def renew(data_dir: Path, person: Person, **columns: Any) -> Person:
    """The same person with another session and another key; `columns` of both (`expires_at=…`)."""

    def add(connection: WriteConnection) -> Person:
        return dataclasses.replace(
            person,
            session=insert_session(connection, person.id, **columns),
            key=insert_key(connection, person.id, **columns),
        )

    return write(data_dir, add)


def scoped_key(data_dir: Path, person: Person, scopes: str) -> str:
    """A key of theirs that is for less: `scopes` separated by blanks."""
    return write(data_dir, lambda connection: insert_key(connection, person.id, scopes=scopes))


def suspend_person(data_dir: Path, person: Person) -> None:
    change_rows(data_dir, update(users).where(users.c.id == person.id).values(suspended_at=now_ms()))


def delete_person(data_dir: Path, person: Person) -> None:
    change_rows(data_dir, delete(users).where(users.c.id == person.id))


def revoke_key(data_dir: Path, person: Person) -> None:
    change_rows(data_dir, update(api_keys).where(api_keys.c.id == id_of(person.key)).values(revoked_at=now_ms()))


def end_session(data_dir: Path, person: Person) -> None:
    change_rows(data_dir, delete(sessions).where(sessions.c.id == id_of(person.session)))


def expire(data_dir: Path, person: Person) -> None:
    """The session and the key have just expired."""
    change_rows(
        data_dir,
        update(sessions).where(sessions.c.id == id_of(person.session)).values(expires_at=now_ms()),
        update(api_keys).where(api_keys.c.id == id_of(person.key)).values(expires_at=now_ms()),
    )


def change_rows(data_dir: Path, *statements: Any) -> None:
    def change(connection: WriteConnection) -> None:
        for statement in statements:
            connection.execute(statement)

    write(data_dir, change)


def id_of(token: str) -> str:
    """Of a session or a key: what the lists call it."""
    return token[4:30]
