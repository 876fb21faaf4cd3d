"""Everybody who asks, and what the table of routes says they get."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from tests.harness.full_client import new_name
from tests.harness.people import Person, add_person, expire, renew, revoke_key, scoped_key, suspend_person
from tests.harness.server import Server
from tests.harness.waiting import is_long
from tests.security.routes import MAY, ROUTES, Route

CANARY = "census-canary-4c1f"  # in whatever the victim wrote
NAME = "census-name-77d0"  # what the victim is called, which admins may know
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ALL = frozenset({"chat", "read", "admin"})


@dataclass(frozen=True)
class Caller:
    """`role` is empty for who is not let in. `scopes`: of a key; None for a session."""

    name: str
    role: str
    token: str = field(repr=False)
    scopes: frozenset[str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(frozen=True)
class Victim:
    """A member with something of everything; `things` by the name of the address's parameter."""

    person: Person
    things: Mapping[str, Sequence[str]]
    messages: Sequence[Mapping[str, Any]]


def list_routes(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of all there is, however it was added; a mounted application's own routes, too."""
    for context in iter_route_contexts(routes):
        path = f"{prefix}{context.path or ''}"
        if below := getattr(context.original_route, "routes", None):
            yield from list_routes(below, path)
        elif context.methods:
            yield from ((method, path) for method in sorted(context.methods))
        else:
            yield ("SOCKET" if "WebSocket" in type(context.original_route).__name__ else "MOUNT"), path


def make_callers(server: Server, victim: Person) -> list[Caller]:
    """Everybody who is not the victim, those with proofs of the victim that are void included."""
    data_dir = server.data_dir
    admin, member, guest, suspended = (
        add_person(data_dir, new_name(name), role)
        for name, role in (("admin", "admin"), ("member", "member"), ("guest", "guest"), ("suspended", "member"))
    )
    expired, revoked = renew(data_dir, victim), renew(data_dir, victim)
    suspend_person(data_dir, suspended)
    expire(data_dir, expired)
    revoke_key(data_dir, revoked)
    narrow = [
        Caller(
            f"{person.role}'s key for {scopes}",
            person.role,
            scoped_key(data_dir, person, scopes),
            frozenset(scopes.split()),
        )
        for person, scopes in ((admin, "chat read"), (admin, "admin"), (member, "read"), (member, "chat"))
    ]
    return [
        Caller("the owner's key", "owner", server.key, _ALL),
        Caller("an admin", "admin", admin.session),
        Caller("an admin's key", "admin", admin.key, _ALL),
        Caller("another member", "member", member.session),
        Caller("another member's key", "member", member.key, _ALL),
        Caller("a guest", "guest", guest.session),
        *narrow,
        Caller("nobody", "", ""),
        Caller("a suspended member", "", suspended.session),
        Caller("a suspended member's key", "", suspended.key),
        Caller("an expired session", "", expired.session),
        Caller("an expired key", "", expired.key),
        Caller("a revoked key", "", revoked.key),
    ]


def expected(route: Route, caller: Caller) -> set[int] | None:
    """The statuses one of which it must be; None: this caller may."""
    if route.who in ("anybody", "page", "secret"):
        return None
    if not caller.role:
        return {401}
    if route.who == "scim":
        return {401, 403}
    if caller.scopes is not None and route.key not in caller.scopes | {"-"}:  # no key has the scope `none`
        return {403}
    if caller.role not in MAY[route.who]:
        return {403}
    return {404} if route.others == "404" else None


def addresses(route: Route, things: Mapping[str, Sequence[str]], *, is_strict: bool = False) -> list[str]:
    """The route's address for each thing of its kind; in the long setting also for things of other kinds."""
    path = route.path.replace(":path}", "}")  # what a name may hold is of no matter here
    path = path.replace("{version}", "1")  # of the message before it
    steps = path.split("/")
    names = {
        step[1:-1]: step[1:-1] if step != "{id}" else steps[at - 1] for at, step in enumerate(steps) if step[:1] == "{"
    }
    if not names:
        return [path]
    if is_long() and route.others == "404" and not is_strict:
        everything = dict.fromkeys(thing for kind in things.values() for thing in kind)
        return [path.format(**dict.fromkeys(names, thing)) for thing in everything]
    fitting = itertools.product(*(things.get(kind, ["thing"]) for kind in names.values()))
    return [path.format(**dict(zip(names, together, strict=True))) for together in fitting]


class Asker:
    """Asks as each caller, and keeps what was wrong with the answers."""

    def __init__(self, server: Server) -> None:
        """From many addresses of this machine: one alone may knock at some doors only so often."""
        addresses = [f"127.0.0.{number}" for number in range(2, 42)]
        self._clients = [
            httpx2.Client(base_url=server.url, timeout=10, transport=httpx2.HTTPTransport(local_address=address))
            for address in addresses
        ]
        self.wrong: list[str] = []
        self.count = 0

    def ask(
        self, caller: Caller, method: str, address: str, statuses: set[int] | None, body: Any = None, *, knows: bool
    ) -> None:
        """`statuses`: one of which it must be, if any. `knows`: they may see what people are called."""
        given: dict[str, Any] = {} if method in ("GET", "HEAD") else {"json": body if body is not None else {}}
        client = self._clients[self.count % len(self._clients)]
        answer = client.request(method, address, headers=caller.headers, **given)
        self.count += 1
        asked = f"{caller.name}: {method} {address}: {answer.status_code}"
        if answer.status_code >= 500 or (statuses is not None and answer.status_code not in statuses):
            self.wrong.append(f"{asked}, expected {statuses}: {answer.text[:200]}")
        if CANARY in answer.text or (NAME in answer.text and not knows):
            self.wrong.append(f"{asked}, with somebody else's text: {answer.text[:200]}")

    def close(self) -> None:
        for client in self._clients:
            client.close()


def knows_people(route: Route, caller: Caller) -> bool:
    return route.who in ("admins", "owner") and caller.role in ("owner", "admin")


def http_routes() -> list[Route]:
    return [route for route in ROUTES.values() if route.method in VERBS]
