"""Floods: guesses, slow posts, huge heads, many sockets and small requests. Whoever else is there notices little."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from tests.conftest import Report
from tests.faults.test_overload import probing
from tests.harness.full_client import PROTOCOL, new_name
from tests.harness.people import Person, add_person
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import is_long, trials
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

LAG_S = 0.25
MIB = 1 << 20
GUESSES = 200
Flood = Callable[[Server], Awaitable[list[str]]]


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("flooded"), **upstream.environment).start()
    assert running.key
    yield running
    running.close()


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Beside it: how late the machine itself is, with all that runs on it."""
    running = Server(tmp_path_factory.mktemp("idle")).start()
    yield running
    running.close()


async def flood_and_measure(flooded: Server, idle: Server, flood: Flood) -> tuple[list[str], str]:
    """What was wrong, and the lag of both loops while `flood` went on."""
    lags: list[float] = []
    machine: list[float] = []
    before = resident_bytes(flooded)
    with probing(flooded.port, lags), probing(idle.port, machine):
        await asyncio.sleep(0.5)
        wrong = await flood(flooded)
    late, late_idle = percentile(lags), percentile(machine)
    grown = (resident_bytes(flooded) - before) / MIB
    figures = f"lag {late * 1000:.0f} ms, of an idle server {late_idle * 1000:.0f} ms; {grown:+.0f} MiB"
    if late > LAG_S + late_idle:
        wrong.append(f"too late: {figures}")
    if grown > 150:
        wrong.append(f"too large: {figures}")
    return wrong, figures


def percentile(values: list[float]) -> float:
    """The 99th; in some seconds beside other tests the 90th says more."""
    return statistics.quantiles(values, n=100)[98 if is_long() else 89]


def resident_bytes(running: Server) -> int:
    return 1024 * int(Path(f"/proc/{running.pid}/status").read_text().split("VmRSS:")[1].split()[0])


async def test_two_hundred_guesses_in_flight_occupy_nobody_else(flooded: Server, idle: Server, report: Report) -> None:
    """From many addresses: only the pool for passwords holds them back."""
    names = [add_person(flooded.data_dir, new_name("ann")).name for _ in range(3)] + [
        new_name("nobody") for _ in range(17)
    ]

    async def guess(server: Server) -> list[str]:
        answers = [try_password(server, names[n % len(names)], n) for n in range(GUESSES)]
        return [wrong for wrong in await asyncio.gather(*answers) if wrong]

    wrong, figures = await flood_and_measure(flooded, idle, guess)
    report("floods: password guessing", wrong, GUESSES, figures)


async def try_password(server: Server, name: str, number: int) -> str:
    given = {"name": name, "password": f"guess number {number}"}
    async with (
        from_address(f"127.0.1.{number + 1}", server) as session,
        session.post(f"{server.url}/api/sign-in", json=given) as answer,
    ):
        await answer.read()
        if answer.status == 401 or (answer.status in (429, 503) and "Retry-After" in answer.headers):
            return ""
        return f"a guess was answered {answer.status}"


def from_address(address: str, server: Server) -> aiohttp.ClientSession:
    """A browser elsewhere: at another loopback address."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    return aiohttp.ClientSession(connector=connector, headers={"origin": server.url})


async def test_who_guesses_waits(flooded: Server, report: Report) -> None:
    person = await asyncio.to_thread(add_person, flooded.data_dir, new_name("bea"))
    statuses: list[int] = []
    wrong = []
    async with from_address("127.0.2.7", flooded) as session:
        for number in range(30):
            given = {"name": person.name, "password": f"guess number {number}"}
            async with session.post(f"{flooded.url}/api/sign-in", json=given) as answer:
                statuses.append(answer.status)
                if answer.status == 429 and (await answer.json())["code"] != "too_many_attempts":
                    wrong.append(await answer.text())
    wrong += [f"{status} was said" for status in set(statuses) - {401, 429}]
    looked_at = statuses.count(401)
    wrong += [f"{looked_at} were looked at"] if looked_at > 10 else []
    report("floods: guesses slowed down", wrong, 30, f"{looked_at} of 30 looked at")


HEADS = {
    "a head without an end": b"POST /chat_batch HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "no byte at all": b"",
    "a socket that is never asked for": b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n",
}
BODIES = {
    "a body that comes byte by byte": b"POST /api/sign-in HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
}
SLOW = (HEADS | BODIES) if is_long() else HEADS
PATIENCE_S = trials(20, 120)


async def test_what_comes_slowly_is_cut_off_and_nonsense_is_refused_at_once(
    flooded: Server, idle: Server, report: Report
) -> None:
    count, told = trials(60, 500), trials(6, 40)

    async def flood(server: Server) -> list[str]:
        holding = asyncio.gather(*(hold_open(server, list(SLOW)[n % len(SLOW)]) for n in range(count)))
        shouted = [await shout(server, name) for name in [*SHOUTS, *BAD_BODIES] * told]
        return [wrong for wrong in [*shouted, *await holding] if wrong]

    wrong, figures = await flood_and_measure(flooded, idle, flood)
    trial_count = count + told * len([*SHOUTS, *BAD_BODIES])
    report("floods: slow posts, huge heads, deep JSON", wrong, trial_count, figures)


async def hold_open(server: Server, kind: str) -> str:
    """What is wrong if the server lets it be until the patience is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(SLOW[kind])
    begun = time.monotonic()
    try:
        while time.monotonic() - begun < PATIENCE_S:
            with contextlib.suppress(TimeoutError):
                while await asyncio.wait_for(reader.read(4096), 1):
                    pass
                return ""
            if SLOW[kind]:
                writer.write(b"a")
        return f"{kind} was held for {PATIENCE_S} s"
    except OSError:
        return ""
    finally:
        writer.close()


SHOUTS = {
    "a huge header": b"GET /api/me HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"x" * MIB + b"\r\n\r\n",
    "thousands of headers": b"GET /api/me HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 5_000 + b"\r\n",
    "a huge cookie": b"GET /api/me HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a=b; " * 100_000 + b"\r\n\r\n",
    "a huge address": b"GET /" + b"a" * MIB + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a line without an end": b"G" * MIB,
}
BAD_BODIES = {
    "deep JSON": b"[" * 200_000 + b"]" * 200_000,
    "a deep object": b'{"message":' * 100_000 + b"1" + b"}" * 100_000,
    "bytes that are no UTF-8": b'{"message": "\xff\xfe\xc3"}' * 100,
}


async def shout(server: Server, name: str) -> str:
    """What is wrong unless it is refused, by an answer or by hanging up, within 5 s."""
    raw = SHOUTS.get(name) or with_head(server, BAD_BODIES[name])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(5):
            writer.write(raw)
            await writer.drain()
            answer = await reader.read(200)
    except OSError:
        return ""
    except TimeoutError:
        return f"{name}: no answer in 5 s"
    finally:
        writer.close()
    return "" if not answer or answer.startswith(b"HTTP/1.1 4") else f"{name}: {answer[:60]!r}"


def with_head(server: Server, body: bytes) -> bytes:
    head = f"POST /chat_batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def test_thousands_of_small_requests_and_hundreds_of_sockets_leave_room_for_others(
    flooded: Server, idle: Server, report: Report
) -> None:
    count, sockets = trials(2_000, 10_000), trials(250, 600)
    member = await asyncio.to_thread(add_person, flooded.data_dir, new_name("member"))

    async def rush(server: Server) -> list[str]:
        opening = asyncio.create_task(open_many(server, member, sockets))
        statuses = await asyncio.gather(*(ask_often(server, member, count // 20) for _ in range(20)))
        wrong = [f"{status} was said" for status in set().union(*statuses) - {200, 401, 429}]
        opened = await opening
        return wrong + ([f"one account had {opened} sockets"] if opened > 200 else [])

    wrong, figures = await flood_and_measure(flooded, idle, rush)
    report("floods: small requests and sockets", wrong, count + sockets, figures)


async def ask_often(server: Server, member: Person, count: int) -> set[int]:
    """As somebody, as nobody, and with a key that is none."""
    headers = [{"authorization": f"Bearer {member.session}"}, {"authorization": "Bearer qd_k0"}, {}]
    statuses = set()
    async with aiohttp.ClientSession() as session:
        for number in range(count):
            async with session.get(f"{server.url}/api/me", headers=headers[number % 3]) as answer:
                await answer.read()
                statuses.add(answer.status)
    return statuses


async def open_many(server: Server, member: Person, count: int) -> int:
    """How many of `count` sockets of one account are open at a time."""
    async with contextlib.AsyncExitStack() as stack:
        return sum(await asyncio.gather(*(is_opened(stack, server, member) for _ in range(count))))


async def is_opened(stack: contextlib.AsyncExitStack, server: Server, member: Person) -> bool:
    address, headers = f"ws://127.0.0.1:{server.port}/chat", {"Authorization": f"Bearer {member.session}"}
    opening = connect(address, subprotocols=[PROTOCOL], additional_headers=headers, proxy=None, open_timeout=30)
    try:
        await stack.enter_async_context(opening)
    except (InvalidStatus, InvalidMessage):
        return False
    return True


async def test_a_loop_that_stands_still_is_noticed(flooded: Server, idle: Server) -> None:
    """The negative control: as if something computed in the server's loop."""

    async def freeze(server: Server) -> list[str]:
        for _ in range(4):
            server.pause()
            await asyncio.sleep(0.8)
            server.resume()
            await asyncio.sleep(0.01)
        return []

    wrong, _ = await flood_and_measure(flooded, idle, freeze)
    assert wrong
