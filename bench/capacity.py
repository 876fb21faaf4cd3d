"""Arithmetic: what measured costs make of many users. Nothing is run here."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from bench.tables import table

USERS = [10_000, 1_000_000, 100_000_000]


class Assumptions(Struct, frozen=True):
    """As written in `docs/scaling.md`; shares from 0 to 1."""

    active: float = 0.2
    turns_a_day: float = 12
    tokens: float = 400
    tokens_per_s: float = 50
    peak: float = 4
    with_page: float = 0.1
    fullness: float = 0.5


class Costs(Struct, frozen=True):
    """Measured: CPU in µs for a token, sizes in bytes for a turn."""

    ours_us: float  # web and one worker
    heard_us: float  # of each further process that hears of it
    valkey_us: float
    postgres_us: float
    log_bytes: float
    commits: float
    row_bytes: float


def reckon(costs: Costs, given: Assumptions | None = None) -> str:
    """A table with a column for each number of users."""
    given = given or Assumptions()
    columns = [_column(users, costs, given) for users in USERS]
    names = list(columns[0])
    return table(["in the busiest minute", *(f"{users:,} users" for users in USERS)], [
        [name, *(column[name] for column in columns)] for name in names
    ])  # fmt: skip


def _column(users: int, costs: Costs, given: Assumptions) -> dict[str, str]:
    turns_a_day = users * given.active * given.turns_a_day
    turns_per_s = turns_a_day / 86_400 * given.peak
    tokens_per_s = turns_per_s * given.tokens
    redis_cores = tokens_per_s * costs.valkey_us / 1e6 / given.fullness
    cells = max(ceil(redis_cores), 1)
    memory = turns_per_s * 3600 * costs.log_bytes
    return {
        "turns a second": _short(turns_per_s),
        "turns running": _short(turns_per_s * given.tokens / given.tokens_per_s),
        "tokens a second": _short(tokens_per_s),
        "open pages": _short(users * given.active * given.with_page),
        "cells, each with one Redis": f"{cells:,}",
        "Redis, of the one core that it uses": f"{redis_cores / cells * given.fullness:.0%}",
        "cores of Quarterdeck, web + workers": _whole(cells * _cores(tokens_per_s / cells, costs, given)),
        "Redis, memory of an hour's logs, in all": _size(memory),
        "cores of PostgreSQL, in all": _whole(tokens_per_s * costs.postgres_us / 1e6 / given.fullness),
        "commits a second": _short(turns_per_s * costs.commits),
        "database, growth a day": _size(turns_a_day * costs.row_bytes),
    }


def _cores(tokens_per_s: float, costs: Costs, given: Assumptions) -> float:
    """Of one cell. Each has a process that also hears of the tokens of all others: n = t · (ours + heard · (n - 2))."""
    rate = tokens_per_s / 1e6 / given.fullness
    alone = rate * costs.ours_us
    if alone <= 2:
        return alone
    heard = rate * costs.heard_us
    return (alone - 2 * heard) / (1 - heard) if heard < 1 else float("inf")


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"


def _whole(number: float) -> str:
    return f"{ceil(number):,}" if number > 0.95 else f"1 ({number:.0%} of it)" if number >= 0.01 else "1 (under 1 %)"


def _size(number: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"
