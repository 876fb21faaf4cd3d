"""Accounts in a fleet: who guesses at one server waits at all, and a guest of one is a guest of all."""

from __future__ import annotations

import httpx2
from tests.conftest import MakeFleet
from tests.harness.fleet import Fleet
from tests.harness.server import Server


def sign_in(server: Server, name: str) -> httpx2.Response:
    given = {"name": name, "password": "wrong wrong"}
    return httpx2.post(f"{server.url}/api/sign-in", json=given, timeout=20)


def open_two(make_fleet: MakeFleet) -> Fleet:
    fleet = make_fleet(has_redis=False, QUARTERDECK_GUESTS="1")
    for _ in range(2):
        fleet.serve()
    return fleet


def test_two_servers_count_failures_together(make_fleet: MakeFleet) -> None:
    here, there = open_two(make_fleet).servers
    codes = [sign_in(server, "owner").status_code for server in (here, there, here, there, here)]
    assert codes == [401] * 5
    later = [sign_in(server, "owner") for server in (there, here) * 4]
    refused = [answer for answer in later if answer.status_code == 429]
    assert refused, "alone, neither of them has seen five failures when these begin"
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)

    token = httpx2.post(f"{here.url}/token", params={"name": "Ann"}).json()["token"]
    back = httpx2.get(f"{there.url}/refresh_token", params={"token": token})
    assert (back.status_code, back.json()["name"]) == (200, "Ann")
