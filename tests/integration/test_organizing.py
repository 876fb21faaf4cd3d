"""Pinning, archiving, folders and bulk changes: in one request, each with its way back, and only with one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from tests.fakes.script import Script
from tests.harness.full_client import new_name
from tests.harness.people import add_person, write
from tests.harness.server import Server
from tests.harness.upstream import Upstream

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.purge import purge
from quarterdeck.store.tables import conversations as stored


@pytest.fixture
def member(server: Server) -> Iterator[httpx2.Client]:
    """Somebody with no conversations yet."""
    with server.http(add_person(server.data_dir, new_name("person")).session) as client:
        client.headers["origin"] = str(client.base_url).rstrip("/")
        client.headers["sec-fetch-site"] = "same-origin"
        yield client


@pytest.fixture
def conversations(member: httpx2.Client, upstream: Upstream) -> list[str]:
    """Four, the newest first."""
    model = upstream.model(Script(pieces=["Yes."]))
    for number in range(4):
        asked = {"message": f"Talk {number}", "chatId": new_name("chat"), "model": model}
        assert member.post("/chat_batch", json=asked).status_code == 200
    return listed(member)


def listed(http: httpx2.Client, **filters: Any) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        params: dict[str, Any] = {"limit": 2, "cursor": cursor} | filters
        page = http.get("/api/conversations", params=params).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def change(http: httpx2.Client, action: str, ids: list[str], **fields: Any) -> dict[str, Any]:
    answer = http.post("/api/conversations/bulk", json={"changes": [{"action": action, "ids": ids} | fields]})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def undo(http: httpx2.Client, result: dict[str, Any]) -> dict[str, Any]:
    answer = http.post("/api/conversations/bulk", json=result["undo"])
    assert answer.status_code == 200, answer.text
    undone: dict[str, Any] = answer.json()
    return undone


def test_pinned_ones_come_first_and_archived_ones_are_by_themselves(
    member: httpx2.Client, conversations: list[str]
) -> None:
    newest, second, third, oldest = conversations
    change(member, "pin", [oldest, third])
    assert listed(member) == [oldest, third, newest, second]
    assert listed(member, pinned=True) == [oldest, third]
    assert listed(member, pinned=False) == [newest, second]
    archived = change(member, "archive", [oldest, newest])
    assert listed(member) == [third, second]
    assert set(listed(member, archived=True)) == {oldest, newest}
    assert undo(member, archived)["ids"] == [oldest, newest]
    unpinned = change(member, "unpin", conversations)
    assert unpinned["ids"] == [third, oldest]
    undo(member, unpinned)
    assert listed(member) == [oldest, third, newest, second]


def test_every_bulk_change_is_undone_to_exactly_what_was_before(
    member: httpx2.Client, conversations: list[str]
) -> None:
    work = member.post("/api/folders", json={"name": "  Work   trips "}).json()
    home = member.post("/api/folders", json={"name": "Home"}).json()
    assert work["name"] == "Work trips"
    change(member, "move", conversations[:2], folder=work["id"])
    change(member, "pin", conversations[1:2])

    def state() -> list[dict[str, Any]]:
        return [member.get(f"/api/conversations/{name}").json() for name in conversations]

    before = state()
    for action, fields in [
        ("archive", {}), ("delete", {}), ("move", {"folder": home["id"]}), ("move", {"folder": None}),
        ("pin", {}), ("unpin", {}),
    ]:  # fmt: skip
        result = change(member, action, conversations, **fields)
        assert result["ids"], action
        undo(member, result)
        after = state()
        moments = {"pinned_at", "archived_at"}
        for old, new in zip(before, after, strict=True):
            assert {k: v for k, v in old.items() if k not in moments} == {
                k: v for k, v in new.items() if k not in moments
            }
            assert {k: old[k] is None for k in moments} == {k: new[k] is None for k in moments}, action
    assert {item["name"]: item["count"] for item in member.get("/api/folders").json()["items"]} == {
        "Home": 0, "Work trips": 2,
    }  # fmt: skip
    assert set(listed(member, folder=work["id"])) == set(conversations[:2])


def test_deleted_ones_are_listed_until_they_are_restored_or_erased(
    member: httpx2.Client, conversations: list[str], server: Server
) -> None:
    newest, second, third, oldest = conversations
    change(member, "archive", [second])
    change(member, "pin", [third])
    member.patch(f"/api/conversations/{oldest}", json={"memory": "private"})
    for name in (second, newest, third, oldest):
        assert member.delete(f"/api/conversations/{name}").status_code == 204
    assert listed(member, deleted=True) == [third, newest, second], (
        "the one that was deleted last first; no private one"
    )
    assert listed(member, deleted=True, q="talk 3") == [newest]
    page = member.get("/api/conversations", params={"deleted": True}).json()
    assert all(item["deleted_at"] >= item["updated_at"] for item in page["items"])
    assert listed(member) == listed(member, archived=True) == []
    assert change(member, "restore", [second, newest])["ids"] == [second, newest]
    assert (listed(member), listed(member, archived=True)) == ([newest], [second])
    assert listed(member, deleted=True) == [third]
    erased = change(member, "erase", [third, newest])
    assert (erased["ids"], erased["undo"]["changes"]) == ([third], []), "only what is deleted, and there is no way back"
    assert listed(member, deleted=True) == []
    assert change(member, "restore", [third])["ids"] == []
    assert member.get(f"/api/conversations/{third}").json()["code"] == "not_found"

    def count(connection: AnyConnection) -> int:
        kept = select(func.count()).select_from(stored).where(stored.c.id == third)
        return int(connection.execute(kept).scalar_one())

    assert write(server.data_dir, count) == 1
    while write(server.data_dir, purge):
        pass
    assert write(server.data_dir, count) == 0


def test_what_came_from_an_erased_conversation_alone_is_not_kept_either(
    member: httpx2.Client, conversations: list[str], server: Server
) -> None:
    first, second = conversations[:2]
    asked = [member.get(f"/api/conversations/{name}/messages").json()["items"][0]["id"] for name in (first, second)]
    lines = [{"text": "Ann lives in Lisbon.", "sources": [{"message": asked[0]}]},
             {"text": "Ann has a dog.", "sources": [{"message": name} for name in asked]}]  # fmt: skip
    member.post("/api/memories/import", content="\n".join(map(json.dumps, lines)))
    change(member, "delete", [first, second])

    def stale() -> list[str]:
        found = member.get("/api/memories", params={"state": "stale"}).json()["memories"]
        return [memory["text"] for memory in found]

    assert stale() == ["Ann has a dog.", "Ann lives in Lisbon."]
    change(member, "erase", [first])
    while write(server.data_dir, purge):
        pass
    assert stale() == ["Ann has a dog."]
    change(member, "restore", [second])
    assert (stale(), member.get("/api/memories").json()["memories"][0]["text"]) == ([], "Ann has a dog.")


def test_a_folder_is_renamed_and_deleted_and_what_was_in_it_stays(
    member: httpx2.Client, conversations: list[str]
) -> None:
    folder = member.post("/api/folders", json={"name": "Work"}).json()["id"]
    assert member.post("/api/folders", json={"name": "WORK"}).status_code == 409
    assert member.post("/api/folders", json={"name": "   "}).status_code == 422
    assert member.patch(f"/api/folders/{folder}", json={"name": "Garden"}).json()["name"] == "Garden"
    change(member, "move", conversations, folder=folder)
    assert member.delete(f"/api/folders/{folder}").status_code == 204
    assert listed(member) == conversations
    assert member.get(f"/api/conversations/{conversations[0]}").json()["folder"] is None
    assert member.delete(f"/api/folders/{folder}").status_code == 404


def test_a_deleted_folder_comes_back_with_what_is_in_no_other_one(
    member: httpx2.Client, stranger: httpx2.Client, conversations: list[str]
) -> None:
    work = member.post("/api/folders", json={"name": new_name("work")}).json()
    other = member.post("/api/folders", json={"name": new_name("other")}).json()["id"]
    change(member, "move", conversations, folder=work["id"])
    member.delete(f"/api/folders/{work['id']}")
    change(member, "move", conversations[:1], folder=other)
    assert stranger.post(f"/api/folders/{work['id']}/restore").status_code == 404
    assert member.post(f"/api/folders/{work['id']}/restore").json()["name"] == work["name"]
    assert listed(member, folder=other) == conversations[:1]
    assert set(listed(member, folder=work["id"])) == set(conversations[1:])
    assert member.post(f"/api/folders/{work['id']}/restore").status_code == 404


def test_somebody_elses_conversations_and_folders_are_passed_over_or_not_there(
    member: httpx2.Client, stranger: httpx2.Client, conversations: list[str]
) -> None:
    for action in ("pin", "archive", "move", "delete"):
        assert change(stranger, action, conversations)["ids"] == []
    folder = stranger.post("/api/folders", json={"name": new_name("folder")}).json()["id"]
    moved = {"changes": [{"action": "move", "ids": conversations, "folder": folder}]}
    assert member.post("/api/conversations/bulk", json=moved).status_code == 404
    assert member.get("/api/conversations", params={"folder": folder}).status_code == 404
    assert listed(member) == conversations


def test_more_than_a_thousand_at_once_are_refused_and_a_thousand_unknown_ones_do_nothing(
    member: httpx2.Client, conversations: list[str]
) -> None:
    many = [f"unknown-{number}" for number in range(1000)]
    assert change(member, "delete", many) == {"ids": [], "undo": {"changes": []}}
    half = [{"action": "delete", "ids": conversations}, {"action": "pin", "ids": many}]
    assert member.post("/api/conversations/bulk", json={"changes": half}).status_code == 422
    assert listed(member) == conversations


def test_a_renamed_conversation_says_that_its_user_named_it(member: httpx2.Client, conversations: list[str]) -> None:
    assert member.get(f"/api/conversations/{conversations[0]}").json()["title_from"] == "words"
    renamed = member.patch(f"/api/conversations/{conversations[0]}", json={"title": "Mine"}).json()
    assert (renamed["title"], renamed["title_from"]) == ("Mine", "user")
