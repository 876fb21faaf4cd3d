"""`quarterdeck user …`: accounts from the command line, beside a running server or without one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.harness.full_client import open_full
from tests.harness.people import add_person, id_of
from tests.harness.server import Server, run_command
from tests.harness.waiting import wait_until_async

PASSWORD = "a sail in the wind"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("users")).start()
    yield server
    server.close()


def user(server: Server, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = server.environment | {"QUARTERDECK_DATA_DIR": str(server.data_dir)}
    return run_command("user", *words, folder=server.work_dir, environment=environment, said=given)


def sign_in(server: Server, name: str, password: str = PASSWORD) -> httpx2.Response:
    return httpx2.post(f"{server.url}/api/sign-in", json={"name": name, "password": password})


def test_the_owner_of_a_fresh_installation_gets_a_password_before_any_start(make_server: MakeServer) -> None:
    server = make_server()
    done = user(server, "password", "owner", given=f"{PASSWORD}\n")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    server.options = ["--host", "0.0.0.0"]
    server.start()
    assert sign_in(server, "owner").json()["user"]["role"] == "owner"


def test_an_account_with_a_password_signs_in(running: Server) -> None:
    done = user(running, "add", "Ann", "--role", "admin", "--password-stdin", given=f"{PASSWORD}\nnot this\n")
    assert done.returncode == 0, done.stderr
    assert sign_in(running, "ann").json()["user"] | {"id": ""} == {"id": "", "name": "Ann", "role": "admin"}


def test_without_a_password_a_link_is_printed_that_sets_one(running: Server) -> None:
    done = user(running, "add", "Bob", "--email", "bob@example.org")
    link = done.stdout.strip()
    assert "/reset/" in link
    secret = link.rpartition("/")[2]
    chosen = httpx2.post(f"{running.url}/api/password-reset/{secret}", json={"password": PASSWORD})
    assert chosen.json()["user"]["name"] == "Bob"
    assert sign_in(running, "bob@example.org").status_code == 200


def test_accounts_are_listed(running: Server) -> None:
    user(running, "add", "Listed", "--password-stdin", given=PASSWORD)
    lines = [line.split("\t") for line in user(running, "list").stdout.splitlines()]
    assert lines[0][:3] == ["owner", "owner", "active"]
    assert ["Listed", "member", "active", "password", "-"] in lines


async def test_who_is_suspended_is_out_within_seconds_and_comes_back_when_resumed(running: Server) -> None:
    person = add_person(running.data_dir, "Sus Pended")
    async with open_full(running.port, person.session) as client:
        assert user(running, "suspend", "sus pended").returncode == 0

        async def is_out() -> bool:
            return client.closed is not None

        await wait_until_async(is_out, "the socket to end")
    with running.http(person.session) as http:
        assert http.get("/api/me").status_code == 401
        assert user(running, "resume", "sus pended").returncode == 0
        assert http.get("/api/me").status_code == 200


def test_a_new_password_signs_out_what_the_old_one_had_opened(running: Server) -> None:
    person = add_person(running.data_dir, "Forgetful")
    assert user(running, "password", "Forgetful", "--password-stdin", given=PASSWORD).returncode == 0
    with running.http(person.session) as http:
        assert http.get("/api/me").status_code == 401
    assert sign_in(running, "Forgetful").status_code == 200


def test_an_account_is_deleted_with_what_it_wrote_when_that_is_confirmed(running: Server) -> None:
    person = add_person(running.data_dir, "Leaving")
    with running.http(person.session) as http:
        said = {"message": "Hello", "chatId": "mine", "model": "builtin/log-reader"}
        turn = http.post("/chat_batch", json=said).headers["x-turn-id"]
    kept = user(running, "delete", "Leaving", given="n\n")
    assert kept.returncode != 0
    with running.http(person.session) as http:
        assert http.get("/api/me").status_code == 200
    assert user(running, "delete", "Leaving", "--yes").returncode == 0
    with running.http(person.key) as http:
        assert http.get("/api/me").status_code == 401
    with running.http() as owner:
        assert owner.get(f"/api/turns/{turn}/events").status_code == 404
        entries = owner.get("/api/admin/audit", params={"action": "user.deleted"}).json()["items"]
    assert [(entry["target"], entry["actor_name"]) for entry in entries][:1] == [("Leaving", "command line")]
    assert id_of(person.key) not in user(running, "list").stdout


@pytest.mark.parametrize(
    ("words", "given", "status"),
    [
        (["add"], "", 2),
        (["add", "x", "--role", "owner"], "", 2),
        (["add", "  "], "", 1),
        (["add", "ann@example.org"], "", 1),
        (["add", "OWNER"], "", 1),
        (["add", "Carol", "--password-stdin"], "short\n", 1),
        (["add", "Carol", "--password-stdin"], "", 1),
        (["add", "Carol", "--email", "no address"], "", 1),
        (["suspend", "nobody"], "", 1),
        (["suspend", "owner"], "", 1),
        (["resume", "nobody"], "", 1),
        (["password", "nobody", "--password-stdin"], PASSWORD, 1),
        (["password", "owner", "--password-stdin"], "password123", 1),
        (["password", "owner", PASSWORD], "", 2),
        (["delete", "nobody", "--yes"], "", 1),
        (["delete", "owner", "--yes"], "", 1),
        (["promote", "owner"], "", 2),
    ],
)
def test_a_mistake_is_told_in_one_sentence(running: Server, words: list[str], given: str, status: int) -> None:
    done = user(running, *words, given=given)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1), done.stderr
    assert status == 2 or PASSWORD not in done.stderr


@pytest.mark.parametrize("command", ["add", "list", "suspend", "resume", "password", "delete"])
def test_each_command_has_help_with_an_example(running: Server, command: str) -> None:
    assert f"Example: quarterdeck user {command}" in user(running, command, "--help").stdout
