"""Beyond this machine a server is reached by those alone who can sign in, and under its own names."""

from __future__ import annotations

import socket

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.harness.browser import open_browser
from tests.harness.people import add_person
from tests.harness.server import Server

PASSWORD = "a sail in the wind"
EVERYWHERE = "0.0.0.0"


def give_owner_a_password(server: Server) -> None:
    server.start()
    with open_browser(server) as owner:
        assert owner.post("/api/me/password", json={"new": PASSWORD}).status_code == 204
    server.terminate()


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "127.0.0.2"])
def test_a_fresh_installation_does_not_listen_beyond_this_machine(make_server: MakeServer, host: str) -> None:
    refused = make_server().run("serve", "--host", host, "--port", "0", "--no-browser")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.strip().count("\n") == 0, refused.stderr
    assert "quarterdeck user password owner" in refused.stderr


def test_what_is_no_name_of_a_host_is_refused_in_a_sentence(make_server: MakeServer) -> None:
    refused = make_server().run("serve", "--host", "a" * 70, "--port", "0", "--no-browser")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.strip().endswith("this is no name of a host.")
    assert refused.stderr.strip().count("\n") == 0, refused.stderr


def test_with_a_provider_it_listens(make_server: MakeServer) -> None:
    running = make_server(QUARTERDECK_GITHUB_CLIENT_ID="id", QUARTERDECK_GITHUB_CLIENT_SECRET="hush-hush")
    running.options = ["--host", EVERYWHERE]
    running.start()
    assert httpx2.get(f"{running.url}/healthz").status_code == 200


def test_once_its_owner_has_a_password_it_listens_and_answers_to_its_own_names(make_server: MakeServer) -> None:
    running = make_server()
    give_owner_a_password(running)
    running.environment["QUARTERDECK_PUBLIC_URL"] = "https://chat.example.org"
    running.options = ["--host", EVERYWHERE]
    running.start()
    assert running.link.startswith(f"http://{EVERYWHERE}:")
    own = ["127.0.0.1", "localhost", EVERYWHERE, "chat.example.org", socket.gethostname()]
    codes = {name: ask_under(running, name, "/healthz").status_code for name in own}
    assert codes == dict.fromkeys(own, 200)
    others = ["evil.example", "192.0.2.7", "127.0.0.1.evil.example", "169.254.169.254", "[::2]", "127.0.0.2"]
    codes = {name: ask_under(running, name, "/api/sign-in").status_code for name in others}
    assert codes == dict.fromkeys(others, 421)
    machine = "127.0.0.3"  # an address of this machine, which the connection comes in at
    assert httpx2.get(f"http://{machine}:{running.port}/healthz").status_code == 200
    assert ask_under(running, "127.0.0.4", "/healthz", at=machine).status_code == 421


def test_the_printed_link_works_once_beyond_this_machine_too(make_server: MakeServer) -> None:
    running = make_server()
    give_owner_a_password(running)
    running.options = ["--host", EVERYWHERE]
    running.start()
    link = running.link.replace(EVERYWHERE, "127.0.0.1")
    assert "qd_session" in httpx2.get(link).headers["set-cookie"]
    assert "set-cookie" not in httpx2.get(link).headers


def test_links_for_others_begin_with_an_address_that_leads_here(make_server: MakeServer) -> None:
    running = make_server()
    give_owner_a_password(running)
    running.options = ["--host", EVERYWHERE]
    running.start()
    base = f"http://127.0.0.3:{running.port}"  # an address of this machine, as the admin wrote it
    admins = add_person(running.data_dir, "Ada", "admin").session
    with httpx2.Client(base_url=base, headers={"authorization": f"Bearer {admins}"}) as admin:
        links = [
            admin.post("/api/admin/invitations", json={"role": "member"}).json()["link"],
            admin.post("/api/admin/users", json={"name": "Bob", "role": "member"}).json()["link"],
        ]
    links.append(running.run("user", "add", "Cem").stdout.strip())
    assert [link.rpartition("/")[0] for link in links] == [
        f"{base}/invite", f"{base}/reset", f"http://127.0.0.1:{running.port}/reset",
    ]  # fmt: skip
    assert {httpx2.get(link).status_code for link in links} == {200}


def test_who_a_proxy_names_counts_only_where_the_proxy_is_trusted(make_server: MakeServer) -> None:
    named = {"x-forwarded-for": "203.0.113.9"}
    for trusted, expected in (("", "127.0.0.1"), ("127.0.0.1", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")):
        running = make_server(QUARTERDECK_TRUSTED_PROXIES=trusted).start()
        with httpx2.Client(headers=named) as browser:
            browser.get(running.link)
            assert browser.get(f"{running.url}/api/me/sessions").json()["items"][0]["address"] == expected
        running.close()


def ask_under(server: Server, name: str, path: str, at: str = "127.0.0.1") -> httpx2.Response:
    return httpx2.get(f"http://{at}:{server.port}{path}", headers={"host": f"{name}:{server.port}"})
