"""Signing in: the one-time link, the cookie, signing out; API keys."""

from __future__ import annotations

import asyncio
import contextlib
from http.cookies import SimpleCookie

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.harness.full_client import FullClient, SocketClosedError, new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import add_member, suspend
from websockets.exceptions import InvalidStatus


def new_link(server: Server) -> str:
    said = server.run("open", "--port", str(server.port)).stdout.strip()
    assert said.startswith(f"{server.url}/open?link=")
    return said


def sign_in(server: Server) -> str:
    """A session token by a new link."""
    answer = httpx2.get(new_link(server))
    assert answer.status_code == 303
    return SimpleCookie(answer.headers["set-cookie"])["qd_session"].value


def test_behind_a_proxy_a_new_link_begins_with_the_public_address(make_server: MakeServer) -> None:
    behind = make_server(QUARTERDECK_PUBLIC_URL="https://chat.example.org/")
    assert behind.run("open").stdout.startswith("https://chat.example.org/open?link=")


def test_a_new_link_leads_to_the_server_that_runs_on_the_data_folder(make_server: MakeServer) -> None:
    """Whatever port it was told, or has taken because another one was in use."""
    running = make_server().start()
    opened = running.run("open")
    assert httpx2.get(opened.stdout.strip()).status_code == 303
    assert "healthz" not in opened.stderr, "how it was found out is nobody's concern"
    added = running.run("user", "add", "ann").stdout.strip()
    assert added.startswith(f"{running.url}/reset/")
    told = running.run("open", "--host", "localhost", "--port", "8123")
    assert told.stdout.startswith("http://localhost:8123/open?link=")
    running.kill()  # what it has said about itself stays in the folder
    assert running.run("open").stdout.startswith("http://127.0.0.1:8000/open?link=")


def test_the_printed_link_signs_in_once(make_server: MakeServer) -> None:
    running = make_server().start()
    with httpx2.Client() as browser:
        opened = browser.get(running.link)
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        assert browser.get(f"{running.url}/api/me").json()["role"] == "owner"
        again = browser.get(running.link)
        assert again.status_code == 303, "who is signed in already is led to the page"
        assert "set-cookie" not in again.headers
    with httpx2.Client() as other:
        refused = other.get(running.link)
        assert refused.status_code != 303
        assert "set-cookie" not in refused.headers
        assert other.get(f"{running.url}/api/me").status_code == 401


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(server: Server) -> None:
    answer = httpx2.get(new_link(server))
    cookie = SimpleCookie(answer.headers["set-cookie"])["qd_session"]
    assert cookie["httponly"] is True
    assert cookie["samesite"].lower() in ("lax", "strict")
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) > 24 * 3600
    assert cookie["domain"] == ""


def test_behind_https_the_cookie_is_for_https_only(make_server: MakeServer) -> None:
    running = make_server(QUARTERDECK_PUBLIC_URL="https://chat.example.org").start()
    secret = running.link.partition("link=")[2]
    answer = httpx2.get(f"{running.url}/open", params={"link": secret}, headers={"host": "chat.example.org"})
    assert SimpleCookie(answer.headers["set-cookie"])["qd_session"]["secure"] is True


@pytest.mark.parametrize("link", ["", "x", "x" * 5000, "%00", "'; DROP TABLE open_links; --"])
def test_a_made_up_link_opens_nothing(server: Server, link: str) -> None:
    answer = httpx2.get(f"{server.url}/open", params={"link": link})
    assert answer.status_code != 303
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session_everywhere(server: Server) -> None:
    token = sign_in(server)
    headers = {"cookie": f"qd_session={token}", "origin": server.url}
    assert httpx2.get(f"{server.url}/api/me", headers=headers).status_code == 200
    assert httpx2.post(f"{server.url}/api/sign-out", headers=headers).status_code == 204
    assert httpx2.get(f"{server.url}/api/me", headers=headers).status_code == 401
    bearer = {"authorization": f"Bearer {token}"}
    assert httpx2.get(f"{server.url}/api/me", headers=bearer).status_code == 401


def test_signing_out_with_an_api_key_leaves_the_key(server: Server, http: httpx2.Client) -> None:
    assert http.post("/api/sign-out").status_code == 204
    assert http.get("/api/me").status_code == 200


async def test_a_session_may_use_the_socket(server: Server) -> None:
    token = await asyncio.to_thread(sign_in, server)
    async with open_full(server.port, "", headers={"Cookie": f"qd_session={token}"}, origin=server.url) as client:
        assert (await client.ask("ping"))["type"] == "pong"
    async with open_full(server.port, token) as client:
        assert client.hello["user"]["name"] == "owner"


async def test_an_open_socket_is_closed_when_its_session_ends(server: Server) -> None:
    token = await asyncio.to_thread(sign_in, server)
    async with open_full(server.port, token) as client:
        answer = httpx2.post(f"{server.url}/api/sign-out", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 204
        assert (await use_until_closed(client)).code == 1008
        assert client.frames[-1]["code"] == "not_signed_in"


async def test_a_suspended_user_is_out(server: Server) -> None:
    name = new_name("member")
    key = await asyncio.to_thread(add_member, server.data_dir, name)
    async with open_full(server.port, key) as client:
        assert client.hello["user"]["name"] == name
        await asyncio.to_thread(suspend, server.data_dir, name)
        assert (await use_until_closed(client)).code == 1008
        assert client.frames[-1]["code"] == "not_signed_in"
    with server.http(key) as http:
        refused = http.get("/api/me")
        assert (refused.status_code, refused.json()["code"]) == (401, "suspended")
    with pytest.raises((InvalidStatus, SocketClosedError)):
        async with open_full(server.port, key):
            pass


async def use_until_closed(client: FullClient) -> SocketClosedError:
    """Whose rights have ended is out at a command within five seconds."""
    async with asyncio.timeout(5):
        while client.closed is None:
            with contextlib.suppress(SocketClosedError):
                await client.say({"type": "feed", "ref": "still there?"})
            await asyncio.sleep(0.1)
    return client.closed


def test_keys_are_made_for_users_there_are(server: Server) -> None:
    made = server.run("key", "create", "--user", "nobody")
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr.count("\n") == 1
    name = new_name("member")
    add_member(server.data_dir, name)
    key = server.run("key", "create", "--user", name, "--name", "second").stdout.strip()
    with server.http(key) as http:
        me = http.get("/api/me").json()
    assert (me["name"], me["role"], me["via"]) == (name, "member", "key")


def test_a_member_may_not_change_the_server(server: Server, stranger: httpx2.Client) -> None:
    asked = [
        stranger.get("/api/providers"),
        stranger.put("/api/providers/x", json={"base_url": "http://127.0.0.1:1/v1"}),
        stranger.post("/api/providers/test", json={"name": "x", "base_url": "http://127.0.0.1:1/v1"}),
        stranger.delete("/api/providers/openai"),
        stranger.patch("/api/settings", json={"default_model": ""}),
    ]
    assert [answer.status_code for answer in asked] == [403] * 5
    assert {answer.json()["code"] for answer in asked} == {"forbidden"}
