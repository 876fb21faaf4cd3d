"""Without a network the page says so, keeps what is written, and sends it once."""

from __future__ import annotations

import json

from playwright.sync_api import BrowserContext, WebSocketRoute, expect
from tests.e2e.chat_page import ChatPage, find_slips
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.stored import text_of
from tests.harness.upstream import Upstream


def test_a_message_written_offline_is_kept_and_sent_once(
    chat: ChatPage, context: BrowserContext, upstream: Upstream
) -> None:
    model = upstream.model(Script())
    chat.ask("While there is a network", model)
    banner = chat.page.get_by_role("status").filter(has_text="No connection.")
    context.set_offline(True)
    expect(banner).to_be_visible()
    chat.send("Into the silence")
    expect(chat.page.get_by_text("Waiting for the connection. It is kept and sent by itself.")).to_be_visible()
    assert len(upstream.requests(model)) == 1

    context.set_offline(False)
    expect(banner).to_have_count(0)
    expect(chat.answers).to_have_count(2)
    chat.until_complete()
    chat.page.reload()
    expect(chat.answers).to_have_count(2)
    said = [text_of(message) for message in chat.stored if message["role"] == "user"]
    assert said == ["While there is a network", "Into the silence"]
    assert len(upstream.requests(model)) == 2


def test_a_message_that_a_busy_server_refuses_goes_out_by_itself_and_once(chat: ChatPage, upstream: Upstream) -> None:
    """Refused twice, as while its database restarts; the third time it reaches the server."""
    model = upstream.model(Script())
    sent: list[str] = []

    def stand_between(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "send":
                sent.append(frame["id"])
            if frame["type"] == "send" and len(sent) < 3:
                busy = {"code": "storage", "message": "The database does not answer.", "retryable": True}
                page.send(json.dumps({"type": "error", "ref": frame["ref"], **busy}))
            else:
                server.send(text)

        page.on_message(pass_on)

    chat.page.route_web_socket("**/chat", stand_between)
    chat.open().choose_model(model).send("When you have time")
    expect(chat.page.get_by_text("The server is busy. It is kept and sent by itself.")).to_be_visible()
    expect(chat.field).to_have_value("")
    chat.until_text("Hello, world!").until_complete()
    assert len(sent) == 3
    assert len(set(sent)) == 1
    assert [text_of(message) for message in chat.stored] == ["When you have time", "Hello, world!"]
    assert len(upstream.requests(model)) == 1


def test_a_break_in_the_middle_of_an_answer_leaves_no_hole(
    chat: ChatPage, context: BrowserContext, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(250), delay_s=0.02))
    chat.watch().choose_model(model).send("Through a bad network")
    chat.until_text("still3 ")
    context.set_offline(True)
    expect(chat.page.get_by_role("status").filter(has_text="No connection.")).to_be_visible()
    context.set_offline(False)
    chat.until_complete()
    assert chat.read == chat.stored_text == "".join(words(250)).strip()
    assert find_slips(chat.shown, chat.read) == []


def test_titles_are_found_among_the_loaded_ones_while_the_server_is_away(
    chat: ChatPage, context: BrowserContext, upstream: Upstream
) -> None:
    model = upstream.model(Script())
    archived = new_name("put away")
    with chat.server.http() as http:
        http.post("/chat_batch", json={"message": archived, "chatId": archived, "model": model})
        change = {"action": "archive", "ids": [http.get(f"/api/conversations/{archived}").json()["id"]]}
        assert http.post("/api/conversations/bulk", json={"changes": [change]}).is_success
    chat.open()
    for title in ("Zanzibar by ship", "Überfahrt nach Sansibar", "Bread with seeds"):
        chat.button("New conversation").click()
        chat.ask(title, model)
        expect(chat.sidebar.get_by_role("link", name=title)).to_be_visible()
    rows = chat.sidebar.get_by_role("link")
    everything = rows.count()
    field = chat.page.get_by_role("searchbox", name="Search conversations by title")
    away = chat.sidebar.get_by_role("status")
    context.route("**/api/conversations?**", lambda route: route.abort("connectionrefused"))
    field.fill("über sans")
    expect(rows).to_have_text(["Überfahrt nach Sansibar"])
    expect(away).to_have_text("The server cannot be asked just now. These are from what is loaded here.")
    field.fill("no such title")
    expect(rows).to_have_count(0)
    expect(away).to_have_text("The server cannot be asked just now, and nothing that is loaded here matches.")
    field.fill("")
    expect(rows).to_have_count(everything)
    expect(away).to_have_text("")
    chat.page.get_by_role("button", name="Archive", exact=True).click()
    expect(away).to_contain_text("The server cannot be asked just now")
    expect(rows).to_have_count(0)
    context.unroute("**/api/conversations?**")
    expect(chat.sidebar.get_by_role("link", name=archived)).to_be_visible()
    expect(away).to_have_text("")
