"""What the OpenAPI document allows, or does not: never a 5xx; errors are problems, or as SCIM and OpenAI have them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from fastapi import FastAPI, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, BaseSchema, Case, GenerationMode
from schemathesis.core.result import Ok
from tests.conftest import Report
from tests.harness.full_client import new_name
from tests.harness.people import add_person, scoped_key
from tests.harness.server import Server
from tests.harness.waiting import trials

Operation = APIOperation[Any, Any, Any, Any]

SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
ROLES = ("member", "admin", "directory")
OPENAI_ERROR = {"message", "type", "param", "code"}
PROBLEM = {"type", "title", "status", "detail", "code", "retryable"}
_SETTINGS = settings(
    max_examples=trials(4, 150),
    derandomize=trials(1, 0) == 1,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It calls no provider: what is found to be an address of one is given up at once."""
    running = Server(tmp_path_factory.mktemp("fuzzed"), QUARTERDECK_CONNECT_TIMEOUT_S="0.2").start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def operations(fuzzed: Server) -> list[Operation]:
    with fuzzed.http("") as http:
        document = http.get("/openapi.json").json()
    found = operations_of(schemathesis.openapi.from_dict(document))
    assert len(found) == sum(map(len, document["paths"].values())), "all that the document names"
    return found


def operations_of(schema: BaseSchema) -> list[Operation]:
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


def test_whatever_the_schema_allows_is_answered_properly(
    fuzzed: Server, operations: list[Operation], report: Report
) -> None:
    """Thinking up a request takes longer than answering it: all roles ask the same ones."""
    wrong: dict[str, list[str]] = {role: [] for role in ROLES}
    count = dict.fromkeys(ROLES, 0)
    with requests.Session() as session:
        for operation in operations:
            roles = [role for role in ROLES if role != "directory" or operation.path.startswith("/scim/")]
            callers = {role: {"authorization": f"Bearer {make_token(fuzzed, role)}"} for role in roles}
            for role, tried in try_operation(operation, callers, base_url=fuzzed.url, session=session).items():
                wrong[role] += [fault for faults in tried for fault in faults]
                count[role] += len(tried)
    for role in ROLES:
        report(f"schema of the API, as {role}", wrong[role], count[role], f"{len(operations)} operations")


def make_token(fuzzed: Server, role: str) -> str:
    """Of a person of the operation's own: some end it."""
    person = add_person(fuzzed.data_dir, new_name("fuzzer"), "admin" if role == "directory" else role)
    return scoped_key(fuzzed.data_dir, person, "scim") if role == "directory" else person.session


def test_a_crash_and_an_error_of_another_form_are_noticed() -> None:
    """The negative control: an application that answers as it likes."""
    careless = FastAPI()

    @careless.get("/crash")
    def crash() -> Response:
        return Response(status_code=500)

    @careless.get("/count")
    def count(number: int) -> int:
        return number

    schema = schemathesis.openapi.from_asgi("/openapi.json", careless)
    for operation in operations_of(schema):
        assert any(try_operation(operation, {"anybody": {}})["anybody"]), operation.label


def try_operation(operation: Operation, callers: dict[str, dict[str, str]], **call: Any) -> dict[str, list[list[str]]]:
    """By caller what was wrong with each of the answers: half of the requests fit, half do not.

    `callers`: headers by name.
    """
    tried: dict[str, list[list[str]]] = {caller: [] for caller in callers}

    def ask(case: Case[Any]) -> None:
        asked = f"{operation.label}: {case.path_parameters} {case.query} {case.body!r:.200}"
        for caller, headers in callers.items():
            tried[caller].append(find_fault(asked, case.call(timeout=10, headers=headers, **call)))

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        with contextlib.suppress(Unsatisfiable):  # nothing could be wrong
            _SETTINGS(given(operation.as_strategy(generation_mode=mode))(ask))()
    return tried


def find_fault(asked: str, answer: schemathesis.Response) -> list[str]:
    if answer.status_code >= 500:
        return [f"{asked}: {answer.status_code} {answer.text[:200]}"]
    if answer.status_code < 400:
        return []
    kind = answer.headers.get("content-type", [""])[0]
    if kind == "application/scim+json" and answer.json().get("schemas") == [SCIM_ERROR]:
        return [] if asked.partition(" ")[2].startswith("/scim/") else [f"{asked}: an error for directories"]
    if (path := asked.partition(" ")[2]).startswith("/v1/"):
        return (
            [] if kind == "application/json" and _is_foreign(path, answer.json()) else [f"{asked}: {answer.text[:200]}"]
        )
    if kind != "application/problem+json" or answer.json().keys() != PROBLEM:
        return [f"{asked}: {answer.status_code} is no problem: {kind} {answer.text[:200]}"]
    return []


def _is_foreign(path: str, told: Any) -> bool:
    """As the API that the path is of tells errors: OpenAI's, or Anthropic's."""
    if path.startswith("/v1/messages"):
        return set(told) == {"type", "error", "request_id"} and set(told["error"]) == {"type", "message"}
    return set(told) == {"error"} and set(told["error"]) == OPENAI_ERROR
