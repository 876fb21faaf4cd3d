"""Signing in with a certified OpenID provider, a process of its own: every algorithm, PKCE, userinfo, nonce."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.conftest import Report
from tests.harness.openid_provider import OpenIdProvider, open_provider
from tests.harness.server import Server
from tests.harness.signing_in import Browser, error_of, set_up

ALGORITHMS = {"oidc-rs": "RS256", "oidc-ps": "PS256", "oidc-es": "ES256", "oidc-ed": "EdDSA"}


@pytest.fixture(scope="module")
def provider(server: Server) -> Iterator[OpenIdProvider]:
    clients = [f"{name}:{algorithm}" for name, algorithm in ALGORITHMS.items()]
    with open_provider(f"{server.url}/api/oauth/NAME/callback", *clients) as opened:
        for name in ALGORITHMS:
            set_up(server, name, "oidc", opened.issuer, client_id=name, sign_up="domain", domains=["example.org"])
        yield opened


def test_people_sign_in_and_stay_who_they_are_with_every_algorithm(
    server: Server, provider: OpenIdProvider, report: Report
) -> None:
    wrong = []
    for account in ("ann-of-oidc", "ben-of-oidc"):
        provider.be(account)
        ids = set()
        for name in ALGORITHMS:
            with Browser(server) as browser:
                place = browser.sign_in(name)
                me = browser.me()
                ids.add(me.get("id"))
                if place != "/" or me.get("name") != account:
                    wrong.append(f"{name}: {place} {me}")
        if len(ids) != 1:
            wrong.append(f"{account} is {ids}")
    report("sign-ins with a certified provider", wrong, 2 * len(ALGORITHMS))


def test_the_provider_refuses_a_code_without_its_verifier(server: Server, provider: OpenIdProvider) -> None:
    """The control of PKCE: with somebody else's verifier, the provider itself says no."""
    with Browser(server) as hers, Browser(server) as his:
        her_callback, his_callback = hers.go_there("oidc-rs"), his.go_there("oidc-rs")
        codes = [httpx2.URL(place).params["code"] for place in (her_callback, his_callback)]
        assert error_of(his.come_back(his_callback.replace(codes[1], codes[0]))) == "refused"
        assert his.me() == {}


def test_the_provider_says_whether_it_is_set_up_rightly(server: Server, provider: OpenIdProvider) -> None:
    with server.http() as http:
        right = http.post("/api/admin/identity-providers/oidc-rs/test").json()
        set_up(server, "oidc-wrong", "oidc", provider.issuer, client_id="oidc-rs", client_secret="wrong")
        wrong = http.post("/api/admin/identity-providers/oidc-wrong/test").json()
        set_up(server, "oidc-away", "oidc", "http://127.0.0.1:9")
        away = http.post("/api/admin/identity-providers/oidc-away/test").json()
    assert right["ok"], right
    assert (wrong["ok"], away["ok"]) == (False, False)
    assert "client" in wrong["message"]
