"""Servers and what they call, for the tests that go through the public door; figures of the guarantees."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest
from hypothesis import settings
from tests.harness.fleet import Fleet, open_fleet
from tests.harness.postgres import Databases, PostgresServer, open_postgres
from tests.harness.server import Server
from tests.harness.stored import add_member
from tests.harness.upstream import Upstream, open_upstream
from tests.harness.valkey import AnyRedis, ValkeyServer, open_redis
from tests.harness.waiting import trials

# A busy machine may take its time for an example, and speed is not what these tests are about.
settings.register_profile("quarterdeck", deadline=None, max_examples=trials(30, 100))
settings.load_profile("quarterdeck")

MakeServer = Callable[..., Server]
MakeValkey = Callable[..., ValkeyServer]
MakeFleet = Callable[..., Fleet]
MakePostgres = Callable[..., PostgresServer]


class Control(Protocol):
    def __call__(self, guarantee: str, without: str, violations: list[str]) -> None: ...


class Report(Protocol):
    def __call__(self, guarantee: str, violations: list[str], trials: int, figures: str = "") -> None: ...


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a module makes for all its tests is made once: they run in one process (`--dist loadgroup`).

    The scheduler reads a test's group from the end of its name. xdist 3.8 writes it where pytest 9.2 does not look any
    more, so that the marks of groups are in vain there.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        node: Any = item  # there is no public way to any of this
        definitions = [found for each in node._fixtureinfo.name2fixturedefs.values() for found in each]
        mark = item.get_closest_marker("xdist_group")
        shares = any(definition.scope == "module" for definition in definitions)
        group = mark.args[0] if mark else item.nodeid.partition("::")[0] if shares else ""
        if group and not item.nodeid.endswith(f"@{group}"):
            node._id = node.parent.id.child(f"{item.name}@{group}")


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """A client reads the machine's certificates when it is made: 30 ms, thousands of times, mostly for plain HTTP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx2._transports.default.create_ssl_context", functools.cache(httpx2.create_ssl_context))
        yield


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A test that configures the logs of this process leaves them as it found them."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)  # an assignment would leave what the loggers remember of the old one


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with open_upstream() as opened:
        yield opened


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    """One for all tests of this process that neither kill nor configure it; each uses its own conversations."""
    running = Server(tmp_path_factory.mktemp("server"), QUARTERDECK_GUESTS="1", **upstream.environment).start()
    yield running
    running.close()


@pytest.fixture
def make_server(tmp_path: Path, upstream: Upstream) -> Iterator[MakeServer]:
    """`make_server(QUARTERDECK_…="…")`: a server of the test's own, not started yet."""
    made: list[Server] = []

    def make(**environment: str) -> Server:
        made.append(Server(tmp_path / f"server-{len(made)}", **(upstream.environment | environment)))
        return made[-1]

    yield make
    for running in made:
        running.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """One PostgreSQL for all tests of this process that neither kill nor pause it; `new_database()` for each."""
    with open_postgres() as opened:
        yield opened


@pytest.fixture
def make_postgres() -> Iterator[MakePostgres]:
    """`make_postgres(fsync=False, max_connections="20")`: a server of the test's own, started."""
    made: list[PostgresServer] = []

    def make(**options: Any) -> PostgresServer:
        made.append(PostgresServer(**options))
        return made[-1].start()

    yield make
    for running in made:
        running.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[AnyRedis]:
    """One Redis-compatible server for all tests of this process that neither kill, pause nor configure it."""
    with open_redis() as opened:
        yield opened


@pytest.fixture
def make_valkey(tmp_path: Path) -> Iterator[MakeValkey]:
    """`make_valkey(password="…", maxmemory="8mb")`: a server of the test's own, started."""
    made: list[ValkeyServer] = []

    def make(**options: str) -> ValkeyServer:
        made.append(ValkeyServer(tmp_path / f"valkey-{len(made)}", **options))
        return made[-1].start()

    yield make
    for running in made:
        running.close()


@pytest.fixture
def make_fleet(
    tmp_path: Path, upstream: Upstream, postgres: Databases, request: pytest.FixtureRequest
) -> Iterator[MakeFleet]:
    """`make_fleet()`: no process yet, on a database and a Valkey of its own; `has_redis=False` for PostgreSQL alone.

    `database_url` and `redis_url` for engines that the test kills or pauses itself.
    """
    with contextlib.ExitStack() as stack:

        def make(*, has_redis: bool = True, database_url: str = "", redis_url: str = "", **environment: str) -> Fleet:
            if has_redis and not redis_url:
                redis_url = request.getfixturevalue("make_valkey")().url
            return stack.enter_context(
                open_fleet(
                    tmp_path / f"fleet-{len(list(tmp_path.glob('fleet-*')))}",
                    database_url or postgres.new_database(),
                    redis_url,
                    **(upstream.environment | environment),
                )
            )

        yield make


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    """The owner, by API key."""
    with server.http() as client:
        yield client


@pytest.fixture(scope="session")
def stranger_key(server: Server) -> str:
    """An API key of another user of the shared server."""
    return add_member(server.data_dir, "stranger")


@pytest.fixture
def stranger(server: Server, stranger_key: str) -> Iterator[httpx2.Client]:
    with server.http(stranger_key) as client:
        yield client


@pytest.fixture
def report(record_property: Callable[[str, Any], None]) -> Report:
    """`report(guarantee, violations, trials)`: one line of figures at the end of the run; no violation passes.

    `figures` is what was measured beside them: `slowest 1.2 s`. `scripts/test` makes one table of all lines.
    """

    def write(guarantee: str, violations: list[str], trials: int, figures: str = "") -> None:
        line = f"{guarantee}: {len(violations)} violations of {trials} trials"
        record_property("violations", f"{line}; {figures}" if figures else line)
        assert trials > 0, "nothing was tried"
        assert not violations, "\n".join((f"{guarantee} is violated:", *violations[:20]))

    return write


@pytest.fixture
def control(record_property: Callable[[str, Any], None]) -> Control:
    """`control(guarantee, without, violations)`: the check of a guarantee, with its protection switched off.

    It must have found some, or it finds none when it matters.
    """

    def write(guarantee: str, without: str, violations: list[str]) -> None:
        record_property("control", f"{guarantee} without {without}: {len(violations)} violations seen")
        assert violations, f"nothing was seen without {without}"

    return write


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if again := terminalreporter.stats.get("rerun", []):  # a second try hides why the first one failed
        terminalreporter.section("failed at first")
        for ran in again:
            terminalreporter.write_line(f"{ran.nodeid}\n{ran.longreprtext}")
    for title, wanted in (("guarantees", "violations"), ("negative controls", "control")):
        lines = [
            value
            for outcome in ("passed", "failed")
            for ran in terminalreporter.stats.get(outcome, [])
            for name, value in getattr(ran, "user_properties", [])
            if name == wanted
        ]
        if lines:
            terminalreporter.section(title)
            for line in sorted(lines):
                terminalreporter.write_line(line)
