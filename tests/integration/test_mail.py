"""Mail: links for a new password, and invitations, to a strict mail server over TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.fakes.smtp_server import SmtpServer, open_smtp
from tests.harness.certificate import make_certificate
from tests.harness.people import add_person
from tests.harness.server import Server
from tests.harness.waiting import wait_until

PUBLIC = "https://chat.example.org"
BESIDE = {"QUARTERDECK_MAIL_FROM": "deck@example.org", "QUARTERDECK_PUBLIC_URL": PUBLIC}
PASSWORD = "a sail in the wind"


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[SmtpServer]:
    with open_smtp(make_certificate(tmp_path)) as opened:
        yield opened


@pytest.fixture
def running(make_server: MakeServer, mail: SmtpServer, tmp_path: Path) -> Server:
    return make_server(
        QUARTERDECK_SMTP_URL=f"smtp://quarterdeck:p%40ss%20word@localhost:{mail.port}",
        QUARTERDECK_MAIL_FROM="Quarterdeck <deck@example.org>",
        QUARTERDECK_PUBLIC_URL=PUBLIC,
        SSL_CERT_FILE=str(tmp_path / "certificate.pem"),
    ).start()


def ask(server: Server, who: str) -> httpx2.Response:
    return httpx2.post(f"{server.url}/api/password-reset", json={"name_or_email": who})


def text_of(letter: object) -> str:
    return str(letter.get_content())  # type: ignore[attr-defined]


def test_a_link_for_a_new_password_comes_by_mail_and_works_once(running: Server, mail: SmtpServer) -> None:
    ann = add_person(running.data_dir, "Ann", email="ann@example.org")
    assert ask(running, "ANN").status_code == 204
    letter = wait_until(lambda: mail.letters[0] if mail.letters else None, "the letter")
    assert (letter["To"], letter["From"]) == ("ann@example.org", "Quarterdeck <deck@example.org>")
    found = re.search(rf"{PUBLIC}/reset/(\S+)", text_of(letter))
    assert found is not None
    path = f"{running.url}/api/password-reset/{found[1]}"
    assert httpx2.get(path).json() == {"name": "Ann"}
    assert httpx2.post(path, json={"password": "short"}).status_code == 422
    entered = httpx2.post(path, json={"password": PASSWORD})
    assert (entered.status_code, entered.json()["user"]["name"]) == (200, "Ann")
    assert "qd_session" in entered.headers["set-cookie"]
    with running.http(ann.session) as old:
        assert old.get("/api/me").status_code == 401, "the sessions of before are over"
    again = httpx2.post(path, json={"password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (404, "link_used")
    signed = httpx2.post(f"{running.url}/api/sign-in", json={"name": "ann@EXAMPLE.org", "password": PASSWORD})
    assert signed.status_code == 200
    assert mail.mistakes == []


def test_nobody_learns_who_has_an_account_and_nobody_is_flooded(running: Server, mail: SmtpServer) -> None:
    add_person(running.data_dir, "Ann", email="ann@example.org")
    add_person(running.data_dir, "Bob")
    add_person(running.data_dir, "Twin", email="twin@example.org")
    add_person(running.data_dir, "Twin again", email="twin@example.org")
    answers = [ask(running, who) for who in ("nobody", "nobody@example.org", "Bob", "twin@example.org")]
    answers += [ask(running, "Ann") for _ in range(6)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(204, "")}
    wait_until(lambda: len(mail.letters) >= 3, "the letters")
    ask(running, "Twin")
    wait_until(lambda: any(letter["To"] == "twin@example.org" for letter in mail.letters), "the twin's letter")
    assert 3 <= [letter["To"] for letter in mail.letters].count("ann@example.org") < 6
    assert {letter["To"] for letter in mail.letters} == {"ann@example.org", "twin@example.org"}


def test_an_invitation_with_an_address_is_mailed(running: Server, mail: SmtpServer) -> None:
    with running.http() as owner:
        made = owner.post("/api/admin/invitations", json={"role": "member", "email": "bea@example.org"}).json()
    assert made["is_mailed"] is True
    letter = wait_until(lambda: mail.letters[0] if mail.letters else None, "the letter")
    assert letter["To"] == "bea@example.org"
    assert made["link"] in text_of(letter)
    assert made["link"].startswith(f"{PUBLIC}/invite/")


def test_a_mail_server_that_refuses_is_said_to_the_admin_and_to_nobody_else(running: Server, mail: SmtpServer) -> None:
    mail.refuses = True
    add_person(running.data_dir, "Ann", email="ann@example.org")
    assert ask(running, "Ann").status_code == 204
    wait_until(lambda: "mail_failed" in running.log_text(), "a line in the log")
    assert "p@ss word" not in running.log_text()
    with running.http() as owner:
        refused = owner.post("/api/admin/invitations", json={"email": "bea@example.org"})
        assert (refused.status_code, refused.json()["code"]) == (502, "mail_failed")
        assert owner.get("/api/admin/invitations").json()["items"] == [], "nobody has its link"


def test_no_password_goes_to_a_certificate_that_is_not_trusted(
    make_server: MakeServer, mail: SmtpServer, tmp_path: Path
) -> None:
    running = make_server(
        QUARTERDECK_SMTP_URL=f"smtp://quarterdeck:p%40ss%20word@localhost:{mail.port}",
        QUARTERDECK_MAIL_FROM="deck@example.org",
        QUARTERDECK_PUBLIC_URL=PUBLIC,
    ).start()
    add_person(running.data_dir, "Ann", email="ann@example.org")
    ask(running, "Ann")
    wait_until(lambda: "mail_failed" in running.log_text(), "a line in the log")
    assert (mail.logins, mail.letters) == ([], [])


@pytest.mark.parametrize(
    "settings",
    [
        {"QUARTERDECK_SMTP_URL": "smtp://localhost:25"},
        {"QUARTERDECK_SMTP_URL": "smtp://localhost:25", "QUARTERDECK_MAIL_FROM": "deck@example.org"},
        {"QUARTERDECK_SMTP_URL": "http://hush@x/", "QUARTERDECK_MAIL_FROM": "a@b.c", "QUARTERDECK_PUBLIC_URL": PUBLIC},
        {
            "QUARTERDECK_SMTP_URL": "smtp://u:hush@x:port",
            "QUARTERDECK_MAIL_FROM": "a@b",
            "QUARTERDECK_PUBLIC_URL": PUBLIC,
        },
    ],
)
def test_mail_that_is_set_up_by_half_is_said_at_the_start(make_server: MakeServer, settings: dict[str, str]) -> None:
    refused = make_server(**settings).run("serve", "--port", "0", "--no-browser")
    assert (refused.returncode, refused.stderr.strip().count("\n")) == (1, 0), refused.stderr
    assert "QUARTERDECK_SMTP_URL" in refused.stderr
    assert "hush" not in refused.stderr


def test_without_a_mail_server_asking_changes_nothing(make_server: MakeServer) -> None:
    running = make_server().start()
    add_person(running.data_dir, "Ann", email="ann@example.org")
    assert ask(running, "Ann").status_code == 204
    assert ask(running, "").status_code == 422
