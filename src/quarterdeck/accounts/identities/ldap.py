"""A directory that knows people's passwords: the password is tried there (LDAP bind), and kept nowhere here.

Needs the extra `ldap`. RFC 4513 5.1.2: a bind with an empty password succeeds and proves nothing, so none is sent.
"""

from __future__ import annotations

import asyncio
import ssl
import uuid
from importlib import import_module
from typing import Any, ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from quarterdeck.accounts.identities.person import Person, SignInRefusedError
from quarterdeck.config import Settings
from quarterdeck.diagnostics import register_secret
from quarterdeck.errors import SetupError
from quarterdeck.late import install_command

_TIMEOUT_S = 5
_AT_ONCE = 8
_MAX_CHARS = 256
_ATTRIBUTES = ["entryUUID", "objectGUID", "displayName", "cn", "mail"]
_LOCAL = ("127.0.0.1", "localhost", "::1")


class DirectoryDownError(SignInRefusedError):
    """The directory that knows people's passwords cannot be asked; whoever has one of this server's own gets in."""

    code: ClassVar[str] = "directory_down"
    status: ClassVar[int] = 503
    retryable: ClassVar[bool] = True


class _OddAnswerError(ValueError):
    """What the directory does is not what it is there for; the words are ours."""


class Directory(Struct, frozen=True):
    """`bind_dn` with `{name}` in it is the person's own; without, it is a service's that searches for them."""

    url: str
    bind_dn: str
    bind_password: str
    search_base: str
    search_filter: str
    starts_tls: bool

    def __repr__(self) -> str:
        return f"Directory({self.url})"


class Ldap:
    """Asks a directory, some people at once; each in a thread, since the library waits."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._ldap3 = _load()
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def check(self, name: str, password: str) -> Person | None:
        """Who it is; None when the directory does not take name and password.

        Raises: `DirectoryDownError`.
        """
        if not _is_worth_asking(name, password):
            return None
        async with self._places:
            return await asyncio.to_thread(self._check, name.strip(), password)

    def _check(self, name: str, password: str) -> Person | None:
        try:
            if "{name}" in self._directory.bind_dn:
                return self._check_by_template(name, password)
            return self._check_by_search(name, password)
        except (self._ldap3.core.exceptions.LDAPException, OSError, ValueError) as error:
            # of others' words only those about the connection: elsewhere they may repeat what was typed
            is_told = isinstance(error, (_OddAnswerError, self._ldap3.core.exceptions.LDAPCommunicationError))
            raise DirectoryDownError(
                "The directory does not answer as it should. Try again in a moment.",
                "provider_down",
                detail=f"{self._directory.url}: {type(error).__name__}{f': {error}' if is_told else ''}",
            ) from error

    def _check_by_template(self, name: str, password: str) -> Person | None:
        escaped = self._ldap3.utils.dn.escape_rdn(name)
        dn = self._directory.bind_dn.replace("{name}", escaped)
        connection = self._open(dn, password)
        try:
            if not connection.bind():
                return None
            connection.search(dn, self._filter(name), self._ldap3.BASE, attributes=_ATTRIBUTES, size_limit=1)
            return self._person(connection, name)
        finally:
            connection.unbind()

    def _check_by_search(self, name: str, password: str) -> Person | None:
        service = self._open(self._directory.bind_dn, self._directory.bind_password)
        try:
            if not service.bind():
                raise _OddAnswerError("it refuses QUARTERDECK_LDAP_BIND_DN with QUARTERDECK_LDAP_BIND_PASSWORD")
            base = self._directory.search_base
            service.search(base, self._filter(name), self._ldap3.SUBTREE, attributes=_ATTRIBUTES, size_limit=2)
            person = self._person(service, name)
            dn = "" if person is None else _entries(service)[0]["dn"]
        finally:
            service.unbind()
        is_right = self._takes(dn or self._directory.search_base, password)  # takes as long for who is not there
        return person if person is not None and is_right else None

    def _takes(self, dn: str, password: str) -> bool:
        own = self._open(dn, password)
        try:
            return bool(own.bind())
        finally:
            own.unbind()

    def _open(self, dn: str, password: str) -> Any:
        """A connection, with TLS if it is to have it; not bound yet. It follows no referral: a password stays here."""
        ldap3 = self._ldap3
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, version=None)
        server = ldap3.Server(self._directory.url, tls=tls, get_info=ldap3.NONE, connect_timeout=_TIMEOUT_S)
        connection = ldap3.Connection(
            server,
            user=dn or None,
            password=password if dn else None,
            authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS,
            auto_referrals=False,
            receive_timeout=_TIMEOUT_S,
            read_only=True,
            raise_exceptions=False,
            check_names=False,
        )
        connection.open()
        if self._directory.starts_tls and not connection.start_tls():
            raise _OddAnswerError("it does not begin TLS")
        return connection

    def _filter(self, name: str) -> str:
        escaped = self._ldap3.utils.conv.escape_filter_chars(name)
        usual = "(objectClass=*)" if "{name}" in self._directory.bind_dn else "(uid={name})"
        return (self._directory.search_filter or usual).replace("{name}", escaped)

    def _person(self, connection: Any, name: str) -> Person | None:
        """Of exactly one entry: where a filter finds several, nobody knows whose password it would be."""
        if connection.result["result"] not in (0, 4, 32):  # success, more than one, no such object
            raise _OddAnswerError(f"the search ended with {connection.result['description']}")
        found = _entries(connection)
        if len(found) != 1:
            return None
        raw = found[0]["raw_attributes"]
        email = _text(raw, "mail")
        return Person(
            issuer=issuer_of_url(self._directory.url),
            subject=_identifier(raw) or str(found[0]["dn"]).lower(),
            label=name,
            name=_text(raw, "displayName") or _text(raw, "cn") or name,
            email=email,
        )


def _is_worth_asking(name: str, password: str) -> bool:
    """Never with an empty password: it would be taken, and prove nothing. Nor with what no directory can hold."""
    if not name.strip() or not password or len(name) > _MAX_CHARS or len(password) > 4 * _MAX_CHARS:
        return False
    is_text = all(not "\ud800" <= char <= "\udfff" for char in name + password)
    return is_text and "\0" not in name + password


def issuer_of_url(url: str) -> str:
    """The same whether it is reached by TLS from the start or not."""
    return f"ldap://{(urlsplit(url).hostname or '').lower()}"


def open_ldap(settings: Settings) -> Ldap | None:
    """None when it is not set up. Raises: `SetupError` when it cannot be used as it is set up."""
    if not settings.ldap_url:
        return None
    directory = Directory(
        url=settings.ldap_url.rstrip("/"),
        bind_dn=settings.ldap_bind_dn,
        bind_password=settings.ldap_bind_password,
        search_base=settings.ldap_search_base,
        search_filter=settings.ldap_search_filter,
        starts_tls=settings.ldap_starttls,
    )
    register_secret(directory.bind_password)
    _check_directory(directory)
    return Ldap(directory)


def _check_directory(directory: Directory) -> None:
    parts = urlsplit(directory.url)
    if parts.scheme == "ldap" and not directory.starts_tls and parts.hostname not in _LOCAL:
        raise SetupError(
            "Passwords would cross the network in the clear: use ldaps:// in QUARTERDECK_LDAP_URL, or set "
            "QUARTERDECK_LDAP_STARTTLS=true."
        )
    if "{name}" in directory.bind_dn:
        return
    if not directory.search_base:
        raise SetupError("Set QUARTERDECK_LDAP_BIND_DN with {name} in it, or QUARTERDECK_LDAP_SEARCH_BASE.")
    if directory.search_filter and "{name}" not in directory.search_filter:
        raise SetupError("QUARTERDECK_LDAP_SEARCH_FILTER must have {name} in it, as in (uid={name}).")
    if directory.bind_dn and not directory.bind_password:
        raise SetupError("QUARTERDECK_LDAP_BIND_DN needs QUARTERDECK_LDAP_BIND_PASSWORD.")


def _load() -> Any:
    """The library, of an extra that not everybody installs."""
    try:
        import_module("ldap3.core.exceptions")
        import_module("ldap3.utils.dn")
        import_module("ldap3.utils.conv")
        return import_module("ldap3")
    except ImportError as error:
        raise SetupError(f"QUARTERDECK_LDAP_URL needs the extra ldap: run `{install_command('ldap')}`.") from error


def _entries(connection: Any) -> list[Any]:
    return [entry for entry in connection.response or [] if entry.get("type") == "searchResEntry"]


def _identifier(raw: dict[str, Any]) -> str:
    """What stays when somebody is renamed or moved: RFC 4530, or Active Directory's own."""
    if values := raw.get("entryUUID"):
        return str(values[0].decode(errors="replace")).lower()
    if (values := raw.get("objectGUID")) and len(values[0]) == 16:
        return str(uuid.UUID(bytes_le=values[0]))
    return ""


def _text(raw: dict[str, Any], name: str) -> str:
    values = raw.get(name)
    return values[0].decode(errors="replace").strip() if values else ""
