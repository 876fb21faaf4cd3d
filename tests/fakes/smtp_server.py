"""A strict mail server: it takes a letter only after EHLO, TLS and a password, in this order, and in whole lines.

RFC 5321, RFC 3207 (STARTTLS), RFC 4616 (AUTH PLAIN). `is_plain`: it offers no TLS, and notes who logs in all the same.
"""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

USER, PASSWORD = "quarterdeck", "p@ss word"


@dataclass
class SmtpServer:
    """`mistakes`: what a client did that the protocol forbids."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    is_plain: bool = False
    refuses: bool = False
    tls: ssl.SSLContext | None = None


class _Talk(socketserver.StreamRequestHandler):
    state: SmtpServer
    timeout = 10

    def handle(self) -> None:
        self._is_safe = self._has_greeted = self._is_known = False
        self._sender, self._to = "", list[str]()
        self._say("220 mail.test ESMTP")
        with contextlib.suppress(OSError):
            while line := self.rfile.readline(2000):
                if not line.endswith(b"\r\n"):
                    self.state.mistakes.append("a line without CRLF")
                if not self._obey(line.decode().rstrip("\r\n")):
                    return

    def _obey(self, line: str) -> bool:
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO":
                self._greet()
            case "STARTTLS" if not self.state.is_plain:
                self._secure()
            case "AUTH":
                self._log_in(rest)
            case "MAIL":
                self._begin(rest)
            case "RCPT":
                self._to.append(rest)
                self._say("250 ok")
            case "DATA":
                self._take()
            case "RSET":
                self._say("250 ok")
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                self._wrong(f"503 {verb} is not expected")
        return True

    def _greet(self) -> None:
        self._has_greeted = True
        offered = ["SIZE 100000"] + (["AUTH PLAIN"] if self._is_safe or self.state.is_plain else [])
        offered += ["STARTTLS"] if not self._is_safe and not self.state.is_plain else []
        for word in ["mail.test", *offered[:-1]]:
            self._say(f"250-{word}")
        self._say(f"250 {offered[-1]}")

    def _secure(self) -> None:
        assert self.state.tls is not None
        self._say("220 go ahead")
        self.request = self.state.tls.wrap_socket(self.request, server_side=True)
        self.rfile = self.request.makefile("rb")
        self.wfile = self.request.makefile("wb", buffering=0)
        self._is_safe, self._has_greeted = True, False

    def _log_in(self, rest: str) -> None:
        if not self._is_safe and not self.state.is_plain:
            self._wrong("538 encryption required")
            return
        mechanism, _, given = rest.partition(" ")
        _, user, password = base64.b64decode(given).decode().split("\0")
        self.state.logins.append(user)
        self._is_known = mechanism == "PLAIN" and (user, password) == (USER, PASSWORD)
        self._say("235 welcome" if self._is_known else "535 wrong")

    def _begin(self, rest: str) -> None:
        if not self._has_greeted or not self._is_known:
            self._wrong("530 authentication required")
            return
        self._sender, self._to = rest, []
        self._say("452 the disk is full" if self.state.refuses else "250 ok")

    def _take(self) -> None:
        if not self._sender or not self._to:
            self._wrong("503 no sender or nobody to send it to")
            return
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline(2000)) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        letter = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        self.state.letters.append(letter)
        self._say("250 taken")

    def _wrong(self, answer: str) -> None:
        self.state.mistakes.append(answer)
        self._say(answer)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextlib.contextmanager
def open_smtp(certificate: tuple[Path, Path] | None, *, is_plain: bool = False) -> Iterator[SmtpServer]:
    """`certificate`: of `localhost`, and its key."""
    state = SmtpServer(is_plain=is_plain)
    if certificate is not None:
        state.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        state.tls.load_cert_chain(*certificate)
    talk = type("Talk", (_Talk,), {"state": state})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), talk) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
