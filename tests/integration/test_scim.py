"""SCIM 2.0: a directory makes accounts, changes them, puts people out and lets them in, as Okta and Entra say it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from tests.conftest import MakeServer, Report
from tests.fakes.identity_server import CLIENT_ID, CLIENT_SECRET, FakeIssuer
from tests.harness.full_client import SocketClosedError, new_name, open_full
from tests.harness.people import add_person, change_rows, scoped_key
from tests.harness.server import Server
from tests.harness.signing_in import Browser, audit
from tests.harness.upstream import Upstream

from quarterdeck.store.tables import users

PUT_OUT_S = 5.0  # who is suspended is out by then
TOKEN = "the-directorys-token-0123456789"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer() as fake:
        yield fake


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, issuer: FakeIssuer) -> Iterator[Server]:
    """A server whose accounts a directory keeps; its people sign in at `issuer`."""
    settings = {
        "QUARTERDECK_SCIM_TOKEN": TOKEN,
        "QUARTERDECK_SCIM_PROVIDER": "oidc",
        "QUARTERDECK_OIDC_ISSUER": issuer.issuer,
        "QUARTERDECK_OIDC_CLIENT_ID": CLIENT_ID,
        "QUARTERDECK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "QUARTERDECK_SIGN_UP": "nobody",
    }
    running = Server(tmp_path_factory.mktemp("kept"), **upstream.environment, **settings).start()
    yield running
    running.close()


@pytest.fixture
def scim(kept: Server) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/scim+json"}
    with httpx2.Client(base_url=f"{kept.url}/scim/v2", headers=headers, timeout=10) as client:
        yield client


def make(scim: httpx2.Client, user_name: str, **more: Any) -> dict[str, Any]:
    answer = scim.post("/Users", json={"schemas": [USER], "userName": user_name, "active": True} | more)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == answer.json()["meta"]["location"]
    return dict(answer.json())


def patch(scim: httpx2.Client, user: dict[str, Any], *operations: dict[str, Any]) -> httpx2.Response:
    return scim.patch(f"/Users/{user['id']}", json={"schemas": [PATCH], "Operations": list(operations)})


def sign_in(kept: Server, issuer: FakeIssuer, subject: str) -> str:
    """A session token of who is `subject` there, empty when they are not let in."""
    issuer.person = {"sub": subject, "email": "x@example.org", "email_verified": True}
    with Browser(kept) as browser:
        browser.sign_in("oidc")
        return browser.http.cookies.get("qd_session") or ""


def test_a_name_that_begins_with_a_letter_beyond_ascii_is_found_as_any_other(scim: httpx2.Client) -> None:
    name = f"Özil.{new_name('mesut')}@Example.org"
    made = make(scim, name)
    for asked in (name, name.upper(), name.lower()):
        found = scim.get("/Users", params={"filter": f'userName eq "{asked}"'}).json()
        assert [user["id"] for user in found["Resources"]] == [made["id"]]
    again = scim.post("/Users", json={"schemas": [USER], "userName": name.lower()})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")


def test_a_directory_finds_out_what_there_is(scim: httpx2.Client) -> None:
    config = scim.get("/ServiceProviderConfig")
    assert config.headers["content-type"].startswith("application/scim+json")
    assert (config.json()["patch"]["supported"], config.json()["bulk"]["supported"]) == (True, False)
    [kind] = scim.get("/ResourceTypes").json()["Resources"]
    assert (kind["endpoint"], kind["schema"]) == ("/Users", USER)
    [schema] = scim.get("/Schemas").json()["Resources"]
    assert {"userName", "externalId", "active", "emails"} <= {found["name"] for found in schema["attributes"]}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/Groups", 404), ("POST", "/Groups", 404), ("PATCH", "/Groups/x", 404), ("POST", "/Bulk", 404),
     ("DELETE", "/Users", 405), ("POST", "/Users/x", 405)],
)  # fmt: skip
def test_what_is_not_kept_here_is_told_in_the_shape_of_scim(
    scim: httpx2.Client, method: str, path: str, status: int
) -> None:
    answer = scim.request(method, path, json={"schemas": [], "displayName": "Crew"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/scim+json")
    told = answer.json()
    assert (told["schemas"], told["status"]) == ([ERROR], str(status))
    assert told["detail"].endswith(".")


def test_swagger_ui_sends_the_key_to_what_a_directory_asks(kept: Server) -> None:
    paths = httpx2.get(f"{kept.url}/openapi.json").json()["paths"]
    ours = [operation for path, kinds in paths.items() if path.startswith("/scim/") for operation in kinds.values()]
    assert len(ours) == 9
    assert all(operation["security"] == [{"HTTPBearer": []}] for operation in ours)


def test_an_account_is_made_found_and_read(scim: httpx2.Client) -> None:
    made = make(
        scim,
        "Ann.Lee@example.org",
        externalId="00u-ann",
        name={"givenName": "Ann", "familyName": "Lee"},
        emails=[{"value": "old@example.org"}, {"value": "ann@example.org", "primary": True, "type": "work"}],
    )
    assert (made["userName"], made["active"], made["displayName"]) == ("Ann.Lee@example.org", True, "Ann Lee")
    assert made["emails"][0]["value"] == "ann@example.org"
    for text in ('userName eq "ann.lee@EXAMPLE.org"', 'externalId eq "00u-ann"', f'id Eq "{made["id"]}"'):
        found = scim.get("/Users", params={"filter": text}).json()
        assert (found["totalResults"], found["Resources"]) == (1, [made])
    assert scim.get(f"/Users/{made['id']}").json() == made
    nobody = scim.get("/Users", params={"filter": 'userName eq "nobody"'}).json()
    assert (nobody["totalResults"], nobody["Resources"]) == (0, [])


def test_a_list_comes_in_pages(scim: httpx2.Client) -> None:
    made = [make(scim, f"paged-{number}@example.org")["id"] for number in range(5)]
    total = scim.get("/Users", params={"count": 0}).json()
    assert total["Resources"] == []
    seen: list[str] = []
    while len(seen) < total["totalResults"]:
        page = scim.get("/Users", params={"startIndex": len(seen) + 1, "count": 2}).json()
        assert page["startIndex"] == len(seen) + 1
        seen += [user["id"] for user in page["Resources"]]
    assert len(set(seen)) == len(seen)
    assert set(made) <= set(seen)


def test_accounts_that_no_directory_keeps_are_not_there(kept: Server, scim: httpx2.Client) -> None:
    owner = httpx2.get(f"{kept.url}/api/me", headers={"authorization": f"Bearer {kept.key}"}).json()
    member = add_person(kept.data_dir, "Local", email="local@example.org")
    for user in (owner["id"], member.id, "nothing"):
        answers = [
            scim.get(f"/Users/{user}"),
            scim.put(f"/Users/{user}", json={"userName": "x", "active": False}),
            patch(scim, {"id": user}, {"op": "replace", "value": {"active": False}}),
            scim.delete(f"/Users/{user}"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4
        assert all(answer.json()["schemas"] == [ERROR] and answer.json()["status"] == "404" for answer in answers)
    found = scim.get("/Users", params={"filter": f'id eq "{owner["id"]}"'}).json()
    assert found["totalResults"] == 0
    same = make(scim, "local@example.org")
    assert same["id"] != member.id, "an account is not found by its address"


OFF: dict[str, list[dict[str, Any]]] = {
    "Okta": [{"op": "replace", "value": {"active": False}}],
    "Entra": [{"op": "Replace", "path": "active", "value": "False"}],
    "Entra, another": [{"op": "Add", "path": "active", "value": [{"value": "False"}]}],
    "removed": [{"op": "remove", "path": "active"}],
    "with others": [
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@example.org"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"},
        {"op": "Replace", "path": f"{USER}:active", "value": False},
    ],
}


@pytest.mark.parametrize("dialect", OFF)
def test_who_is_deactivated_is_out_within_five_seconds_and_back_when_activated(
    kept: Server, scim: httpx2.Client, issuer: FakeIssuer, dialect: str, report: Report
) -> None:
    subject = f"off-{dialect.replace(' ', '-').replace(',', '')}"
    made = make(scim, f"{subject}@example.org", externalId=subject)
    session = sign_in(kept, issuer, subject)
    assert session, "the account that the directory made is the one they find"

    async def put_out() -> float:
        async with open_full(kept.port, session) as client:
            begun = time.monotonic()
            answer = await asyncio.to_thread(patch, scim, made, *OFF[dialect])
            assert (answer.status_code, answer.json()["active"]) == (200, False)
            async with asyncio.timeout(PUT_OUT_S):
                with contextlib.suppress(SocketClosedError):
                    while True:
                        await client.ask("ping")
                        await asyncio.sleep(0.05)
            return time.monotonic() - begun

    took_s = asyncio.run(put_out())
    wrong = [] if took_s <= PUT_OUT_S else ["too late"]
    if httpx2.get(f"{kept.url}/api/me", headers={"authorization": f"Bearer {session}"}).status_code != 401:
        wrong.append("the session still works")
    if sign_in(kept, issuer, subject):
        wrong.append("signed in again")
    patch(scim, made, {"op": "replace", "path": "active", "value": "True"})
    assert sign_in(kept, issuer, subject)
    report(f"deactivated by a directory ({dialect})", wrong, 3, f"{took_s:.1f} s")


def test_names_and_addresses_follow_the_directory(scim: httpx2.Client) -> None:
    made = make(scim, "bo@example.org", displayName="Bo")
    changed = patch(
        scim,
        made,
        {"op": "Add", "value": {"displayName": "Bo Berg", 'emails[type eq "work"].value': "bo@work.example"}},
        {"op": "replace", "path": "userName", "value": "bo.berg@example.org"},
        {"op": "replace", "path": "externalId", "value": "ext-bo"},
    ).json()
    assert (changed["displayName"], changed["userName"], changed["externalId"]) == (
        "Bo Berg", "bo.berg@example.org", "ext-bo",
    )  # fmt: skip
    assert changed["emails"][0]["value"] == "bo@work.example"
    replaced = scim.put(
        f"/Users/{made['id']}",
        json={
            "schemas": [USER],
            "userName": "bo@example.org",
            "name": {"formatted": "Bo B."},
            "emails": [],
            "active": False,
        },
    ).json()
    assert (replaced["displayName"], replaced["active"], "emails" in replaced) == ("Bo B.", False, False)
    other = make(scim, "bo-2@example.org", displayName="Bo B.")
    assert other["displayName"] == "Bo B.-2", "no two are called the same"


def test_a_user_name_is_one_accounts(scim: httpx2.Client) -> None:
    made = make(scim, "only@example.org", externalId="only-1")
    for again in ({"userName": "ONLY@example.org"}, {"userName": "other@example.org", "externalId": "only-1"}):
        refused = scim.post("/Users", json=again)
        assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
        assert refused.json()["status"] == "409"
    second = make(scim, "second@example.org")
    refused = patch(scim, second, {"op": "replace", "path": "userName", "value": "only@example.org"})
    assert refused.status_code == 409
    assert scim.get(f"/Users/{made['id']}").json()["userName"] == "only@example.org"


def test_who_was_let_go_cannot_sign_in_and_finds_the_account_when_they_return(
    kept: Server, scim: httpx2.Client, issuer: FakeIssuer
) -> None:
    made = make(scim, "gone@example.org", externalId="gone")
    assert sign_in(kept, issuer, "gone")
    assert scim.delete(f"/Users/{made['id']}").status_code == 204
    assert scim.get(f"/Users/{made['id']}").status_code == 404
    assert scim.delete(f"/Users/{made['id']}").status_code == 404
    assert sign_in(kept, issuer, "gone") == ""
    back = make(scim, "gone@example.org", externalId="gone")
    assert back["id"] == made["id"]
    assert sign_in(kept, issuer, "gone")


def test_the_owner_is_never_a_directorys(kept: Server, scim: httpx2.Client) -> None:
    """Even where somebody that a directory keeps has become it."""
    made = make(scim, "boss@example.org")
    change_rows(
        kept.data_dir,
        update(users).where(users.c.role == "owner").values(role="admin"),
        update(users).where(users.c.id == made["id"]).values(role="owner"),
    )
    try:
        answers = [
            patch(scim, made, *OFF["Okta"]),
            scim.put(f"/Users/{made['id']}", json={"userName": "x", "active": False}),
            scim.delete(f"/Users/{made['id']}"),
        ]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert scim.get(f"/Users/{made['id']}").json()["active"] is True
    finally:
        change_rows(
            kept.data_dir,
            update(users).where(users.c.id == made["id"]).values(role="member"),
            update(users).where(users.c.name == "owner").values(role="owner"),
        )


def test_only_the_directorys_token_and_an_admins_key_for_it_open_the_door(kept: Server, report: Report) -> None:
    member, admin = add_person(kept.data_dir, "Plain"), add_person(kept.data_dir, "Chief", "admin")
    good = [TOKEN, scoped_key(kept.data_dir, admin, "scim"), scoped_key(kept.data_dir, admin, "scim read")]
    bad = [
        "", "x", TOKEN[:-1], f"{TOKEN}0", TOKEN.upper(), kept.key, member.key, member.session, admin.session,
        scoped_key(kept.data_dir, member, "scim"), scoped_key(kept.data_dir, admin, "admin read chat"),
    ]  # fmt: skip
    wrong, count = [], 0
    for method, path in (("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas"), ("GET", "/ServiceProviderConfig")):
        for token in bad:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = httpx2.request(method, f"{kept.url}/scim/v2{path}", headers=headers, json=None)
            count += 1
            if answer.status_code not in (401, 403) or answer.json()["schemas"] != [ERROR]:
                wrong.append(f"{method} {path} with {token[:12]}…: {answer.status_code}")
    for token in good:
        answer = httpx2.get(f"{kept.url}/scim/v2/Users", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, "the control"
    for key in good[1:2]:
        assert httpx2.get(f"{kept.url}/api/me", headers={"authorization": f"Bearer {key}"}).status_code == 403
    report("tokens that keep no accounts", wrong, count)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"x"', b"{}", b'{"userName": ""}', b'{"userName": 1}',
        b'{"userName": "a", "active": "perhaps"}',
        b'{"userName": "' + b"x" * 400 + b'"}', b'{"userName": "a\\u0000b"}', b"[" * 5_000, b'{"userName": ["a"]}',
        b'{"userName": "a", "emails": [1]}' * 2, b'{"userName": "a", "name": {"formatted": 1}}',
    ],
)  # fmt: skip
def test_what_is_no_user_is_refused_in_scims_words(scim: httpx2.Client, body: bytes) -> None:
    answer = scim.post("/Users", content=body)
    assert (answer.status_code, answer.json()["schemas"], answer.json()["status"]) == (400, [ERROR], "400")


@pytest.mark.parametrize(
    "operations",
    [
        None, [], {}, "x", [1], [{"op": "move"}], [{"op": "replace"}], [{"op": "replace", "path": 1, "value": 1}],
        [{"op": "replace", "path": "active", "value": "perhaps"}], [{"op": "replace", "path": "a b c", "value": 1}],
        [{"op": "replace", "value": [1]}], [{"op": "remove"}], [{"op": "replace", "path": "userName", "value": ""}],
        [{"op": "add", "path": "active", "value": True}] * 1_000,
    ],
)  # fmt: skip
def test_what_is_no_patch_is_refused_in_scims_words(scim: httpx2.Client, operations: Any) -> None:
    found = scim.get("/Users", params={"filter": 'userName eq "patched@example.org"'}).json()["Resources"]
    user = found[0] if found else make(scim, "patched@example.org")
    answer = scim.patch(f"/Users/{user['id']}", json={"schemas": [PATCH], "Operations": operations})
    assert (answer.status_code, answer.json()["schemas"]) == (400, [ERROR])
    assert scim.get(f"/Users/{user['id']}").json() == user


@pytest.mark.parametrize(
    "text",
    ["userName", 'userName co "a"', 'password eq "x"', 'userName eq "a" or id eq "b"', "userName eq a", "(" * 500],
)
def test_what_is_no_filter_is_refused_in_scims_words(scim: httpx2.Client, text: str) -> None:
    answer = scim.get("/Users", params={"filter": text})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_what_a_directory_does_is_in_the_audit_log(kept: Server, scim: httpx2.Client) -> None:
    made = make(scim, "told@example.org", displayName="Told")
    patch(scim, made, *OFF["Okta"])
    entries = [entry for entry in audit(kept, "user.") if entry["target"] == "Told"]
    assert [entry["action"] for entry in entries] == ["user.suspended", "user.provisioned"]
    assert {entry["actor_name"] for entry in entries} == {"SCIM"}
    assert TOKEN not in kept.log_text()


def test_where_no_token_is_set_none_opens_the_door(make_server: MakeServer, server: Server) -> None:
    for token in ("", "x", "Bearer", "None", "null"):
        answer = httpx2.get(f"{server.url}/scim/v2/Users", headers={"authorization": f"Bearer {token}".strip()})
        assert answer.status_code == 401
        assert "key create" not in answer.json()["detail"], "a usual key would not do"
    refused = make_server(QUARTERDECK_SCIM_TOKEN="short").run("doctor")
    assert "QUARTERDECK_SCIM_TOKEN" in refused.stderr + refused.stdout
