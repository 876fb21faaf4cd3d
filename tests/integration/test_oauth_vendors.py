"""Signing in with Google, Microsoft and GitHub, played by strict fakes; who may sign up, linking, failing providers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.fakes.identity_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    PERSONAL_TENANT,
    FakeGitHub,
    FakeIssuer,
    FakeMicrosoft,
)
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.signing_in import SAME_ORIGIN, Browser, audit, error_of, set_up
from tests.harness.stored import invite, suspend
from tests.harness.waiting import trials

TENANT = "11111111-aaaa-4bbb-8ccc-000000000001"
OTHER_TENANT = "11111111-aaaa-4bbb-8ccc-000000000002"
SOMEBODY = "22222222-aaaa-4bbb-8ccc-000000000001"


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer() as fake:
        yield fake


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake


@pytest.fixture
def microsoft() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        yield fake


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server) as opened:
        yield opened


@pytest.fixture
def name() -> str:
    """Of a provider of the test's own."""
    return new_name("p").lower().replace("_", "-")[:40]


def test_the_same_subject_is_the_same_account_whatever_its_address(
    server: Server, issuer: FakeIssuer, browser: Browser, name: str
) -> None:
    shown = set_up(server, name, "oidc", issuer.issuer, sign_up="anybody", label="Our own")
    assert shown["redirect_uri"] == f"{server.url}/api/oauth/{name}/callback"
    assert browser.sign_in(name) == "/"
    ann = browser.me()
    assert (ann["role"], issuer.faults) == ("member", [])
    issuer.person["email"] = "married@example.org"
    with Browser(server) as other:
        assert other.sign_in(name) == "/"
        assert other.me()["id"] == ann["id"]
    issuer.person |= {"sub": "sub-2", "email": "ann@example.org"}
    with Browser(server) as third:
        third.sign_in(name)
        assert third.me()["id"] not in (ann["id"], ""), "the same address is not the same person"


def test_the_session_is_like_any_other(server: Server, issuer: FakeIssuer, browser: Browser, name: str) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    answer = browser.http.get(browser.go_there(name))
    cookie = answer.headers["set-cookie"]
    assert "qd_session=qd_s" in cookie
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    entries = [entry for entry in audit(server, "session.opened") if entry["detail"].get("provider") == name]
    assert len(entries) == 1
    assert audit(server, "user.joined")[0]["detail"]["provider"] == name


def test_google_answers_for_the_domains_it_hosts_and_for_no_address_besides(
    server: Server, issuer: FakeIssuer, name: str
) -> None:
    set_up(server, name, "google", issuer.issuer, sign_up="domain", domains=["example.org", "gmail.com"])
    cases: list[tuple[dict[str, Any], str]] = [
        ({"email": "a@example.org", "email_verified": True, "hd": "example.org"}, ""),
        ({"email": "b@gmail.com", "email_verified": True}, ""),
        ({"email": "c@example.org", "email_verified": True}, "unverified"),
        ({"email": "d@gmail.com", "email_verified": False}, "unverified"),
        ({"email": "e@other.example", "email_verified": True, "hd": "other.example"}, "domain"),
    ]
    for number, (claims, error) in enumerate(cases):
        issuer.person = {"sub": f"google-{name}-{number}", **claims}
        with Browser(server) as browser:
            assert error_of(browser.sign_in(name)) == error, claims
            assert bool(browser.me()) is (error == "")


def test_a_domain_is_matched_whole_and_only_when_the_address_is_verified(
    server: Server, issuer: FakeIssuer, name: str
) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="domain", domains=["@Example.org"])
    cases = [
        ("ann@EXAMPLE.ORG", True, ""), ("ann@sub.example.org", True, "domain"), ("a@notexample.org", True, "domain"),
        ("a@example.org.net", True, "domain"), ("example.org", True, "unverified"),
        ("a@example.org", False, "unverified"), ("a@example.org", "true", "unverified"),
        ("a@example.org", None, "unverified"), ("a@example.org@x.net", True, "domain"),
    ]  # fmt: skip
    for number, (email, is_verified, error) in enumerate(cases):
        issuer.person = {"sub": f"{name}-{number}", "email": email, "email_verified": is_verified}
        with Browser(server) as browser:
            assert error_of(browser.sign_in(name)) == error, email


def test_at_microsoft_a_person_is_a_directory_and_an_object_whatever_the_address_says(
    server: Server, microsoft: FakeMicrosoft, name: str
) -> None:
    set_up(server, name, "microsoft", microsoft.issuer, sign_up="anybody")
    ids = []
    for tenant, email in ((TENANT, "ann@contoso.example"), (OTHER_TENANT, "ann@contoso.example")):
        microsoft.be(tenant, SOMEBODY, email=email, email_verified=True)
        with Browser(server) as browser:
            assert browser.sign_in(name) == "/"
            ids.append(browser.me()["id"])
    microsoft.be(TENANT, SOMEBODY, email="new@contoso.example", sub="another-application-sees-another-sub")
    with Browser(server) as browser:
        browser.sign_in(name)
        ids.append(browser.me()["id"])
    assert ids[0] == ids[2] != ids[1], "an administrator of another directory can write any address into its tokens"


@pytest.mark.parametrize(
    ("tenant", "person_of", "is_let_in"),
    [
        ("common", TENANT, True),
        ("common", PERSONAL_TENANT, True),
        ("organizations", TENANT, True),
        ("organizations", PERSONAL_TENANT, False),
        ("consumers", PERSONAL_TENANT, True),
        ("consumers", TENANT, False),
        (TENANT, TENANT, True),
        (TENANT, OTHER_TENANT, False),
    ],
)
def test_at_microsoft_the_directory_must_be_one_of_those_that_are_set_up(
    server: Server, name: str, tenant: str, person_of: str, is_let_in: bool
) -> None:
    with FakeMicrosoft(tenant) as microsoft, Browser(server) as browser:
        set_up(server, name, "microsoft", microsoft.issuer, sign_up="anybody")
        microsoft.be(person_of, SOMEBODY)
        assert error_of(browser.sign_in(name)) == ("" if is_let_in else "domain")


def test_at_microsoft_another_directorys_issuer_or_key_is_refused(
    server: Server, microsoft: FakeMicrosoft, name: str
) -> None:
    set_up(server, name, "microsoft", microsoft.issuer, sign_up="anybody")
    for wrong in ({"iss": f"{microsoft.url}/{OTHER_TENANT}/v2.0"}, {"tid": "x"}, {"oid": None}, {"tid": None}):
        microsoft.be(TENANT, SOMEBODY, **wrong)
        with Browser(server) as browser:
            assert error_of(browser.sign_in(name)) == "unproven", wrong


def test_at_microsoft_rules_see_the_directory_and_an_address_only_if_the_directory_owns_it(
    server: Server, microsoft: FakeMicrosoft, name: str
) -> None:
    set_up(server, name, "microsoft", microsoft.issuer, sign_up="domain", domains=["contoso.example", OTHER_TENANT])
    cases: list[tuple[str, dict[str, Any], str]] = [
        (TENANT, {"email": "ann@contoso.example", "email_verified": True}, "domain"),
        (TENANT, {"email": "ann@contoso.example", "xms_edov": False}, "domain"),
        (TENANT, {"email": "ann@contoso.example", "xms_edov": True}, ""),
        (OTHER_TENANT, {}, ""),
    ]
    for number, (tenant, claims, error) in enumerate(cases):
        microsoft.be(tenant, f"33333333-aaaa-4bbb-8ccc-00000000000{number}", **claims)
        with Browser(server) as browser:
            assert error_of(browser.sign_in(name)) == error, claims


def test_at_github_a_person_is_a_number_and_an_address_is_the_verified_primary_one(
    server: Server, github: FakeGitHub, name: str
) -> None:
    set_up(server, name, "github", github.url, sign_up="domain", domains=["example.org"])
    with Browser(server) as browser:
        assert browser.sign_in(name) == "/"
        octo = browser.me()
    github.person |= {"login": "renamed"}
    with Browser(server) as browser:
        browser.sign_in(name)
        assert browser.me()["id"] == octo["id"]
    github.person |= {"id": 583232, "login": "octocat", "email": "octo@example.org"}
    for emails in (
        [{"email": "x@example.org", "primary": True, "verified": False}],
        [{"email": "x@example.org", "primary": False, "verified": True}],
        [],
        {"message": "no"},
    ):
        github.emails = emails
        with Browser(server) as browser:
            assert error_of(browser.sign_in(name)) == "unverified", emails
    github.emails = [{"email": "x@elsewhere.example", "primary": True, "verified": True}]
    with Browser(server) as browser:
        assert error_of(browser.sign_in(name)) == "domain"
    assert github.faults == []


def test_nobody_and_invitation_mean_what_they_say(server: Server, issuer: FakeIssuer, name: str) -> None:
    for sign_up in ("nobody", "invitation"):
        set_up(server, name, "oidc", issuer.issuer, sign_up=sign_up)
        issuer.person["sub"] = f"{name}-{sign_up}"
        with Browser(server) as browser:
            assert error_of(browser.sign_in(name)) == "not_invited"
            assert error_of(browser.sign_in(name, invitation="false")) == "not_invited"
            assert browser.me() == {}
    invitation = invite(server.data_dir, "admin")
    with Browser(server) as browser:
        assert browser.sign_in(name, invitation=invitation) == "/"
        assert browser.me()["role"] == "admin"
    issuer.person["sub"] = f"{name}-second"
    with Browser(server) as browser:
        assert error_of(browser.sign_in(name, invitation=invitation)) == "not_invited", "an invitation is for one"


def test_another_way_in_is_linked_by_who_is_signed_in_and_shown_to_them(
    server: Server, issuer: FakeIssuer, browser: Browser, name: str
) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="nobody", label="Ours")
    issuer.person["sub"] = f"owner-{name}"
    browser.open_link()
    owner = browser.me()
    assert browser.sign_in(name, link="1") == "/settings/account"
    listed = browser.http.get("/api/me/identities").json()["items"]
    mine = next(item for item in listed if item["provider"] == name)
    assert (mine["label"], mine["subject_hint"]) == ("ann@example.org", f"…{name[-4:]}")
    with Browser(server) as elsewhere:
        assert elsewhere.sign_in(name) == "/"
        assert elsewhere.me()["id"] == owner["id"]
    headers = {"origin": server.url}
    removed = browser.http.delete(f"/api/me/identities/{name}", headers=headers)
    assert removed.status_code in (204, 409)
    assert browser.http.delete("/api/me/identities/nothing", headers=headers).status_code == 404


def test_what_belongs_to_another_account_is_not_linked(
    server: Server, issuer: FakeIssuer, browser: Browser, name: str
) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    issuer.person["sub"] = f"hers-{name}"
    with Browser(server) as hers:
        hers.sign_in(name)
        ann = hers.me()["id"]
    browser.open_link()
    assert error_of(browser.sign_in(name, link="1")) == "already_linked"
    with Browser(server) as hers:
        hers.sign_in(name)
        assert hers.me()["id"] == ann


def test_linking_begins_on_our_own_page_only(server: Server, issuer: FakeIssuer, browser: Browser, name: str) -> None:
    set_up(server, name, "oidc", issuer.issuer)
    address = f"/api/oauth/{name}/start"
    assert browser.http.get(address, params={"link": "1"}, headers=SAME_ORIGIN).status_code == 401
    browser.open_link()
    for site in ({}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"}):
        assert browser.http.get(address, params={"link": "1"}, headers=site).status_code == 403
    with server.http() as key:
        assert key.get(address, params={"link": "1"}, headers=SAME_ORIGIN).status_code == 403


def test_the_only_way_in_is_not_taken_away(server: Server, issuer: FakeIssuer, browser: Browser, name: str) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    issuer.person["sub"] = f"only-{name}"
    browser.sign_in(name)
    answer = browser.http.delete(f"/api/me/identities/{name}", headers={"origin": server.url})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_who_is_suspended_does_not_come_in(server: Server, issuer: FakeIssuer, name: str) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    issuer.person |= {"sub": f"bad-{name}", "name": f"Bad {name}"}
    with Browser(server) as browser:
        browser.sign_in(name)
        called = browser.me()["name"]
    suspend(server.data_dir, called)
    with Browser(server) as browser:
        assert error_of(browser.sign_in(name)) == "suspended"
        assert browser.me() == {}


@pytest.mark.parametrize("word", ["openid-configuration", "keys", "token", "userinfo"])
def test_a_provider_that_fails_is_said_to_be_down(server: Server, name: str, word: str) -> None:
    with FakeIssuer() as issuer, Browser(server) as browser:
        issuer.person.pop("email")
        issuer.userinfo = {"sub": "sub-1"}
        set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
        issuer.status[word] = 500
        if word == "openid-configuration":
            assert error_of(browser.start(name).headers["location"]) == "provider_down"
        else:
            expected = "unproven" if word == "keys" else "provider_down"
            assert error_of(browser.sign_in(name)) == expected
        assert browser.me() == {}


def test_a_slow_provider_holds_nobody_else_up(server: Server, issuer: FakeIssuer, browser: Browser, name: str) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    callback = browser.go_there(name)
    issuer.delay_s["token"] = 30
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(browser.come_back, callback)
        with server.http() as http:
            assert all(http.get("/api/me").status_code == 200 for _ in range(20))
        assert error_of(waiting.result(14)) == "provider_down"


def test_a_person_who_says_no_is_back_at_the_sign_in_page(
    server: Server, issuer: FakeIssuer, browser: Browser, name: str
) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    issuer.error = "access_denied"
    assert error_of(browser.sign_in(name)) == "refused"


def test_two_callbacks_of_the_same_new_person_at_once_make_one_account(
    server: Server, issuer: FakeIssuer, name: str, report: Report
) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    wrong, count = [], trials(10, 100)
    for trial in range(count):
        issuer.person["sub"] = f"{name}-{trial}"
        browsers = [Browser(server) for _ in range(3)]
        callbacks = [browser.go_there(name) for browser in browsers]
        with ThreadPoolExecutor(3) as pool:
            places = list(pool.map(lambda pair: pair[0].come_back(pair[1]), zip(browsers, callbacks, strict=True)))
        ids = {browser.me().get("id") for browser in browsers}
        if len(ids) != 1 or places != ["/"] * 3:
            wrong.append(f"{ids} {places}")
        for browser in browsers:
            browser.http.close()
    report("one account for callbacks that race", wrong, count)


def test_a_client_that_takes_its_secret_in_the_form_works_too(
    server: Server, issuer: FakeIssuer, browser: Browser, name: str
) -> None:
    issuer.takes_basic = False
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
    assert browser.sign_in(name) == "/"


def test_an_address_that_only_userinfo_tells_counts_if_it_is_the_same_persons(
    server: Server, issuer: FakeIssuer, name: str
) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="domain", domains=["example.org"])
    issuer.person = {"sub": f"u-{name}"}
    for subject, error in (("somebody-else", "unproven"), (f"u-{name}", "")):
        issuer.userinfo = {"sub": subject, "email": "ann@example.org", "email_verified": True}
        with Browser(server) as browser:
            assert error_of(browser.sign_in(name)) == error


def test_many_begin_at_once_and_all_arrive(server: Server, issuer: FakeIssuer, name: str) -> None:
    set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")

    async def begin() -> list[int]:
        async with httpx2.AsyncClient(base_url=server.url) as http:
            answers = await asyncio.gather(*(http.get(f"/api/oauth/{name}/start") for _ in range(50)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(begin()) == [302] * 50
    assert (CLIENT_ID, bool(CLIENT_SECRET)) == (CLIENT_ID, True)
