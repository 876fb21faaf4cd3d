"""Structured logs on standard error: JSON for machines, lines for a terminal; secrets redacted in both.

The standard library's logging underneath (ADR 0006): our lines and the libraries' come out in one form.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

_PATTERNS = re.compile(
    "|".join(
        (
            r"(qd_[ksg])[0-9a-z]{20,}",  # keys, sessions and guests of ours
            r"\b(sk-|sk_|gsk_|hf_|pplx-|AIza|xai-|gh[opsu]_|github_pat_|glpat-|xox[abp]-|ya29\.|GOCSPX-)[\w\-]{12,}",
            r"\b(eyJ)[\w\-]{10,}\.[\w\-]{4,}(?:\.[\w\-]*)*",  # JSON web tokens
            r"((?:bearer|basic)\s+)[\w\-.~+/]{8,}=*",
            r"((?:link=|x-api-key:?|[?&]key=)\s*)[\w\-.~+/]{12,}",
            r"(/(?:invite|reset|invitations|password-reset)/)[\w\-]{20,}",  # links that let somebody in
            r"([?&](?:code|state|token|access_token|id_token|client_secret|invitation|nonce)=)[^&\s\"']{6,}",
            r"(\b\w*(?:passwo?rd|passwd|passphrase|secret|_token)[\"']?\s*[:=]\s*[\"']?)(?![\"'\s])[^\s\"',;&})]{3,}",
            # smtp://, ldap://, postgresql://, redis://; not what our own sentences tell people to write
            r"(\b[a-z][a-z0-9+]*://(?!user:password@)[^\s/:@]*:)[^\s/@]+(?=@)",
            r"((?:set-)?cookie:\s*)[^\r\n]+",
        )
    ),
    re.IGNORECASE,
)
_MIN_SECRET_CHARS = 6
_SHORT_CHARS = 60
_QUIET = (
    "asyncio", "aiohttp.access", "alembic", "websockets", "filelock", "httpx2", "uvicorn.access", "uvicorn.error",
)  # fmt: skip
_secrets: set[str] = set()
_encode = json.JSONEncoder(ensure_ascii=False).encode


class Logger:
    """An event in a word, and its fields: `logger.info("turn_ended", turn=…, duration_ms=…)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, *, exc_info: BaseException | None = None, **fields: object) -> None:
        self._write(logging.WARNING, event, fields, exc_info)

    def error(self, event: str, *, exc_info: BaseException | None = None, **fields: object) -> None:
        self._write(logging.ERROR, event, fields, exc_info)

    def _write(self, level: int, event: str, fields: dict[str, object], exc_info: BaseException | None = None) -> None:
        logger = self._logger
        if logger.isEnabledFor(level):  # no line says where it was written, which takes longest to find out
            raised = None if exc_info is None else (type(exc_info), exc_info, exc_info.__traceback__)
            logger.handle(logger.makeRecord(logger.name, level, "", 0, event, (), raised, extra={"fields": fields}))


def get_logger(name: str) -> Logger:
    return Logger(name)


def register_secret(secret: str) -> None:
    """This very text never appears in a log line from now on."""
    if len(secret) >= _MIN_SECRET_CHARS:
        _secrets.add(secret)


def redact(text: str) -> str:
    """`text` without registered secrets and without anything that looks like a key."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, "[redacted]")
    # Most of what a line says are ids, which no pattern fits but one, and words that the lines before it said, too.
    if text.isascii() and text.isalnum() and text[:4].lower() != "aiza":
        return text
    return _without_keys_of_short(text) if len(text) <= _SHORT_CHARS else _without_keys(text)


def _without_keys(text: str) -> str:
    return _PATTERNS.sub(lambda found: f"{next(filter(None, found.groups()), '')}[redacted]", text)


_without_keys_of_short = lru_cache(maxsize=1024)(_without_keys)


def configure_logs(level: str, style: Literal["auto", "text", "json"]) -> None:
    """Once, at the start; the libraries' loggers come out in the same form, from warnings up."""
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # no line says it
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def event_fields(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says, redacted: timestamp, level, logger, event, its fields, and a traceback if any."""
    fields = {name: _plain(value) for name, value in getattr(record, "fields", {}).items() if value is not None}
    said = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": redact(record.getMessage()),
        **fields,
    }
    if record.exc_info:
        said["exception"] = redact(logging.Formatter().formatException(record.exc_info))
    return said


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _encode(event_fields(record))


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = event_fields(record)
        exception = said.pop("exception", "")
        head = f"{said.pop('timestamp')[11:23]} {said.pop('level'):<7} {said.pop('logger')}: {said.pop('event')}"
        fields = " ".join(f"{name}={_on_one_line(value)}" for name, value in said.items() if value != "")
        return "\n".join(filter(None, (f"{head}  {fields}".rstrip(), exception)))


def _on_one_line(value: object) -> str:
    """What somebody sent in must not look like a line of its own."""
    text = str(value)
    return text if text.isprintable() else repr(text)


def _plain(value: object) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {redact(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return redact(str(value))
