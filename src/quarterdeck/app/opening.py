"""All rooms of a process: opened from the ground up, closed from the top down."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Coroutine
from functools import partial
from importlib import import_module
from typing import Any

from msgspec import Struct

from quarterdeck.accounts.asking import Asking
from quarterdeck.accounts.identities.cloudflare import open_cloudflare
from quarterdeck.accounts.identities.fetching import Fetcher
from quarterdeck.accounts.identities.flow import IdentityFlow
from quarterdeck.accounts.identities.ldap import open_ldap
from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.mail import open_mailer
from quarterdeck.accounts.relaying import Relay
from quarterdeck.accounts.spending import Spending
from quarterdeck.accounts.vault import Vault, load_vault
from quarterdeck.app.data import open_database
from quarterdeck.app.identity import Identity, make_worker_name
from quarterdeck.config import Settings
from quarterdeck.context.calibration import Calibration
from quarterdeck.context.kept import KEEPER
from quarterdeck.context.summarise import Summariser
from quarterdeck.conversations.titles import Titles
from quarterdeck.diagnostics import register_secret
from quarterdeck.domain.events import FeedConversation
from quarterdeck.egress.client import Egress
from quarterdeck.egress.policy import Policy, read_allow_list
from quarterdeck.exchange.running import Imports
from quarterdeck.gauges import Gauges
from quarterdeck.jobs import Job, run_forever, usual_jobs
from quarterdeck.lasting import keep_going
from quarterdeck.log.base import Log
from quarterdeck.log.bell import Bell
from quarterdeck.log.open import open_log
from quarterdeck.log.sql import SqlLog
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.extraction import Extraction
from quarterdeck.memory.recall import Recall
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.search_missing import WAIT_S, index_missing
from quarterdeck.store.search_queue import IndexQueue
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
from quarterdeck.web.house import House, Role
from quarterdeck.web.listener import Listener
from quarterdeck.web.stored_providers import load_providers

_DRAIN_S = 3.0
_GRACE_S = 2.0  # in a fleet: many answers end by themselves in that time, which saves asking the model again
_PGVECTOR_EVERY_S, _PGVECTOR_LEASE_S = 600.0, 7_200.0  # an index of millions of vectors takes long

Stack = contextlib.AsyncExitStack
"""What is to be closed, the last opened first."""


class Ground(Struct, frozen=True):
    """What everything stands on."""

    settings: Settings
    database: Database
    log: Log
    bell: Bell
    vault: Vault
    registry: Registry
    feed: Feed
    index_queue: IndexQueue


class Offices(Struct, frozen=True):
    """Who may ask which model, and what it costs."""

    limits: Limits
    spending: Spending
    asking: Asking
    relay: Relay


class Remembering(Struct, frozen=True):
    """What finds what was said; by its meaning, too, where an embedding model is chosen."""

    recall: Recall
    embedding: Embedding


@contextlib.asynccontextmanager
async def open_house(
    settings: Settings, role: Role = "all", *, identity: Identity | None = None
) -> AsyncIterator[House]:
    """All rooms, running. On SQLite the caller holds the data folder's lock.

    `role`: `all` serves the web and runs turns, `web` leaves the turns to workers, `worker` only runs them.
    """
    me = identity or Identity(make_worker_name())
    _compute_in_one_thread()
    async with contextlib.AsyncExitStack() as stack:
        ground = await _open_ground(stack, settings)
        offices = await _open_offices(stack, ground)
        remembering = await _open_memory(ground)
        rooms = _open_rooms(stack, ground, offices, remembering.recall)
        runner = None if role == "web" else TurnRunner(rooms, ground.log, ground.feed, me.worker, ground.bell)
        house = _furnish(stack, ground, offices, remembering, rooms, runner, role)
        jobs = [] if runner is None else _follow_answers(stack, house, runner)
        reaper = await _begin_turns(house, runner, me)
        tasks = [asyncio.create_task(work) for work in _list_work(house, me, jobs)]
        house.is_ready.set()
        _spare_the_collector()
        try:
            yield house
        finally:
            for task in tasks:
                task.cancel()
            await _drain(house, runner, reaper)


def _compute_in_one_thread() -> None:
    """numpy, if it is loaded later, computes in the thread that asks: on a machine with other work, matrices that are
    shared out wait for each other's core, which took ten times as long and as much of both."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


async def _open_ground(stack: Stack, settings: Settings) -> Ground:
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
    registry = Registry(settings)
    stack.push_async_callback(registry.close)
    registry.register(LogReader(database))
    await load_providers(registry, database, vault)
    return Ground(settings, database, log, bell, vault, registry, Feed(log), IndexQueue(database))


async def _open_offices(stack: Stack, ground: Ground) -> Offices:
    database, registry = ground.database, ground.registry
    limits = Limits(database, registry)
    await limits.load()
    spending = Spending(database, limits)
    relay = Relay(database, registry, limits, spending)
    stack.push_async_callback(relay.close)
    asking = Asking(database, registry, limits, spending, ground.settings.background_model)
    return Offices(limits, spending, asking, relay)


async def _open_memory(ground: Ground) -> Remembering:
    embedding = Embedding(ground.registry, ground.settings.embedding_model, ground.settings.models_dir)
    await embedding.load(ground.database)
    return Remembering(Recall(ground.database, embedding), embedding)


def _open_rooms(stack: Stack, ground: Ground, offices: Offices, recall: Recall) -> Rooms:
    """What running a turn needs."""
    settings, database, registry = ground.settings, ground.database, ground.registry
    calibration = Calibration(database)
    summariser = Summariser(database, registry, offices.asking, calibration, settings.summarise_after)
    stack.push_async_callback(summariser.close)
    summariser.on_made = lambda owner, conversation: ground.feed.tell(owner, FeedConversation(conversation))
    toolbox = Toolbox(offices.limits)
    if settings.recall:
        toolbox.add(SearchMemory(recall, database, ground.index_queue))
        toolbox.add(OpenMessages(database))
    recaller = recall if settings.recall else None
    return Rooms(
        database, ground.index_queue, registry, Ticker(), offices.spending, calibration, summariser, toolbox, recaller,
        is_log_here=isinstance(ground.log, SqlLog),
    )  # fmt: skip


def _furnish(
    stack: Stack,
    ground: Ground,
    offices: Offices,
    remembering: Remembering,
    rooms: Rooms,
    runner: TurnRunner | None,
    role: Role,
) -> House:
    """What the routes can reach."""
    settings, database = ground.settings, ground.database
    fetcher = Fetcher()
    stack.push_async_callback(fetcher.close)
    mailer = open_mailer(settings)
    if mailer is not None:
        stack.push_async_callback(mailer.close)
    return House(
        settings,
        database,
        ground.log,
        ground.registry,
        Turns(
            database, ground.log, ground.registry, offices.limits, runner, ground.feed, ground.index_queue, ground.bell
        ),
        ground.feed,
        ground.vault,
        Gauges(database, ground.log),
        offices.limits,
        asking=offices.asking,
        relay=offices.relay,
        calibration=rooms.calibration,
        summariser=rooms.summariser,
        bell=ground.bell,
        identity_flow=IdentityFlow(database, ground.vault, settings, fetcher),
        imports=Imports(database, settings.data_dir, settings.max_import_mb << 20),
        egress=Egress(Policy(read_allow_list(settings.egress_allow))),
        recall=remembering.recall,
        embedding=remembering.embedding,
        index_queue=ground.index_queue,
        role=role,
        access=open_cloudflare(settings, fetcher),
        ldap=open_ldap(settings),
        mailer=mailer,
    )


def _follow_answers(stack: Stack, house: House, runner: TurnRunner) -> list[Job]:
    """What is made of answers after they are saved; returns the work that is scheduled for it and for the rest."""
    if house.settings.titles:
        titles = Titles(house.database, house.asking, lambda user, name: house.feed.tell(user, FeedConversation(name)))
        stack.push_async_callback(titles.close)
        runner.followers.append(
            lambda turn: titles.consider(turn.owner_id, turn.conversation_id, turn.message_id, turn.model)
        )
    extraction = Extraction(house.database, house.asking, house.settings.learn_after_s)
    stack.push_async_callback(extraction.close)
    runner.followers.append(lambda turn: extraction.consider(turn.owner_id))
    jobs = usual_jobs(house.database, house.summariser.rebuild_stale, extraction.learn_waiting)
    if house.settings.database_url:
        keep_up = import_module("quarterdeck.store.pgvector_upkeep").keep_up
        jobs.append(Job("pgvector", _PGVECTOR_EVERY_S, lambda: keep_up(house.database), lease_s=_PGVECTOR_LEASE_S))
    return jobs


async def _begin_turns(house: House, runner: TurnRunner | None, me: Identity) -> Reaper | None:
    """Those of dead processes, too."""
    reaper = None if runner is None else Reaper(house.database, house.log, runner)
    listener = Listener(house, runner, reaper)
    await house.bell.listen(listener.hear, None if runner is None else listener.claim)
    if runner is None or reaper is None:
        return None
    runner.start()
    if me.predecessor:
        await reaper.take_from(me.predecessor)
    await reaper.start(others_are_dead=not house.settings.database_url)
    return reaper


def _list_work(house: House, me: Identity, jobs: list[Job]) -> list[Coroutine[Any, Any, Any]]:
    """What goes on beside the requests."""
    database = house.database
    work: list[Coroutine[Any, Any, Any]] = [
        keep_going("connections", lambda: house.connections.watch(database)),
        keep_going("gauges", house.gauges.watch),
        keep_going("limits", house.limits.watch),
        keep_going("embedding", lambda: house.embedding.watch(database)),
        keep_going("kept", KEEPER.watch),
        house.registry.default_model(),  # so that the first visitor need not wait for it
    ]
    if house.role != "worker":
        work.append(keep_going("imports", house.imports.watch))
    if house.role != "web":
        indexing = import_module("quarterdeck.memory.indexing").Indexing(database, house.embedding, me.worker)
        work.append(keep_going("vectors", indexing.watch))
        wait_s = WAIT_S if house.settings.database_url else 0.0
        work.append(keep_going("index", lambda: _index_what_waited(database, wait_s)))
    return work + [keep_going(job.name, partial(run_forever, database, job, me.worker)) for job in jobs]


async def _index_what_waited(database: Database, wait_s: float) -> None:
    """For the search, in a process that has died. Among others its messages are told by their age."""
    await asyncio.sleep(wait_s)
    await index_missing(database, wait_s=wait_s)


async def _drain(house: House, runner: TurnRunner | None, reaper: Reaper | None) -> None:
    """Viewers are told, turns are handed over, and everything that was promised is written."""
    house.is_draining.set()
    if reaper is not None:
        await reaper.stop()
    await house.connections.tell_to_reconnect()
    if runner is not None:
        await runner.drain(_DRAIN_S, _GRACE_S if house.settings.database_url else 0.0)
    await house.index_queue.close()
    await house.feed.settle()


def _spare_the_collector() -> None:
    """The command has turned it off. What the start made stays, and is not looked at again; streams make few cycles.

    Nor is it looked through now: of 215,000 objects 2,000 are garbage, and it would take a tenth of the start.
    """
    gc.freeze()
    gc.set_threshold(10_000, 50, 50)
    gc.enable()
