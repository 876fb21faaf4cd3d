"""What the model saw, beside the conversation: exact texts, jumps, summaries as brackets, pins, the gauge."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.e2e.accessibility import find_barriers
from tests.e2e.chat_page import ChatPage
from tests.fakes.script import Script, ScriptedUsage
from tests.harness.people import change_rows
from tests.harness.upstream import Upstream

from quarterdeck.store.tables import summaries


def test_under_each_answer_one_opens_what_the_model_saw(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Calm seas."], usage=ScriptedUsage(input=400, cached=300)))
    chat.choose_model(model).send("What of the weather?")
    chat.until_complete()
    chat.send("And tomorrow?")
    expect(chat.answers).to_have_count(2)
    chat.until_complete()
    page = chat.page
    expect(chat.form.get_by_role("img", name="of what the model takes is used")).to_be_visible()
    chat.answer.get_by_role("button", name="What the model saw").click()
    drawer = page.get_by_role("complementary", name="What the model saw")
    expect(drawer.get_by_text("Exactly what was sent")).to_be_visible()
    expect(drawer.get_by_text("75%")).to_be_visible()
    entries = drawer.get_by_role("listitem").filter(has=page.locator("summary"))
    expect(entries).to_have_count(4)
    entries.last.locator("summary").click()
    sent = upstream.requests(model)[-1].body["messages"][-1]["content"]
    assert entries.last.locator("pre").text_content() == sent
    entries.nth(1).locator("summary").click()
    entries.nth(1).get_by_role("link", name="Go to the message").click()
    assert page.url.endswith(f"#m-{chat.stored[0]['id']}")
    assert find_barriers(page) == []
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_have_count(0)


def test_a_summarised_section_has_a_bracket_and_a_message_can_be_pinned(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Aye."]))
    chat.choose_model(model).send("Remember the harbour")
    chat.until_complete()
    chat.send("And the mist")
    expect(chat.answers).to_have_count(2)
    chat.until_complete()
    stored = chat.stored
    row = {
        "id": f"summary-{stored[0]['id']}", "owner_id": _owner(chat), "conversation_id": stored[0]["conversation"],
        "level": 1, "first_id": stored[0]["id"], "last_id": stored[1]["id"], "message_count": 2,
        "text": "The user told of a harbour.", "tokens": 8, "model": model, "created_at": 1,
    }  # fmt: skip
    change_rows(chat.server.data_dir, summaries.insert().values(**row))
    page = chat.page
    page.reload()
    mark = page.get_by_role("button", name="2 messages, summarised for the model")
    mark.click()
    expect(page.get_by_role("dialog", name="Summary").get_by_text("The user told of a harbour.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("article", name="You").first.get_by_text("Remember the harbour")).to_be_visible()

    question = page.get_by_role("article", name="You").first
    question.hover()
    question.get_by_role("button", name="Pin: the model always sees it").click()
    expect(question.get_by_text("Pinned: the model always sees it")).to_be_visible()
    assert chat.stored[0]["mark"] == "pinned"
    assert find_barriers(page) == []


def _owner(chat: ChatPage) -> str:
    with chat.server.http() as http:
        return str(http.get("/api/me").json()["id"])
