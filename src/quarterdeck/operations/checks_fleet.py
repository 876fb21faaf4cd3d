"""The log's server, and what several processes need of each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

from quarterdeck.config import Settings
from quarterdeck.errors import QuarterdeckError
from quarterdeck.log.open import open_log
from quarterdeck.operations.findings import Finding, fail, ok, size_text, warn

_ANSWER_S = 3.0
_MIN_REDIS = 7


async def check_log(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.database_url and not settings.redis_url and not (settings.data_dir / "log.sqlite3").exists():
        yield ok("log", "not there yet; the first start makes it")
        return
    try:
        log, bell = await open_log(settings)
        try:
            await log.status("doctor")
        finally:
            await bell.close()
            await log.close()
    except QuarterdeckError as error:
        yield fail("log", error.message, "See docs/operations.md.")
        return
    if settings.redis_url:
        async for finding in _check_redis(settings.redis_url):
            yield finding
    else:
        yield ok("log", "on PostgreSQL, answers" if settings.database_url else "in the data folder, answers")


async def _check_redis(url: str) -> AsyncIterator[Finding]:
    redis: Any = import_module("redis.asyncio")
    client = redis.Redis.from_url(url, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S)
    try:
        for finding in judge_redis(await client.info()):
            yield finding
    except (import_module("redis.exceptions").RedisError, OSError, TimeoutError) as error:
        yield warn("log", f"Redis does not say how it is set up ({type(error).__name__})", "Allow its user INFO.")
    finally:
        await client.aclose()


def judge_redis(said: dict[str, Any]) -> Iterator[Finding]:
    """`said`: what INFO answered."""
    name, version = ("Valkey", said["valkey_version"]) if "valkey_version" in said else ("Redis", said["redis_version"])
    if int(str(version).split(".")[0]) < _MIN_REDIS:
        yield fail("log", f"{name} {version} is too old", f"Use Redis {_MIN_REDIS} or newer, or Valkey.")
    else:
        yield ok("log", f"on {name} {version}, answers")
    if said.get("aof_enabled"):
        yield ok("log's disk", "what is logged is written to disk (appendonly)")
    else:
        advice = "Set appendonly yes, appendfsync everysec."
        yield warn("log's disk", "a restart of the log's server forgets answers that are being written", advice)
    policy = str(said.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        yield ok("log's eviction", "nothing is thrown away when the memory is full (noeviction)")
    else:
        advice = "Set maxmemory-policy noeviction."
        yield fail("log's eviction", f"running logs may be thrown away (maxmemory-policy {policy})", advice)
    yield _judge_memory(int(said.get("used_memory", 0)), int(said.get("maxmemory", 0)))


def _judge_memory(used: int, limit: int) -> Finding:
    if not limit:
        return ok("log's memory", f"{size_text(used)} in use, no limit set")
    says = f"{size_text(used)} of {size_text(limit)} in use"
    return warn("log's memory", says, "Raise maxmemory.") if used > 0.8 * limit else ok("log's memory", says)


def check_processes(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url:
        if settings.redis_url:
            advice = "Set QUARTERDECK_DATABASE_URL for several processes, or leave QUARTERDECK_REDIS_URL out."
            yield warn("processes", "one process on SQLite gains nothing from Redis", advice)
        else:
            yield ok("processes", "one (SQLite); several need QUARTERDECK_DATABASE_URL")
    elif not settings.secret_key:
        advice = "Set the same QUARTERDECK_SECRET_KEY for all, or copy secret.key to each."
        yield warn("processes", "on several machines each would seal provider keys with a key of its own", advice)
    elif not settings.redis_url:
        yield ok("processes", "any number of `serve`; `worker` needs QUARTERDECK_REDIS_URL, too")
    else:
        yield ok("processes", "any number of `serve` and `worker`")
