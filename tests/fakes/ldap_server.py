"""A small, strict LDAP server (RFC 4511) over BER: bind, search, StartTLS; what clients did is kept.

It does what real ones do and mocks do not: a bind with a DN and an empty password succeeds without proving anything
(unauthenticated bind), DNs are compared escaped, filters are evaluated, and referrals lead to another server.
"""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from typing import Any, Self

from ldap3.utils.dn import parse_dn
from tests.fakes.ber import Element, element, elements, integer, size_of

START_TLS = "1.3.6.1.4.1.1466.20037"
SUCCESS, PROTOCOL, SIZE, CONFIDENTIALITY, NO_SUCH, INVALID = 0, 2, 4, 13, 32, 49
BIND, UNBIND, SEARCH, EXTENDED = 0x60, 0x42, 0x63, 0x77
BOUND, ENTRY, DONE, REFERENCE, EXTENDED_DONE = 0x61, 0x64, 0x65, 0x73, 0x78


def normal(dn: str) -> tuple[tuple[str, str], ...]:
    """Attribute and value of each part, unescaped and in small letters."""
    return tuple((name.lower(), _unescaped(value).lower()) for name, value, _ in parse_dn(dn, strip=True))


def _unescaped(value: str) -> str:
    raw, at = bytearray(), 0
    while at < len(value):
        if value[at] != "\\":
            raw += value[at].encode()
            at += 1
        elif len(value) >= at + 3 and all(char in "0123456789abcdefABCDEF" for char in value[at + 1 : at + 3]):
            raw.append(int(value[at + 1 : at + 3], 16))
            at += 3
        else:
            raw += value[at + 1].encode()
            at += 2
    return raw.decode(errors="replace")


@dataclass
class Entry:
    dn: str
    password: str
    attributes: dict[str, list[bytes]] = field(default_factory=dict)


@dataclass
class Bound:
    """A bind as it came: `dn`, whether a password was sent, and whether TLS was there."""

    dn: str
    password: str
    is_secure: bool


class FakeLdap:
    """`with FakeLdap(entries) as fake: fake.url`. `tls`: an SSL context of a server; `is_ldaps` uses it at once."""

    def __init__(self, entries: list[Entry], tls: ssl.SSLContext | None = None, *, is_ldaps: bool = False) -> None:
        self.entries = entries
        self.tls = tls
        self.is_ldaps = is_ldaps
        self.binds: list[Bound] = []
        self.referral = ""  # searches also answer with this
        self.needs_tls = False
        self.is_silent = False
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ssl.SSLError, EOFError):
                    _Session(outer, self.request).serve()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{'ldaps' if self.is_ldaps else 'ldap'}://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def find(self, dn: str) -> Entry | None:
        return next((entry for entry in self.entries if normal(entry.dn) == normal(dn)), None)


class _Session:
    def __init__(self, server: FakeLdap, socket: Any) -> None:
        self._server = server
        self._socket = socket
        self._rest = b""

    def serve(self) -> None:
        if self._server.is_ldaps:
            self._secure()
        while True:
            [number, asked, *_] = elements(self._receive())
            if asked.tag == UNBIND:
                return
            if not self._server.is_silent:
                answer = {BIND: self._bind, SEARCH: self._search, EXTENDED: self._extend}[asked.tag]
                answer(number.value, elements(asked.value))

    def _bind(self, number: bytes, asked: list[Element]) -> None:
        _, named, secret = asked
        assert secret.tag == 0x80, "simple binds only"
        dn, password = named.value.decode(), secret.value.decode()
        is_secure = isinstance(self._socket, ssl.SSLSocket)
        self._server.binds.append(Bound(dn, password, is_secure))
        try:
            entry = self._server.find(dn) if dn else None
        except Exception:  # a DN that cannot be read
            entry = None
        code = SUCCESS if not password or (entry and entry.password == password) else INVALID
        self._reply(number, BOUND, CONFIDENTIALITY if self._server.needs_tls and not is_secure else code)

    def _search(self, number: bytes, asked: list[Element]) -> None:
        base, scope, _, limit, _, _, wanted, names = asked
        found = [entry for entry in self._server.entries if _is_below(entry.dn, base.value.decode(), scope.value[-1])]
        if not found:
            self._reply(number, DONE, NO_SUCH)
            return
        found = [entry for entry in found if _matches(entry, wanted)]
        most = int.from_bytes(limit.value, "big") or len(found)
        shown = {name.value.decode().lower() for name in elements(names.value)}
        for entry in found[:most]:
            self._send(number, element(ENTRY, element(4, entry.dn.encode()), _attributes(entry, shown)))
        if self._server.referral:
            self._send(number, element(REFERENCE, element(4, self._server.referral.encode())))
        self._reply(number, DONE, SIZE if len(found) > most else SUCCESS)

    def _extend(self, number: bytes, asked: list[Element]) -> None:
        is_known = asked[0].value.decode() == START_TLS and self._server.tls is not None
        self._reply(number, EXTENDED_DONE, SUCCESS if is_known else PROTOCOL)
        if is_known:
            self._secure()

    def _secure(self) -> None:
        assert self._server.tls is not None
        self._socket = self._server.tls.wrap_socket(self._socket, server_side=True)

    def _receive(self) -> bytes:
        """The inside of the next message."""
        while True:
            size = size_of(self._rest)
            if 0 < size <= len(self._rest):
                message, self._rest = self._rest[:size], self._rest[size:]
                return elements(message)[0].value
            chunk = self._socket.recv(65536)
            if not chunk:
                raise EOFError
            self._rest += chunk

    def _reply(self, number: bytes, kind: int, code: int) -> None:
        self._send(number, element(kind, integer(code, 0x0A), element(4, b""), element(4, b"")))

    def _send(self, number: bytes, answer: bytes) -> None:
        self._socket.sendall(element(0x30, element(2, number), answer))


def _is_below(dn: str, base: str, scope: int) -> bool:
    parts, root = normal(dn), normal(base) if base else ()
    if scope == 0:
        return parts == root
    return parts[len(parts) - len(root) :] == root


def _matches(entry: Entry, wanted: Element) -> bool:
    """RFC 4511 4.5.1.7."""
    match wanted.tag:
        case 0xA0:
            return all(_matches(entry, part) for part in elements(wanted.value))
        case 0xA1:
            return any(_matches(entry, part) for part in elements(wanted.value))
        case 0xA2:
            return not _matches(entry, elements(wanted.value)[0])
        case 0xA3:
            name, value = elements(wanted.value)
            return value.value.lower() in [known.lower() for known in _values(entry, name.value)]
        case 0xA4:  # as good as `*`: an injected star finds everybody
            return _values(entry, elements(wanted.value)[0].value) != []
        case 0x87:
            return wanted.value.lower() == b"objectclass" or _values(entry, wanted.value) != []
    raise AssertionError(f"the fake does not know the filter {wanted.tag:#x}")


def _values(entry: Entry, name: bytes) -> list[bytes]:
    return next((values for known, values in entry.attributes.items() if known.lower() == name.decode().lower()), [])


def _attributes(entry: Entry, shown: set[str]) -> bytes:
    return element(
        0x30,
        *(
            element(0x30, element(4, name.encode()), element(0x31, *(element(4, value) for value in values)))
            for name, values in entry.attributes.items()
            if name.lower() in shown
        ),
    )
