"""Cloudflare Access: nothing forged, misplaced or meant for machines makes anybody somebody."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes
from tests.conftest import MakeServer, Report
from tests.fakes.cloudflare_server import AUDIENCE, FakeTeam
from tests.fakes.signing import SigningKey, encode, sign_with_secret, unsigned
from tests.harness.server import Server
from tests.harness.waiting import trials

HEADER = "cf-access-jwt-assertion"


@pytest.fixture
def team() -> Iterator[FakeTeam]:
    with FakeTeam() as team:
        yield team


@pytest.fixture
def behind(make_server: MakeServer, team: FakeTeam) -> Server:
    return make_server(**team.settings).start()


def forged(team: FakeTeam) -> dict[str, str]:
    """Assertions that must not be accepted, each with the name of its trick."""
    key, good = team.key, team.claims()
    head, body, signature = key.sign(good).split(".")
    public = key.public
    other, same_name = SigningKey("another"), SigningKey(key.kid)
    secrets = {
        "pem": key.pem, "pem stripped": key.pem.strip(), "n": public["n"].encode(), "jwk": json.dumps(public).encode(),
        "kid": key.kid.encode(), "empty": b"", "audience": AUDIENCE.encode(),
    }  # fmt: skip
    found = {f"HS256 with {name}": sign_with_secret(good, secret, kid=key.kid) for name, secret in secrets.items()}
    found |= {f"{name} with pem": sign_with_secret(good, key.pem, name, kid=key.kid) for name in ("HS384", "HS512")}
    for name in ("none", "None", "NONE", "nOnE", "", "null"):
        found[f"alg {name!r}"] = unsigned(good, name, kid=key.kid)
        found[f"alg {name!r}, signature kept"] = unsigned(good, name, signature, kid=key.kid)
    for name, hashed in (("RS384", hashes.SHA384()), ("RS512", hashes.SHA512()), ("PS256", hashes.SHA256())):
        found[f"alg {name}"] = key.sign_otherwise(good, name, hashed)
    for name in ("rs256", "RS256 ", "ES256", "EdDSA", "RSA-OAEP", "RS1"):
        found[f"alg {name!r} over RS256"] = key.sign(good, alg=name)
    found |= {f"alg {value!r}": key.sign(good, alg=value) for value in (None, ["RS256"], 256, True)}
    found |= _with_foreign_keys(key, other, same_name, good)
    found |= _with_wrong_claims(team)
    found |= _with_broken_form(head, body, signature, key, good)
    return found


def _with_foreign_keys(key: SigningKey, other: SigningKey, twin: SigningKey, good: dict[str, Any]) -> dict[str, str]:
    url = "http://127.0.0.1:9/keys"
    return {
        "another team's key": other.sign(good),
        "another key under our name": twin.sign(good),
        "embedded jwk": other.sign(good, jwk=other.public),
        "embedded jwk, our name": twin.sign(good, jwk=twin.public),
        "embedded jwk, rightly signed": key.sign(good, jwk=key.public),
        "jku": other.sign(good, jku=url),
        "jku, rightly signed": key.sign(good, jku=url),
        "x5u": other.sign(good, x5u=url),
        "x5u, rightly signed": key.sign(good, x5u=url),
        "x5c": other.sign(good, x5c=["MIIB"]),
        "x5c, rightly signed": key.sign(good, x5c=["MIIB"]),
        "crit": key.sign(good, crit=["exp"]),
        "crit of an unknown word": key.sign(good, crit=["http://example.org/must"], **{"http://example.org/must": 1}),
        "b64": key.sign(good, b64=False, crit=["b64"]),
        "no kid": key.sign(good, kid=None),
        "empty kid": key.sign(good, kid=""),
        "kid of a path": key.sign(good, kid="../../../../dev/null"),
        "kid of SQL": key.sign(good, kid="' OR 1=1 --"),
        "kid a list": key.sign(good, kid=[key.kid]),
        "kid a number": key.sign(good, kid=1),
        "kid very long": key.sign(good, kid="x" * 5_000),
        "a short key": SigningKey("short", 1024).sign(good),
    }


def _with_wrong_claims(team: FakeTeam) -> dict[str, str]:
    now = int(time.time())
    changes: dict[str, dict[str, Any]] = {
        "aud another": {"aud": ["another"]},
        "aud empty": {"aud": []},
        "aud missing": {"aud": None},
        "aud no list": {"aud": AUDIENCE},
        "aud nested": {"aud": [[AUDIENCE]]},
        "aud an object": {"aud": {AUDIENCE: True}},
        "aud nearly": {"aud": [AUDIENCE[:-1], f"{AUDIENCE}0", AUDIENCE.upper()]},
        "aud with a number": {"aud": [AUDIENCE, 1]},
        "iss another": {"iss": "https://another.cloudflareaccess.com"},
        "iss with a slash": {"iss": f"{team.url}/"},
        "iss missing": {"iss": None},
        "iss a list": {"iss": [team.url]},
        "iss longer": {"iss": f"{team.url}.example.org"},
        "exp passed": {"exp": now - 1},
        "exp long passed": {"exp": 1},
        "exp missing": {"exp": None},
        "exp text": {"exp": str(now + 600)},
        "exp true": {"exp": True},
        "exp endless": {"exp": 10**20},
        "exp a list": {"exp": [now + 600]},
        "nbf to come": {"nbf": now + 3_600},
        "nbf text": {"nbf": "now"},
        "iat to come": {"iat": now + 3_600},
        "iat missing": {"iat": None},
        "type org": {"type": "org"},
        "type missing": {"type": None},
        "type a list": {"type": ["app"]},
        "a service token": {"sub": "", "email": None, "common_name": "e367826f93b8.access"},
        "a service token with an address": {"common_name": "e367826f93b8.access"},
        "no sub": {"sub": None},
        "empty sub": {"sub": ""},
        "sub a number": {"sub": 1},
        "no email": {"email": None},
        "email a list": {"email": ["ann@example.org"]},
    }
    return {name: team.assertion(**change) for name, change in changes.items()}


def _with_broken_form(head: str, body: str, signature: str, key: SigningKey, good: dict[str, Any]) -> dict[str, str]:
    as_root = json.dumps(good).replace("ann@", "root@").encode()
    twice = json.dumps(good)[:-1].encode() + b', "email": "root@example.org"}'
    aud_twice = json.dumps(good | {"aud": ["another"]})[:-1].encode() + f', "aud": ["{AUDIENCE}"]}}'.encode()
    return {
        "claims changed": f"{head}.{encode(as_root)}.{signature}",
        "signature cut": f"{head}.{body}.{signature[:-4]}",
        "signature empty": f"{head}.{body}.",
        "signature missing": f"{head}.{body}",
        "signature another's": f"{head}.{body}.{key.sign({'sub': 'x'}).split('.')[2]}",
        "four parts": f"{head}.{body}.{signature}.{signature}",
        "five parts": f"{head}.{body}.{signature}.{signature}.{signature}",
        "no base64": f"{head}.{body}.!!!!",
        "a claim twice": key.sign(twice),
        "aud twice": key.sign(aud_twice),
        "header twice": _resigned(key, b'{"alg": "none", "alg": "RS256", "kid": "team-key-1"}', body),
        "payload a list": key.sign(b'["email"]'),
        "payload text": key.sign(b'"ann@example.org"'),
        "payload no JSON": key.sign(b"email=ann@example.org"),
        "payload with NaN": key.sign(json.dumps(good)[:-1].encode() + b', "exp2": NaN}'),
        "payload very deep": key.sign(b"[" * 3_000),
        "JSON form": json.dumps({"protected": head, "payload": body, "signature": signature}),
        "an API key": "qd_k" + "0" * 66,
        "a comma": f"{head}.{body}.{signature},x",
        "only dots": "..",
        "very long": f"{head}.{body}{'A' * 20_000}.{signature}",
    }


def _resigned(key: SigningKey, header: bytes, body: str) -> str:
    head, _, signature = key.sign(b"{}", alg="RS256").split(".")
    assert head
    return f"{encode(header)}.{body}.{signature}"


def ask(behind: Server, assertion: str, cookie: str = "") -> httpx2.Response:
    headers = {HEADER: assertion} | ({"cookie": cookie} if cookie else {})
    return httpx2.get(f"{behind.url}/api/me", headers=headers, timeout=10)


def test_forged_assertions_make_nobody_somebody(behind: Server, team: FakeTeam, report: Report) -> None:
    wrong = []
    accepted = ask(behind, team.assertion())
    assert (accepted.status_code, accepted.json()["role"]) == (200, "member"), "the control: a good one is accepted"
    tricks = forged(team)
    for name, assertion in tricks.items():
        answer = ask(behind, assertion)
        if answer.status_code not in (401, 403) or "ann" in answer.text:
            wrong.append(f"{name}: {answer.status_code} {answer.text[:80]}")
    assert ask(behind, team.assertion()).json()["name"] == accepted.json()["name"]
    assert len(tricks) >= 60
    assert team.fetches == 1, "the unknown kids of the first minute ask for nothing"
    report("forged assertions refused", wrong, len(tricks), f"{team.fetches} requests for keys")


def read_carelessly(assertion: str) -> str:
    """What a reader would make of it that believes the token: whoever it names, whatever was signed, with what."""
    body = assertion.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return str(claims["email"])


def test_a_careless_reader_would_let_most_of_the_forged_ones_in(team: FakeTeam) -> None:
    """The negative control: what is forged differs from what is good by its trick alone."""
    believed = 0
    for assertion in forged(team).values():
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            believed += read_carelessly(assertion).endswith("@example.org")
    assert believed >= 60


def test_a_bad_assertion_does_not_fall_back_to_a_good_session(behind: Server, team: FakeTeam) -> None:
    with httpx2.Client() as browser:
        browser.get(behind.link)
        cookie = f"qd_session={browser.cookies['qd_session']}"
    assert httpx2.get(f"{behind.url}/api/me", headers={"cookie": cookie}).json()["role"] == "owner"
    for assertion in (team.assertion(exp=1), team.assertion(sub="", email=None, common_name="x.access"), "x"):
        assert ask(behind, assertion, cookie).status_code == 401
    assert ask(behind, team.assertion("stranger@elsewhere.net"), cookie).status_code == 403


def test_a_flood_of_unknown_keys_fetches_once_a_minute(behind: Server, team: FakeTeam, report: Report) -> None:
    team.delay_s = 0.2
    count = trials(200, 2_000)
    key = SigningKey("flood")  # one for all: making one takes longer than refusing what it signed
    floods = [key.sign(team.claims(), kid=f"kid-{n}") for n in range(count)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda assertion: ask(behind, assertion).status_code, floods))
    violations = [f"accepted: {status}" for status in answers if status != 401]
    violations += [f"{team.fetches} requests for keys"] if team.fetches > 1 else []
    report("floods of unknown keys", violations, count, f"{team.fetches} requests for keys")
