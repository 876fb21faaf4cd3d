"""The form for name and password asks a directory, too: who it takes comes in, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.fakes.ldap_server import Entry, FakeLdap
from tests.harness.server import Server
from tests.harness.signing_in import audit
from tests.harness.stored import invite, suspend
from tests.harness.upstream import Upstream

BASE = "ou=people,dc=example,dc=org"
PASSWORD = "a long enough password"


def person(uid: str) -> Entry:
    return Entry(f"uid={uid},{BASE}", PASSWORD, {"uid": [uid.encode()], "entryUUID": [f"uuid-{uid}".encode()]})


@pytest.fixture(scope="module")
def directory() -> Iterator[FakeLdap]:
    with FakeLdap([person(uid) for uid in ("ann", "ben", "cat", "dan", "same")]) as fake:
        yield fake


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, directory: FakeLdap) -> Iterator[Server]:
    settings = {"QUARTERDECK_LDAP_URL": directory.url, "QUARTERDECK_LDAP_BIND_DN": f"uid={{name}},{BASE}"}
    running = Server(tmp_path_factory.mktemp("asking"), **upstream.environment, **settings).start()
    yield running
    running.close()


def enter(asking: Server, name: str, password: str = PASSWORD) -> tuple[int, dict[str, Any], str]:
    """The status, the body, and the session's token."""
    answer = httpx2.post(f"{asking.url}/api/sign-in", json={"name": name, "password": password}, timeout=15)
    return answer.status_code, answer.json(), answer.cookies.get("qd_session") or ""


def test_whoever_the_directory_takes_has_an_account_and_keeps_it(asking: Server) -> None:
    assert httpx2.get(f"{asking.url}/api/sign-in").json()["ways"]["ldap"] is True
    refused = audit(asking, "session.refused")
    status, said, token = enter(asking, "ann")
    assert (status, said["user"]["name"], said["user"]["role"]) == (200, "ann", "member")
    me = httpx2.get(f"{asking.url}/api/me", headers={"cookie": f"qd_session={token}"}).json()
    assert me["id"] == said["user"]["id"]
    assert enter(asking, "ANN")[1]["user"]["id"] == me["id"]
    assert [entry["detail"]["via"] for entry in audit(asking, "session.opened")][:2] == ["ldap", "ldap"]
    assert audit(asking, "session.refused") == refused, "who came in was not refused before"


def test_a_wrong_password_and_an_unknown_name_look_the_same_and_no_empty_one_is_sent(
    asking: Server, directory: FakeLdap
) -> None:
    answers = [enter(asking, "ben", "wrong"), enter(asking, "nobody", "wrong"), enter(asking, "ben", "")]
    assert [(status, said["code"]) for status, said, _ in answers] == [(401, "wrong_credentials")] * 3
    assert len({said["detail"] for _, said, _ in answers}) == 1
    assert all(bound.password for bound in directory.binds)


def test_a_local_account_of_the_same_name_is_another_one(asking: Server) -> None:
    local = "another password altogether"
    joined = httpx2.post(
        f"{asking.url}/api/sign-up",
        json={"invitation": invite(asking.data_dir, "member"), "name": "same", "password": local},
    )
    assert joined.status_code == 201, joined.text
    mine = joined.json()["user"]
    assert enter(asking, "same", local)[1]["user"] == mine
    assert enter(asking, "same")[1]["user"] != mine
    assert enter(asking, "same", local)[1]["user"] == mine


def test_who_is_suspended_here_stays_out_whatever_the_directory_says(asking: Server) -> None:
    assert enter(asking, "cat")[0] == 200
    suspend(asking.data_dir, "cat")
    status, said, token = enter(asking, "cat")
    assert (status, said["code"], token) == (403, "sign_in_refused", "")


def test_guessing_is_slowed_down_before_the_directory_is_asked(asking: Server, directory: FakeLdap) -> None:
    statuses = [enter(asking, "dan", f"guess {number}")[0] for number in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    asked = sum(bound.dn.startswith("uid=dan") for bound in directory.binds)
    assert asked == statuses.count(401)


def test_a_directory_that_is_away_keeps_nobody_with_a_password_out(
    tmp_path_factory: pytest.TempPathFactory, upstream: Upstream
) -> None:
    settings = {"QUARTERDECK_LDAP_URL": "ldap://127.0.0.1:9", "QUARTERDECK_LDAP_BIND_DN": f"uid={{name}},{BASE}"}
    running = Server(tmp_path_factory.mktemp("away"), **upstream.environment, **settings).start()
    try:
        invitation = invite(running.data_dir, "member")
        asked = {"invitation": invitation, "name": "Local", "password": PASSWORD}
        assert httpx2.post(f"{running.url}/api/sign-up", json=asked).status_code == 201
        assert enter(running, "Local")[0] == 200
        status, said, _ = enter(running, "ann")
        assert (status, said["code"], said["retryable"]) == (503, "directory_down", True)
        assert "directory" in said["detail"]
        lines = [line for line in running.log_text().splitlines() if "directory_down" in line]
        assert "LDAPSocketOpenError: " in lines[0], "the log names the reason"
        assert PASSWORD not in running.log_text()
    finally:
        running.close()
