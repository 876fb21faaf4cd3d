"""The Streamlit page: `quarterdeck streamlit` beside a server, in a browser."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest
from tests.fakes.script import Script, words
from tests.harness.server import Server, clean_environment, run_command
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck.cli.streamlit.command import _PAGE as PAGE
from quarterdeck.client import Client
from quarterdeck.client.calls import new_name

START_S = 60.0


@pytest.fixture(scope="module")
def address(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is."""
    folder = tmp_path_factory.mktemp("streamlit")
    with serve_page(folder, "--url", server.url, QUARTERDECK_KEY=server.key) as address:
        yield address


@contextlib.contextmanager
def serve_page(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "quarterdeck", "streamlit", "--port", str(port), *options],
        cwd=folder,
        env=clean_environment(folder, **environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with httpx2.Client() as client:
            wait_until(lambda: _answers(client, f"http://127.0.0.1:{port}/_stcore/health"), "Streamlit", START_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _answers(client: httpx2.Client, url: str) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return client.get(url).status_code == 200
    return False


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    yield page
    context.close()


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def pick_model(page: Page, model: str) -> None:
    box = page.get_by_role("combobox", name="Model")
    box.click()
    box.fill(model)
    page.get_by_role("option", name=model, exact=True).click()


def test_a_conversation_streams_into_bubbles_and_is_there_after_a_reload(
    visit: Page, server: Server, upstream: Upstream
) -> None:
    script = Script(
        pieces=["# Names\n\n", *words(30), "\n\n![a picture](https://elsewhere.example/leak.png)"], delay_s=0.05
    )
    model = upstream.model(script)
    asked: list[str] = []
    visit.on("request", lambda request: asked.append(request.url))
    pick_model(visit, model)
    visit.get_by_text("Set the temperature").click()
    expect(visit.get_by_role("slider")).to_be_visible()
    say(visit, "Names for a <b>cat</b>?")
    bubbles = visit.locator("[class*='st-key-assistant-']")
    expect(bubbles.get_by_role("heading", name="Names")).to_be_visible()
    expect(visit.locator("[class*='st-key-user-']")).to_have_text("Names for a <b>cat</b>?")
    expect(bubbles).to_contain_text("a picture", timeout=20_000)
    assert upstream.requests(model)[-1].body["temperature"] == pytest.approx(0.7)
    assert not any("elsewhere.example" in url for url in asked)
    name = visit.url.partition("chat=")[2]
    with Client(server.url, key=server.key) as client:
        assert [message.role for message in client.messages(name).items] == ["user", "assistant"]
    visit.reload()
    expect(visit.locator("[class*='st-key-assistant-']")).to_contain_text("a picture", timeout=20_000)
    say(visit, "And for a dog?")
    expect(visit.locator("[class*='st-key-assistant-']")).to_have_count(2)
    visit.get_by_role("button", name="New conversation").click()
    expect(visit.locator("[class*='st-key-assistant-']")).to_have_count(0)


def test_an_answer_that_waits_for_another_says_so_and_comes_in_its_place(
    visit: Page, server: Server, upstream: Upstream, address: str
) -> None:
    long, short = upstream.model(Script(pieces=words(3_000), delay_s=0.05)), upstream.model(Script())
    name = new_name("streamlit")
    with Client(server.url, key=server.key) as client:
        client.send("First", conversation=name, model=long)
        client.send("Second", conversation=name, model=short)
        wait_until(lambda: client.messages(name).items[-1].status == "queued", "the second to wait")
        visit.goto(f"{address}/?chat={name}")
        answers = visit.locator("[class*='st-key-assistant-']")
        expect(answers.first).to_contain_text(words(3)[-1].strip(), timeout=20_000)
        upstream.change(short, Script(first_delay_s=5))
        upstream.hurry(long)
        expect(answers.nth(1)).to_contain_text("Waiting for its turn", timeout=20_000)
        expect(answers.nth(1)).to_contain_text("Hello, world!", timeout=20_000)
    expect(visit.locator("[class*='st-key-user-']")).to_have_text(["First", "Second"])
    expect(answers).to_have_count(2)


def test_an_address_without_a_conversation_begins_a_new_one(visit: Page, upstream: Upstream, address: str) -> None:
    visit.goto(f"{address}/?chat=nothing-here")
    expect(visit.get_by_role("alert")).to_have_text("There is no such conversation. This is a new one.")
    pick_model(visit, upstream.model(Script(pieces=["At ", "last."])))
    say(visit, "Anybody here?")
    expect(visit.locator("[class*='st-key-assistant-']")).to_have_text("At last.")
    expect(visit.get_by_role("alert")).to_have_count(0)
    assert "nothing-here" not in visit.url


def test_a_message_that_the_server_does_not_take_stays_in_the_box(
    visit: Page, server: Server, upstream: Upstream, address: str
) -> None:
    with Client(server.url, key=server.key) as client:
        name = new_name("streamlit")
        client.send("First", conversation=name, model=upstream.model(Script())).wait()
        identifier = client.conversation(name).id
        visit.goto(f"{address}/?chat={identifier}")
        expect(visit.locator("[class*='st-key-user-']")).to_have_text("First")
        client.delete_conversation(identifier)
        say(visit, "Second")
        expect(visit.get_by_role("alert")).to_contain_text("This conversation was deleted.")
        expect(visit.get_by_label("Your message")).to_have_value("Second")
        expect(visit.locator("[class*='st-key-user-']")).to_have_text("First")
        with server.http() as http:
            assert http.post(f"/api/conversations/{identifier}/restore").status_code == 200
        visit.get_by_role("button", name="Send").click()
        expect(visit.locator("[class*='st-key-user-']")).to_have_text(["First", "Second"])
        expect(visit.locator("[class*='st-key-assistant-']")).to_have_count(2)
        expect(visit.get_by_label("Your message")).to_have_count(1)
        expect(visit.get_by_label("Your message")).to_have_value("")
        assert [one.text for one in client.messages(identifier).items][::2] == ["First", "Second"]


def test_a_failed_answer_is_told(visit: Page, upstream: Upstream) -> None:
    pick_model(visit, upstream.model(Script(pieces=words(10), fault="cut", fault_after=6)))
    say(visit, "Hello")
    expect(visit.get_by_role("alert")).to_be_visible(timeout=20_000)
    expect(visit.locator("[class*='st-key-assistant-']")).to_contain_text("".join(words(6)).strip())


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("", "This server wants an API key: make one"), ("qd_kwrong", "This server did not take the API key: make one")],
)
def test_without_a_key_that_counts_it_does_not_start(server: Server, tmp_path: Path, key: str, sentence: str) -> None:
    started = run_command(
        "streamlit", "--url", server.url, folder=tmp_path, environment=clean_environment(tmp_path, QUARTERDECK_KEY=key)
    )
    assert started.stderr.startswith(f"quarterdeck: {sentence}")
    assert (started.stderr.count("\n"), started.stdout, started.returncode) == (1, "", 1)


def test_without_a_server_it_does_not_start(tmp_path: Path) -> None:
    nowhere = ["--url", "http://127.0.0.1:1", "--key", "qd_kany"]
    started = run_command("streamlit", *nowhere, folder=tmp_path, environment=clean_environment(tmp_path))
    assert (started.stderr, started.returncode) == ("quarterdeck: No server answers at http://127.0.0.1:1.\n", 1)


def test_on_the_data_folder_it_needs_no_key_and_says_when_its_own_is_revoked_or_the_server_gone(
    browser: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(9)))
    server = Server(tmp_path / "own", QUARTERDECK_MODEL=model, **upstream.environment).start()
    try:
        with serve_page(tmp_path, "--data-dir", str(server.data_dir)) as address, browser.new_context() as context:
            page = context.new_page()
            page.goto(address)
            say(page, "Hello")
            expect(page.locator("[class*='st-key-assistant-']")).to_contain_text(words(9)[-1].strip(), timeout=60_000)
            revoke_the_pages_key(server)
            page.reload()
            said = page.get_by_role("alert")
            expect(said).to_contain_text("The server does not take this page's key any more", timeout=60_000)
            server.kill()
            page.reload()
            expect(said).to_contain_text(f"No server answers at {server.url}", timeout=60_000)
            expect(page.get_by_text("Traceback")).to_have_count(0)
    finally:
        server.close()


def revoke_the_pages_key(server: Server) -> None:
    with server.http() as http:
        [key] = [one for one in http.get("/api/me/keys").json()["items"] if one["name"] == "Streamlit page"]
        assert key["scopes"] == ["chat", "read"]
        assert http.delete(f"/api/me/keys/{key['id']}").status_code == 204


def test_the_page_alone_says_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUARTERDECK_URL", raising=False)
    monkeypatch.delenv("QUARTERDECK_KEY", raising=False)
    ran = AppTest.from_file(PAGE).run(timeout=60)
    assert [error.value for error in ran.error] == [
        "This page knows no server: start it with `quarterdeck streamlit`, which gives it one and a key."
    ]
    assert list(ran.exception) == []
