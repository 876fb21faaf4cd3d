"""A directory checks names and passwords: by the person's own DN or by a search, against a strict server over BER."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Report
from tests.fakes.ber import element, elements, integer
from tests.fakes.ldap_server import Entry, FakeLdap
from tests.harness.certificates import make_certificate

from quarterdeck.accounts.identities.ldap import Ldap, open_ldap
from quarterdeck.accounts.identities.person import Person, SignInRefusedError
from quarterdeck.config import Settings
from quarterdeck.errors import SetupError

BASE = "dc=example,dc=org"
SERVICE = f"cn=service,{BASE}"
TEMPLATE = {"ldap_bind_dn": f"uid={{name}},ou=people,{BASE}"}
SEARCH = {"ldap_bind_dn": SERVICE, "ldap_bind_password": "of the service", "ldap_search_base": BASE}
GUID = uuid.UUID("11111111-2222-4333-8444-555555555555")


def person(uid: str, password: str, **attributes: list[bytes]) -> Entry:
    usual = {"uid": [uid.encode()], "cn": [uid.title().encode()], "entryUUID": [f"uuid-{uid}".encode()]}
    escaped = "".join(f"\\{char}" if char in ',+"\\<>;=' else char for char in uid)
    return Entry(f"uid={escaped},ou=people,{BASE}", password, usual | attributes)


def entries() -> list[Entry]:
    return [
        Entry(SERVICE, "of the service", {"cn": [b"service"]}),
        person("ann", "right", mail=[b"ann@example.org"], displayName=["Ann Ångström".encode()]),
        person("o'neil, (jr) *", "right"),
        person("admin", "secret of the admin"),
    ]


@pytest.fixture
def directory() -> Iterator[FakeLdap]:
    with FakeLdap(entries()) as fake:
        yield fake


def open_at(fake: FakeLdap, **settings: Any) -> Ldap:
    opened = open_ldap(Settings(ldap_url=fake.url, **settings))
    assert opened is not None
    return opened


@pytest.fixture(params=[TEMPLATE, SEARCH], ids=["template", "search"])
def ldap(request: pytest.FixtureRequest, directory: FakeLdap) -> Ldap:
    return open_at(directory, **request.param)


async def test_a_right_password_says_who_it_is(ldap: Ldap) -> None:
    assert await ldap.check("ann", "right") == Person(
        issuer="ldap://localhost", subject="uuid-ann", label="ann", name="Ann Ångström", email="ann@example.org"
    )
    again = await ldap.check("ANN", "right")
    assert again is not None
    assert again.subject == "uuid-ann"


async def test_names_with_the_protocols_own_signs_are_just_names(ldap: Ldap) -> None:
    found = await ldap.check("o'neil, (jr) *", "right")
    assert found is not None
    assert found.subject == "uuid-o'neil, (jr) *"


async def test_nothing_but_the_right_password_of_that_very_name_lets_anybody_in(
    ldap: Ldap, directory: FakeLdap, report: Report
) -> None:
    wrong_passwords = ["wrong", "", "\0", "right\0", "Right", "right ", "x" * 5_000]
    wrong_names = [
        "", " ", "nobody", "*", "a*", "ann)(uid=*", "*)(uid=*))(|(uid=*", "ann)(|(cn=*", "(uid=ann)", "ann,ou=people",
        f"ann,ou=people,{BASE}", "ann+cn=Ann", "\\61nn", "\\2a", "ann\0", "ann\\", "#616e6e", "x" * 5_000, '"ann"',
        "admin",
        "ann\nadmin", "<ann>", "ann;uid=admin", "=", "\ud800", "service",
    ]  # fmt: skip
    tries = [("ann", password) for password in wrong_passwords] + [(name, "right") for name in wrong_names]
    tries += [(SERVICE, "of the service"), ("service", "of the service")]
    wrong = []
    for name, password in tries:
        try:
            if await ldap.check(name, password) is not None:
                wrong.append(f"{name!r} with {password!r}")
        except SignInRefusedError as error:
            if error.reason != "provider_down":
                wrong.append(f"{name!r}: {error.reason}")
    unauthenticated = [bound for bound in directory.binds if bound.dn and not bound.password]
    wrong += [f"bound as {bound.dn} without a password" for bound in unauthenticated]
    assert await ldap.check("ann", "right") is not None, "the control"
    report("names and passwords that a directory must not take", wrong, len(tries))


def bind_by_hand(fake: FakeLdap, dn: str, password: str) -> int:
    """The result of a bind that nobody has thought about."""
    request = element(0x60, integer(3), element(4, dn.encode()), element(0x80, password.encode()))
    with socket.create_connection(("127.0.0.1", fake.port), 5) as connection:
        connection.sendall(element(0x30, integer(1), request))
        [message] = elements(connection.recv(4096))
    [_, answer] = elements(message.value)
    return elements(answer.value)[0].value[-1]


def test_the_fake_is_as_careless_as_real_ones_where_no_password_is_sent(directory: FakeLdap) -> None:
    """The negative control: an empty password, sent, would have been taken for proof."""
    dn = f"uid=ann,ou=people,{BASE}"
    assert [bind_by_hand(directory, dn, password) for password in ("right", "wrong", "")] == [0, 49, 0]


async def test_a_filter_may_leave_people_out_and_two_of_a_name_are_nobody(directory: FakeLdap) -> None:
    directory.entries.append(person("cat", "right", memberOf=[b"cn=chat"]))
    narrow = open_at(directory, **SEARCH, ldap_search_filter="(&(uid={name})(memberOf=cn=chat))")
    assert await narrow.check("cat", "right") is not None
    assert await narrow.check("ann", "right") is None
    directory.entries.append(Entry(f"uid=ann,ou=guests,{BASE}", "right", {"uid": [b"ann"]}))
    assert await open_at(directory, **SEARCH).check("ann", "right") is None
    only = open_at(directory, **TEMPLATE, ldap_search_filter="(memberOf=cn=chat)")
    assert await only.check("ann", "right") is None
    assert await only.check("cat", "right") is not None


async def test_active_directorys_own_identifier_counts_and_without_any_the_name_there(directory: FakeLdap) -> None:
    directory.entries.append(person("dan", "right", objectGUID=[GUID.bytes_le], entryUUID=[]))
    directory.entries.append(person("eve", "right", entryUUID=[]))
    ldap = open_at(directory, **SEARCH)
    dan, eve = await ldap.check("dan", "right"), await ldap.check("eve", "right")
    assert dan is not None
    assert eve is not None
    assert (dan.subject, eve.subject) == (str(GUID), f"uid=eve,ou=people,{BASE}")


async def test_a_password_is_sent_to_no_other_server(ldap: Ldap, directory: FakeLdap) -> None:
    with FakeLdap(entries()) as other:
        directory.referral = f"{other.url}/{BASE}"
        await ldap.check("ann", "right")
        await ldap.check("nobody", "right")
        assert other.binds == []


@pytest.mark.parametrize("is_ldaps", [True, False])
async def test_with_tls_a_password_goes_only_to_a_server_that_proves_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_ldaps: bool
) -> None:
    context, certificate = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path, "elsewhere.example")
    with FakeLdap(entries(), context, is_ldaps=is_ldaps) as secure:
        secure.needs_tls = True
        ldap = open_at(secure, **TEMPLATE, ldap_starttls=not is_ldaps)
        monkeypatch.setenv("SSL_CERT_FILE", str(other))
        with pytest.raises(SignInRefusedError):
            await ldap.check("ann", "right")
        assert secure.binds == [], "nothing was said to a stranger"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await ldap.check("ann", "right") is not None
        assert await ldap.check("ann", "wrong") is None
        assert all(bound.is_secure for bound in secure.binds)


async def test_a_server_without_tls_gets_no_password_where_tls_is_asked_for(directory: FakeLdap) -> None:
    with pytest.raises(SignInRefusedError):
        await open_at(directory, **TEMPLATE, ldap_starttls=True).check("ann", "right")
    assert directory.binds == []


async def test_a_directory_that_is_away_or_silent_is_said_to_be_down(directory: FakeLdap) -> None:
    away = open_ldap(Settings(ldap_url="ldap://127.0.0.1:9", **TEMPLATE))
    assert away is not None
    silent = open_at(directory, **TEMPLATE)
    directory.is_silent = True
    for ldap in (away, silent):
        with pytest.raises(SignInRefusedError) as refused:
            await ldap.check("ann", "right")
        assert refused.value.reason == "provider_down"
        assert "right" not in refused.value.message + refused.value.detail


async def test_a_service_that_may_not_search_is_a_fault_of_the_setup_and_nobodys_password(directory: FakeLdap) -> None:
    with pytest.raises(SignInRefusedError) as refused:
        await open_at(directory, **(SEARCH | {"ldap_bind_password": "the old one"})).check("ann", "right")
    detail = refused.value.detail
    assert ("QUARTERDECK_LDAP_BIND_PASSWORD" in detail, "the old one" in detail, "right" in detail) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"ldap_url": "ldap://ldap.example.org", **TEMPLATE}, "LDAP_STARTTLS"),
        ({"ldap_url": "ldaps://ldap.example.org"}, "LDAP_SEARCH_BASE"),
        ({"ldap_url": "ldaps://ldap.example.org", "ldap_bind_dn": SERVICE, "ldap_search_base": BASE}, "BIND_PASSWORD"),
        ({"ldap_url": "ldaps://ldap.example.org", **SEARCH, "ldap_search_filter": "(uid=ann)"}, "{name}"),
    ],
)
def test_a_setup_that_cannot_work_is_said_at_the_start(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(SetupError, match=named):
        open_ldap(Settings(**settings))


def test_without_the_address_of_a_directory_there_is_none() -> None:
    assert open_ldap(Settings()) is None
