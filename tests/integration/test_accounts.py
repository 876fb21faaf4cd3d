"""Local accounts, through HTTP: signing in, invitations, devices, new passwords."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.harness.browser import open_browser
from tests.harness.full_client import new_name
from tests.harness.server import Server

PASSWORD = "a sail in the wind"


@pytest.fixture
def owner(server: Server) -> Iterator[httpx2.Client]:
    """A browser in which the owner is signed in, by the one-time link."""
    with open_browser(server) as browser:
        yield browser


def visitor(server: Server, **headers: str) -> httpx2.Client:
    """A browser nobody is signed in with."""
    return httpx2.Client(base_url=server.url, headers={"origin": server.url, **headers})


def invited(owner: httpx2.Client, **wish: Any) -> str:
    """The secret of a new invitation."""
    made = owner.post("/api/admin/invitations", json=wish)
    assert made.status_code == 201, made.text
    return str(made.json()["link"].rpartition("/")[2])


def join(server: Server, owner: httpx2.Client, name: str = "") -> httpx2.Client:
    """A browser of a new member."""
    browser = visitor(server)
    name = name or new_name("ann")
    wanted = {"invitation": invited(owner), "name": name, "password": PASSWORD}
    made = browser.post("/api/sign-up", json=wanted)
    assert made.status_code == 201, made.text
    return browser


def test_an_invitation_makes_an_account_once(server: Server, owner: httpx2.Client) -> None:
    secret = invited(owner, role="member", email="Ann@Example.org")
    name = new_name("ann")
    with visitor(server) as browser:
        looked = browser.get(f"/api/invitations/{secret}").json()
        assert (looked["role"], looked["email"]) == ("member", "ann@example.org")
        wanted = {"invitation": secret, "name": name, "password": PASSWORD}
        for wrong in ({"name": ""}, {"name": "a\u200bb"}, {"password": "short"}, {"password": "password123"}):
            refused = browser.post("/api/sign-up", json=wanted | wrong)
            assert (refused.status_code, refused.json()["code"]) == (422, "bad_input")
        assert browser.post("/api/sign-up", json=wanted | {"name": "OWNER"}).status_code == 409
        assert browser.post("/api/sign-up", json=wanted).json()["user"]["name"] == name
        me = browser.get("/api/me").json()
        assert (me["name"], me["role"], me["email"], me["has_password"]) == (name, "member", "ann@example.org", True)
        assert browser.post("/api/sign-up", json=wanted | {"name": new_name("x")}).status_code == 404
        assert browser.get(f"/api/invitations/{secret}").status_code == 404


def test_a_revoked_invitation_opens_nothing(server: Server, owner: httpx2.Client) -> None:
    made = owner.post("/api/admin/invitations", json={}).json()
    assert owner.delete(f"/api/admin/invitations/{made['id']}").status_code == 204
    assert visitor(server).get(f"/api/invitations/{made['link'].rpartition('/')[2]}").status_code == 404
    assert owner.delete(f"/api/admin/invitations/{made['id']}").status_code == 404


def test_one_signs_in_by_name_in_any_capitals_and_by_address(server: Server, owner: httpx2.Client) -> None:
    name = new_name("Bea")
    join(server, owner, name).patch("/api/me", json={"email": f"{name}@example.org"})
    for called in (name, name.upper(), f"{name}@EXAMPLE.org"):
        with visitor(server) as browser:
            entered = browser.post("/api/sign-in", json={"name": called, "password": PASSWORD})
            assert entered.status_code == 200, entered.text
            cookie = entered.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert browser.get("/api/me").json()["name"] == name


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(server: Server, owner: httpx2.Client) -> None:
    name = new_name("ann")
    join(server, owner, name)
    answers = []
    for called in (name, new_name("nobody")):
        with visitor(server) as browser:
            answers.append(browser.post("/api/sign-in", json={"name": called, "password": "wrong wrong"}))
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["code"] == "wrong_credentials"


def test_who_guesses_waits_and_others_do_not(make_server: MakeServer) -> None:
    server = make_server(QUARTERDECK_TRUSTED_PROXIES="127.0.0.1").start()
    with open_browser(server) as owner:
        join(server, owner, "ann")
    guesser, ann = "198.51.100.7", "203.0.113.9"
    codes = [sign_in(server, "ann", "wrong wrong", guesser).status_code for _ in range(5)]
    assert codes == [401] * 5
    answers = [sign_in(server, "ann", "wrong wrong", guesser) for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused, "the waits grow, so at least one of these came too early"
    assert {answer.json()["code"] for answer in refused} == {"too_many_attempts"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 256 for answer in refused)
    assert sign_in(server, "ann", PASSWORD, ann).status_code == 200


def sign_in(server: Server, name: str, password: str, address: str) -> httpx2.Response:
    """From `address`, through a proxy on this machine."""
    with visitor(server, **{"x-forwarded-for": address}) as browser:
        return browser.post("/api/sign-in", json={"name": name, "password": password})


def test_a_new_password_ends_all_other_sessions(server: Server, owner: httpx2.Client) -> None:
    name = new_name("ann")
    here = join(server, owner, name)
    there = visitor(server)
    there.post("/api/sign-in", json={"name": name, "password": PASSWORD})
    assert len(here.get("/api/me/sessions").json()["items"]) == 2
    wrong = here.post("/api/me/password", json={"new": "another sail", "current": "wrong wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert here.post("/api/me/password", json={"new": "another sail", "current": PASSWORD}).status_code == 204
    assert (here.get("/api/me").status_code, there.get("/api/me").status_code) == (200, 401)
    assert there.post("/api/sign-in", json={"name": name, "password": PASSWORD}).status_code == 401
    assert there.post("/api/sign-in", json={"name": name, "password": "another sail"}).status_code == 200


def test_devices_are_listed_and_signed_out(server: Server, owner: httpx2.Client) -> None:
    name = new_name("ann")
    here = join(server, owner, name)
    there = visitor(server, **{"user-agent": "A telephone"})
    there.post("/api/sign-in", json={"name": name, "password": PASSWORD})
    listed = here.get("/api/me/sessions").json()["items"]
    assert [item["is_current"] for item in listed].count(True) == 1
    other = next(item for item in listed if not item["is_current"])
    assert (other["device"], other["via"]) == ("A telephone", "password")
    assert owner.delete(f"/api/me/sessions/{other['id']}").status_code == 404, "it is not the owner's"
    assert here.delete(f"/api/me/sessions/{other['id']}").status_code == 204
    assert there.get("/api/me").status_code == 401
    assert here.delete("/api/me/sessions", params={"all": "1"}).status_code == 204
    assert here.get("/api/me").status_code == 401


def test_names_can_be_changed_and_are_never_shared(server: Server, owner: httpx2.Client) -> None:
    ann, bob = new_name("ann"), new_name("bob")
    browser = join(server, owner, ann)
    join(server, owner, bob)
    taken = browser.patch("/api/me", json={"name": bob.upper()})
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    assert browser.patch("/api/me", json={"name": ann.upper()}).json()["name"] == ann.upper()


def test_the_owner_without_a_password_sets_one_after_the_link(make_server: MakeServer) -> None:
    server = make_server().start()
    assert visitor(server).get("/api/sign-in").json()["needs_owner"] is True
    with open_browser(server) as owner:
        assert owner.post("/api/me/password", json={"new": PASSWORD}).status_code == 204
    assert visitor(server).get("/api/sign-in").json()["needs_owner"] is False
    assert visitor(server).post("/api/sign-in", json={"name": "owner", "password": PASSWORD}).status_code == 200


def test_a_key_changes_no_account(http: httpx2.Client) -> None:
    for answer in (
        http.patch("/api/me", json={"name": "stolen"}),
        http.post("/api/me/password", json={"new": PASSWORD}),
        http.delete("/api/me/sessions"),
    ):
        assert answer.status_code == 403


def test_another_site_signs_nobody_in(server: Server, owner: httpx2.Client) -> None:
    name = new_name("ann")
    join(server, owner, name)
    for origin in ("https://evil.example", "null"):
        refused = visitor(server, origin=origin).post("/api/sign-in", json={"name": name, "password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong_origin")


def test_a_session_left_open_after_the_link_changes_no_password(make_server: MakeServer) -> None:
    server = make_server().start()
    with open_browser(server) as owner:
        assert owner.post("/api/me/password", json={"new": PASSWORD}).status_code == 204
        assert owner.post("/api/me/password", json={"new": PASSWORD + "!"}).status_code == 204, "the link is new"
        with sqlite3.connect(server.data_dir / "quarterdeck.sqlite3") as database:
            database.execute("UPDATE sessions SET created_at = created_at - 16 * 60 * 1000")
        refused = owner.post("/api/me/password", json={"new": "another sail"})
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong_password")
        given = {"new": "another sail", "current": PASSWORD + "!"}
        assert owner.post("/api/me/password", json=given).status_code == 204
