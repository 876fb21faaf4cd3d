"""What `QUARTERDECK_DATABASE_URL` says, as people write it for libpq: the only place that reads it.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from quarterdeck.errors import SetupError

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_WORDS = {"true": "require", "1": "require", "on": "require", "false": "disable", "0": "disable", "off": "disable"}
_TAKEN = {
    "application_name", "dbname", "host", "passfile", "password", "port", "ssl_max_protocol_version",
    "ssl_min_protocol_version", "sslcert", "sslcrl", "sslkey", "sslmode", "sslpassword", "sslrootcert",
    "target_session_attrs", "user",
}  # fmt: skip
_CONNECT_TIMEOUT_S = 3.0


class PostgresUrl(NamedTuple):
    dsn: str  # as asyncpg takes it; with the password
    place: str  # host, port and database, for messages
    password: str  # to be kept out of the logs; empty when there is none
    connect_timeout_s: float


def parse_postgres_url(url: str) -> PostgresUrl:
    """Raises: `SetupError` naming what is wrong, never the password."""
    parts = _split(url)
    try:
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _refusal("what comes after the question mark is not of the form name=value") from None
    timeout_s = _timeout_s(options.pop("connect_timeout", ""))
    if (ssl := options.pop("ssl", None)) is not None:
        options.setdefault("sslmode", _SSL_WORDS.get(ssl, ssl))
    for name in options:
        if name not in _TAKEN:
            raise _refusal(f"the parameter {name} is not known")
    if (mode := options.get("sslmode", "prefer")) not in _SSL_MODES:
        raise _refusal(f"sslmode must be one of {', '.join(_SSL_MODES)}, not {mode}")
    if "," in parts.netloc + options.get("host", ""):  # of several servers, the one that takes writes
        options.setdefault("target_session_attrs", "read-write")
    dsn = parts._replace(scheme="postgresql", query=urlencode(options)).geturl()
    if parts.netloc == "" and not dsn.startswith("postgresql://"):  # a Unix socket: postgresql:///name?host=/folder
        dsn = dsn.replace("postgresql:", "postgresql://", 1)
    password = options.get("password") or unquote(parts.password or "")
    return PostgresUrl(dsn, _place(parts, options), password, timeout_s)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refusal("a bracket of its host is missing") from None
    if parts.scheme not in ("postgresql", "postgres") or "#" in url:
        raise _refusal("write postgresql://user:password@host/database, and %23 for # within a password")
    if parts.netloc.count("@") > 1:
        raise _refusal("write %40 for @ within a password")
    try:
        port = 1 if "," in parts.netloc else parts.port  # several hosts have a port each
    except ValueError:
        raise _refusal("its port is not a number (write %2F for / within a password)") from None
    if port == 0:
        raise _refusal("port 0 does not exist")
    return parts


def _timeout_s(text: str) -> float:
    """libpq's 0 means to wait for ever, which nobody should: it is the usual time here."""
    if text and not text.isdecimal():
        raise _refusal("connect_timeout must be a number of seconds")
    return float(text or 0) or _CONNECT_TIMEOUT_S


def _place(parts: SplitResult, options: dict[str, str]) -> str:
    hosts = parts.netloc.rpartition("@")[2] or options.get("host", "localhost")
    database = unquote(parts.path[1:]) or options.get("dbname", "")
    return f"{hosts}/{database}" if database else hosts


def _refusal(reason: str) -> SetupError:
    return SetupError(f"QUARTERDECK_DATABASE_URL is not usable: {reason}.")
