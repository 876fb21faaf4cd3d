"""A census of the application's own routes: each says who may, and for everybody else nothing is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount
from starlette.routing import Route as PlainRoute
from tests.conftest import Report
from tests.fakes.script import TAGGED, Script
from tests.harness.full_client import PROTOCOL, new_name
from tests.harness.people import add_person, change_rows, id_of
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until
from tests.security.census import (
    CANARY,
    NAME,
    VERBS,
    Asker,
    Caller,
    Victim,
    addresses,
    expected,
    http_routes,
    knows_people,
    list_routes,
    make_callers,
)
from tests.security.fitting import fitting_bodies
from tests.security.routes import ROUTES, Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from quarterdeck.config import Settings
from quarterdeck.store.tables import api_keys, sessions, summaries
from quarterdeck.web.application import create_application

REFUSED = {401, 403, 404, 405, 422}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    composed = create_application(Settings(data_dir=Path("/nowhere")))  # as it is served, never started
    composed.openapi()  # with the routes that are loaded later
    return composed


@pytest.fixture(scope="module")
def victim(server: Server, upstream: Upstream) -> Victim:
    person = add_person(server.data_dir, NAME, email=f"{NAME}@example.org")
    chat = new_name("chat")
    with server.http(person.session) as http:
        model = upstream.model(Script(pieces=list(TAGGED)))
        asked = {"message": CANARY, "chatId": chat, "model": model, "assistant": "ideas"}
        turn = http.post("/chat_batch", json=asked).headers["x-turn-id"]
        http.patch(f"/api/conversations/{chat}", json={"title": CANARY})
        conversation = http.get(f"/api/conversations/{chat}").json()["id"]
        ideas = http.get("/api/ideas", params={"conversation": chat}).json()["items"]
        http.post("/chat_batch", json=asked)
        last = fetch_messages(http, chat)[-1]
        deletion = http.delete(f"/api/messages/{last['id']}").json()["id"]
        messages = fetch_messages(http, chat)
        assistant = http.post("/api/assistants", json={"name": CANARY, "instructions": CANARY}).json()["id"]
        folder = http.post("/api/folders", json={"name": CANARY}).json()["id"]
        share = http.post(f"/api/conversations/{chat}/shares").json()["id"]
        snippet = http.post("/api/snippets", json={"name": CANARY, "text": CANARY}).json()["id"]
        response = http.post("/v1/responses", json={"model": model, "input": CANARY}).json()["id"]
        memory = http.post("/api/memories", json={"text": CANARY}).json()["id"]
        brought = http.post("/api/imports", params={"name": CANARY}, content=CANARY).json()["id"]
        wait_until(lambda: http.get(f"/api/imports/{brought}").json()["status"] == "complete", "the import", 20)
    summary = {
        "id": new_name("summary"), "owner_id": person.id, "conversation_id": conversation, "level": 1,
        "first_id": messages[0]["id"], "last_id": messages[1]["id"], "message_count": 2, "text": CANARY, "tokens": 1,
        "model": "", "created_at": 1,
    }  # fmt: skip
    change_rows(
        server.data_dir,
        summaries.insert().values(**summary),
        api_keys.update().where(api_keys.c.user_id == person.id).values(name=CANARY),
        sessions.update().where(sessions.c.user_id == person.id).values(device=CANARY),
    )
    things = {
        "conversation": [conversation, chat],
        "turn": [turn],
        "idea": [idea["id"] for idea in ideas][:1],
        "message": [messages[1]["id"]],
        "version": ["1"],
        "deletion": [deletion],
        "key": [id_of(person.key)],
        "session": [id_of(person.session)],
        "user": [person.id],
        "assistant": [assistant],
        "snippet": [snippet],
        "folder": [folder],
        "share": [share],
        "summary": [summary["id"]],
        "identifier": [brought],
        "memory": [memory],
        "response": [response],
        "item": [f"msg_{messages[0]['id']}"],
    }
    return Victim(person, things, messages)


@pytest.fixture(scope="module")
def callers(server: Server, victim: Victim) -> list[Caller]:
    return make_callers(server, victim.person)


@pytest.fixture
def asker(server: Server) -> Iterator[Asker]:
    asker = Asker(server)
    yield asker
    asker.close()


def test_every_route_of_the_application_is_in_the_table_and_no_other(app: FastAPI) -> None:
    found = set(list_routes(app.routes))
    assert not sorted(found - ROUTES.keys()), "say in tests/security/routes.py who may"
    assert not sorted(ROUTES.keys() - found), "these are gone: take them out of tests/security/routes.py"


def test_nobody_reaches_what_is_not_theirs(
    app: FastAPI, server: Server, victim: Victim, callers: list[Caller], asker: Asker, report: Report
) -> None:
    bodies = fitting_bodies(app)
    for route in http_routes():
        for caller in callers:
            statuses = expected(route, caller)
            if statuses is None and route.method not in ("GET", "HEAD"):
                continue  # they may, and it would change something
            for address in addresses(route, victim.things):
                body, knows = bodies.get((route.method, route.path)), knows_people(route, caller)
                asker.ask(caller, route.method, address, statuses, body, knows=knows)
    with server.http(victim.person.key) as http:
        assert fetch_messages(http, victim.things["conversation"][0]) == victim.messages, "nothing was changed"
        assert http.get(f"/api/conversations/{victim.things['conversation'][0]}").json()["title"] == CANARY
    report("census of routes", asker.wrong, asker.count, f"{len(ROUTES)} routes, {len(callers)} callers")


def test_an_admin_reaches_neither_the_owner_nor_another_admin(
    app: FastAPI, server: Server, callers: list[Caller], asker: Asker, report: Report
) -> None:
    """Not their accounts, not what they wrote, not their way in."""
    bodies = fitting_bodies(app)
    with server.http() as http:
        owner = http.get("/api/me").json()["id"]
    out_of_reach = [owner, add_person(server.data_dir, new_name("admin"), "admin").id]
    for route in http_routes():
        for caller in callers if route.who == "admins" and "{user}" in route.path else ():
            if caller.role == "admin" and expected(route, caller) is None:
                for address in addresses(route, {"user": out_of_reach}):
                    body = bodies.get((route.method, route.path))
                    asker.ask(caller, route.method, address, {403}, body, knows=True)
    report("admins beside the owner and other admins", asker.wrong, asker.count)


def test_whoever_owns_a_thing_gets_it(server: Server, victim: Victim) -> None:
    """Else a 404 for all others would say nothing."""
    with server.http(victim.person.session) as http:
        for route in http_routes():
            if route.method == "GET" and route.others == "404":
                for address in addresses(route, victim.things, is_strict=True):
                    assert http.get(address).status_code == 200, address


def test_a_verb_that_no_route_has_does_nothing(
    victim: Victim, callers: list[Caller], asker: Asker, report: Report
) -> None:
    for path in sorted({route.path for route in http_routes()}):
        for method in VERBS:
            for caller in callers if (method, path) not in ROUTES else ():
                if caller.name in ("nobody", "another member", "an admin"):
                    [address, *_] = addresses(Route(method, path, "people", "", "own"), victim.things)
                    asker.ask(caller, method, address, REFUSED, knows=False)
    report("census of routes: other verbs", asker.wrong, asker.count)


def test_lists_and_searches_hold_only_ones_own(
    victim: Victim, callers: list[Caller], asker: Asker, report: Report
) -> None:
    """What somebody else's thing is named by in the address."""
    things = victim.things
    queries = [("q", CANARY[:-1]), ("limit", "200"), ("user", victim.person.id), ("owner", victim.person.id)]
    queries += [("conversation", name) for name in things["conversation"]] + [("before", things["message"][0])]
    for route in http_routes():
        if route.method != "GET" or "{" in route.path or route.who in ("anybody", "secret"):
            continue
        for caller in callers:
            statuses = {401} if not caller.role else None
            for name, value in queries:
                asker.ask(caller, "GET", f"{route.path}?{name}={value}", statuses, knows=knows_people(route, caller))
    report("lists and searches", asker.wrong, asker.count)


async def test_sockets_open_for_those_who_may_only(server: Server, callers: list[Caller], report: Report) -> None:
    wrong, count = [], 0
    for route in ROUTES.values():
        for caller in callers if route.method == "SOCKET" else ():
            for protocols in ([PROTOCOL], None):
                count += 1
                is_open = await _opens(f"ws://127.0.0.1:{server.port}{route.path}", caller, protocols)
                if is_open != (expected(route, caller) is None):
                    wrong.append(f"{caller.name}: {route.path} was {'opened' if is_open else 'refused'}")
    report("census of sockets", wrong, count)


async def _opens(address: str, caller: Caller, protocols: list[Subprotocol] | None) -> bool:
    try:
        async with connect(address, additional_headers=caller.headers, subprotocols=protocols, proxy=None):
            return True
    except InvalidStatus:
        return False


def test_a_route_that_asks_nobody_is_found_wherever_it_hides() -> None:
    """The negative control: a route, a socket and mounts that no table knows, added in every way there is."""
    app, inner, router = FastAPI(), FastAPI(openapi_url=None), APIRouter(prefix="/deep", include_in_schema=False)

    async def open_to_all() -> str:
        return CANARY

    inner.get("/inner")(open_to_all)
    router.get("/hidden")(open_to_all)
    router.websocket("/socket")(open_to_all)
    app.include_router(router, prefix="/api")
    app.mount("/other", inner)
    app.router.routes.append(PlainRoute("/plain", open_to_all, methods=["DELETE"]))
    app.router.routes.append(Mount("/asgi", app=FastAPI().__call__))
    found = set(list_routes(app.routes)) - ROUTES.keys()
    hidden = {("GET", "/api/deep/hidden"), ("SOCKET", "/api/deep/socket"), ("GET", "/other/inner")}
    assert hidden | {("DELETE", "/plain"), ("MOUNT", "/asgi")} <= found


def test_a_guest_links_no_way_to_sign_in(server: Server) -> None:
    """It would outlive the visit; the route itself is open to anybody."""
    guest = add_person(server.data_dir, new_name("guest"), "guest")
    with server.http(guest.session) as http:
        own_page = {"sec-fetch-site": "same-origin"}
        answer = http.get("/api/oauth/github/start?link=1", headers=own_page, follow_redirects=False)
    assert answer.status_code == 403
    assert "guest" in answer.json()["detail"]


def test_an_answer_that_leaks_is_noticed(server: Server, victim: Victim, asker: Asker) -> None:
    """The negative control of the questions: the victim's own session counts as a stranger's."""
    thief = Caller("a thief", "member", victim.person.session)
    asker.ask(thief, "GET", f"/api/conversations/{victim.things['conversation'][0]}", {404}, knows=False)
    asker.ask(thief, "GET", "/api/conversations?q=census", None, knows=False)
    asker.ask(thief, "GET", "/api/me", None, knows=False)
    assert len(asker.wrong) == 4
