"""Searching over HTTP: what was said a moment ago is found, with its passage, by whoever said it and nobody else."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Any

import httpx2
import pytest
from tests.fakes.script import TAGGED, Script
from tests.harness.full_client import new_name
from tests.harness.upstream import Upstream

SPELLINGS = [partial(unicodedata.normalize, "NFC"), partial(unicodedata.normalize, "NFD")]


def search(http: httpx2.Client, q: str, **filters: Any) -> list[dict[str, Any]]:
    answer = http.get("/api/search", params={"q": q} | filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def say(http: httpx2.Client, text: str, model: str, **fields: Any) -> str:
    """The new conversation's name."""
    chat = new_name("chat")
    assert http.post("/chat_batch", json={"message": text, "chatId": chat, "model": model} | fields).status_code == 200
    return chat


def marked(hit: dict[str, Any]) -> list[str]:
    return ["".join(list(hit["passage"])[start:end]) for start, end in hit["marks"]]


def test_a_question_and_its_answer_are_found_at_once_with_the_words_marked(
    http: httpx2.Client, stranger: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=["The 🦊 zebrafinch ", "was running."]))
    chat = say(http, "Where do zebrafinches live?", model)
    answer, question = search(http, "zebrafinch")
    assert (question["role"], answer["role"]) == ("user", "assistant")
    assert answer["passage"] == "The 🦊 zebrafinch was running."
    assert (marked(answer), marked(question)) == (["zebrafinch"], ["zebrafinches"])
    assert answer["conversation"] == http.get(f"/api/conversations/{chat}").json()["id"]
    assert [hit["role"] for hit in search(http, "zebrafinch", who="user")] == ["user"]
    assert [hit["role"] for hit in search(http, "zebrafinch", model=model)] == ["assistant"]
    assert [hit["role"] for hit in search(http, "zebrafinch -running")] == ["user"]
    assert [hit["role"] for hit in search(http, "zebraf")] == ["assistant", "user"]
    assert search(http, "zebrafinch", conversation=chat, **{"from": "2020-01-01", "to": "2020-12-31"}) == []
    assert search(stranger, "zebrafinch") == []
    assert stranger.get("/api/search", params={"q": "a", "conversation": chat}).status_code == 404


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("서울역에서 만나요", "울역"),
        ("ガラスのパンダ", "パンダ"),
        ("Crème brûlée, Đà Nẵng", "brûlée"),
        ("น้ำตาลปี๊บ", "น้ำตาล"),
    ],
)
def test_words_are_found_and_marked_however_they_were_typed(
    http: httpx2.Client, upstream: Upstream, said: str, asked: str
) -> None:
    model = upstream.model(Script(pieces=["Yes."]))
    spelled = [spell(said) for spell in SPELLINGS]
    chats = [say(http, text, model) for text in spelled]
    for spell in SPELLINGS:
        hits = search(http, f'"{spell(asked)}"', who="user")
        assert [hit["passage"] for hit in hits] == spelled[::-1]
        assert [marked(hit) for hit in hits] == [[spell(asked)] for spell in reversed(SPELLINGS)]
    for chat in chats:
        http.delete(f"/api/conversations/{chat}")


@pytest.mark.parametrize(
    ("said", "asked", "found"),
    [
        ("Wo sind die Häuser mit den Bäumen?", "Haus Baum ", ["Häuser", "Bäumen"]),
        ("Les journaux sont dans la cuisine.", "journal ", ["journaux"]),
        ("¿Dónde están las llaves de mi coche?", "llave coches ", ["llaves", "coche"]),
        ("Где лежат новые газеты?", "новая газета ", ["новые", "газеты"]),
    ],
)
@pytest.mark.parametrize("order", ["newest", "best"])
def test_words_are_found_in_their_forms_and_marked_in_the_language_of_the_message(
    http: httpx2.Client, upstream: Upstream, said: str, asked: str, found: list[str], order: str
) -> None:
    chat = say(http, said, upstream.model(Script(pieces=["The houses and the rest."])))
    hits = search(http, asked, conversation=chat, order=order)
    assert [(hit["passage"], marked(hit)) for hit in hits] == [(said, found)]
    http.delete(f"/api/conversations/{chat}")


def test_half_and_full_width_letters_find_the_usual_ones(http: httpx2.Client, upstream: Upstream) -> None:
    say(http, "Ｏｃｅｌｏｔ ｶﾞﾗﾊﾟｺﾞｽ", upstream.model(Script(pieces=["Yes."])))
    assert [marked(hit) for hit in search(http, "ocelot ガラパゴス", who="user")] == [["Ｏｃｅｌｏｔ", "ｶﾞﾗﾊﾟｺﾞｽ"]]


def test_what_is_deleted_is_gone_from_the_results_until_it_is_restored(http: httpx2.Client, upstream: Upstream) -> None:
    chat = say(http, "A quokka question", upstream.model(Script(pieces=["Yes."])))
    conversation = search(http, "quokka")[0]["conversation"]
    http.delete(f"/api/conversations/{chat}")
    assert search(http, "quokka") == []
    http.post(f"/api/conversations/{conversation}/restore")
    assert len(search(http, "quokka")) == 1


def test_answers_with_ideas_are_found_by_that(http: httpx2.Client, upstream: Upstream) -> None:
    chat = say(http, "Names, please", upstream.model(Script(pieces=list(TAGGED))), assistant="ideas")
    found = search(http, "", has="ideas", conversation=chat)
    assert [hit["role"] for hit in found] == ["assistant"]
    assert search(http, "", has="files", conversation=chat) == []


@pytest.mark.parametrize("order", ["newest", "best"])
def test_pages_of_results_are_the_whole_each_once(http: httpx2.Client, upstream: Upstream, order: str) -> None:
    model = upstream.model(Script(pieces=["No."]))
    chats = [say(http, f"narwhal {'narwhal ' * (n % 3)}{order} {n}", model) for n in range(5)]
    found: list[str] = []
    cursor = ""
    while True:
        params: dict[str, Any] = {"q": f"narwhal {order} ", "order": order, "limit": 2, "cursor": cursor}
        page = http.get("/api/search", params=params).json()
        found += [hit["passage"] for hit in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(found) == len(set(found)) == len(chats)
    assert found[0].startswith("narwhal narwhal narwhal" if order == "best" else "narwhal narwhal newest 4")


def test_any_text_is_a_query_and_a_wrong_filter_is_named(http: httpx2.Client) -> None:
    for odd in ['"', "*", "AND OR NOT", "a:b", "((", "'", "\\", "-", '-"', "%_", "日" * 900, "\x00"]:
        search(http, odd)
    assert search(http, "") == search(http, "…") == []
    wrongs: list[dict[str, Any]] = [
        {"from": "yesterday"},
        {"cursor": "x1"},
        {"cursor": "n١"},
        {"to": "9999-12-31"},
        {"limit": 0},
    ]
    for wrong in wrongs:
        assert http.get("/api/search", params={"q": "a"} | wrong).status_code == 422, wrong
