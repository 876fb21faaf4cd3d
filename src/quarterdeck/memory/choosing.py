"""Which model makes vectors: what an admin may choose, what is chosen, and how far it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.admin import Actor
from quarterdeck.errors import InputError, QuarterdeckError
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.local_places import list_local
from quarterdeck.memory.spaces import first_space
from quarterdeck.providers.registry import Registry
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.embedding_choice import read_choice, read_fault, read_space, save_choice
from quarterdeck.store.pgvector import PgvectorStatus, read_status
from quarterdeck.store.vectors import count_due, count_vectors_by_model, mark_all_without

Origin = Literal["settings", "environment"]
State = Literal["off", "ready", "building", "failing"]
ChoiceKind = Literal["provider", "bert", "onnx", "gguf"]


class Choice(Struct, frozen=True):
    """A model that can be chosen: `provider/model` or `local/NAME`."""

    id: str
    kind: ChoiceKind


class MemoryState(Struct, frozen=True):
    """`model`: empty is none. `space`: the model in its version (`spaces.py`).
    `vectors`: of everybody, by the space that they are of. `missing` have none of `space`.
    """

    model: str
    space: str
    origin: Origin
    default: str
    state: State
    error: str
    missing: int
    vectors: dict[str, int]
    pgvector: PgvectorStatus | None


def read_state(connection: AnyConnection, default: str) -> MemoryState:
    """`default`: what the environment says."""
    choice = read_choice(connection)
    model = default if choice is None else choice
    missing = count_due(connection) if model else 0
    error = read_fault(connection, model) if model else ""
    return MemoryState(
        model=model,
        space=read_space(connection, model) or first_space(model),
        origin="environment" if choice is None else "settings",
        default=default,
        state="off" if not model else "failing" if error else "building" if missing else "ready",
        error=error,
        missing=missing,
        vectors=count_vectors_by_model(connection),
        pgvector=read_status(connection),
    )


def describe_comparing(state: MemoryState) -> str:
    """What compares vectors, in words."""
    status = state.pgvector
    if status is None:
        return "numpy"
    if status.is_used:
        return f"pgvector {status.version}" + (f" with {status.indexes} HNSW index(es)" if status.indexes else "")
    if status.version:
        return f"numpy, until pgvector {status.version} is ready"
    return "numpy; the PostgreSQL server has no pgvector" + (" in this database yet" if status.available else "")


async def list_choices(registry: Registry, models: Path | None) -> list[Choice]:
    """What the connected providers list, and what is found on this machine."""
    listed = await registry.embedding_models()
    found = await asyncio.to_thread(list_local, models)
    return [Choice(name, "provider") for name in listed] + [Choice(f"local/{one.name}", one.kind) for one in found]


async def choose_model(database: Database, embedding: Embedding, actor: Actor, model: str | None) -> None:
    """None: what the environment says; empty: none. Nothing is changed unless the model makes vectors now.

    Raises: `InputError` with one sentence.
    """
    wanted = embedding.default if model is None else model
    if wanted:
        _check_reach(embedding, wanted)
        try:
            await embedding.prove(wanted)
        except QuarterdeckError as error:
            raise InputError(f"{error.message} Nothing was changed.", detail=error.detail) from error

    def write(connection: WriteConnection) -> None:
        before = embedding.chosen(connection)
        save_choice(connection, model)
        if wanted:  # at once, so that nobody is told that it is done
            mark_all_without(connection, embedding.space(connection, wanted))
        if before != wanted:
            who = actor.principal
            entry = AuditEntry(
                "setting.changed", "embedding_model", who.user, who.name, actor.address, {"from": before, "to": wanted}
            )
            insert_audit_entry(connection, entry)

    await database.write(write)


def _check_reach(embedding: Embedding, model: str) -> None:
    """Who administers the server in the page need not be who may name any file of its machine."""
    provider, _, name = model.partition("/")
    if provider == "local" and Path(name).is_absolute() and model != embedding.default:
        raise InputError(
            f"A path is set by QUARTERDECK_EMBEDDING_MODEL alone. Put the model into {embedding.models} and choose it "
            "by its name. Nothing was changed."
        )
