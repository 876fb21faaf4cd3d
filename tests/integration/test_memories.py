"""What one does with what is remembered, over HTTP: it can be seen, corrected, forgotten and had back."""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from tests.harness.full_client import new_name
from tests.harness.people import add_person
from tests.harness.server import Server


@pytest.fixture
def ann(server: Server) -> Iterator[httpx2.Client]:
    """Somebody of whom nothing is known yet."""
    with server.http(add_person(server.data_dir, new_name("ann")).session) as client:
        yield client


def make(http: httpx2.Client, text: str, **fields: Any) -> dict[str, Any]:
    answer = http.post("/api/memories", json={"text": text, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def say(http: httpx2.Client, text: str) -> tuple[str, str]:
    """The conversation and the message."""
    chat = new_name("chat")
    http.post("/chat_batch", json={"message": text, "chatId": chat, "model": "builtin/log-reader"})
    return chat, http.get(f"/api/conversations/{chat}/messages").json()["items"][0]["id"]


def bring(http: httpx2.Client, *lines: Any) -> dict[str, Any]:
    answer = http.post("/api/memories/import", content="\n".join(json.dumps(line) for line in lines))
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def listed(http: httpx2.Client, **query: Any) -> list[str]:
    return [memory["text"] for memory in http.get("/api/memories", params=query).json()["memories"]]


def test_memories_are_listed_newest_first_page_by_page_and_by_what_they_are(ann: httpx2.Client) -> None:
    make(ann, "Ann's sister is Eva.", kind="relation")
    make(ann, "Ann lives in Lisbon.")
    make(ann, "Ann rents a garage.", valid_from=1, valid_to=2)
    first = ann.get("/api/memories", params={"limit": 1}).json()
    assert [memory["text"] for memory in first["memories"]] == ["Ann lives in Lisbon."]
    assert listed(ann, limit=1, cursor=first["next"]) == ["Ann's sister is Eva."]
    assert listed(ann, kind="relation") == ["Ann's sister is Eva."]
    assert listed(ann, q="lisbon ann") == ["Ann lives in Lisbon."]
    assert listed(ann, state="superseded") == ["Ann rents a garage."], "what is over does not hold now"
    assert len(listed(ann, state="all")) == 3
    assert listed(ann, before="2000-01-01") == []


def write(http: httpx2.Client, text: str, **fields: Any) -> tuple[int, str]:
    """The status and the memory."""
    answer = http.post("/api/memories", json={"text": text, **fields})
    return answer.status_code, answer.json()["id"]


def test_what_is_written_down_a_second_time_is_known_and_stays_one(ann: httpx2.Client) -> None:
    made = make(ann, "Ann lives in Lisbon.")
    again = ann.post("/api/memories", json={"text": "ann  lives in LISBON"})
    assert (again.status_code, again.json()) == (200, made), "nothing is changed by it"
    assert write(ann, "Ann lives in Lisbon.", kind="plan")[0] == 201, "that is another kind of statement"
    assert write(ann, "Lisbon lives in Ann.")[0] == 201, "the same words in another order say something else"
    ann.delete(f"/api/memories/{made['id']}")
    assert write(ann, "Ann lives in Lisbon.")[0] == 201, "what was forgotten is not there any more"


def test_what_is_known_of_a_time_is_not_that_of_another(ann: httpx2.Client) -> None:
    made = make(ann, "Ann lives in Lisbon.")
    assert write(ann, "Ann lives in Lisbon.", valid_from=1, valid_to=2)[0] == 201
    assert write(ann, "Ann lives in Lisbon.", valid_from=1) == (200, made["id"])
    assert ann.get(f"/api/memories/{made['id']}").json()["valid_from"] == 1
    assert write(ann, "Ann lives in Lisbon.", valid_from=3)[0] == 201


def test_what_is_known_from_a_message_is_ones_own_when_it_is_written_down_and_keeps_its_source(
    ann: httpx2.Client,
) -> None:
    _, message = say(ann, "I live in Lisbon.")
    bring(ann, {"text": "Ann lives in Lisbon.", "confidence": 0.5, "sources": [{"message": message}]})
    known = ann.post("/api/memories", json={"text": "Ann lives in Lisbon"})
    assert known.status_code == 200
    memory = known.json()
    assert (memory["origin"], memory["confidence"], memory["tainted"]) == ("user", 1.0, False)
    assert [source["message"] for source in memory["sources"]] == [message]
    assert bring(ann, {"text": "ann lives in  Lisbon"})["known"] == 1
    assert listed(ann, state="all") == ["Ann lives in Lisbon."]
    undone = ann.post(f"/api/memories/{memory['id']}/undo", json={"version": memory["version"]}).json()
    assert (undone["origin"], undone["confidence"]) == ("import", 0.5)


def test_a_line_of_notes_that_is_there_already_in_other_letters_is_no_second_memory(ann: httpx2.Client) -> None:
    make(ann, "Ann lives in Lisbon.")
    notes = ann.get("/api/memories/notes").json()
    edited = notes["text"] + "\n- ann lives in Lisbon"
    after = ann.put("/api/memories/notes", json={"text": edited, "version": notes["version"]}).json()
    assert after["text"] == notes["text"]
    assert listed(ann, state="all") == ["Ann lives in Lisbon."]


def test_an_edit_of_an_old_version_changes_nothing(ann: httpx2.Client) -> None:
    made = make(ann, "Ann lives in Lisbon.")
    change = {"version": 1, "text": "Ann lives in Porto.", "pinned": True}
    edited = ann.patch(f"/api/memories/{made['id']}", json=change)
    assert (edited.json()["text"], edited.json()["pinned"], edited.json()["origin"]) == (
        "Ann lives in Porto.", True, "user",
    )  # fmt: skip
    refused = ann.patch(f"/api/memories/{made['id']}", json={"version": 1, "text": "Ann lives in Faro."})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_version")
    assert listed(ann, pinned=1) == ["Ann lives in Porto."]


def test_every_change_is_in_the_history_and_can_be_undone(ann: httpx2.Client) -> None:
    made = make(ann, "Ann lives in Lisbon.")
    path = f"/api/memories/{made['id']}"
    ann.patch(path, json={"version": 1, "text": "Ann lives in Porto."})
    undone = ann.post(f"{path}/undo", json={"version": 2}).json()
    assert (undone["text"], undone["version"]) == ("Ann lives in Lisbon.", 3)
    versions = ann.get(f"{path}/history").json()["versions"]
    assert [(version["change"], version["text"]) for version in versions] == [
        ("undone", "Ann lives in Lisbon."),
        ("edited", "Ann lives in Porto."),
        ("made", "Ann lives in Lisbon."),
    ]
    assert ann.post(f"{path}/undo", json={"version": 1}).status_code == 409
    assert ann.post(f"{path}/undo", json={"version": 9}).status_code == 404


def test_undoing_an_older_change_says_which_later_ones_went_with_it(ann: httpx2.Client) -> None:
    made = make(ann, "Ann lives in Lisbon.")
    path = f"/api/memories/{made['id']}"
    ann.patch(path, json={"version": 1, "text": "Ann lives in Porto."})
    ann.patch(path, json={"version": 2, "pinned": True})
    ann.patch(path, json={"version": 3, "text": "Ann lives in Faro."})
    undone = ann.post(f"{path}/undo", json={"version": 2}).json()
    assert (undone["text"], undone["pinned"]) == ("Ann lives in Lisbon.", False)
    assert [(one["version"], one["change"], one["text"]) for one in undone["undone_with"]] == [
        (4, "edited", "Ann lives in Faro."),
        (3, "pinned", "Ann lives in Porto."),
    ]
    back = ann.post(f"{path}/undo", json={"version": undone["version"]}).json()
    assert (back["text"], back["pinned"], back["undone_with"]) == ("Ann lives in Faro.", True, [])


def test_what_is_forgotten_is_not_there_and_can_be_had_back_for_a_while(ann: httpx2.Client) -> None:
    made = make(ann, "Ann lives in Lisbon.")
    path = f"/api/memories/{made['id']}"
    assert ann.delete(path).json()["undo_until"] > made["created_at"]
    assert ann.get(path).status_code == 404
    assert listed(ann, state="all") == []
    assert "Lisbon" not in ann.get("/api/memories/export").text
    assert bring(ann, {"text": "ann lives in LISBON"})["skipped"][0]["line"] == 1, "an import does not bring it back"
    assert ann.post(f"{path}/undo", json={"version": 2}).json()["text"] == "Ann lives in Lisbon."
    assert listed(ann) == ["Ann lives in Lisbon."]


def test_what_came_from_a_message_is_stale_from_its_edit_until_it_says_it_again(ann: httpx2.Client) -> None:
    _, message = say(ann, "I live in Lisbon.")
    assert bring(ann, {"text": "Ann lives in Lisbon.", "sources": [{"message": message}]})["imported"] == 1
    ann.patch(f"/api/messages/{message}", json={"text": "I live in Porto.", "version": 1})
    assert (listed(ann), listed(ann, state="stale")) == ([], ["Ann lives in Lisbon."])
    ann.post(f"/api/messages/{message}/versions/1/restore", json={"version": 2})
    assert listed(ann) == ["Ann lives in Lisbon."]


@pytest.mark.parametrize("what", ["message", "conversation", "many conversations"])
def test_what_came_from_something_deleted_is_stale_until_that_is_undone(ann: httpx2.Client, what: str) -> None:
    chat, message = say(ann, "I live in Lisbon.")
    bring(ann, {"text": "Ann lives in Lisbon.", "sources": [{"message": message, "quote": "I live in Lisbon."}]})
    [source] = ann.get("/api/memories", params={"conversation": chat}).json()["memories"][0]["sources"]
    assert (source["message"], source["quote"], source["is_gone"]) == (message, "I live in Lisbon.", False)
    conversation = source["conversation"]
    if what == "message":
        deletion = ann.delete(f"/api/messages/{message}").json()["id"]
    elif what == "conversation":
        ann.delete(f"/api/conversations/{chat}")
    else:
        changes = {"changes": [{"action": "delete", "ids": [conversation]}]}
        undo = ann.post("/api/conversations/bulk", json=changes).json()["undo"]
    assert (listed(ann), listed(ann, state="stale")) == ([], ["Ann lives in Lisbon."])
    if what == "message":
        ann.post(f"/api/deletions/{deletion}/undo")
    elif what == "conversation":
        ann.post(f"/api/conversations/{conversation}/restore")
    else:
        ann.post("/api/conversations/bulk", json=undo)
    assert listed(ann) == ["Ann lives in Lisbon."]


def test_an_edited_memory_is_ones_own_whatever_becomes_of_its_message(ann: httpx2.Client) -> None:
    _, message = say(ann, "I live in Lisbon.")
    bring(ann, {"text": "Ann lives in Lisbon.", "sources": [{"message": message}]})
    made = ann.get("/api/memories").json()["memories"][0]
    ann.patch(f"/api/memories/{made['id']}", json={"version": 1, "text": "Ann lives in Lisbon, by the river."})
    ann.delete(f"/api/messages/{message}")
    assert listed(ann) == ["Ann lives in Lisbon, by the river."]


def known_of(http: httpx2.Client, memory: str) -> dict[str, Any]:
    """What a list shows of a memory, but for the times of its changes."""
    found = http.get(f"/api/memories/{memory}").json()
    return {name: value for name, value in found.items() if name not in ("version", "updated_at")}


def test_a_memory_edited_into_what_another_one_says_is_one_with_it_until_that_is_undone(ann: httpx2.Client) -> None:
    _, first = say(ann, "I live in Lissabon.")
    _, second = say(ann, "Lisbon is where I live.")
    bring(ann, {"text": "Ann lives in Lissabon.", "sources": [{"message": first}]},
          {"text": "Ann lives in Lisbon.", "sources": [{"message": second}], "pinned": True})  # fmt: skip
    other, edited = (memory["id"] for memory in ann.get("/api/memories").json()["memories"])
    before = known_of(ann, edited), known_of(ann, other)
    change = {"version": 1, "text": "ann lives in Lisbon"}
    made = ann.patch(f"/api/memories/{edited}", json=change).json()
    assert (made["text"], made["pinned"]) == ("ann lives in Lisbon", True)
    assert [source["message"] for source in made["sources"]] == [first, second]
    assert listed(ann) == ["ann lives in Lisbon"]
    assert known_of(ann, other)["superseded_by"] == edited
    ann.post(f"/api/memories/{edited}/undo", json={"version": 2})
    after = known_of(ann, edited), known_of(ann, other)
    assert after == before
    ann.post(f"/api/memories/{edited}/undo", json={"version": 3})
    assert listed(ann) == ["ann lives in Lisbon"], "and that can be undone, too"
    assert len(ann.get(f"/api/memories/{edited}").json()["sources"]) == 2
    forgotten = ann.delete(f"/api/memories/{edited}")
    assert (forgotten.status_code, listed(ann, state="all")) == (200, [])


def test_two_memories_are_two_again_when_their_becoming_one_is_undone_in_the_others_history(ann: httpx2.Client) -> None:
    other, edited = make(ann, "Ann has a dog."), make(ann, "Ann has a cat.")
    ann.patch(f"/api/memories/{edited['id']}", json={"version": 1, "text": "Ann has a dog."})
    [united, _] = ann.get(f"/api/memories/{other['id']}/history").json()["versions"]
    assert united["change"] == "united"
    ann.post(f"/api/memories/{other['id']}/undo", json={"version": united["version"]})
    assert listed(ann) == ["Ann has a dog."] * 2
    assert known_of(ann, other["id"])["state"] == "current"


def test_nothing_is_made_one_again_with_what_says_something_else_by_now(ann: httpx2.Client) -> None:
    one, other = make(ann, "Ann has a cat."), make(ann, "Ann has a dog.")

    def edit(memory: str, text: str) -> None:
        version = ann.get(f"/api/memories/{memory}").json()["version"]
        assert ann.patch(f"/api/memories/{memory}", json={"version": version, "text": text}).status_code == 200

    edit(one["id"], "Ann has a dog.")  # the other one is closed
    ann.post(f"/api/memories/{one['id']}/undo", json={"version": 2})  # and holds again
    edit(other["id"], "Ann has a cat.")  # closes the first one
    [reopened] = [
        change["version"] for change in ann.get(f"/api/memories/{other['id']}/history").json()["versions"]
        if change["change"] == "reopened"
    ]  # fmt: skip
    refused = ann.post(f"/api/memories/{other['id']}/undo", json={"version": reopened})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), refused.text
    assert listed(ann) == ["Ann has a cat."]
    assert bring(ann, {"text": "Ann has a dog."}, {"text": "Ann has a cat."})["imported"] == 1
    assert sorted(listed(ann)) == ["Ann has a cat.", "Ann has a dog."]


def test_what_was_forgotten_and_written_anew_is_one_when_forgetting_is_undone(ann: httpx2.Client) -> None:
    made = make(ann, "Ann has a dog.")
    ann.delete(f"/api/memories/{made['id']}")
    make(ann, "Ann has a dog.")
    ann.post(f"/api/memories/{made['id']}/undo", json={"version": 2})
    assert listed(ann) == ["Ann has a dog."]


@pytest.mark.parametrize("more", [{"kind": "plan"}, {"valid_to": 4_000_000_000_000}, {"valid_from": 5}])
def test_memories_of_another_kind_or_time_stay_two_when_they_read_the_same(
    ann: httpx2.Client, more: dict[str, Any]
) -> None:
    make(ann, "Ann has a dog.", **more)
    edited = make(ann, "Ann has a cat.", valid_from=7)
    ann.patch(f"/api/memories/{edited['id']}", json={"version": 1, "text": "Ann has a dog."})
    assert listed(ann) == ["Ann has a dog."] * 2


def test_a_line_of_the_notes_that_says_what_another_one_says_is_one_with_it(ann: httpx2.Client) -> None:
    _, message = say(ann, "I live in Lissabon.")
    make(ann, "Ann lives in Lisbon.")
    bring(ann, {"text": "Ann lives in Lissabon.", "sources": [{"message": message}]})
    make(ann, "Ann likes rain.", kind="preference")
    notes = ann.get("/api/memories/notes").json()
    text = notes["text"].replace("Lissabon", "Lisbon")
    after = ann.put("/api/memories/notes", json={"text": text, "version": notes["version"]}).json()
    assert after["text"] == "## Facts\n- Ann lives in Lisbon.\n\n## Preferences\n- Ann likes rain."
    [memory] = ann.get("/api/memories", params={"q": "Lisbon"}).json()["memories"]
    assert [source["message"] for source in memory["sources"]] == [message]
    text = after["text"].replace("- Ann lives in Lisbon.", "- Ann lives in Lisbon.\n- Ann lives in Lisbon.")
    again = ann.put("/api/memories/notes", json={"text": text, "version": after["version"]}).json()
    assert again["text"] == after["text"], "a line that is there twice is known"
    moved = "## Plans\n- Ann lives in Lisbon.\n\n## Preferences\n- Ann likes rain."
    ann.put("/api/memories/notes", json={"text": moved, "version": again["version"]})
    assert listed(ann, kind="plan") == ["Ann lives in Lisbon."]
    assert listed(ann, kind="fact") == []


def test_a_line_of_an_import_that_holds_is_made_where_it_only_held_once(ann: httpx2.Client) -> None:
    bring(ann, {"id": "a", "text": "Ann lives in Lisbon.", "said_at": "2020-01-01", "state": "superseded",
                "valid_to": "2022-01-01", "superseded_by": "b"},
          {"id": "b", "text": "Ann lives in Porto.", "said_at": "2022-01-01"})  # fmt: skip
    old = {"text": "Ann lives in Lisbon.", "said_at": "2021-01-01"}
    assert bring(ann, old) == {"imported": 0, "known": 1, "skipped": []}, "an older export says nothing new"
    assert bring(ann, {"text": "Ann lives in Lisbon."})["imported"] == 1, "this says that it holds now"
    assert listed(ann) == ["Ann lives in Lisbon.", "Ann lives in Porto."]
    assert bring(ann, {"text": "Ann lives in Lisbon."})["known"] == 1
    over = {"text": "Ann lives in Lisbon.", "state": "superseded", "valid_to": "2022-01-01"}
    assert bring(ann, over)["known"] == 1
    assert listed(ann) == ["Ann lives in Lisbon.", "Ann lives in Porto."], "nor is what holds closed by what is over"


def test_a_line_of_an_import_that_was_stale_is_not_made(ann: httpx2.Client) -> None:
    done = bring(ann, {"text": "Ann lives in Lisbon.", "state": "stale"}, {"text": "Ann lives in Porto."})
    assert (done["imported"], [skip["line"] for skip in done["skipped"]]) == (1, [1])
    assert listed(ann) == ["Ann lives in Porto."]


def test_an_export_imports_again_as_it_was(ann: httpx2.Client, server: Server) -> None:
    make(ann, "Ann lives in Lisbon.", kind="fact")
    bring(ann, {"id": "a", "text": "Ann has a cat.", "state": "superseded", "superseded_by": "b"},
          {"id": "b", "text": "Ann has two cats.", "pinned": True, "valid_from": "2026-05-01"})  # fmt: skip
    exported = ann.get("/api/memories/export").text
    assert bring(ann, *map(json.loads, exported.splitlines())) == {"imported": 0, "known": 3, "skipped": []}
    with server.http(add_person(server.data_dir, new_name("eva")).session) as eva:
        assert eva.post("/api/memories/import", content=exported).json()["imported"] == 3
        assert sorted(listed(eva)) == ["Ann has two cats.", "Ann lives in Lisbon."]
        [old] = eva.get("/api/memories", params={"state": "superseded"}).json()["memories"]
        [new] = eva.get("/api/memories", params={"pinned": 1}).json()["memories"]
        assert (old["superseded_by"], new["supersedes"]) == (new["id"], [old["id"]])


def test_lines_that_are_no_memories_are_told_and_the_others_taken(ann: httpx2.Client, http: httpx2.Client) -> None:
    _, foreign = say(http, "Something of somebody else.")
    fine = {"text": "Fine.", "sources": [{"message": foreign}]}
    done = bring(ann, {"text": ""}, fine, {"text": "x", "kind": "y"}, [])
    assert (done["imported"], [skip["line"] for skip in done["skipped"]]) == (1, [1, 3, 4])
    assert ann.get("/api/memories").json()["memories"][0]["sources"] == [], "a foreign message is no source"


def test_memory_can_be_turned_off(ann: httpx2.Client) -> None:
    assert ann.get("/api/memories/settings").json()["memory"] == "on"
    assert ann.patch("/api/memories/settings", json={"memory": "off"}).json()["memory"] == "off"
    assert ann.get("/api/memories/settings").json()["memory"] == "off"
    assert ann.patch("/api/memories/settings", json={"memory": "perhaps"}).status_code == 422


def test_the_notes_are_edited_as_text_and_become_memories(ann: httpx2.Client) -> None:
    assert ann.get("/api/memories/notes").json()["text"] == ""
    make(ann, "Ann lives in Lisbon.")
    make(ann, "Ann works as a nurse.")
    gone = make(ann, "Ann likes rain.", kind="preference")
    notes = ann.get("/api/memories/notes").json()
    assert notes["text"] == (
        "## Facts\n- Ann works as a nurse.\n- Ann lives in Lisbon.\n\n## Preferences\n- Ann likes rain."
    )
    edited = "## Facts\n- Ann works as a nurse.\n- Ann lives in Porto.\n\n## People\n- Eva is her sister.\n"
    after = ann.put("/api/memories/notes", json={"text": edited, "version": notes["version"]}).json()
    assert after["text"] == edited.strip()
    assert (after["version"] > notes["version"], after["is_stale"]) == (True, False)
    assert ann.get("/api/memories/notes").json() == after
    assert listed(ann, kind="relation") == ["Eva is her sister."]
    [moved] = ann.get("/api/memories", params={"q": "Porto"}).json()["memories"]
    assert [change["text"] for change in ann.get(f"/api/memories/{moved['id']}/history").json()["versions"]] == [
        "Ann lives in Porto.", "Ann lives in Lisbon.",
    ]  # fmt: skip
    ann.post(f"/api/memories/{gone['id']}/undo", json={"version": 2})
    assert "Ann likes rain." in ann.get("/api/memories/notes").json()["text"]


def test_an_edit_of_notes_that_are_others_by_now_changes_nothing(ann: httpx2.Client) -> None:
    made = make(ann, "Ann lives in Lisbon.")
    notes = ann.get("/api/memories/notes").json()
    ann.patch(f"/api/memories/{made['id']}", json={"version": 1, "text": "Ann lives in Faro."})
    refused = ann.put("/api/memories/notes", json={"text": "- Ann lives in Porto.", "version": notes["version"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_version")
    assert listed(ann) == ["Ann lives in Faro."]
    assert ann.get("/api/memories/notes").json()["version"] > notes["version"]
    assert ann.put("/api/memories/notes", json={"text": "", "version": notes["version"]}).status_code == 409


def test_a_line_of_notes_that_is_removed_forgets_nothing_that_says_something_else_by_now(ann: httpx2.Client) -> None:
    made = make(ann, "Ann likes tea.")
    notes = ann.get("/api/memories/notes").json()
    ann.patch(f"/api/memories/{made['id']}", json={"version": 1, "text": "Coffee is what Ann drinks in the morning."})
    refused = ann.put("/api/memories/notes", json={"text": "", "version": notes["version"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_version")
    assert listed(ann) == ["Coffee is what Ann drinks in the morning."]


def test_notes_that_are_written_anew_as_a_whole_hold_nobody_up(ann: httpx2.Client) -> None:
    def page(word: str) -> list[str]:
        return [f"{word} {number} {' '.join(chr(97 + number % 26) * 9 for _ in range(60))}" for number in range(290)]

    bring(ann, *({"text": text} for text in page("old")))
    notes = ann.get("/api/memories/notes").json()
    began = time.monotonic()
    text = "\n".join(page("new"))[:190_000]
    answer = ann.put("/api/memories/notes", json={"text": text, "version": notes["version"]}, timeout=120)
    assert answer.status_code == 200, answer.text
    assert time.monotonic() - began < 60
    refused = ann.put(
        "/api/memories/notes", json={"text": "\n".join(map(str, range(301))), "version": answer.json()["version"]}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_input"), refused.text


def test_the_notes_can_be_saved_however_long_the_memories_on_them_are(ann: httpx2.Client) -> None:
    known = [f"{number} {'ä' * 1_990}" for number in range(300)]
    bring(ann, *({"text": text} for text in known))
    notes = ann.get("/api/memories/notes").json()
    answer = ann.put("/api/memories/notes", json={"text": notes["text"], "version": notes["version"]})
    assert (answer.status_code, answer.json()) == (200, notes)
    text = notes["text"].replace(f"- {known[7]}", "- Ann lives in Lisbon.") + "\n- Ann works as a nurse."
    answer = ann.put("/api/memories/notes", json={"text": text, "version": notes["version"]}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert set(listed(ann, q="ann")) == {"Ann lives in Lisbon.", "Ann works as a nurse."}


def test_memories_are_found_as_said_by_the_user_however_that_is_written(ann: httpx2.Client) -> None:
    make(ann, "Ann keeps goats behind the house.")

    def found(speaker: str) -> list[str]:
        answer = ann.get("/api/memories/search", params={"q": "goats", "speaker": speaker})
        return [hit["text"] for hit in answer.json()["hits"]]

    assert found("user") == found("User") == found("") == ["Ann keeps goats behind the house."]
    assert found("assistant") == []


@pytest.mark.parametrize(
    ("known", "edited"),
    [
        ("Ann writes programs in F*", "Ann writes proofs in F*"),
        ("-18 °C is what Ann's freezer has", "-20 °C is what Ann's freezer has"),
        ("- is Ann's favourite key", "- is the favourite key of Ann"),
    ],
)
def test_lines_of_notes_keep_stars_and_dashes_of_their_own(ann: httpx2.Client, known: str, edited: str) -> None:
    make(ann, known)
    notes = ann.get("/api/memories/notes").json()
    text = notes["text"].replace(known, edited) + "\n-Eva is Ann's sister\n* -3 is a number\n---"
    answer = ann.put("/api/memories/notes", json={"text": text, "version": notes["version"]})
    assert answer.status_code == 200, answer.text
    assert sorted(listed(ann)) == sorted([edited, "Eva is Ann's sister", "-3 is a number"])
    assert len(listed(ann, state="all")) == 3, "the line was edited, not written anew"


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("We fed the goats.", "What did we do yesterday?"),
        ("On a nourri les chèvres.", "Qu’est-ce qu’on a fait hier ?"),
        ("Dimos de comer a las cabras.", "¿Qué hicimos ayer?"),
        ("We hebben de geiten gevoerd.", "Wat hebben wij gisteren gedaan?"),
    ],
)
def test_what_was_said_on_a_day_is_found_by_the_day_alone(ann: httpx2.Client, said: str, asked: str) -> None:
    _, message = say(ann, said)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    found = ann.get("/api/memories/search", params={"q": asked, "now": tomorrow.isoformat()}).json()["hits"]
    assert [(hit["id"], hit["signals"]["date"] > 0) for hit in found if hit["id"] == message] == [(message, True)]
    assert not ann.get("/api/memories/search", params={"q": "Pterodactyl?", "now": tomorrow.isoformat()}).json()["hits"]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Unsere Katze schläft gern auf dem Fahrrad.", "Wo schlafen die Katzen?"),
        ("Nos chevaux mangent des carottes.", "Que mange le cheval ?"),
        ("Кошка спит на холодильнике.", "Где спят кошки?"),
    ],
)
def test_what_was_said_is_found_by_other_forms_of_its_words(ann: httpx2.Client, said: str, asked: str) -> None:
    _, message = say(ann, said)
    say(ann, "Yesterday it rained on my way to the station.")
    [best, *_] = ann.get("/api/memories/search", params={"q": asked}).json()["hits"]
    assert (best["id"], best["signals"]["words"] > 0) == (message, True)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("서울에서 만나요", "서울은 어때요?"),
        ("ガラスの靴が好き", "ガラスはどこ？"),
        ("Der Schlüssel hängt im Flur.", "schlüssel"),
    ],
)
def test_what_was_said_is_found_however_its_letters_were_typed(ann: httpx2.Client, said: str, asked: str) -> None:
    messages = {say(ann, unicodedata.normalize(form, said))[1] for form in ("NFC", "NFD")}
    say(ann, "Yesterday it rained on my way to the station.")
    for form in ("NFC", "NFD"):
        asks = {"q": unicodedata.normalize(form, asked)}
        hits = ann.get("/api/memories/search", params=asks).json()["hits"]
        assert {hit["id"] for hit in hits if hit["signals"]["words"] > 0} == messages
