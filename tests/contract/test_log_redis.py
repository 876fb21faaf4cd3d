"""The log on Redis or Valkey: emptied, full, a replica, behind a password, behind TLS, as a cluster."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.contract.log_servers import open_on
from tests.contract.log_stores import bodies, collect
from tests.harness.valkey import ValkeyServer, free_port
from tests.harness.waiting import wait_until, wait_until_async

from quarterdeck.errors import LogError, LogLostError, SetupError, StaleWriterError
from quarterdeck.log.base import LogStatus, feed_name
from quarterdeck.log.follow import follow
from quarterdeck.log.redis_backend import RedisBackend
from quarterdeck.log.redis_bell import RedisBell
from quarterdeck.log.shared import SharedLog

MakeValkey = Callable[..., ValkeyServer]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def test_an_emptied_server_is_told_apart_and_followers_at_the_end_go_on(
    make_valkey: MakeValkey, stack: AsyncExitStack
) -> None:
    server = make_valkey()
    writer, reader = await open_on(stack, server), await open_on(stack, server)
    await writer.append("t", 1, bodies(5))
    following = follow(reader, "t", 0)
    assert len(await anext(following)) == 5
    coming = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0.05)
    server.ask("FLUSHALL")
    with pytest.raises(LogLostError):
        await writer.append("t", 6, bodies(1, 6))
    await writer.append("t", 6, bodies(2, 6), begins=True)
    assert [entry.seq for entry in await coming] == [6, 7]
    assert await reader.status("t") == LogStatus("running", 6, 7)


async def test_a_server_that_comes_back_empty_is_used_like_a_new_one(
    make_valkey: MakeValkey, stack: AsyncExitStack
) -> None:
    server = make_valkey(appendonly="no")
    log = await open_on(stack, server)
    await log.append("t", 1, bodies(5))
    await log.append(feed_name("ann"), 1, bodies(5))
    await asyncio.to_thread(server.restart, emptied=True)

    async def is_lost() -> bool:
        try:
            await log.append("t", 6, bodies(1, 6))
        except LogLostError:
            return True
        except LogError:
            return False
        raise AssertionError("written to a log that is not there")

    await wait_until_async(is_lost, "the server to be back")
    await log.append(feed_name("ann"), 1, bodies(1))
    await log.append("t", 6, bodies(1, 6), begins=True)
    assert (await collect(log, "t", 5, until=6))[0].body == bodies(1, 6)[0]


async def test_a_full_server_is_an_error_that_says_so_and_nothing_is_half_written(
    make_valkey: MakeValkey, stack: AsyncExitStack
) -> None:
    server = make_valkey()
    log = await open_on(stack, server)
    await log.append("t", 1, bodies(1))
    server.ask("CONFIG", "SET", "maxmemory", "1")
    results = await asyncio.gather(
        log.append("t", 2, bodies(3, 2)), log.append("other", 1, bodies(3)), return_exceptions=True
    )
    assert [str(result) for result in results] == ["Redis is full: raise its maxmemory."] * 2
    assert [entry.body for entry in await log.read("t", 0)] == bodies(1)
    server.ask("CONFIG", "SET", "maxmemory", "0")
    await log.append("t", 2, bodies(3, 2))
    assert [entry.body for entry in await log.read("t", 0)] == bodies(4)


async def test_a_server_that_became_a_replica_refuses_and_is_used_again_when_it_leads(
    make_valkey: MakeValkey, stack: AsyncExitStack
) -> None:
    server = make_valkey()
    log = await open_on(stack, server)
    await log.append("t", 1, bodies(1))
    server.ask("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(LogError, match="replica"):
        await log.append("t", 2, bodies(1, 2))
    server.ask("REPLICAOF", "NO", "ONE")
    await log.append("t", 2, bodies(1, 2))


async def test_a_finished_stream_refuses_even_who_goes_around_the_log(
    make_valkey: MakeValkey, stack: AsyncExitStack
) -> None:
    server = make_valkey()
    log = await open_on(stack, server)
    await log.append("t", 1, bodies(2))
    await log.finish("t", 60)
    assert server.ask("XADD", "qd:{t}", "3-0", "e", "late").startswith("-ERR")
    assert 0 < int(server.ask("PTTL", "qd:{t}")[1:]) <= 60_000
    assert [entry.body for entry in await collect(log, "t")] == bodies(2)


async def test_a_stray_key_harms_no_other_log(make_valkey: MakeValkey, stack: AsyncExitStack) -> None:
    server = make_valkey()
    log = await open_on(stack, server)
    server.ask("SET", "qd:{bad}", "not a stream")
    bad, good = await asyncio.gather(
        log.append("bad", 1, bodies(1)), log.append("good", 1, bodies(1)), return_exceptions=True
    )
    assert isinstance(bad, StaleWriterError)
    assert good is None


async def test_an_untouched_feed_goes_after_a_month(make_valkey: MakeValkey, stack: AsyncExitStack) -> None:
    server = make_valkey()
    log = await open_on(stack, server)
    await log.append(feed_name("ann"), 1, bodies(1))
    server.ask("PEXPIRE", "qd:{feed:ann}", "60000")
    await log.append(feed_name("ann"), 2, bodies(1))
    assert int(server.ask("PTTL", "qd:{feed:ann}")[1:]) > 29 * 86_400_000


async def test_a_password_is_needed_and_never_told(make_valkey: MakeValkey, stack: AsyncExitStack) -> None:
    server = make_valkey(password="open-sesame")
    await (await open_on(stack, server)).append("t", 1, bodies(1))
    for url, said in (
        (f"redis://127.0.0.1:{server.port}", "asks for a password"),
        (f"redis://:not-it-at-all@127.0.0.1:{server.port}", "does not take the user name or password"),
        ("redis://:not-it-at-all@127.0.0.1:1", "does not answer"),
        ("redis://:not-it-at-all@no.such.host.invalid", "does not answer"),
    ):
        for opening in (SharedLog(RedisBackend(url)).open(), RedisBell(url).open()):
            with pytest.raises(SetupError, match=said) as caught:
                await opening
            assert "not-it-at-all" not in caught.value.message + caught.value.detail


async def test_a_server_that_keeps_nothing_or_throws_logs_away_is_warned_of(
    make_valkey: MakeValkey, stack: AsyncExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await open_on(stack, make_valkey())
        assert caplog.messages == []
        await open_on(stack, make_valkey(appendonly="no", maxmemory_policy="allkeys-lru"))
    assert caplog.messages == ["log.redis_may_evict", "log.redis_keeps_nothing"]


async def test_two_databases_of_a_server_do_not_meet(make_valkey: MakeValkey, stack: AsyncExitStack) -> None:
    server = make_valkey()
    logs = []
    for number in range(2):
        logs.append(SharedLog(RedisBackend(server.url_of(number))))
        await logs[-1].open()
        stack.push_async_callback(logs[-1].close)
    await logs[0].append("t", 1, bodies(3))
    assert await logs[1].status("t") is None
    assert not await logs[1].wait("t", 0, 0.05)


async def test_the_log_and_the_bell_go_through_tls(
    make_valkey: MakeValkey, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = make_valkey(password="open-sesame")
    certificate = tmp_path / "server.pem"
    make_certificate(certificate)
    async with tls_in_front_of(server.port, certificate) as port:
        address = f"rediss://:open-sesame@127.0.0.1:{port}"
        with pytest.raises(SetupError):
            await SharedLog(RedisBackend(address)).open()
        url = f"{address}/0?ssl_ca_certs={certificate}"
        log, bell = SharedLog(RedisBackend(url)), RedisBell(url)
        await log.open()
        await bell.open()
        other = await open_on(stack, server)
        following = asyncio.create_task(collect(log, feed_name("ann"), 0, until=2))
        await asyncio.sleep(0.05)
        await other.append(feed_name("ann"), 1, bodies(2))
        assert [entry.body for entry in await following] == bodies(2)
        await bell.tell("providers")
        await bell.close()
        await log.close()


async def test_a_cluster_keeps_every_log_on_its_node(make_valkey: MakeValkey, stack: AsyncExitStack) -> None:
    buses = [str(free_port()) for _ in range(2)]
    servers = [make_valkey(cluster_enabled="yes", cluster_port=bus) for bus in buses]
    servers[0].ask("CLUSTER", "ADDSLOTSRANGE", "0", "8000")
    servers[1].ask("CLUSTER", "ADDSLOTSRANGE", "8001", "16383")
    servers[0].ask("CLUSTER", "MEET", "127.0.0.1", str(servers[1].port), buses[1])
    for server in servers:
        wait_until(lambda server=server: is_whole(server), "the cluster to be whole", 20)  # type: ignore[misc]
    writer, reader = await open_on(stack, servers[0]), await open_on(stack, servers[1])
    names = [f"turn-{number}" for number in range(30)]
    following = [asyncio.create_task(collect(reader, feed_name(name), 0, until=3)) for name in names]
    await asyncio.sleep(0.05)
    results = await asyncio.gather(
        *(writer.append(feed_name(name), 1, bodies(3)) for name in names),
        *(writer.append(name, 1, bodies(2)) for name in names),
        writer.append("nobody", 7, bodies(1)),
        return_exceptions=True,
    )
    assert [repr(result) for result in results if result] == [repr(results[-1])]
    assert isinstance(results[-1], LogLostError)
    for found in await asyncio.gather(*following):
        assert [entry.body for entry in found] == bodies(3)
    await asyncio.gather(*(writer.finish(name, 60) for name in names))
    for name in names:
        assert await reader.status(name) == LogStatus("finished", 1, 2)
    assert all(int(server.ask("DBSIZE")[1:]) > 0 for server in servers)

    bell, ready = RedisBell(servers[0].url), asyncio.Event()
    await bell.open()
    stack.push_async_callback(bell.close)

    async def take(turn: str) -> None:
        ready.set()

    await bell.listen(lambda _: None, take)
    await bell.ready("turn-1")
    async with asyncio.timeout(5):
        await ready.wait()


def is_whole(server: ValkeyServer) -> bool:
    said = server.ask("CLUSTER", "INFO")
    return "cluster_state:ok" in said and "cluster_known_nodes:2" in said


@asynccontextmanager
async def tls_in_front_of(port: int, certificate: Path) -> AsyncIterator[int]:
    """A port that ends TLS and passes everything on."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65_536):
                writer.write(piece)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, to_server), copy(from_server, writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


def make_certificate(path: Path) -> None:
    """For 127.0.0.1, signed by itself; key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
