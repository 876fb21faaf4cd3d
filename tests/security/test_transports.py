"""Every way in asks the same question: who may not any more is out within seconds, whatever is open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import Report
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.people import (
    Person,
    add_person,
    delete_person,
    end_session,
    expire,
    revoke_key,
    suspend_person,
    write,
)
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.security.visits import Visit

from quarterdeck.store.people import end_sessions

OUT_S = 5.0
_PATIENCE_S = 7.0


@dataclass(frozen=True)
class State:
    """What becomes of an account, and which of its two proofs it came with."""

    name: str
    change: Callable[[Path, Person], None] | None
    has_key: bool = False
    role: str = "member"


def end_all_sessions(data_dir: Path, person: Person) -> None:
    """As a new password, or an admin, does it."""
    write(data_dir, lambda connection: end_sessions(connection, person.id))


STATES = [
    State("suspended", suspend_person),
    State("suspended, with a key", suspend_person, has_key=True),
    State("deleted", delete_person),
    State("deleted, with a key", delete_person, has_key=True),
    State("session ended", end_session),
    State("session expired", expire),
    State("signed out everywhere", end_all_sessions),
    State("key revoked", revoke_key, has_key=True),
    State("key expired", expire, has_key=True),
    State("guest expired", expire, role="guest"),
    State("guest suspended", suspend_person, role="guest"),
]
STILL_IN = State("active", None)


@pytest.fixture(scope="module")
def waiting_server(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    """Of its own, because its turns never end."""
    running = Server(tmp_path_factory.mktemp("transports"), QUARTERDECK_GUESTS="1", **upstream.environment).start()
    yield running
    running.close()


async def test_who_may_not_any_more_is_out_of_everything_within_5_s(
    waiting_server: Server, upstream: Upstream, report: Report
) -> None:
    outcomes = await asyncio.gather(*(change_while_open(waiting_server, upstream, state) for state in STATES))
    wrong = [line for found, _ in outcomes for line in found]
    slowest = max(last for _, last in outcomes)
    report(
        "transports, states of accounts",
        wrong,
        sum(6 + (state.role != "guest") for state in STATES),
        f"the slowest was out after {slowest:.1f} s",
    )


async def test_who_may_not_any_more_gets_in_by_no_way(
    waiting_server: Server, upstream: Upstream, report: Report
) -> None:
    wrong = []
    for state in STATES:
        person, visit = await asyncio.to_thread(come, waiting_server, upstream, state)
        assert len(await visit.ways_in()) == 7, "all of them open at first"
        await asyncio.to_thread(state.change or nothing, waiting_server.data_dir, person)
        wrong += [f"{state.name}: {way} opened" for way in await visit.ways_in()]
        await visit.close()
    report("transports, states of accounts, opening", wrong, len(STATES) * 7)


async def test_who_stays_is_seen_to_be_still_in(waiting_server: Server, upstream: Upstream) -> None:
    """The negative control: the same check of somebody to whom nothing happened."""
    still_in, _ = await change_while_open(waiting_server, upstream, STILL_IN)
    assert len(still_in) == 7


async def change_while_open(server: Server, upstream: Upstream, state: State) -> tuple[list[str], float]:
    """What was still open after the time, and after how many seconds the last of it ended."""
    person, visit = await asyncio.to_thread(come, server, upstream, state)
    try:
        await visit.open_all()
        assert not visit.ends, "nothing has ended by itself"
        begun = time.monotonic()
        await asyncio.to_thread(state.change or nothing, server.data_dir, person)
        await visit.until_over(_PATIENCE_S)
        times = {name: ended - begun for name, ended in visit.ends.items()}
    finally:
        await visit.close()
    late = [f"{state.name}: {name} was open for {took:.1f} s" for name, took in times.items() if took > OUT_S]
    return late + [f"{state.name}: {name} stayed open" for name in visit.names - times.keys()], max(
        [0, *times.values()]
    )


def come(server: Server, upstream: Upstream, state: State) -> tuple[Person, Visit]:
    person = add_person(server.data_dir, new_name("visitor"), state.role)
    talking = upstream.model(Script(pieces=words(40), fault="stall", fault_after=20))
    silent = upstream.model(Script(first_delay_s=60))
    return person, Visit(server, person.key if state.has_key else person.session, talking, silent)


def nothing(_data_dir: Path, _person: Person) -> None:
    pass
