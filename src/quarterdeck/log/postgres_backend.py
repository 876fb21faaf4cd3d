"""Logs as rows in PostgreSQL: one transaction for all that a process appends at a time, NOTIFY as the bell."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from quarterdeck.errors import LogError, SetupError
from quarterdeck.log.backend import READ_BYTES, Addition, Look, OnBell, Rings, Seen, Verdict
from quarterdeck.log.base import Entry, LogStatus, is_feed
from quarterdeck.log.postgres_link import Notices, PostgresLink
from quarterdeck.log.postgres_schema import (
    APPEND,
    CHANNEL,
    DROP,
    EXPIRE,
    FINISH,
    IS_MADE,
    LOOK,
    SCHEMA,
    SCHEMA_LOCK,
    SIZE,
)

_RING_BYTES = 7_900  # PostgreSQL takes fewer than 8,000 in a notice
_RINGS_MAX = 8  # more would cost the listeners more than looking at everything
_EXPIRE_AT_ONCE = 50
_LIMIT_MAX = 2**31 - 1

_VERDICTS: dict[str, Verdict] = {"w": "written", "s": "stale", "l": "lost"}
_rings_decoder = msgspec.json.Decoder(tuple[str, list[tuple[str, int]] | None])


class PostgresBackend:
    """Three connections: one that writes, one that looks, one that listens."""

    def __init__(self, url: str) -> None:
        self._id = secrets.token_hex(4)  # in this process's rings, which it does not need to hear
        self._writing = PostgresLink(url)
        self._looking = PostgresLink(url)
        self._bell = Notices(url, [CHANNEL])

    async def open(self, on_bell: OnBell) -> None:
        try:
            [[is_made]] = await self._writing.rows(IS_MADE)
            if not is_made:
                await self._writing.run(SCHEMA, SCHEMA_LOCK)
        except LogError as error:
            raise SetupError(f"The log cannot be opened. {error.message}", detail=error.detail) from error
        self._bell.open(lambda _channel, said: self._on_notice(said, on_bell), lambda: on_bell(None))

    async def close(self) -> None:
        await self._bell.close()
        await self._writing.close()
        await self._looking.close()

    async def commit(self, additions: Sequence[Addition]) -> list[Verdict]:
        rings = [(name, seq + len(bodies) - 1) for name, seq, bodies, _ in additions]
        [[verdicts]] = await self._writing.rows(
            APPEND,
            [addition.name for addition in additions],
            [addition.seq for addition in additions],
            [len(addition.bodies) for addition in additions],
            [addition.begins for addition in additions],
            [no for no, addition in enumerate(additions, 1) for _ in addition.bodies],
            [body for addition in additions for body in addition.bodies],
            [addition.name for addition in additions if is_feed(addition.name)],
            self._rings(rings),
        )
        return [_VERDICTS[letter] for letter in verdicts]

    async def look(self, looks: Sequence[Look]) -> list[Seen]:
        rows = await self._looking.rows(
            LOOK,
            [look.name for look in looks],
            [look.after for look in looks],
            [min(look.limit, _LIMIT_MAX) for look in looks],
            READ_BYTES,
        )
        found = [Seen(None, []) for _ in looks]
        for no, first, last, is_finished, seq, body in rows:
            seen = found[no - 1]
            if seen.status is None:
                seen = found[no - 1] = Seen(LogStatus("finished" if is_finished else "running", first, last), [])
            if seq is not None:
                seen.entries.append(Entry(seq, body))
        return found

    async def finish(self, name: str, keep_s: float) -> bool:
        return bool(await self._writing.rows(FINISH, name, int(keep_s * 1000), *self._rings([(name, -1)])))

    async def drop(self, name: str) -> None:
        await self._writing.rows(DROP, name, *self._rings([(name, -1)]))

    async def size_bytes(self) -> int:
        [[size]] = await self._looking.rows(SIZE)
        return int(size)

    async def expire(self) -> int:
        """In small steps, so that appends go on; several processes may do so at a time."""
        dropped: int = 0
        while True:
            [[count]] = await self._writing.rows(EXPIRE, _EXPIRE_AT_ONCE)
            dropped += count
            if count < _EXPIRE_AT_ONCE:
                return dropped

    def _rings(self, rings: Rings) -> list[str]:
        """Notices that fit; for too many, one that says to look at everything."""
        said = [msgspec.json.encode((self._id, rings))]
        if len(said[0]) > _RING_BYTES:
            count = len(said[0]) // (_RING_BYTES - 500) + 1
            said = [msgspec.json.encode((self._id, rings[start::count])) for start in range(count)]
        if len(said) > _RINGS_MAX or any(len(one) > _RING_BYTES for one in said):
            said = [msgspec.json.encode((self._id, None))]
        return [one.decode() for one in said]

    def _on_notice(self, said: str, on_bell: OnBell) -> None:
        try:
            sender, rings = _rings_decoder.decode(said)
        except msgspec.DecodeError:  # somebody else's notice: look at everything
            on_bell(None)
            return
        if sender != self._id:
            on_bell(rings)
