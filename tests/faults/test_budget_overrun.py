"""No budget is overrun: by sends in parallel, in one process or two, nor by processes that die in mid-answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from tests.conftest import MakeFleet, MakeServer, Report
from tests.fakes.script import Script, ScriptedUsage, words
from tests.harness.budgets import Json, budgets_of, set_budget, set_price, usage_of
from tests.harness.full_client import new_name, open_full
from tests.harness.ledger import find_miscounts, find_reserved
from tests.harness.people import write
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.postgres import PostgresDatabase

SENDS = 50
ALLOWED = 7
_INPUT_TOKENS = 300
_OUTPUT_TOKENS = 4_096  # as much as is usual: it fills what is reserved
# Of "Hi", of what is said of the user's time, and what frames a message: their bytes, which are about as many as the
# model counts. So an answer that ends leaves nothing that a later message could have.
_RESERVED = 320 + _OUTPUT_TOKENS
_MAX_TOKENS = ALLOWED * _RESERVED
SLOW = Script(usage=ScriptedUsage(input=_INPUT_TOKENS, output=_OUTPUT_TOKENS), first_delay_s=1.5)


async def send_all(ports: list[int], key: str, model: str) -> list[Json]:
    """50 messages at once, half of them over sockets: a reply each, with its `type` or its `code`."""
    headers = {"authorization": f"Bearer {key}"}
    limits = httpx2.Limits(max_connections=SENDS)
    async with httpx2.AsyncClient(headers=headers, timeout=60, limits=limits) as http:

        async def by_batch(number: int) -> Json:
            body = {"message": "Hi", "model": model, "chatId": new_name("chat")}
            answer = await http.post(f"http://127.0.0.1:{ports[number % len(ports)]}/chat_batch", json=body)
            return {"type": "accepted"} if answer.status_code == 200 else dict(answer.json())

        async def by_socket(number: int) -> Json:
            async with open_full(ports[number % len(ports)], key) as client:
                fields = {"id": new_name("key"), "conversation": new_name("chat"), "text": "Hi", "model": model}
                reply = await client.ask("send", **fields)
                if reply["type"] == "accepted":
                    ended = (await client.until_ended(reply["turn"], 30))[-1][1]
                    return dict(ended["error"]) if ended.get("error") else reply
                return reply

        return await asyncio.gather(*[(by_batch, by_socket)[number % 2](number) for number in range(SENDS)])


def find_overruns(admin: httpx2.Client, replies: list[Json], model: str, upstream: Upstream) -> list[str]:
    wrong = []
    asked = len(upstream.requests(model))
    if asked != ALLOWED:
        wrong.append(f"the model was asked {asked} times")
    answered = [reply for reply in replies if reply.get("type") == "accepted"]
    if len(answered) != asked:
        wrong.append(f"{len(answered)} answers")
    codes = {str(reply.get("code")) for reply in replies if reply not in answered}
    if codes != {"over_budget"}:
        wrong.append(f"refused with {codes}")
    used = sum(item["input_tokens"] + item["output_tokens"] for item in usage_of(admin, group="model"))
    if used > _MAX_TOKENS:
        wrong.append(f"{used} of {_MAX_TOKENS} tokens were used")
    if (shown := budgets_of(admin)[0]["used_tokens"]) != used:
        wrong.append(f"{shown} tokens are shown, {used} were used")
    return wrong


async def test_parallel_sends_to_one_process_cannot_overrun_a_budget(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    server, model = make_server().start(), upstream.model(SLOW)
    with server.http() as admin:
        set_budget(admin, pattern=model, max_tokens=_MAX_TOKENS)
        replies = await send_all([server.port], server.key, model)
        wrong = find_overruns(admin, replies, model, upstream)
    report("no budget is overrun by parallel sends", wrong + write(server.data_dir, find_miscounts), SENDS)


async def test_parallel_sends_to_two_processes_cannot_overrun_a_budget(
    make_fleet: MakeFleet, upstream: Upstream, report: Report
) -> None:
    fleet, model = make_fleet(has_redis=False), upstream.model(SLOW)
    servers = [fleet.serve(), fleet.serve()]
    with servers[0].http(fleet.key) as admin:
        set_budget(admin, pattern=model, max_tokens=_MAX_TOKENS)
        wait_until(lambda: _knows_budget(servers[1], fleet.key), "the other process to hear of the budget", 20)
        replies = await send_all([server.port for server in servers], fleet.key, model)
        wrong = find_overruns(admin, replies, model, upstream)
    report("no budget is overrun by parallel sends to two processes", wrong, SENDS)


def _knows_budget(server: Server, key: str) -> bool:
    with server.http(key) as http:
        return bool(budgets_of(http))


async def test_where_nothing_is_reserved_the_same_sends_overrun_it(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path
) -> None:
    """The negative control."""
    switch = tmp_path / "unguarded"
    switch.mkdir()
    (switch / "sitecustomize.py").write_text(_UNGUARDED)
    server, model = make_server(PYTHONPATH=str(switch)).start(), upstream.model(SLOW)
    with server.http() as admin:
        set_budget(admin, pattern=model, max_tokens=_MAX_TOKENS)
        replies = await send_all([server.port], server.key, model)
        assert len(upstream.requests(model)) > ALLOWED
        assert any("tokens were used" in wrong for wrong in find_overruns(admin, replies, model, upstream))


_UNGUARDED = """
from quarterdeck.accounts import spending

async def reserve_nothing(self, call, *, is_again=False):
    return None

spending.Spending.reserve = reserve_nothing
"""


def test_a_reservation_of_a_killed_process_is_settled_once(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    server = make_server().start()
    model = upstream.model(Script())
    wrong: list[str] = []
    count = trials(3, 12)
    with server.http() as admin:
        set_budget(admin, pattern=model, max_tokens=1_000_000)
        set_price(admin, model, input=1.0, output=10.0)
    for number in range(count):
        upstream.change(model, Script(pieces=words(2_000), delay_s=0.01))
        chat = asyncio.run(_begin(server, model, chars=100 * (number % 3)))
        if not write(server.data_dir, find_reserved):
            wrong.append("nothing was reserved while the answer was written")
        server.kill()
        upstream.change(model, Script(pieces=["The end."]))
        server.restart()
        with server.http() as admin:
            wait_until(lambda chat=chat: _has_ended(admin, chat), "the end of the answer", 20)  # type: ignore[misc]
            wrong += write(server.data_dir, find_faults)
            if not 0 < budgets_of(admin)[0]["used_tokens"] < 1_500 * (number + 1):
                wrong.append(f"{budgets_of(admin)[0]['used_tokens']} tokens are counted")
            (item,) = usage_of(admin, group="model")
            if (item["turns"], item["requests"]) != (number + 1, 2 * (number + 1)):
                wrong.append(f"{item['requests']} requests of {item['turns']} turns are counted")
    report("reservations of killed processes are settled once", wrong, count)


async def _begin(server: Server, model: str, chars: int) -> str:
    """A conversation, when that many characters of its answer have come."""
    async with open_full(server.port, server.key) as client:
        sent = await client.send(model=model)
        await (client.until_text(sent["turn"], chars) if chars else client.until_event(sent["turn"], "step.started"))
        return str(sent["conversation"])


def _has_ended(http: httpx2.Client, conversation: str) -> bool:
    return bool(fetch_messages(http, conversation)[-1]["status"] == "complete")


def find_faults(connection: AnyConnection) -> list[str]:
    """When nothing runs."""
    return find_miscounts(connection) + find_reserved(connection)


async def test_a_reservation_of_a_killed_process_is_settled_by_the_one_that_takes_over(
    make_fleet: MakeFleet, upstream: Upstream, report: Report
) -> None:
    fleet = make_fleet(has_redis=False)
    servers = [fleet.serve(), fleet.serve()]
    model = upstream.model(Script(pieces=words(2_000), delay_s=0.01))
    with servers[0].http(fleet.key) as admin:
        set_budget(admin, max_tokens=1_000_000)
    chat = await _begin(servers[0], model, chars=200)
    turn = fleet.ask("SELECT id FROM turns")
    upstream.change(model, Script(pieces=["The end."]))
    killed = fleet.holder(turn)
    killed.kill()
    [left] = [server for server in servers if server is not killed]
    with left.http(fleet.key) as http:
        wait_until(lambda: _has_ended(http, chat), "the end of the answer", 30)
        (item,) = usage_of(http, group="model")
    wrong = await _ask_ledger(fleet.database_url, find_faults)
    if (item["turns"], item["requests"]) != (1, 2):
        wrong.append(f"{item['requests']} requests of {item['turns']} turns are counted")
    report("reservations are settled by who takes over", wrong, 1)


async def _ask_ledger(url: str, find: Callable[[AnyConnection], list[str]]) -> list[str]:
    database = PostgresDatabase(url)
    try:
        return await database.read(find)
    finally:
        await database.close()


@pytest.mark.parametrize("statement", [
    "UPDATE usage_totals SET tokens = tokens + 1",
    "DELETE FROM usage_entries",
    "UPDATE usage_entries SET settled_at = NULL",
])  # fmt: skip
def test_a_ledger_that_does_not_add_up_is_noticed(make_server: MakeServer, upstream: Upstream, statement: str) -> None:
    """The negative control of the checks."""
    server = make_server().start()
    with server.http() as admin:
        admin.post("/chat_batch", json={"message": "Hi", "model": upstream.model(Script())})
    assert write(server.data_dir, find_faults) == []
    write(server.data_dir, lambda connection: connection.exec_driver_sql(statement))
    assert write(server.data_dir, find_faults)
