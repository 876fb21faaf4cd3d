"""A share link shows a copy, as it was, without anything that could run or reach out; taken back, it shows nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

PAYLOADS = json.loads((Path(__file__).parent.parent / "fixtures" / "payloads.json").read_text())

HARMLESS = """
a article blockquote br code del div em footer h1 h2 h3 h4 h5 h6 hr li main nav ol p pre s span strong table tbody td th
thead time tr ul body html
"""


def say(http: httpx2.Client, chat: str, text: str, model: str) -> None:
    assert http.post("/chat_batch", json={"message": text, "chatId": chat, "model": model}).status_code == 200


def share(http: httpx2.Client, chat: str) -> dict[str, Any]:
    answer = http.post(f"/api/conversations/{chat}/shares")
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def visit(server: Server, made: dict[str, Any], query: str = "") -> httpx2.Response:
    """As somebody without an account."""
    with httpx2.Client(base_url=server.url) as visitor:
        return visitor.get("/s/" + made["url"].rsplit("/", 1)[1] + query)


def test_whoever_has_the_link_reads_what_was_there_and_nothing_later(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    chat = new_name("chat")
    script = Script(pieces=["**Bold** [here](https://example.org/x) ![spy](https://example.org/p.png)"])
    script.reasoning = ["a secret thought"]
    model = upstream.model(script)
    say(http, chat, "A <b>question</b>", model)
    made = share(http, chat)
    say(http, chat, "Something later", model)
    page = visit(server, made)
    assert page.status_code == 200
    assert "<strong>Bold</strong>" in page.text
    assert "A &lt;b&gt;question&lt;/b&gt;" in page.text
    assert 'rel="noopener noreferrer nofollow"' in page.text
    for hidden in ("secret thought", "Something later", "<img", "<script", "p.png"):
        assert hidden not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "img-src" not in policy
    assert "noindex" in page.headers["x-robots-tag"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in page.headers["cache-control"]
    assert "set-cookie" not in page.headers


def test_a_share_is_listed_and_taken_back_by_its_owner_only(
    server: Server, http: httpx2.Client, stranger: httpx2.Client, upstream: Upstream
) -> None:
    chat = new_name("chat")
    say(http, chat, "Hello", upstream.model(Script()))
    made = share(http, chat)
    [listed] = http.get("/api/shares", params={"conversation": chat}).json()["items"]
    assert (listed["id"], listed["title"], listed["message_count"]) == (made["id"], "Hello", 2)
    assert made["url"].rsplit("/", 1)[1] not in json.dumps(listed)
    assert stranger.post(f"/api/conversations/{chat}/shares").status_code == 404
    assert stranger.delete(f"/api/shares/{made['id']}").status_code == 404
    assert visit(server, made).status_code == 200
    assert http.delete(f"/api/shares/{made['id']}").status_code == 204
    gone, unknown = visit(server, made), visit(server, {"url": "/s/" + "x" * 32})
    assert (gone.status_code, unknown.status_code) == (404, 404)
    assert gone.text == unknown.text
    assert http.delete(f"/api/shares/{made['id']}").status_code == 404
    [listed] = http.get("/api/shares", params={"conversation": chat}).json()["items"]
    assert listed["revoked_at"] is not None


def test_links_go_and_come_back_with_their_conversation(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    chat = new_name("chat")
    say(http, chat, "Hello", upstream.model(Script()))
    made = share(http, chat)
    conversation = http.get(f"/api/conversations/{chat}").json()["id"]
    assert http.delete(f"/api/conversations/{chat}").status_code == 204
    assert visit(server, made).status_code == 404
    assert http.post(f"/api/conversations/{conversation}/restore").status_code == 200
    assert visit(server, made).status_code == 200


def test_a_long_conversation_is_shared_page_by_page(server: Server, http: httpx2.Client, upstream: Upstream) -> None:
    chat, model = new_name("chat"), upstream.model(Script(pieces=["Yes."]))
    for number in range(28):
        say(http, chat, f"Question number {number}.", model)
    made = share(http, chat)
    first, second = visit(server, made), visit(server, made, "?page=2")
    assert made["message_count"] == 56
    said = [re.findall(r"Question number (\d+)\.", page.text.partition("<main>")[2]) for page in (first, second)]
    assert [len(numbers) for numbers in said] == [25, 3]
    assert [int(number) for numbers in said for number in numbers] == list(range(28))
    for odd in ("0", "3", "-1", "x", "9" * 20, "١"):
        assert visit(server, made, f"?page={odd}").status_code == 404, odd


def test_nothing_of_a_hostile_answer_comes_alive_on_the_shared_page(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    chat = new_name("chat")
    texts = list(find_texts(PAYLOADS))
    assert len(texts) > 100
    assert sum(map(len, texts)) < 45_000, "else it is shown as plain text"
    say(http, chat, "Hello", upstream.model(Script(pieces=["\n\n".join(texts)])))
    page = visit(server, share(http, chat)).text.partition("<main>")[2]
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z][\w-]*)", page))
    assert tags <= set(HARMLESS.split())
    attributes = set(re.findall(r"<[a-z0-9]+[^>]*?\s([a-z-]+)=", page))
    assert attributes <= {"class", "dir", "datetime", "href", "rel", "target", "title", "start", "style"}
    assert all(re.fullmatch(r"text-align:\w+", style) for style in re.findall(r'<t[hd] style="([^"]*)"', page))
    links = re.findall(r'<a href="([^"]*)"', page)
    assert all(link.lower().startswith(("http://", "https://", "mailto:", "?page=")) for link in links)


def find_texts(found: Any) -> list[str]:
    """All strings in it."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, dict):
        return [text for value in found.values() for text in find_texts(value)]
    return [text for value in found for text in find_texts(value)] if isinstance(found, list) else []


def test_an_answer_that_is_being_written_is_named_as_such(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    chat, model = new_name("chat"), upstream.model(Script(pieces=["Said."]))
    say(http, chat, "First", model)
    upstream.change(model, Script(pieces=words(500), delay_s=0.05))
    with http.stream("POST", "/chat_batch", json={"message": "Second", "chatId": chat, "model": model}):
        wait_until(lambda: len(upstream.requests(model)) == 2, "the second answer to begin")
        made = share(http, chat)
        upstream.hurry(model)
    assert (made["message_count"], made["unfinished"]) == (4, 1)
    page = visit(server, made).text
    assert page.count("This answer was still being written when the conversation was shared.") == 1
    assert page.index("Second") < page.index("still being written")
    wait_until(lambda: fetch_messages(http, chat)[-1]["status"] == "complete", "the second answer to end")
    complete = share(http, chat)
    assert (complete["message_count"], complete["unfinished"]) == (4, 0)
    assert "still being written" not in visit(server, complete).text


def test_a_private_conversation_is_not_shared_and_one_that_becomes_private_shows_nothing(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    chat = new_name("chat")
    say(http, chat, "Hello", upstream.model(Script()))
    made = share(http, chat)
    assert http.patch(f"/api/conversations/{chat}", json={"memory": "private"}).status_code == 200
    refused = http.post(f"/api/conversations/{chat}/shares")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["detail"].startswith("A private conversation is not shared.")
    assert visit(server, made).status_code == 404
    assert http.patch(f"/api/conversations/{chat}", json={"memory": ""}).status_code == 200
    assert visit(server, made).status_code == 200


def test_an_empty_conversation_is_not_shared(http: httpx2.Client, upstream: Upstream) -> None:
    assert http.post(f"/api/conversations/{new_name('chat')}/shares").status_code == 404
