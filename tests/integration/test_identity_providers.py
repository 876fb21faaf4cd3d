"""Identity providers, entered by an admin or by the environment: secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.fakes.identity_server import CLIENT_ID, CLIENT_SECRET, FakeGitHub, FakeIssuer
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.signing_in import Browser, audit, error_of, set_up

ADDRESS = "/api/admin/identity-providers"
GOOD: dict[str, Any] = {
    "kind": "oidc",
    "issuer": "https://id.example.org",
    "client_id": "me",
    "client_secret": "s3cret",
}


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer() as fake:
        yield fake


@pytest.fixture
def name() -> str:
    return new_name("p").lower().replace("_", "-")[:40]


def test_an_admin_enters_changes_and_removes_a_provider(server: Server, http: httpx2.Client, name: str) -> None:
    made = http.put(f"{ADDRESS}/{name}", json=GOOD | {"label": "Ours", "domains": ["@B.org", "a.org"]})
    assert made.json() == {
        "name": name, "label": "Ours", "kind": "oidc", "issuer": "https://id.example.org", "client_id": "me",
        "has_secret": True, "sign_up": "invitation", "domains": ["a.org", "b.org"], "origin": "settings",
        "redirect_uri": f"{server.url}/api/oauth/{name}/callback",
    }  # fmt: skip
    kept = http.put(f"{ADDRESS}/{name}", json={"kind": "oidc", "issuer": GOOD["issuer"], "client_id": "you"})
    assert (kept.json()["client_id"], kept.json()["has_secret"]) == ("you", True)
    assert http.get(f"{ADDRESS}/{name}").json() in http.get(ADDRESS).json()["items"]
    assert http.delete(f"{ADDRESS}/{name}").status_code == 204
    assert http.delete(f"{ADDRESS}/{name}").status_code == 404
    assert http.get(f"{ADDRESS}/{name}").status_code == 404
    assert [entry["action"] for entry in audit(server, "provider.") if entry["target"] == name] == [
        "provider.removed", "provider.saved", "provider.saved",
    ]  # fmt: skip


def test_a_secret_is_sealed_and_never_shown(server: Server, http: httpx2.Client, name: str) -> None:
    secret = f"CANARY-of-{name}"
    answers = [
        http.put(f"{ADDRESS}/{name}", json=GOOD | {"client_secret": secret}),
        http.get(f"{ADDRESS}/{name}"),
        http.get(ADDRESS),
        http.post(f"{ADDRESS}/{name}/test"),
    ]
    assert all(secret not in answer.text for answer in answers)
    assert secret not in server.log_text()
    assert all(secret.encode() not in path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file())


def test_a_secret_does_not_follow_to_another_issuer(http: httpx2.Client, issuer: FakeIssuer, name: str) -> None:
    http.put(f"{ADDRESS}/{name}", json=GOOD)
    moved = http.put(f"{ADDRESS}/{name}", json={"kind": "oidc", "issuer": issuer.issuer, "client_id": "me"})
    assert (moved.status_code, moved.json()["code"]) == (422, "bad_input")
    assert "client_secret" in moved.json()["detail"]
    assert issuer.exchanges == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "ftp://id.example.org"},
        {"issuer": "id.example.org"},
        {"issuer": ""},
        {"issuer": "https://user:pass@id.example.org"},
        {"issuer": "https://id.example.org/?a=1"},
        {"kind": "saml"},
        {"client_id": ""},
        {"sign_up": "everybody"},
        {"sign_up": "domain"},
        {"domains": ["a b"]},
        {"domains": ["x" * 300]},
        {"label": "x" * 100},
        {"kind": "microsoft", "issuer": "", "tenant": "11111111-aaaa-4bbb-8ccc-000000000001"},
    ],
)
def test_what_cannot_be_used_is_said(http: httpx2.Client, name: str, wrong: dict[str, Any]) -> None:
    answer = http.put(f"{ADDRESS}/{name}", json=GOOD | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert http.get(f"{ADDRESS}/{name}").status_code == 404


def test_only_admins_see_them(stranger: httpx2.Client, name: str) -> None:
    asked = [
        stranger.get(ADDRESS),
        stranger.get(f"{ADDRESS}/{name}"),
        stranger.put(f"{ADDRESS}/{name}", json=GOOD),
        stranger.delete(f"{ADDRESS}/{name}"),
        stranger.post(f"{ADDRESS}/{name}/test"),
    ]
    assert [answer.status_code for answer in asked] == [403] * 5


def test_a_wrong_client_is_found_out_before_anybody_signs_in(server: Server, http: httpx2.Client, name: str) -> None:
    with FakeGitHub() as github, FakeIssuer() as issuer:
        for kind, address in (("github", github.url), ("oidc", issuer.issuer)):
            set_up(server, name, kind, address)
            right = http.post(f"{ADDRESS}/{name}/test").json()
            set_up(server, name, kind, address, client_secret="wrong")
            wrong = http.post(f"{ADDRESS}/{name}/test").json()
            assert (right["ok"], wrong["ok"]) == (True, False), (kind, right, wrong)
        issuer.status["openid-configuration"] = 500
        assert http.post(f"{ADDRESS}/{name}/test").json()["ok"] in (True, False)


def test_providers_come_from_the_environment_and_an_admins_count_more(make_server: MakeServer) -> None:
    with FakeIssuer() as issuer, FakeGitHub() as github:
        running = make_server(
            QUARTERDECK_SIGN_UP="domain",
            QUARTERDECK_SIGN_UP_DOMAINS="example.org, other.example",
            QUARTERDECK_OIDC_ISSUER=f"{issuer.issuer}/",
            QUARTERDECK_OIDC_CLIENT_ID=CLIENT_ID,
            QUARTERDECK_OIDC_CLIENT_SECRET=CLIENT_SECRET,
            QUARTERDECK_OIDC_LABEL="Keycloak",
            QUARTERDECK_GITHUB_URL=github.url,
            QUARTERDECK_GITHUB_CLIENT_ID=CLIENT_ID,
            QUARTERDECK_GITHUB_CLIENT_SECRET=CLIENT_SECRET,
            QUARTERDECK_GOOGLE_CLIENT_ID="g",
            QUARTERDECK_MICROSOFT_CLIENT_ID="m",
            QUARTERDECK_MICROSOFT_TENANT="organizations",
        ).start()
        with running.http() as http:
            items = {item["name"]: item for item in http.get(ADDRESS).json()["items"]}
            assert http.delete(f"{ADDRESS}/oidc").status_code == 409
        assert {name: item["issuer"] for name, item in items.items()} == {
            "oidc": issuer.issuer,
            "github": github.url,
            "google": "https://accounts.google.com",
            "microsoft": "https://login.microsoftonline.com/organizations/v2.0",
        }
        assert {item["origin"] for item in items.values()} == {"environment"}
        assert (items["oidc"]["label"], items["oidc"]["domains"]) == ("Keycloak", ["example.org", "other.example"])
        for name in ("oidc", "github"):
            with Browser(running) as browser:
                assert browser.sign_in(name) == "/"
                assert browser.me()["role"] == "member"
        set_up(running, "oidc", "oidc", issuer.issuer, sign_up="nobody")
        issuer.person["sub"] = "another"
        with Browser(running) as browser:
            assert error_of(browser.sign_in("oidc")) == "not_invited"
        assert CLIENT_SECRET not in running.log_text()


def test_behind_a_proxy_the_redirect_address_is_the_public_one(make_server: MakeServer, issuer: FakeIssuer) -> None:
    running = make_server(QUARTERDECK_PUBLIC_URL="https://chat.example.org/").start()
    shown = set_up(running, "oidc", "oidc", issuer.issuer, sign_up="anybody")
    assert shown["redirect_uri"] == "https://chat.example.org/api/oauth/oidc/callback"
    with Browser(running) as browser:
        begun = browser.start("oidc")
        assert httpx2.URL(begun.headers["location"]).params["redirect_uri"] == shown["redirect_uri"]
        assert "secure" in begun.headers["set-cookie"].lower()
