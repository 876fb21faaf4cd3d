"""Accounts as admins keep them: made, found, changed, suspended, exported, deleted; the owner is out of their reach."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conftest import MakeServer, Report
from tests.fakes.script import TAGGED, Script, words
from tests.harness.full_client import SocketClosedError, new_name, open_full
from tests.harness.people import Person, add_person, change_rows
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.tables import sessions

OUT_S = 5.0


@pytest.fixture
def admin(server: Server) -> Iterator[httpx2.Client]:
    with server.http(add_person(server.data_dir, new_name("admin"), "admin").key) as client:
        yield client


@pytest.fixture
def member(server: Server) -> Person:
    return add_person(server.data_dir, new_name("member"))


def owner_id(http: httpx2.Client) -> str:
    return str(http.get("/api/me").json()["id"])


def actions(http: httpx2.Client, kind: str, user: str) -> list[str]:
    entries = http.get("/api/admin/audit", params={"action": kind, "limit": 200}).json()["items"]
    return [entry["action"] for entry in entries if entry["detail"].get("user") == user]


def test_an_account_is_made_with_a_link_for_its_password(admin: httpx2.Client, server: Server) -> None:
    name = new_name("Ännchen")
    made = admin.post("/api/admin/users", json={"name": name, "email": "Ann@Example.org"})
    assert made.status_code == 201, made.text
    person = made.json()
    assert (person["role"], person["email"], person["has_password"]) == ("member", "ann@example.org", False)
    secret = person["link"].rpartition("/reset/")[2]
    with httpx2.Client(base_url=server.url) as browser:
        assert browser.get(f"/api/password-reset/{secret}").json() == {"name": name}
        chosen = browser.post(f"/api/password-reset/{secret}", json={"password": "a long enough one"})
        assert chosen.status_code == 200, chosen.text
        assert browser.get("/api/me").json()["name"] == name
    assert admin.post("/api/admin/users", json={"name": name.upper()}).status_code == 409
    assert actions(admin, "user.", person["id"])[-1] == "user.created"


def test_users_are_listed_page_by_page_and_found_by_name_or_address(admin: httpx2.Client, server: Server) -> None:
    mark = new_name("many")
    made = [add_person(server.data_dir, f"{mark}-{n}", email=f"{n}@{mark}.example").id for n in range(7)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = admin.get("/api/admin/users", params={"q": mark.upper(), "cursor": cursor, "limit": 3}).json()
        assert len(page["items"]) <= 3
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == made[::-1]
    one = admin.get("/api/admin/users", params={"q": f"5@{mark}"}).json()["items"]
    assert [item["id"] for item in one] == [made[5]]
    assert one[0].keys() == {
        "id", "name", "email", "role", "created_at", "suspended_at", "has_password", "identities", "seen_at",
        "conversations", "cost_month",
    }  # fmt: skip
    assert admin.get("/api/admin/users", params={"q": "%"}).json()["items"] == [], "no wildcard"


def test_a_change_is_made_and_written_down(admin: httpx2.Client, http: httpx2.Client, member: Person) -> None:
    path = f"/api/admin/users/{member.id}"
    name = new_name("renamed")
    changed = admin.patch(path, json={"name": name, "email": "x@example.org"})
    assert (changed.json()["name"], changed.json()["email"]) == (name, "x@example.org")
    assert http.patch(path, json={"role": "admin"}).json()["role"] == "admin"
    assert admin.patch(path, json={"role": "member"}).status_code == 403, "an admin is the owner's to change"
    assert http.patch(path, json={"role": "member"}).json()["role"] == "member"
    assert actions(http, "user.", member.id) == ["user.role_changed", "user.role_changed", "user.renamed"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"role": "owner"}, 422), ({"role": "guest"}, 422), ({"name": ""}, 422), ({"name": "a@b"}, 422),
     ({"email": "nobody"}, 422), ({"is_suspended": "perhaps"}, 422), ({"role": "admin"}, 403)],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused(
    admin: httpx2.Client, member: Person, body: dict[str, Any], status: int
) -> None:
    answer = admin.patch(f"/api/admin/users/{member.id}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"].endswith(".")


def test_the_owner_is_out_of_reach_for_admins(admin: httpx2.Client, http: httpx2.Client, report: Report) -> None:
    owner = owner_id(http)
    name = http.get("/api/me").json()["name"]
    path = f"/api/admin/users/{owner}"
    tried: list[tuple[str, str, Any]] = [
        ("PATCH", path, {"is_suspended": True}), ("PATCH", path, {"role": "member"}),
        ("PATCH", path, {"role": "admin"}),
        ("PATCH", path, {"name": "x"}), ("PATCH", path, {"email": "x@example.org"}), ("DELETE", path, {"name": name}),
        ("POST", f"{path}/password-link", None), ("POST", f"{path}/sign-out", None),
        ("POST", "/api/admin/owner", {"user": admin.get("/api/me").json()["id"]}),
    ]  # fmt: skip
    wrong = []
    for method, address, body in tried:
        answer = admin.request(method, address, json=body)
        wrong += [] if answer.status_code == 403 else [f"{method} {address} {body}: {answer.status_code}"]
    for body in ({"is_suspended": True}, {"role": "member"}):
        answer = http.patch(path, json=body)
        wrong += [] if answer.status_code == 409 else [f"the owner themselves: {body}: {answer.status_code}"]
    assert http.get("/api/me").json()["role"] == "owner"
    report("the owner changed by others", wrong, len(tried) + 2)


def test_the_server_is_handed_over_by_its_owner_alone(make_server: MakeServer) -> None:
    running = make_server().start()
    heir = add_person(running.data_dir, "heir")
    with running.http() as by_key:
        assert by_key.post("/api/admin/owner", json={"user": heir.id}).status_code == 403, "not with a key"
    with httpx2.Client(base_url=running.url, headers={"origin": running.url}) as browser:
        browser.get(running.link)
        change_rows(running.data_dir, sessions.update().values(created_at=now_ms() - 16 * 60 * 1000))
        assert browser.post("/api/admin/owner", json={"user": heir.id}).status_code == 403, "not by an old session"
        change_rows(running.data_dir, sessions.update().values(created_at=now_ms(), via="oauth"))
        assert browser.post("/api/admin/owner", json={"user": heir.id}).status_code == 403, "not by another's word"
        change_rows(running.data_dir, sessions.update().values(via="link"))
        assert browser.post("/api/admin/owner", json={"user": "nobody"}).status_code == 404
        assert browser.post("/api/admin/owner", json={"user": owner_id(browser)}).status_code == 409
        assert browser.post("/api/admin/owner", json={"user": heir.id}).json()["role"] == "owner"
        assert browser.get("/api/me").json()["role"] == "admin"
        assert browser.post("/api/admin/owner", json={"user": heir.id}).status_code == 403
    with running.http(heir.key) as new_owner:
        assert new_owner.get("/api/me").json()["role"] == "owner"


async def test_what_a_suspended_user_has_open_ends_within_seconds(
    admin: httpx2.Client, server: Server, member: Person, upstream: Upstream, report: Report
) -> None:
    """Sockets by key and by session, a stream of events, and the answer itself: it costs money."""
    wrong = []
    model = upstream.model(Script(pieces=words(4_000), delay_s=0.02))
    headers = {"authorization": f"Bearer {member.key}"}
    async with (
        open_full(server.port, member.key) as by_key,
        open_full(server.port, member.session) as by_session,
        httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=20) as http,
    ):
        turn = (await by_key.send(model=model))["turn"]
        await by_key.until_text(turn, 10)
        async with http.stream("GET", f"/api/turns/{turn}/events") as events:
            reading = asyncio.create_task(_read_to_the_end(events))
            done = await asyncio.to_thread(
                lambda: admin.patch(f"/api/admin/users/{member.id}", json={"is_suspended": True})
            )
            assert done.status_code == 200, done.text
            wrong += await _still_open({"by key": by_key, "by session": by_session})
            ended, _ = await asyncio.wait([reading], timeout=OUT_S)
            wrong += [] if ended else ["the stream goes on"]
            reading.cancel()
        assert (await http.get("/api/me")).status_code == 401
    [request] = upstream.requests(model)
    wait_until(lambda: request.outcome == "disconnected", "the model to be let go")
    resumed = await asyncio.to_thread(
        lambda: admin.patch(f"/api/admin/users/{member.id}", json={"is_suspended": False})
    )
    assert resumed.json()["suspended_at"] is None
    async with open_full(server.port, member.key) as again:
        assert (await again.ask("ping"))["type"] == "pong"
    assert actions(admin, "user.", member.id) == ["user.resumed", "user.suspended"]
    report("a suspended user's connections end", wrong, 3)


async def _read_to_the_end(answer: httpx2.Response) -> None:
    try:
        async for _ in answer.aiter_bytes():
            pass
    except httpx2.TransportError:
        return


async def _still_open(clients: dict[str, Any]) -> list[str]:
    wrong = []
    for name, client in clients.items():
        try:
            await client.until(lambda: None, "the end", OUT_S)
        except SocketClosedError:
            continue
        except TimeoutError:
            wrong.append(f"the socket {name} is open")
    return wrong


async def test_signed_out_everywhere_a_session_ends_and_a_key_only_when_asked(
    admin: httpx2.Client, server: Server, member: Person
) -> None:
    with server.http(member.session) as session, server.http(member.key) as key:
        assert admin.post(f"/api/admin/users/{member.id}/sign-out").status_code == 204
        assert (session.get("/api/me").status_code, key.get("/api/me").status_code) == (401, 200)
        assert admin.post(f"/api/admin/users/{member.id}/sign-out", params={"keys": True}).status_code == 204
        assert key.get("/api/me").status_code == 401


CANARY = "what-only-this-user-has-written"


def use_much(server: Server, upstream: Upstream, member: Person) -> str:
    """A conversation with ideas, one more key, and an answer that runs; the running turn."""
    with server.http(member.key) as http:
        model = upstream.model(Script(pieces=list(TAGGED)))
        asked = {"message": CANARY, "chatId": new_name("chat"), "model": model, "assistant": "ideas"}
        assert http.post("/chat_batch", json=asked).status_code == 200
        gone = http.post("/chat_batch", json=asked | {"chatId": "gone"}).headers["x-chat-id"]
        assert http.delete(f"/api/conversations/{gone}").status_code == 204
        endless = upstream.model(Script(pieces=words(4_000), delay_s=0.02))
        with http.stream("POST", "/chat_batch", json={"message": CANARY, "model": endless}) as running:
            return str(running.headers["x-turn-id"])


def export_of(answer: httpx2.Response) -> dict[str, list[dict[str, Any]]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {
            name.removesuffix(".jsonl"): [json.loads(line) for line in archive.read(name).splitlines()]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }


def test_the_export_has_everything_of_the_user_and_no_secret(
    admin: httpx2.Client, server: Server, member: Person, upstream: Upstream
) -> None:
    use_much(server, upstream, member)
    with server.http(member.key) as http:
        own = export_of(http.get("/api/me/export"))
    theirs = export_of(admin.get(f"/api/admin/users/{member.id}/export"))
    assert theirs.keys() == own.keys()
    assert [row["name"] for row in own["account"]] == [member.name]
    assert len(own["conversations"]) == 3, "also what was deleted and not purged yet"
    assert sum(CANARY in str(row["parts"]) for row in own["messages"]) == 3
    assert [idea["text"] for idea in own["ideas"][:2]] == ["Whiskers", "Fluffy"]
    assert all(isinstance(row["parts"], list) for row in own["messages"])
    assert len(own["api_keys"]) == len(own["sessions"]) == 1
    text = json.dumps(own)
    assert all(word not in text for word in ("secret_hash", "password_hash", member.key[30:], member.session[30:]))
    assert actions(admin, "user.exported", member.id) == ["user.exported"] * 2


def traces_of(data_dir: Path, user: str) -> list[str]:
    """Tables where the user's id, or what they wrote, is still to be found; the audit log may name them."""
    found = []
    with closing(sqlite3.connect(data_dir / "quarterdeck.sqlite3")) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f"SELECT * FROM {table}") if table != "audit_entries" else []  # noqa: S608
            found += [f"{table}: {row}"[:200] for row in rows if any(user in str(value) for value in row)]
    return found


def test_a_deleted_account_leaves_nothing_behind_but_the_audit_log(
    admin: httpx2.Client, server: Server, member: Person, upstream: Upstream, report: Report
) -> None:
    turn = use_much(server, upstream, member)
    path = f"/api/admin/users/{member.id}"
    assert traces_of(server.data_dir, member.id), "there is something to be deleted"
    assert admin.request("DELETE", path, json={"name": "somebody else"}).status_code == 409
    with server.http(member.key) as http:
        assert http.get("/api/me").status_code == 200, "a wrong name changes nothing"
    done = admin.request("DELETE", path, json={"name": member.name})
    assert done.status_code == 204, done.text
    wrong = traces_of(server.data_dir, member.id)
    with closing(sqlite3.connect(server.data_dir / "log.sqlite3")) as log:
        dump = "\n".join(log.iterdump())
    wrong += [f"the log has {what}" for what in (turn, f"feed:{member.id}") if what in dump]
    for token in (member.key, member.session):
        with server.http(token) as http:
            wrong += [] if http.get("/api/me").status_code == 401 else ["still let in"]
    assert admin.request("DELETE", path, json={"name": member.name}).status_code == 404
    assert "user.deleted" in actions(admin, "user.", member.id), "what was done is remembered"
    report("traces of a deleted account", wrong, 5)


def test_everybody_may_delete_their_own_account_but_the_owner(server: Server, http: httpx2.Client) -> None:
    nameless = add_person(server.data_dir, new_name("leaving"))
    with server.http(nameless.key) as by_key:
        assert by_key.request("DELETE", "/api/me", json={"name": nameless.name}).status_code == 403, "not with a key"
    with server.http(nameless.session) as http_of_theirs:
        assert http_of_theirs.request("DELETE", "/api/me", json={"name": "wrong"}).status_code == 422
        assert http_of_theirs.request("DELETE", "/api/me", json={"name": nameless.name}).status_code == 204
        assert http_of_theirs.get("/api/me").status_code == 401
    assert traces_of(server.data_dir, nameless.id) == []
    link = server.run("open", "--port", str(server.port)).stdout.strip()
    with httpx2.Client(base_url=server.url, headers={"origin": server.url}) as browser:
        browser.get(link)
        refused = browser.request("DELETE", "/api/me", json={"name": "owner", "password": ""})
        assert refused.status_code == 409, refused.text
    assert http.get("/api/me").status_code == 200


def test_who_has_a_password_is_asked_for_it(server: Server, admin: httpx2.Client) -> None:
    name = new_name("pat")
    made = admin.post("/api/admin/users", json={"name": name, "password": "a long enough one"}).json()
    assert made["link"] is None
    assert made["has_password"]
    with httpx2.Client(base_url=server.url, headers={"origin": server.url}) as browser:
        assert browser.post("/api/sign-in", json={"name": name, "password": "a long enough one"}).status_code == 200
        for given in ({"name": name}, {"password": "another"}, {}):
            refused = browser.request("DELETE", "/api/me", json=given)
            assert (refused.status_code, refused.json()["code"]) == (403, "wrong_password")
        assert browser.request("DELETE", "/api/me", json={"password": "a long enough one"}).status_code == 204


def test_settings_of_the_server_are_changed_and_written_down(make_server: MakeServer) -> None:
    running = make_server().start()
    with running.http() as http:
        assert http.get("/api/admin/settings").json() == {
            "server_name": "Quarterdeck", "guests": False, "sign_up": False
        }  # fmt: skip
        changed = http.patch("/api/admin/settings", json={"server_name": " Our  deck ", "guests": True})
        assert changed.json() == {"server_name": "Our deck", "guests": True, "sign_up": False}
        assert http.patch("/api/admin/settings", json={"server_name": "x" * 81}).status_code == 422
        entries = http.get("/api/admin/audit", params={"action": "setting."}).json()["items"]
        assert [(entry["target"], entry["detail"]["to"]) for entry in entries] == [
            ("guests", True), ("server_name", "Our deck")
        ]  # fmt: skip


def test_the_audit_log_comes_page_by_page_and_by_kind(admin: httpx2.Client, server: Server) -> None:
    made = [admin.post("/api/admin/users", json={"name": new_name("audited")}).json()["id"] for _ in range(5)]
    found: list[str] = []
    before: str | None = ""
    while before is not None and len(found) < len(made):
        page = admin.get("/api/admin/audit", params={"action": "user.created", "before": before, "limit": 2}).json()
        assert len(page["items"]) <= 2
        assert {entry["action"] for entry in page["items"]} == {"user.created"}
        found += [entry["detail"]["user"] for entry in page["items"]]
        before = page["next_cursor"]
    assert found[: len(made)] == made[::-1]


def test_an_account_without_an_invitation_is_made_only_where_admins_want_that(make_server: MakeServer) -> None:
    running = make_server().start()
    wanted = {"name": "newcomer", "password": "a long enough one"}
    with running.http() as http, httpx2.Client(base_url=running.url, headers={"origin": running.url}) as browser:
        assert browser.get("/api/sign-in").json()["sign_up"] is False
        assert browser.post("/api/sign-up", json=wanted).status_code == 403
        http.patch("/api/admin/settings", json={"sign_up": True, "server_name": "Our deck"})
        said = browser.get("/api/sign-in").json()
        assert (said["sign_up"], said["server_name"]) == (True, "Our deck")
        joined = browser.post("/api/sign-up", json=wanted)
        assert (joined.status_code, joined.json()["user"]["role"]) == (201, "member")
        assert browser.get("/api/me").json()["name"] == "newcomer"
        http.patch("/api/admin/settings", json={"sign_up": False})
        assert browser.post("/api/sign-up", json=wanted | {"name": "later"}).status_code == 403
