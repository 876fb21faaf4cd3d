"""`memory …`: what is remembered of somebody, from the machine that the server runs on; the server may run."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from quarterdeck.cli.options import DataDir, read_settings, run_on_database
from quarterdeck.cli.progress import show_progress
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.periods import local_time, zone_or_utc
from quarterdeck.errors import InputError, SetupError
from quarterdeck.memory.changing import forget_memory as forget
from quarterdeck.memory.choosing import MemoryState, describe_comparing, read_state
from quarterdeck.memory.portable import Imported, Skipped, export_memories, import_memories, read_lines
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall, Recalled
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.memories import MemoryFilter, MemoryRow, State, list_memories
from quarterdeck.store.people import find_account_by_name
from quarterdeck.store.users import ensure_owner, find_time_zone

_PAUSE = 1.0  # between the steps of an import, of what each took: a server that runs writes, too
_WIDTH = 300  # characters of one finding

UserName = Annotated[str, typer.Option("--user", help="Whose memory, by the account's name. Default: the owner's.")]
Words = Annotated[str, typer.Argument(metavar="QUERY", help="What to look for, as a question or as words.")]
Contained = Annotated[str, typer.Argument(metavar="[WORDS]", help="Only those with these words.", show_default=False)]
Wanted = Annotated[str, typer.Option("--state", help="current, superseded, stale or all.")]
Most = Annotated[int, typer.Option("--limit", help="At most so many.", min=1, max=200)]
Memory = Annotated[str, typer.Argument(metavar="ID", help="As `memory list` shows it.", show_default=False)]
Written = Annotated[Path, typer.Argument(metavar="FILE", help="What to write.", show_default=False)]
Given = Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, as exported.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Overwrite FILE if it is there.")]


def search_memory(query: Words, user: UserName = "", limit: Most = 10, data_dir: DataDir = None) -> None:
    """Recall what was said and what is remembered, as an answer's model does.

    Example: quarterdeck memory search "when did we go to Lisbon" --user ann
    """

    async def work(database: Database) -> tuple[list[Recalled], str]:
        owner = await database.write(lambda connection: _owner(connection, user))
        zone = await database.read(lambda connection: find_time_zone(connection, owner))
        wanted = Query(owner=owner, text=query, now=now_ms(), zone=zone, k=limit)
        return await Recall(database).find(wanted), zone

    found, zone = run_on_database(read_settings(data_dir=data_dir), work)
    for hit in found:
        said = " ".join(hit.text.split())[:_WIDTH]
        typer.echo(f"{_when(hit.at, zone)}  {hit.id}  {hit.speaker or hit.role or hit.kind}: {said}")
    if not found:
        typer.echo("Nothing was found.")


def show_status(data_dir: DataDir = None) -> None:
    """Show which model finds by meaning, how many vectors it has made, and how many are missing.

    Example: quarterdeck memory status
    """
    settings = read_settings(data_dir=data_dir)

    async def work(database: Database) -> MemoryState:
        return await database.read(lambda connection: read_state(connection, settings.embedding_model))

    state = run_on_database(settings, work)
    if not state.model:
        typer.echo("No embedding model is chosen: memory finds by words alone.")
    else:
        chosen = "chosen in the page" if state.origin == "settings" else "by QUARTERDECK_EMBEDDING_MODEL"
        typer.echo(f"Model: {state.model} ({chosen})")
        typer.echo(f"Vectors: {state.vectors.get(state.space, 0)}, missing: {state.missing}")
    for model, count in state.vectors.items():
        if model != state.space:
            typer.echo(f"Vectors of {model}, which serve until then: {count}")
    if state.model:
        typer.echo(f"Compared by: {describe_comparing(state)}")
    if state.error:
        typer.echo(f"No vectors just now: {state.error}")


def list_memory(
    words: Contained = "", user: UserName = "", state: Wanted = "current", limit: Most = 50, data_dir: DataDir = None
) -> None:
    """List what is remembered, the newest first.

    Example: quarterdeck memory list lisbon --state all --user ann
    """
    if state not in (*get_args(State), "all"):
        raise InputError("A state is current, superseded, stale or all.")

    async def work(database: Database) -> tuple[list[MemoryRow], str]:
        owner = await database.write(lambda connection: _owner(connection, user))
        wanted = MemoryFilter(owner=owner, words=tuple(words.split()), state=cast("State", state))
        rows = await database.read(lambda connection: list_memories(connection, wanted, limit=limit))
        return rows, await database.read(lambda connection: find_time_zone(connection, owner))

    rows, zone = run_on_database(read_settings(data_dir=data_dir), work)
    for row in rows:
        typer.echo(f"{_when(row.said_at, zone)}  {row.id}  {row.kind}, {row.state(now_ms())}: {row.text}")
    if not rows:
        typer.echo("Nothing is remembered.")


def forget_memory(memory: Memory, user: UserName = "", data_dir: DataDir = None) -> None:
    """Forget a memory: its text is erased after ten minutes, and nothing derives it again.

    Example: quarterdeck memory forget 01m8jbj2jgg4yy2qx7cd0pj9pc --user ann
    """

    async def work(database: Database) -> None:
        owner = await database.write(lambda connection: _owner(connection, user))
        await database.write(lambda connection: forget(connection, owner, memory))

    run_on_database(read_settings(data_dir=data_dir), work)
    typer.echo("Forgotten. For ten minutes it can be undone in the page.")


def export_memory(file: Written, user: UserName = "", force: Force = False, data_dir: DataDir = None) -> None:
    """Write all memories into a file, as JSON Lines that import again.

    Example: quarterdeck memory export ~/memories.jsonl --user ann
    """
    if file.exists() and not force:
        raise InputError(f"The file {file} exists already. Choose another name, or overwrite it with --force.")

    async def work(database: Database) -> bytes:
        owner = await database.write(lambda connection: _owner(connection, user))
        return b"".join([page async for page in export_memories(database, owner)])

    content = run_on_database(read_settings(data_dir=data_dir), work)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        draft.touch(mode=0o600)
        draft.write_bytes(content)
        os.replace(draft, file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SetupError(f"The file {file} cannot be written ({error.strerror}).") from error
    count = content.count(b"\n")
    typer.echo(f"Written: {file}, {count} memories.")


def import_memory(file: Given, user: UserName = "", data_dir: DataDir = None) -> None:
    """Take over memories from JSON Lines; what is known already is not imported twice, what was forgotten not at all.

    The server may run. After an interruption, run it again.

    Example: quarterdeck memory import ~/memories.jsonl --user ann
    """
    try:
        body = file.read_bytes()
    except OSError as error:
        raise InputError(f"The file {file} cannot be read ({error.strerror}).") from error

    async def work(database: Database) -> tuple[Imported, list[Skipped]]:
        owner = await database.write(lambda connection: _owner(connection, user))
        given, wrong = read_lines(body, most=None)
        with show_progress() as progress:
            done = await import_memories(
                database, owner, given, tell=lambda done, total: progress("Importing", done, total), pause=_PAUSE
            )
        return done, sorted([*wrong, *done.skipped], key=lambda skip: skip.line)

    done, skipped = run_on_database(read_settings(data_dir=data_dir), work)
    typer.echo(f"Imported: {done.imported} memories. Known already: {done.known}. Not taken over: {len(skipped)}.")
    for skip in skipped[:20]:
        typer.echo(f"  line {skip.line}: {skip.reason}")


def _owner(connection: WriteConnection, name: str) -> str:
    """Raises: `InputError`."""
    owner = ensure_owner(connection)
    found = find_account_by_name(connection, name or owner.name)
    if found is None:
        raise InputError(f"There is no user named {name!r}. `quarterdeck user list` shows them.")
    return str(found.id)


def _when(at_ms: int, zone: str) -> str:
    return local_time(at_ms, zone_or_utc(zone)).strftime("%Y-%m-%d %H:%M")
