"""An OpenTelemetry collector that keeps the spans it is sent over OTLP/HTTP, or is out of order on purpose."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SpanAttribute = str | int | float | bool


class SeenSpan(Struct):
    name: str
    service: str
    trace: str
    id: str
    parent: str  # empty for a root
    attributes: dict[str, SpanAttribute]
    is_error: bool
    duration_s: float


class FakeCollector:
    """`hangs`: requests are read and never answered. `raw` is all that came, for searching."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs = hangs
        self.raw: list[bytes] = []
        self.requests = 0
        self.released = threading.Event()
        self.port = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[SeenSpan]:
        return [span for body in list(self.raw) for span in _decode(body)]

    def of_turn(self, turn: str) -> list[SeenSpan]:
        return [span for span in self.spans() if span.attributes.get("quarterdeck.turn") == turn]


@contextmanager
def open_collector(*, hangs: bool = False) -> Iterator[FakeCollector]:
    collector = FakeCollector(hangs=hangs)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.requests += 1
            if collector.hangs:
                collector.released.wait(60)
                return
            assert self.path == "/v1/traces"
            assert self.headers["content-type"] == "application/x-protobuf"
            collector.raw.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        collector.released.set()
        server.shutdown()
        server.server_close()


def _decode(body: bytes) -> Iterator[SeenSpan]:
    message = ExportTraceServiceRequest.FromString(body)
    for resource in message.resource_spans:
        service = next(item.value.string_value for item in resource.resource.attributes if item.key == "service.name")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield SeenSpan(
                    span.name, service, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
                    {item.key: getattr(item.value, str(item.value.WhichOneof("value"))) for item in span.attributes},
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                )  # fmt: skip
