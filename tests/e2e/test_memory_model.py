"""An admin chooses the model that finds by meaning in the page, and sees how far it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("tokenizers")
from playwright.sync_api import Browser, expect
from tests.conftest import MakeServer
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import Visitor
from tests.fakes.script import Script
from tests.harness.full_client import new_name
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until
from tests.unit.memory.sentence_models import write_bert_folder


@pytest.fixture
def admin(make_server: MakeServer, browser: Browser) -> Iterator[ChatPage]:
    server = make_server(QUARTERDECK_LEARN_AFTER_S="0", QUARTERDECK_TITLES="0").start()
    with server.http() as http:
        told = {"message": "My mother lives in Lisbon.", "chatId": new_name("chat"), "model": "builtin/log-reader"}
        http.post("/chat_batch", json=told).raise_for_status()
    write_bert_folder(server.data_dir / "models" / "small")
    context = Visitor(browser, server).new_context()
    yield ChatPage(context.new_page(), server).open("/admin/memory")
    context.close()


def test_a_model_is_tried_chosen_and_makes_its_vectors_before_ones_eyes(admin: ChatPage, upstream: Upstream) -> None:
    page = admin.page
    good, bad = upstream.model(Script()), upstream.model(Script(status=401))
    expect(page.get_by_text("No model is chosen: memory finds by words alone.")).to_be_visible()
    model = page.get_by_role("combobox", name="Model")
    choose = page.get_by_role("button", name="Use this model")
    expect(choose).to_be_disabled()
    expect(model.get_by_role("option", name="local/small (on this machine)")).to_have_count(1)

    model.select_option(label="Another one …")
    name = page.get_by_role("textbox", name="Name of the model")
    name.fill(bad)
    choose.click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(name).to_have_value(bad)

    name.fill(good)
    choose.click()
    expect(page.get_by_text(f"{good} has made vectors of everything")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("table", name="Vectors").get_by_role("row", name=good)).to_be_visible()
    expect(model).to_have_value(good)

    model.select_option(label="None: by words alone")
    choose.click()
    expect(page.get_by_text("No model is chosen: memory finds by words alone.")).to_be_visible()


def test_a_model_that_fails_later_says_why_and_how_far_it_is_in_the_pages_own_colours(
    admin: ChatPage, upstream: Upstream
) -> None:
    page, server = admin.page, admin.server
    name = upstream.model(Script())
    page.get_by_role("combobox", name="Model").select_option(label="Another one …")
    page.get_by_role("textbox", name="Name of the model").fill(name)
    page.get_by_role("button", name="Use this model").click()
    expect(page.get_by_text(f"{name} has made vectors of everything")).to_be_visible(timeout=20_000)

    upstream.change(name, Script(status=500, error_message="The engine is on fire."))
    with server.http() as http:
        http.post("/api/memories", json={"text": "I live in Faro."}).raise_for_status()
        wait_until(lambda: http.get("/api/admin/memory").json()["state"] == "failing", "the model fails")
    page.reload()
    expect(page.get_by_text(f"{name} makes no vectors just now")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("The engine is on fire.")).to_be_visible()
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_css("appearance", "none")  # or it is the browser's green
    assert float(bar.get_attribute("value") or 0) < float(bar.get_attribute("max") or 0)
