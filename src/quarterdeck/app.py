"""Puts the house together: opens the rooms from the ground up, closes them from the top down."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from filelock import FileLock, Timeout
from msgspec import Struct

from quarterdeck import __version__
from quarterdeck.accounts.asking import Asking
from quarterdeck.accounts.identities.cloudflare import open_cloudflare
from quarterdeck.accounts.identities.fetching import Fetcher
from quarterdeck.accounts.identities.flow import IdentityFlow
from quarterdeck.accounts.identities.ldap import open_ldap
from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.mail import open_mailer
from quarterdeck.accounts.relaying import Relay
from quarterdeck.accounts.spending import Spending
from quarterdeck.accounts.vault import load_vault
from quarterdeck.config import Settings
from quarterdeck.context.calibration import Calibration
from quarterdeck.context.summarise import Summariser
from quarterdeck.conversations.titles import Titles
from quarterdeck.diagnostics import get_logger, register_secret
from quarterdeck.domain.events import FeedConversation
from quarterdeck.egress.client import Egress
from quarterdeck.egress.policy import Policy, read_allow_list
from quarterdeck.errors import SetupError
from quarterdeck.exchange.running import Imports
from quarterdeck.gauges import Gauges
from quarterdeck.jobs import run_forever, usual_jobs
from quarterdeck.log.open import open_log
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.extraction import Extraction
from quarterdeck.memory.recall import Recall
from quarterdeck.postgres_url import parse_postgres_url
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.tools.memory_tools import OpenMessages, SearchMemory
from quarterdeck.tools.toolbox import Toolbox
from quarterdeck.tracing.spans import start_tracing, stop_tracing
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.log_reader import LogReader
from quarterdeck.turns.reaper import Reaper
from quarterdeck.turns.rooms import Rooms
from quarterdeck.turns.runner import TurnRunner
from quarterdeck.turns.start import Turns
from quarterdeck.turns.ticker import Ticker
from quarterdeck.web.application import create_application
from quarterdeck.web.house import House, Role
from quarterdeck.web.listener import Listener, load_providers

logger = get_logger("quarterdeck")

_DRAIN_S = 3.0
_GRACE_S = 2.0  # in a fleet: many answers end by themselves in that time, which saves asking the model again


class Identity(Struct, frozen=True):
    """`predecessor`: a worker that is known to be dead, whose turns this one takes over at once."""

    worker: str
    predecessor: str = ""


def open_data_dir(path: Path) -> Path:
    """Make the data folder on first use, closed to others. Raises: `SetupError`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{secrets.token_hex(4)}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise SetupError(
            f"The data folder {path} cannot be written ({error.strerror}). Choose another with --data-dir."
        ) from error
    return path


def lock_data_dir(path: Path) -> FileLock:
    """One server for one data folder. Raises: `SetupError` while another one runs on it."""
    lock = FileLock(path / "serve.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SetupError(
            f"Another Quarterdeck is running on the data folder {path}. "
            "Stop it, or choose another folder with --data-dir."
        ) from None
    return lock


async def open_database(settings: Settings) -> Database:
    """The database that the settings name, brought to this version. Raises: `SetupError`."""
    if settings.database_url:
        return await _open_postgres(settings)
    path = settings.data_dir / "quarterdeck.sqlite3"
    if not path.exists():
        path.touch(mode=0o600)
    if snapshot := migrate_sqlite(path):
        logger.info("database_migrated", snapshot=str(snapshot))
    return SqliteDatabase(path)


async def _open_postgres(settings: Settings) -> Database:
    register_secret(parse_postgres_url(settings.database_url).password)
    # Its driver is loaded only here: who runs on SQLite need not wait for it.
    await import_module("quarterdeck.store.migrate_postgres").migrate_postgres(settings.database_url)
    database: Database = import_module("quarterdeck.store.postgres").PostgresDatabase(
        settings.database_url, settings.database_pool
    )
    return database


@contextlib.asynccontextmanager
async def open_house(
    settings: Settings, role: Role = "all", *, identity: Identity | None = None
) -> AsyncIterator[House]:
    """All rooms, running. On SQLite the caller holds the data folder's lock.

    `role`: `all` serves the web and runs turns, `web` leaves the turns to workers, `worker` only runs them.
    """
    me = identity or Identity(make_worker_name())
    async with contextlib.AsyncExitStack() as stack:
        database = await open_database(settings)
        stack.push_async_callback(database.close)
        log, bell = await open_log(settings)
        stack.push_async_callback(log.close)
        stack.push_async_callback(bell.close)
        register_secret(settings.metrics_token)
        register_secret(settings.scim_token)
        start_tracing(settings.environment)
        stack.push_async_callback(stop_tracing)
        vault = load_vault(settings.data_dir / "secret.key", settings.secret_key)
        egress = Egress(Policy(read_allow_list(settings.egress_allow)))
        registry = Registry(settings)
        stack.push_async_callback(registry.close)
        registry.register(LogReader(database))
        await load_providers(registry, database, vault)
        feed = Feed(log)
        gauges = Gauges(database, log)
        limits = Limits(database, registry)
        await limits.load()
        spending = Spending(database, limits)
        relay = Relay(database, registry, limits, spending)
        stack.push_async_callback(relay.close)
        asking = Asking(database, registry, limits, spending, settings.background_model)
        calibration = Calibration(database)
        summariser = Summariser(database, registry, asking, calibration, settings.summarise_after)
        stack.push_async_callback(summariser.close)
        summariser.on_made = lambda owner, conversation: feed.tell(owner, FeedConversation(conversation))
        embedding = Embedding(registry, settings.embedding_model) if settings.embedding_model else None
        recall = Recall(database, embedding)
        toolbox = Toolbox(limits)
        rooms = Rooms(database, registry, Ticker(), spending, calibration, summariser, toolbox)
        if settings.recall:
            rooms = msgspec.structs.replace(rooms, recaller=recall)
            toolbox.add(SearchMemory(recall, database))
            toolbox.add(OpenMessages(database))
        runner = None if role == "web" else TurnRunner(rooms, log, feed, me.worker, bell)
        turns = Turns(database, log, registry, limits, runner, feed, bell)
        fetcher = Fetcher()
        stack.push_async_callback(fetcher.close)
        access = open_cloudflare(settings, fetcher)
        flow = IdentityFlow(database, vault, settings, fetcher)
        mailer = open_mailer(settings)
        if mailer is not None:
            stack.push_async_callback(mailer.close)
        house = House(
            settings,
            database,
            log,
            registry,
            turns,
            feed,
            vault,
            gauges,
            limits,
            asking=asking,
            relay=relay,
            calibration=calibration,
            summariser=summariser,
            bell=bell,
            identity_flow=flow,
            imports=Imports(database, settings.data_dir, settings.max_import_mb << 20),
            egress=egress,
            recall=recall,
            embedding=embedding,
            role=role,
            access=access,
            ldap=open_ldap(settings),
            mailer=mailer,
        )
        if runner is not None and settings.titles:
            stack.push_async_callback(_follow_with_titles(runner, Titles(database, asking, _tell_by(feed))))
        extraction = Extraction(database, asking, settings.learn_after_s)
        stack.push_async_callback(extraction.close)
        if runner is not None:
            runner.followers.append(lambda turn: extraction.consider(turn.owner_id))
        reaper = None if runner is None else Reaper(database, log, runner)
        listener = Listener(house, runner)
        await bell.listen(listener.hear, None if runner is None else listener.claim)
        if runner is not None and reaper is not None:
            runner.start()
            if me.predecessor:
                await reaper.take_from(me.predecessor)
            await reaper.start(others_are_dead=not settings.database_url)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(house.connections.watch(database)),
            asyncio.create_task(gauges.watch()),
            asyncio.create_task(limits.watch()),
        ]
        if role != "worker":
            tasks.append(asyncio.create_task(house.imports.watch()))
        if embedding is not None and role != "web":
            indexing = import_module("quarterdeck.memory.indexing").Indexing(database, embedding, me.worker)
            tasks.append(asyncio.create_task(indexing.watch()))
        jobs = [] if role == "web" else usual_jobs(database, summariser.rebuild_stale, extraction.learn_waiting)
        tasks += [asyncio.create_task(run_forever(database, job, me.worker)) for job in jobs]
        tasks.append(asyncio.create_task(registry.default_model()))  # so that the first visitor need not wait for it
        house.is_ready.set()
        _spare_the_collector()
        try:
            yield house
        finally:
            for task in tasks:
                task.cancel()
            await _drain(house, runner, reaper)


def _follow_with_titles(runner: TurnRunner, titles: Titles) -> Callable[[], Awaitable[None]]:
    """Each answered turn is looked at; returns what ends that."""
    runner.followers.append(
        lambda turn: titles.consider(turn.owner_id, turn.conversation_id, turn.message_id, turn.model)
    )
    return titles.close


def _tell_by(feed: Feed) -> Callable[[str, str], None]:
    return lambda user, conversation: feed.tell(user, FeedConversation(conversation))


async def _drain(house: House, runner: TurnRunner | None, reaper: Reaper | None) -> None:
    """Viewers are told, turns are handed over, and everything that was promised is written."""
    house.is_draining.set()
    if reaper is not None:
        await reaper.stop()
    await house.connections.tell_to_reconnect()
    if runner is not None:
        await runner.drain(_DRAIN_S, _GRACE_S if house.settings.database_url else 0.0)
    await house.feed.settle()


def create_app(
    settings: Settings,
    on_ready: Callable[[House], None] | None = None,
    role: Role = "all",
    identity: Identity | None = None,
) -> FastAPI:
    """The ASGI application; its lifespan opens and closes the house."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                house = await stack.enter_async_context(open_house(settings, role, identity=identity))
            except SetupError as error:
                app.state.refusal = error  # for the command line, which says it in one sentence
                raise
            app.state.house = house
            logger.info("started", version=__version__, role=role, data_dir=str(settings.data_dir), pid=os.getpid())
            if on_ready is not None:
                on_ready(house)
            yield
            logger.info("stopping", pid=os.getpid())

    return create_application(settings, lifespan)


def _spare_the_collector() -> None:
    """The command has turned it off. What the start made stays, and is not looked at again; streams make few cycles.

    Nor is it looked through now: of 215,000 objects 2,000 are garbage, and it would take a tenth of the start.
    """
    gc.freeze()
    gc.set_threshold(10_000, 50, 50)
    gc.enable()


def make_worker_name() -> str:
    """Of one process of one start: leases are held under it."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
