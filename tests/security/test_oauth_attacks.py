"""Signing in elsewhere under attack: forged id tokens, answers that are stolen, replayed, swapped or sent to others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from tests.conftest import Report
from tests.fakes.identity_server import CLIENT_ID, FakeIssuer
from tests.fakes.signing import SigningKey, encode, sign_with_secret, unsigned
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.signing_in import Browser, error_of, set_up
from tests.harness.waiting import trials

Claims = dict[str, Any]


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer() as fake:
        yield fake


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server) as opened:
        yield opened


@pytest.fixture
def name(server: Server, issuer: FakeIssuer) -> str:
    """Of a provider of the test's own, through which anybody may sign up."""
    made = new_name("p").lower().replace("_", "-")[:40]
    set_up(server, made, "oidc", issuer.issuer, sign_up="anybody")
    return made


def forgeries(issuer: FakeIssuer) -> dict[str, Callable[[Claims], str]]:
    """What a provider's token endpoint might be made to answer, by the name of its trick."""
    key, other, twin = issuer.key, SigningKey("another"), SigningKey(issuer.key.kid)
    changed: dict[str, Claims] = {
        "iss another": {"iss": "https://accounts.google.com"}, "iss missing": {"iss": None},
        "iss with a slash": {"iss": f"{issuer.issuer}/"}, "iss a list": {"iss": [issuer.issuer]},
        "aud another": {"aud": "another-client"}, "aud missing": {"aud": None}, "aud empty": {"aud": []},
        "aud an object": {"aud": {CLIENT_ID: 1}}, "aud nearly": {"aud": CLIENT_ID[:-1]},
        "aud shared, azp missing": {"aud": [CLIENT_ID, "another-client"]},
        "aud shared, azp another": {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
        "azp another": {"azp": "another-client"}, "azp a list": {"azp": [CLIENT_ID]},
        "exp passed": {"exp": int(time.time()) - 1}, "exp missing": {"exp": None}, "exp text": {"exp": "9999999999"},
        "exp true": {"exp": True}, "iat missing": {"iat": None}, "iat to come": {"iat": int(time.time()) + 3_600},
        "nbf to come": {"nbf": int(time.time()) + 3_600}, "nonce missing": {"nonce": None},
        "nonce another": {"nonce": "x" * 43}, "nonce empty": {"nonce": ""}, "nonce a list": {"nonce": ["x"]},
        "sub missing": {"sub": None}, "sub empty": {"sub": ""}, "sub a number": {"sub": 1},
        "sub a list": {"sub": ["a"]},
    }  # fmt: skip

    def with_claims(change: Claims) -> Callable[[Claims], str]:
        return lambda claims: key.sign({k: v for k, v in (claims | change).items() if v is not None})

    found = {trick: with_claims(change) for trick, change in changed.items()}
    for word in ("none", "None", "NONE", ""):
        found[f"alg {word!r}"] = lambda claims, word=word: unsigned(claims, word, kid=key.kid)  # type: ignore[misc]
    for secret in (key.pem, json.dumps(key.public).encode(), CLIENT_ID.encode(), b""):
        found[f"HS256 with {secret[:12]!r}"] = lambda claims, secret=secret: sign_with_secret(  # type: ignore[misc]
            claims, secret, kid=key.kid
        )
    return found | {
        "alg RS384": lambda claims: key.sign_otherwise(claims, "RS384", hashes.SHA384()),
        "alg RS512": lambda claims: key.sign_otherwise(claims, "RS512", hashes.SHA512()),
        "alg PS256 with a key for RS256": lambda claims: key.sign_otherwise(claims, "PS256", hashes.SHA256()),
        "another's key": other.sign,
        "another key under the same name": twin.sign,
        "no kid, another key": lambda claims: other.sign(claims, kid=None),
        "embedded jwk": lambda claims: other.sign(claims, jwk=other.public),
        "jku": lambda claims: other.sign(claims, jku="http://127.0.0.1:9/"),
        "x5u": lambda claims: other.sign(claims, x5u="http://127.0.0.1:9/"),
        "crit": lambda claims: key.sign(claims, crit=["exp"]),
        "a claim twice": lambda claims: key.sign(json.dumps(claims)[:-1].encode() + b', "sub": "sub-1"}'),
        "signature cut": lambda claims: key.sign(claims)[:-8],
        "signature missing": lambda claims: key.sign(claims).rpartition(".")[0] + ".",
        "claims changed": lambda claims: _changed(key, claims),
        "not a token": lambda _: "sub-1",
        "empty": lambda _: "",
        "very long": lambda claims: key.sign(claims | {"x": "x" * 20_000}),
    }


def _changed(key: SigningKey, claims: Claims) -> str:
    head, _, signature = key.sign(claims).split(".")
    return f"{head}.{encode(claims | {'sub': 'root'})}.{signature}"


def test_forged_id_tokens_sign_nobody_in(server: Server, issuer: FakeIssuer, name: str, report: Report) -> None:
    wrong = []
    tricks = forgeries(issuer)
    for trick, sign in tricks.items():
        issuer.sign = sign
        with Browser(server) as browser:
            if error_of(browser.sign_in(name)) != "unproven" or browser.me():
                wrong.append(trick)
    issuer.sign = issuer.key.sign
    with Browser(server) as browser:
        assert browser.sign_in(name) == "/", "the control: the same with nothing forged"
    assert issuer.faults == []
    assert len(tricks) >= 50
    report("forged id tokens refused", wrong, len(tricks))


def test_an_answer_works_once_in_the_browser_that_asked_and_for_the_provider_that_was_asked(
    server: Server, issuer: FakeIssuer, name: str, report: Report
) -> None:
    wrong = []
    second = f"{name}-2"[-40:]
    set_up(server, second, "oidc", issuer.issuer, sign_up="anybody")

    def expect(what: str, browser: Browser, callback: str) -> None:
        if error_of(browser.come_back(callback)) != "state" or browser.me():
            wrong.append(what)

    with Browser(server) as victim, Browser(server) as thief:
        callback = victim.go_there(name)
        expect("another browser, no cookie", thief, callback)
        thief.go_there(name)
        expect("another browser that began one of its own", thief, callback)
        expect("another provider's address", victim, callback.replace(f"/{name}/", f"/{second}/"))
        state = parse_qs(urlsplit(callback).query)["state"][0]
        expect("state changed", victim, callback.replace(state, state[:-1] + ("A" if state[-1] != "A" else "B")))
        expect("state missing", victim, callback.replace(f"state={state}", ""))
        exchanges = issuer.exchanges
        assert exchanges == 0, "no code was taken anywhere"
        assert victim.come_back(callback) == "/", "the control: the right one, in the right browser"
        again = victim.come_back(callback)
        if error_of(again) != "state" or issuer.exchanges != 1:
            wrong.append("twice")
    report("stolen and replayed answers refused", wrong, 6)


def test_of_the_same_callback_many_times_at_once_one_is_taken(
    server: Server, issuer: FakeIssuer, name: str, report: Report
) -> None:
    wrong, count = [], trials(5, 50)
    for _ in range(count):
        with Browser(server) as browser:
            callback = browser.go_there(name)
            before = issuer.exchanges
            with ThreadPoolExecutor(8) as pool:
                places = list(pool.map(lambda _: browser.come_back(callback), range(8)))  # noqa: B023  # ends before the next
            if places.count("/") != 1 or issuer.exchanges != before + 1:
                wrong.append(f"{places}")
    report("a callback is taken once", wrong, count * 8)


def test_a_code_of_another_sign_in_does_not_fit(server: Server, issuer: FakeIssuer, name: str) -> None:
    """Injected into somebody's own callback, it is given to the wrong verifier: PKCE ends it at the provider."""
    with Browser(server) as victim, Browser(server) as attacker:
        hers, his = victim.go_there(name), attacker.go_there(name)
        code_of = [parse_qs(urlsplit(place).query)["code"][0] for place in (hers, his)]
        assert error_of(attacker.come_back(his.replace(code_of[1], code_of[0]))) == "refused"
        assert attacker.me() == {}
    assert issuer.faults == ["the verifier or the redirect address is another one"]


def test_an_answer_that_names_another_issuer_is_refused(
    server: Server, issuer: FakeIssuer, name: str, browser: Browser
) -> None:
    for said in ("https://honest.example", f"{issuer.issuer}/", "null"):
        issuer.answers_as = said
        assert error_of(browser.sign_in(name)) == "unproven"
    assert issuer.exchanges == 0, "the code is not given to anybody"
    issuer.answers_as = issuer.issuer
    assert browser.sign_in(name) == "/"


def test_who_promises_to_name_itself_must(server: Server, browser: Browser) -> None:
    with FakeIssuer() as issuer:
        issuer.says_issuer = True
        name = new_name("p").lower()[:40]
        set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
        callback = browser.go_there(name)
        left_out = "&".join(part for part in callback.split("&") if not part.startswith("iss="))
        assert left_out != callback
        assert error_of(browser.come_back(left_out)) == "unproven"
        assert browser.sign_in(name) == "/"


def test_discovery_that_says_it_is_somebody_else_is_not_used(server: Server, browser: Browser) -> None:
    for said in ("https://accounts.google.com", "{url}/other", ""):
        with FakeIssuer(says=said) as issuer:
            name = new_name("p").lower()[:40]
            set_up(server, name, "oidc", issuer.issuer, sign_up="anybody")
            place = error_of(browser.start(name).headers["location"])
            assert place == ("" if said == "" else "provider_down")


def test_a_link_begun_by_one_user_is_not_finished_by_another(server: Server, issuer: FakeIssuer, name: str) -> None:
    with Browser(server) as browser:
        browser.open_link()
        callback = browser.go_there(name, link="1")
        browser.http.cookies.delete("qd_session", domain="127.0.0.1", path="/")
        assert error_of(browser.come_back(callback)) == "state", "whoever began it has signed out"
        issuer.person["sub"] = f"member-{name}"
        browser.sign_in(name)
        member = browser.me()
        assert member["role"] == "member"
    with Browser(server) as browser:
        browser.sign_in(name)
        assert browser.me()["id"] == member["id"], "nothing was linked to the owner"


def test_nothing_a_callback_carries_comes_back_in_a_page_or_an_address(
    server: Server, issuer: FakeIssuer, name: str, browser: Browser
) -> None:
    for query in (
        "error=<script>alert(1)</script>", "error_description=https://evil.example", "state=%00", "state=%F0%9F%98%80",
        "code=x", "iss=//evil.example", "state=" + "x" * 5_000, "", "state=a&state=b",
    ):  # fmt: skip
        answer = browser.http.get(f"/api/oauth/{name}/callback?{query}")
        assert answer.headers["location"] == "/sign-in?error=state"
        assert "evil" not in answer.text
    assert browser.http.get("/api/oauth/nothing/start").status_code == 404
    assert browser.http.get("/api/oauth/nothing/callback").status_code == 404


def test_secrets_of_signing_in_stay_out_of_the_log(server: Server, issuer: FakeIssuer, name: str) -> None:
    with Browser(server) as browser:
        callback = browser.go_there(name)
        issuer.sign = lambda claims: issuer.key.sign(claims)[:-8]
        browser.come_back(callback)
    log = server.log_text()
    assert "sign_in_refused" in log
    for part in parse_qs(urlsplit(callback).query).values():
        assert part[0] not in log
    assert "not:a/secret" not in log
