"""What the server counts, for Prometheus. Every meter is in this file; docs/monitoring.md says what each is for.

A label's values are few and known: an outcome, a route's template, a provider's name (the first
`MAX_PROVIDERS` of a process, then `other`); never a model, a user or an address, which anybody may choose.
Counting is done per turn, per commit and per request, never per token.

prometheus_client is loaded by `begin`, when the server is ready already; what is counted before is kept for it.
"""

from __future__ import annotations

import hmac
import importlib
import os
import platform
import threading
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

from quarterdeck import __version__

MAX_PROVIDERS = 40
_OTHER = "other"
_MOST_EARLY = 10_000
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the processes of one `serve --workers N` write; the library reads it
_SHORT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LONG_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300, 600, 1800)
_MOMENT_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 12, 20, 30, 60, 120)


class _Meter:
    """`labels` are positional in all that records."""

    kind = ""

    def __init__(self, name: str, says: str, labels: tuple[str, ...] = (), **options: Any) -> None:
        self.name, self.says, self.labels, self.options = name, says, labels, options
        self._real: Any = None
        self._by_labels: dict[tuple[str, ...], Any] = {}  # they are few; the library takes long to find one
        _meters.append(self)

    def begin(self, library: Any, registry: Any) -> None:
        real = getattr(library, self.kind)(self.name, self.says, self.labels, registry=registry, **self.options)
        self._by_labels = {}
        self._real = real

    def _record(self, verb: str, amount: float, labels: tuple[str, ...]) -> None:
        if self._real is None:
            _early.append((self, verb, amount, labels))
        else:
            self.record(verb, amount, labels)

    def record(self, verb: str, amount: float, labels: tuple[str, ...]) -> None:
        one = self._by_labels.get(labels)
        if one is None:
            one = self._by_labels[labels] = self._real.labels(*labels) if labels else self._real
        getattr(one, verb)(amount)


_meters: list[_Meter] = []
_early: deque[tuple[_Meter, str, float, tuple[str, ...]]] = deque(maxlen=_MOST_EARLY)
_beginning = threading.Lock()
_registry: Any = None
_providers: set[str] = set()


class Counter(_Meter):
    kind = "Counter"

    def add(self, amount: float = 1, *labels: str) -> None:
        self._record("inc", amount, labels)


class Gauge(_Meter):
    """Over the processes of one server: summed, unless `multiprocess_mode` says otherwise."""

    kind = "Gauge"

    def __init__(self, name: str, says: str, labels: tuple[str, ...] = (), mode: str = "livesum") -> None:
        super().__init__(name, says, labels, multiprocess_mode=mode)

    def set(self, value: float, *labels: str) -> None:
        self._record("set", value, labels)

    def add(self, amount: float, *labels: str) -> None:
        self._record("inc", amount, labels)


class Histogram(_Meter):
    kind = "Histogram"

    def __init__(self, name: str, says: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()) -> None:
        super().__init__(name, says, labels, buckets=buckets)

    def observe(self, value: float, *labels: str) -> None:
        self._record("observe", value, labels)


TURNS_ACCEPTED = Counter("quarterdeck_turns_accepted_total", "Messages acknowledged that began a turn.")
SENDS_REFUSED = Counter("quarterdeck_sends_refused_total", "Messages refused because of overload.", ("reason",))
SENDS_WAITING = Gauge("quarterdeck_sends_waiting", "Messages in line to be taken.")
TURNS_ENDED = Counter("quarterdeck_turns_ended_total", "Turns that ended.", ("provider", "status"))
TURN_FAILURES = Counter("quarterdeck_turn_failures_total", "Turns that failed, by error code.", ("provider", "code"))
TURNS_RUNNING = Gauge("quarterdeck_turns_running", "Turns being run now.")
TURNS_TAKEN_OVER = Counter("quarterdeck_turns_taken_over_total", "Turns claimed from a worker whose lease ran out.")
TURNS_HANDED_OVER = Counter(
    "quarterdeck_turns_handed_over_total", "Turns given up at an event boundary while draining."
)
TURNS_LOST = Counter("quarterdeck_turns_lost_total", "Turns this worker had to leave to another that claimed them.")
TURNS_WAITING = Gauge("quarterdeck_turns_waiting", "Turns that could be claimed and are not.", (), "livemostrecent")
OLDEST_WAITING = Gauge(
    "quarterdeck_turns_oldest_waiting_seconds", "Age of the oldest turn that waits.", (), "livemostrecent"
)
INPUT_TOKENS = Counter("quarterdeck_input_tokens_total", "Tokens sent, as providers report them.", ("provider",))
OUTPUT_TOKENS = Counter("quarterdeck_output_tokens_total", "Tokens received, as providers report them.", ("provider",))
FIRST_TOKEN = Histogram(
    "quarterdeck_first_token_seconds", "From the message's acceptance to its answer's first text.",
    _MOMENT_S, ("provider",),
)  # fmt: skip
TURN_SECONDS = Histogram(
    "quarterdeck_turn_seconds", "From a worker's taking a turn to its end there.", _LONG_S, ("provider",)
)
PROVIDER_CALLS = Counter(
    "quarterdeck_provider_calls_total", "Calls of a model: complete, closed by us, or an error code.",
    ("provider", "outcome"),
)  # fmt: skip
PROVIDER_RETRIES = Counter("quarterdeck_provider_retries_total", "Tries of a call beyond its first.", ("provider",))
PROVIDER_SECONDS = Histogram(
    "quarterdeck_provider_call_seconds", "Duration of a call of a model.", _LONG_S, ("provider",)
)
LOG_COMMITS = Histogram("quarterdeck_log_commit_seconds", "Duration of one commit to the log, all turns'.", _SHORT_S)
LOG_WRITES = Counter("quarterdeck_log_writes_total", "Appends, ends and drops committed to the log.")
LOG_ERRORS = Counter("quarterdeck_log_errors_total", "Commits to the log that failed.")
LOG_BYTES = Gauge("quarterdeck_log_bytes", "Size of the log where it is stored.", (), "livemostrecent")
FOLLOWERS_BEHIND = Counter(
    "quarterdeck_log_followers_behind_total", "Reads in which a follower that had caught up was far behind again."
)
SOCKETS = Gauge("quarterdeck_sockets", "Open WebSockets.", ("protocol",))
STREAMS = Gauge("quarterdeck_event_streams", "Open server-sent event streams.")
REQUESTS = Counter("quarterdeck_http_requests_total", "HTTP requests answered.", ("method", "route", "status"))
REQUEST_SECONDS = Histogram(
    "quarterdeck_http_answer_seconds", "From a request to the first byte of its answer.", _SHORT_S, ("route",)
)
POOL_SIZE = Gauge("quarterdeck_database_connections_max", "Connections to the database this server may open.")
POOL_USED = Gauge("quarterdeck_database_connections_used", "Connections to the database in use.")
POOL_WAITING = Gauge("quarterdeck_database_waiting", "Requests that wait for a connection to the database.")
DATABASE_ERRORS = Counter("quarterdeck_database_errors_total", "Reads and writes that the database refused.")
LOOP_LAG = Histogram("quarterdeck_event_loop_lag_seconds", "How late a timer rings, looked at every second.", _SHORT_S)
MEMORY = Gauge("quarterdeck_resident_memory_bytes", "Resident memory of all processes.")
CPU = Counter("quarterdeck_cpu_seconds_total", "Processor time of all processes.")
JOB_RUNS = Counter("quarterdeck_job_runs_total", "Runs of scheduled work.", ("job", "outcome"))
MEMORY_STATEMENTS = Counter(
    "quarterdeck_memory_statements_total", "What became of what a model proposed to remember.", ("outcome",)
)
PROCESSES = Gauge("quarterdeck_processes", "Processes of this server.")
BUILD = Gauge("quarterdeck_build_info", "Always 1; what runs.", ("version", "python"), "livemax")


class TurnFigures(NamedTuple):
    """Of a turn that ended here. `code` is empty unless it failed."""

    model: str
    status: str
    code: str
    seconds: float
    first_token_s: float | None
    input_tokens: int
    output_tokens: int


def count_turn(turn: TurnFigures) -> None:
    provider = provider_of(turn.model)
    TURNS_ENDED.add(1, provider, turn.status)
    TURN_SECONDS.observe(turn.seconds, provider)
    if turn.code:
        TURN_FAILURES.add(1, provider, turn.code)
    if turn.first_token_s is not None:
        FIRST_TOKEN.observe(turn.first_token_s, provider)
    if turn.input_tokens:
        INPUT_TOKENS.add(turn.input_tokens, provider)
    if turn.output_tokens:
        OUTPUT_TOKENS.add(turn.output_tokens, provider)


def begin() -> None:
    """Load the library and hand over what was counted so far. Blocks for some milliseconds; again is no error."""
    global _registry
    with _beginning:
        if _registry is None:
            library = importlib.import_module("prometheus_client")
            library.disable_created_metrics()  # they double the lines and say when a process began
            registry = library.CollectorRegistry()
            for meter in _meters:
                meter.begin(library, registry)
            _registry = registry
            PROCESSES.set(1)
            BUILD.set(1, __version__, platform.python_version())
        while _early:
            meter, verb, amount, labels = _early.popleft()
            meter.record(verb, amount, labels)


def render(accept: str = "") -> tuple[bytes, str]:
    """The answer's body and its content type. In a server of several processes: of all of them together."""
    begin()
    registry = _registry
    if os.environ.get(_FOLDER):
        registry = importlib.import_module("prometheus_client").CollectorRegistry()
        importlib.import_module("prometheus_client.multiprocess").MultiProcessCollector(registry)
    encode, content_type = importlib.import_module("prometheus_client.exposition").choose_encoder(accept)
    return encode(registry), content_type


def prepare_multiprocess(folder: Path) -> dict[str, str]:
    """Empty `folder` (made when missing) for the processes to come; the variables they must be started with."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink(missing_ok=True)
    return {_FOLDER: str(folder)}


def mark_dead(folder: Path, pid: int) -> None:
    """A process has ended: what it counted stays in the sums, its gauges go."""
    for gauge in folder.glob(f"gauge_live*_{pid}.db"):
        gauge.unlink(missing_ok=True)


def provider_of(model: str) -> str:
    """The label for `provider/model`, or for a provider's name."""
    name = model.partition("/")[0][:60]
    if name in _providers:
        return name
    if len(_providers) >= MAX_PROVIDERS:
        return _OTHER
    _providers.add(name)
    return name


def may_read(token: str, authorization: str) -> bool:
    """Does this `Authorization` header carry the token that the settings ask for?"""
    return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())
