"""Mail: invitations and links for a new password, over the SMTP server that the settings name. Plain text."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger, register_secret
from quarterdeck.errors import QuarterdeckError, SetupError

logger = get_logger("quarterdeck.mail")

_TIMEOUT_S = 20.0
_MAX_WAITING = 200
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class MailError(QuarterdeckError):
    """The mail server did not take it."""

    code = "mail_failed"
    status = 502
    retryable = True


class Letter(Struct, frozen=True):
    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        return f"Letter({self.subject})"


class SmtpServer(Struct, frozen=True):
    """`is_wrapped`: TLS from the first byte (`smtps`). Without it, STARTTLS wherever that is offered."""

    host: str
    port: int
    user: str
    password: str
    is_wrapped: bool

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port})"


class Mailer:
    """Sends one letter at a time; `post` does not wait for it, so that nobody can tell whether there was one."""

    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail")
        self._posted: set[asyncio.Task[None]] = set()

    async def send(self, letter: Letter) -> None:
        """Raises: `MailError` with what to look at; the server's words are for the log."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._send, letter)
        except (smtplib.SMTPException, OSError, ValueError) as error:  # the last: what the protocol cannot carry
            detail = f"{type(error).__name__}: {error}"
            raise MailError("The mail could not be sent. The server's log says why.", detail=detail) from error

    def post(self, writing: Coroutine[Any, Any, Letter | None]) -> None:
        """`writing` gives the letter, or None when there is nothing to send after all."""
        if len(self._posted) >= _MAX_WAITING:
            writing.close()
            logger.warning("mail_dropped", reason="too many wait")
            return
        task = asyncio.create_task(self._post(writing))
        self._posted.add(task)
        task.add_done_callback(self._posted.discard)

    async def close(self) -> None:
        for task in list(self._posted):
            task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _post(self, writing: Coroutine[Any, Any, Letter | None]) -> None:
        try:
            if (letter := await writing) is not None:
                await self.send(letter)
        except QuarterdeckError as error:
            logger.error("mail_failed", reason=error.message, detail=error.detail)

    def _send(self, letter: Letter) -> None:
        server = self._server
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=context)
            if server.is_wrapped
            else smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
        ) as smtp:
            smtp.ehlo()
            if not server.is_wrapped and smtp.has_extn("starttls"):
                smtp.starttls(context=context)
                smtp.ehlo()
            elif not server.is_wrapped and server.host not in _LOOPBACK:
                raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and links are not sent in the clear")
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(self._message(letter))

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].rstrip(">") or "localhost")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def open_mailer(settings: Settings) -> Mailer | None:
    """None when no mail server is set. Raises: `SetupError` when something is missing beside it."""
    if not settings.smtp_url:
        return None
    if not settings.mail_from or not settings.public_url:
        raise SetupError(
            "To send mail, set QUARTERDECK_MAIL_FROM and QUARTERDECK_PUBLIC_URL beside QUARTERDECK_SMTP_URL."
        )
    return Mailer(read_smtp_url(settings.smtp_url), settings.mail_from)


def read_smtp_url(url: str) -> SmtpServer:
    """`smtp://user:password@host:587` or `smtps://…:465`.

    Raises: `SetupError`, which does not repeat it: it has a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _unusable() from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise _unusable()
    is_wrapped = parts.scheme == "smtps"
    password = unquote(parts.password or "")
    register_secret(password)
    return SmtpServer(
        parts.hostname, port or (465 if is_wrapped else 587), unquote(parts.username or ""), password, is_wrapped
    )


def _unusable() -> SetupError:
    return SetupError("QUARTERDECK_SMTP_URL is not usable. It looks like smtp://user:password@mail.example.org:587.")
